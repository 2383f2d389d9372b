"""`unappeal.evidence.extract` by the library."""

import ctypes
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch
from unappeal.evidence import (
    CUE_PLACE_BITS,
    EDGES,
    HEAD_CHARS,
    LANGUAGE_SHIFT,
    MAY_BE_CUE_BITS,
    SILENT_CONCEPT,
    TAIL_CHARS,
    Evidence,
    EvidenceWeights,
    powers,
    seeds,
)
from unappeal.kernels.structs import Member, Struct, aligned, pointer

MEMO_BITS = 18
WINDOW_UNITS = HEAD_CHARS + TAIL_CHARS + 2
RECORD = np.dtype([("hash", np.uint64), ("sums", np.int32, 4), ("concepts", np.uint32), ("known", np.uint32)])


@dataclass(frozen=True, slots=True)
class Extractor:
    """Weights as the library takes them, with a memo of the words met last; threads take turns."""

    library: ctypes.PyDLL
    weights: EvidenceWeights
    model: Struct
    turn: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, library: ctypes.PyDLL, weights: EvidenceWeights) -> "Extractor":
        """Lay out what does not change from batch to batch, as `Model` in kernels.c."""
        _check(weights)
        tables, concepts = weights.tables, weights.concepts
        power, inverse = powers(WINDOW_UNITS + 1)
        cues, places = weights.cues, np.arange((1 << CUE_PLACE_BITS) + 1, dtype=np.uint64)
        cue_first = np.searchsorted(cues.keys >> np.uint64(32), places).astype(np.int32)
        silent = concepts.index(SILENT_CONCEPT) if SILENT_CONCEPT in concepts else -1
        model: list[Member] = [
            tables.packed, tables.spaceless, tables.edge, tables.counters.T,
            weights.slots, len(weights.slots).bit_length() - 1,
            cues.keys.astype(np.uint32), cues.first, cues.entries, cue_first,
            np.packbits(cues.may_be, bitorder="little"), MAY_BE_CUE_BITS,
            weights.cue_worth, len(concepts), silent, power, inverse[: WINDOW_UNITS + 1], seeds(),
            aligned(np.zeros(1 << MEMO_BITS, dtype=RECORD)), MEMO_BITS,
        ]  # fmt: skip
        return cls(library, weights, Struct(model))

    def extract(self, batch: Batch) -> Evidence:
        """Compute the evidence of every block of a batch."""
        n = batch.n_blocks
        start, end, units = map(np.ascontiguousarray, (batch.start, batch.end, batch.units))
        n_terms = int(np.minimum(end - start, WINDOW_UNITS).sum()) + 1  # at most: spaceless scripts have one a unit
        sums, words, known = (np.empty(shape, dtype=np.int64) for shape in ((n, 4), n, n))
        cues = np.zeros((n, len(self.weights.concepts)), dtype=np.int16)
        cue_sums, cue_words = np.empty((n, 2), dtype=np.int64), np.empty(n, dtype=np.int64)
        shape, titled = np.empty((n, 14), dtype=np.int16), np.empty(n, dtype=np.int64)
        first_edge, last_edge = np.empty(n, dtype=np.uint8), np.empty(n, dtype=np.uint8)
        key, lead = np.empty(n, dtype=np.uint64), np.empty(n, dtype=np.uint64)
        term_hash, term_first = np.empty(n_terms, dtype=np.uint64), np.empty(n + 1, dtype=np.int64)
        results: list[Member] = [
            sums, words, known, cues, cue_sums, cue_words, shape, titled, first_edge, last_edge, key, lead,
            term_hash, term_first,
        ]  # fmt: skip
        first, votes = np.ascontiguousarray(batch.first), np.empty(len(self.weights.cues.languages), dtype=np.int64)
        of_document = np.empty(len(first) - 1, dtype=np.uint8)
        asked = pointer(first), ctypes.c_int64(len(of_document)), pointer(votes), ctypes.c_int64(len(votes))
        with self.turn:
            self.library.languages(self.model, *map(pointer, (units, start, end)), *asked, pointer(of_document))
            language = np.repeat(of_document, np.diff(first))
            read = map(pointer, (units, start, end, language))
            found = self.library.extract(self.model, *read, ctypes.c_int64(n), Struct(results))
        return Evidence(
            sums, words, known, cues, cue_sums, cue_words, shape, titled, first_edge, last_edge, end - start,
            key, lead, term_hash[:found], term_first,
        )  # fmt: skip


def _check(weights: EvidenceWeights) -> None:
    """Raise ValueError where a number would lead the library beyond an array: it does not look for itself."""
    tables, n_concepts = weights.tables, len(weights.concepts)
    by_unit = tables.fold, tables.spaceless, tables.edge, *tables.shape
    cues, slot_cues = weights.cues, weights.slots[:, 3]
    arrays: list[npt.NDArray[Any]] = [
        tables.fold, tables.spaceless, tables.edge, tables.shape, weights.slots, cues.keys, cues.first, cues.entries
    ]  # fmt: skip
    kinds = (np.uint16, np.bool_, np.uint8, np.uint64, np.int16, np.uint64, np.int32, np.uint8)
    sound = (
        all(array.dtype == kind for array, kind in zip(arrays, kinds, strict=True))
        and weights.slots.shape[1:] == (4,)
        and all(len(table) == 1 << 16 for table in by_unit)
        and tables.edge.max(initial=0) < len(EDGES)
        and len(weights.slots).bit_count() == 1
        and (slot_cues & ((1 << LANGUAGE_SHIFT) - 1)).max() <= n_concepts < 1 << LANGUAGE_SHIFT
        and len(cues.first) == len(cues.keys) + 1
        and 0 == cues.first[0] <= cues.first[-1] == len(cues.entries)
        and bool((np.diff(cues.first) >= 0).all())
        and cues.entries.shape[1:] == (3,)
        and cues.entries[:, 1:].max(initial=0) <= n_concepts
    )
    if not sound:
        raise ValueError("the weights of words do not fit their tables")
