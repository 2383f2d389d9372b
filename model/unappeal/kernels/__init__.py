"""The dearest loops as machine code, where it is there: `kernels.c`, compiled when the package is built.

Nobody needs a compiler: wheels carry the library, building from source takes what compiler it finds, and without one
(or with ``UNAPPEAL_PURE=1``) NumPy does the same work, three times slower. Results are the same.
"""

import ctypes
import os
from functools import cache
from pathlib import Path

LIBRARY = Path(__file__).with_name("kernels.lib")
"""One name on all systems: the file is in the package or not."""

ABI = 13
"""Number of the functions' signatures; a library left over from another release is not used."""


@cache
def library() -> ctypes.PyDLL | None:
    """Load the library; None where there is none that fits.

    Its functions write to what they are given alone, but for the memo of words: see `Extractor`.
    """
    if os.environ.get("UNAPPEAL_PURE") == "1" or not LIBRARY.exists():
        return None
    try:
        loaded = ctypes.PyDLL(str(LIBRARY))
        fits = bool(loaded.abi() == ABI)
        loaded.lines.restype = loaded.extract.restype = ctypes.c_int64
    except (OSError, AttributeError):  # of another system, or damaged
        return None
    return loaded if fits else None
