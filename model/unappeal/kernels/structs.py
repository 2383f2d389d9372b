"""NumPy arrays as the library takes them."""

import ctypes
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

CACHE_LINE_BYTES = 64

Member: TypeAlias = "npt.NDArray[Any] | Struct | int"


class Struct:
    """A struct of pointers and 64-bit numbers, to be given to a function of the library.

    It keeps the arrays that it points to; one that is not contiguous is copied, so results must be.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        self._kept = [np.ascontiguousarray(member) if isinstance(member, np.ndarray) else member for member in members]
        values = list(map(_value, self._kept))
        self._as_parameter_ = (ctypes.c_int64 * len(values))(*values)


def _value(member: Member) -> int:
    if isinstance(member, Struct):
        return ctypes.addressof(member._as_parameter_)  # the name is ctypes'
    return int(member.ctypes.data) if isinstance(member, np.ndarray) else member


def aligned(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Copy an array to where a line of the cache begins: a read across two of them costs twice."""
    room = np.empty(array.nbytes + CACHE_LINE_BYTES, dtype=np.uint8)
    begin = -room.ctypes.data % CACHE_LINE_BYTES
    copy = room[begin : begin + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def pointer(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    """Give an array's address; it must be kept, contiguous, by the caller."""
    return ctypes.c_void_p(array.ctypes.data)
