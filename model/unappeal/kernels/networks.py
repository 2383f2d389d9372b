"""The two networks by the library: what they make of each block, then of the documents."""

import ctypes
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from unappeal.context import (
    F32,
    FAR_BLOCKS,
    I64,
    MARKERS,
    SAID,
    Network,
    is_stop,
    n_context_columns,
    presence_rows,
)
from unappeal.evidence import Evidence
from unappeal.kernels.structs import Member, Struct, aligned
from unappeal.labels import APPEAL, BODY, RELATED

LANES, PANEL, STRIP, NEAR, GROUP, N_MARKERS = 16, 3, 7, 64, 16, 8
MAX_COLUMNS = 640
SCRATCH_ROWS = 11
"""As in kernels.c; the last is what it calls N_BESIDE + N_MASS + 1."""
KEPT_BYTES = 1 << 25
"""Working memory beyond this goes back to the system: no page has 20,000 blocks."""


def fits(reader: Network, judge: Network) -> bool:
    """Tell whether the library has room for networks that passed `check_networks`."""
    room = MAX_COLUMNS - LANES * (PANEL + STRIP)
    features_fit = len(SAID) <= GROUP and len(MARKERS) <= N_MARKERS
    return features_fit and len(reader.weights) < MAX_COLUMNS and len(reader.bias) + len(judge.bias) <= room


class Rule(NamedTuple):
    """What decides: `OperatingPoint.limits` of the blocks, the worth of an appeal, and the labels that go ``(3,)``."""

    limits: F32
    appeal_gain: float
    dropped: npt.NDArray[np.bool_]


class Rooms:
    """Working memory that is kept from batch to batch, for any number of threads.

    What is large the C library gives back to the system, which clears it again page by page: a tenth of the time.
    """

    def __init__(self) -> None:
        self._free: list[F32] = []

    @contextmanager
    def taken(self, n: int) -> Iterator[F32]:
        """Lend ``n`` numbers, with what was left in them."""
        try:
            room = self._free.pop()
        except IndexError:  # the first, or all are lent
            room = np.empty(0, dtype=np.float32)
        if len(room) < n:
            room = np.empty(n, dtype=np.float32)
        yield room[:n]
        if room.nbytes <= KEPT_BYTES:
            self._free.append(room)


@dataclass(frozen=True, slots=True)
class Networks:
    """Weights as the library takes them: hidden units lie together, with zeros up to whole vectors.

    ``own`` ``(n_own, width)`` with ``bias`` ``(width,)`` are the reader's units, then the judge's, for a block's own
    features; ``of_logits`` ``(3, n_judge)`` and ``of_context`` ``(n_context, n_judge)`` the judge's for the rest.
    ``reader_out`` ``(3, n_reader)``, ``judge_out`` ``(3, n_judge)`` and their biases give logits. ``slopes``
    ``(2, 2, n_context)`` are what the logit of `related`, then `appeal`, gains on `body` at most where a column of the
    context rises by one, then where it falls by one.
    """

    library: ctypes.PyDLL
    own: F32
    bias: F32
    of_logits: F32
    of_context: F32
    reader_out: F32
    reader_out_bias: F32
    judge_out: F32
    judge_out_bias: F32
    slopes: F32
    rooms: Rooms

    @classmethod
    def of(cls, library: ctypes.PyDLL, reader: Network, judge: Network) -> "Networks":
        """Lay the weights out."""
        n_own = len(reader.weights)
        judge_width = _rounded(len(judge.bias), LANES * PANEL)
        reader_width = _rounded(len(reader.bias) + judge_width, LANES * STRIP) - judge_width
        of_judge = _padded(judge.weights, judge_width)
        return cls(
            library,
            aligned(np.concatenate((_padded(reader.weights, reader_width), of_judge[3 : 3 + n_own]), axis=1)),
            np.concatenate((_padded(reader.bias, reader_width), _padded(judge.bias, judge_width))),
            of_judge[:3],
            aligned(of_judge[3 + n_own :]),
            _padded(reader.out.T, reader_width),
            np.ascontiguousarray(reader.out_bias, dtype=np.float32),
            _padded(judge.out.T, judge_width),
            np.ascontiguousarray(judge.out_bias, dtype=np.float32),
            _slopes(judge.weights[3 + n_own :], judge.out),
            Rooms(),
        )

    def read(self, evidence: Evidence) -> tuple[F32, F32, F32]:
        """Give the first two features of each block ``(n, 2)``, the reader's logits ``(n, 3)``, and what both begin in
        the judge ``(n, n_judge)``.
        """
        begun = np.empty((len(evidence), self.judge_out.shape[1]), dtype=np.float32)
        reading, words, logits = self._reading(evidence, begun)
        self.library.read_blocks(reading)
        return words, logits, begun

    def _reading(self, evidence: Evidence, begun: F32) -> tuple[Struct, F32, F32]:
        """Give `Reading` in kernels.c, and its first_two and logits, which come to hold the results."""
        n, n_reader, n_judge = len(evidence), self.reader_out.shape[1], self.judge_out.shape[1]
        words, logits = (np.empty((n, size), dtype=np.float32) for size in (2, 3))
        reading: list[Member] = [
            n, evidence.cues.shape[1], evidence.sums, evidence.words, evidence.known, evidence.cues,
            evidence.cue_sums, evidence.cue_words, evidence.shape, evidence.titled, evidence.first_edge,
            evidence.last_edge, evidence.chars, presence_rows(),
            self.own, self.bias, self.of_logits, self.reader_out, self.reader_out_bias, n_reader, n_judge,
            words, logits, begun,
        ]  # fmt: skip
        return Struct(reading), words, logits

    def settled(
        self, evidence: Evidence, first: I64, rows: I64, concepts: tuple[str, ...], rule: Rule
    ) -> tuple[F32, npt.NDArray[np.int8]]:
        """Read and judge some ``rows``, ``first`` bounds what of them is judged together; drop until nothing more goes.

        Gives the probabilities ``(n_rows, 3)`` before anything goes, and the labels that `unappeal.settle` gives.
        """
        labels = np.zeros(len(rows), dtype=np.int8)
        gain = np.array([rule.appeal_gain], dtype=np.float32)
        some = first[:-1] < first[1:]
        most_read = int((rows[first[1:][some] - 1] - rows[first[:-1][some]]).max(initial=-1)) + 1
        with self.rooms.taken(most_read * self.judge_out.shape[1]) as begun:
            reading, words, logits = self._reading(evidence, begun)
            settling: list[Member] = [reading, rule.limits, gain, self.slopes, rule.dropped.view(np.uint8), labels]
            return self.judged(evidence, first, rows, (words, logits, begun), concepts, settling), labels

    def judged(
        self,
        evidence: Evidence,
        first: I64,
        rows: I64,
        read: tuple[F32, F32, F32],
        concepts: tuple[str, ...],
        settling: Sequence[Member] = (0, 0, 0, 0, 0, 0),
    ) -> F32:
        """Give the probabilities of some ``rows``, shape ``(n_rows, 3)``, as documents that have no other blocks.

        ``first`` bounds the documents among the rows; ``read`` is what `read` gives for all of the evidence;
        ``settling`` is what `Context` in kernels.c ends with.
        """
        words, logits, begun = read
        n_columns, stride = n_context_columns(), int(np.diff(first).max(initial=0))
        n_tiles = max(-(-stride // NEAR), 1)
        tile, tiles = NEAR * n_columns, n_tiles * NEAR * n_columns
        sizes = tile, tiles, tiles, GROUP * stride, SCRATCH_ROWS * stride
        telling, said = _telling(concepts), np.array([concepts.index(name) for name in SAID], dtype=np.int64)
        places = np.arange(1, stride + 2, dtype=np.float32)
        scores = np.empty((len(rows), 3), dtype=np.float32)
        with self.rooms.taken(sum(sizes)) as room:
            near, columns, columns_left, group, scratch = np.split(room, np.cumsum(sizes[:-1]))
            for begin in (near, columns[:tile], columns_left[:tile]):
                begin[:] = 0
            members: list[Member] = [
                first, len(first) - 1, rows, evidence.chars,
                evidence.first_edge, evidence.last_edge, evidence.lead, evidence.key,
                evidence.cues, evidence.cues.shape[1], evidence.term_first, evidence.term_hash,
                words, logits, is_stop(),
                telling, telling.shape[1], len(MARKERS), said, len(said), evidence.words,
                scratch, *(np.empty(stride, dtype=np.uint8) for _ in range(2)),
                *(np.empty(n, dtype=np.int64) for n in (stride, stride, n_tiles)),
                *(np.empty((n_tiles, N_MARKERS), dtype=np.int32) for _ in range(2)),
                *(np.empty(stride, dtype=np.int32) for _ in range(3)),
                *(np.empty((stride, n), dtype=np.float32) for n in (1, 3, 3)),
                np.empty(4 * stride + 2, dtype=np.uint64), np.empty(4 * stride + 2, dtype=np.int32),
                *(np.append(np.float32(0), f) for f in (np.log2(places), np.exp(places / -FAR_BLOCKS), 1 / places)),
                stride, columns, columns_left, near, group, n_columns,
                self.of_context, begun, self.judge_out, self.judge_out_bias, self.judge_out.shape[1],
                scores, *settling,
            ]  # fmt: skip
            self.library.judge(Struct(members))
        return scores


@cache
def _telling(concepts: tuple[str, ...]) -> I64:
    """Give the concepts of `MARKERS`, and for each the bits of those it belongs to: ``(2, n_telling)``."""
    bits: Counter[int] = Counter()
    for place, names in enumerate(MARKERS.values()):
        bits.update({concepts.index(name): 1 << place for name in names})
    return np.array([list(bits.keys()), list(bits.values())], dtype=np.int64)


def _slopes(weights: F32, out: F32) -> F32:
    gained = weights[None] * (out[:, [RELATED, APPEAL]] - out[:, [BODY]]).T[:, None]  # (2, n_context, n_judge)
    by_sign = np.stack((np.maximum(gained, 0).sum(axis=2), np.maximum(-gained, 0).sum(axis=2)), axis=1)
    return np.ascontiguousarray(by_sign, dtype=np.float32)


def _rounded(n: int, to: int) -> int:
    return -(-n // to) * to


def _padded(array: F32, width: int) -> F32:
    """Add zeros to the last axis, up to a width."""
    room = [(0, 0)] * (array.ndim - 1) + [(0, width - array.shape[-1])]
    return np.ascontiguousarray(np.pad(array, room), dtype=np.float32)
