"""NumPy arrays as the library takes them."""

import ctypes
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

CACHE_LINE_BYTES = 64

Member: TypeAlias = npt.NDArray[Any] | int


def struct(members: Iterable[Member]) -> "ctypes.Array[ctypes.c_int64]":
    """Lay out a struct of pointers and 64-bit numbers; the arrays must be kept, contiguous, by the caller."""
    values = [member.ctypes.data if isinstance(member, np.ndarray) else member for member in members]
    return (ctypes.c_int64 * len(values))(*values)


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
