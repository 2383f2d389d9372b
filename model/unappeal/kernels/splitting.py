"""Lines of a buffer by the library: see `unappeal.blocks`."""

import ctypes

import numpy as np
import numpy.typing as npt

from unappeal.kernels.structs import pointer


def lines(
    library: ctypes.PyDLL, units: npt.NDArray[np.uint16], kind: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Give starts and ends of the lines that are not blank, trimmed.

    ``kind`` ``(65536,)`` is 1 for white space, 2 for a line break.
    """
    room = len(units) // 2 + 2  # a line has a character and a break, and one more may be tried in vain
    start, end = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int64)
    found = int(library.lines(pointer(units), ctypes.c_int64(len(units)), pointer(kind), pointer(start), pointer(end)))
    return start[:found].copy(), end[:found].copy()
