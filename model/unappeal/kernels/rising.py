"""`unappeal.context.Network.most_rise` by the library."""

import ctypes

import numpy as np

from unappeal.context import F32, I64, Network
from unappeal.kernels.structs import struct


def most_rise(library: ctypes.PyDLL, network: Network, before: F32, rows: I64, after: F32) -> F32:
    """Give what ``network.most_rise(before[:, rows], after)`` gives, for the label of column 0."""
    up, down = network.worth_of_change(len(before))
    index, rise = rows.astype(np.int32), np.empty(len(rows), dtype=np.float32)
    before, after, up, down = (np.ascontiguousarray(part, dtype=np.float32) for part in (before, after, up, down))
    library.most_rise(struct([len(before), before.shape[1], len(rows), before, index, after, up, down, rise]))
    return rise
