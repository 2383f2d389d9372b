"""`unappeal.context.context_columns` by the library."""

import ctypes

import numpy as np

from unappeal.context import F32, FAR_BLOCKS, I64, MARKERS, TOPICS, is_stop, n_context_columns
from unappeal.evidence import Evidence
from unappeal.kernels.structs import struct

SCRATCH_ROWS = 12


def context_columns(
    library: ctypes.PyDLL, evidence: Evidence, first: I64, words: F32, reader: F32, concepts: tuple[str, ...]
) -> F32:
    """Give what `unappeal.context.context_columns` gives; the library goes from document to document."""
    n = len(evidence)
    largest = int(np.diff(first).max(initial=0))
    out = np.empty((n_context_columns(), n), dtype=np.float32)
    kinds = (*MARKERS.values(), *TOPICS.values())
    groups = [number for names in kinds for number in (len(names), *map(concepts.index, names))]
    places = np.arange(largest + 2, dtype=np.float32)
    arguments = [
        first, len(first) - 1, n, evidence.chars,
        evidence.first_edge, evidence.last_edge, evidence.lead, evidence.key, evidence.cues.T,
        np.searchsorted(evidence.term_block, np.arange(n + 1)), evidence.term_hash, words, reader, is_stop(),
        np.array(groups, dtype=np.int64), len(MARKERS), len(TOPICS),
        np.empty((SCRATCH_ROWS, largest), dtype=np.float32), np.empty((2, largest), dtype=np.uint8),
        np.empty(4 * largest + 2, dtype=np.uint64), np.empty(4 * largest + 2, dtype=np.int32),
        np.log2(np.maximum(places, 1)), np.exp(places / np.float32(-FAR_BLOCKS)), out,
    ]  # fmt: skip
    kept = [np.ascontiguousarray(a) if isinstance(a, np.ndarray) else a for a in arguments]
    kept[-1] = out
    library.context(struct(kept), ctypes.c_int64(largest))
    return out
