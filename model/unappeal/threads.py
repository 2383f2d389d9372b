"""How many threads NumPy takes; to be said before it is loaded."""

import os


def use_one_thread() -> None:
    """Keep NumPy's matrix products to one thread; has an effect only before NumPy is loaded.

    Products this small gain nothing from more, and threads that wait for each other burn the cores of other workers.
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(variable, "1")
