"""Drop blocks, ask again about what is left, until nothing more goes.

What a block's neighbours are depends on what was dropped; asking until the answer stands makes filtering a
filtered text change nothing. Long documents are judged in segments (see `unappeal.context.segment_bounds`), which
become one where the block between them goes: this one is asked too.
"""

from collections.abc import Sequence
from copy import copy

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch
from unappeal.classifier import ParagraphClassifier
from unappeal.context import F32, I64, segment_bounds
from unappeal.evidence import Evidence

Bools = npt.NDArray[np.bool_]


class Segments:
    """What of a batch is judged together: mostly whole documents.

    ``of_block`` ``(n_blocks,)`` numbers every block's segment, in order. Without blocks that were dropped segments
    become fewer, never more.
    """

    def __init__(self, batch: Batch, evidence: Evidence) -> None:
        self._evidence = evidence
        self._first = batch.first
        bounds = segment_bounds(evidence.key, evidence.chars, batch.first)
        self.of_block = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        self._may_change = len(bounds) != len(batch.first)

    def of_any(self, blocks: Bools) -> Bools:
        """Tell which segments have one of some blocks, shape ``(n_segments,)``."""
        has = np.zeros(int(self.of_block.max(initial=-1)) + 1, dtype=bool)
        has[self.of_block[blocks]] = True
        return has

    def bounds(self, rows: I64) -> I64:
        """Give the bounds of the segments that some ``rows`` belong to, among these rows."""
        return np.append(np.flatnonzero(np.diff(self.of_block[rows], prepend=-1)), len(rows))

    def merge(self, removed: Bools) -> Bools:
        """Put together what is judged together once some blocks are gone; tell which blocks' segments are new.

        A segment is known by the number of its first one.
        """
        if not self._may_change:
            return np.zeros(len(removed), dtype=bool)
        left = np.flatnonzero(~removed)
        evidence, old = self._evidence, self.of_block
        bounds = segment_bounds(evidence.key[left], evidence.chars[left], np.searchsorted(left, self._first))
        begin, end = bounds[:-1][bounds[:-1] < bounds[1:]], bounds[1:][bounds[:-1] < bounds[1:]]
        number = np.arange(int(old.max(initial=-1)) + 1)
        number[old[left]] = np.repeat(old[left[begin]], end - begin)
        merged = self.of_any(~removed) & (number != np.arange(len(number)))
        self.of_block = number[old]
        return np.isin(self.of_block, number[merged])


class Judge:
    """Gives the probabilities of what is left of a batch's documents.

    Each segment's last answer is kept, so that asking at several body losses, where most documents lose the same
    blocks, costs little more than asking at one. ``first_scores`` ``(n_blocks, 3)`` are those of the whole documents.
    """

    def __init__(self, classifier: ParagraphClassifier, batch: Batch, evidence: Evidence | None = None) -> None:
        self.classifier = classifier
        self.evidence = classifier.evidence(batch) if evidence is None else evidence
        self.document = batch.document_of_block()
        self.reading = classifier.read(self.evidence)
        self.first_scores = classifier.judged_as_read(self.reading, batch.first)
        self._removed = np.zeros(len(self.document), dtype=bool)
        self.segments = Segments(batch, self.evidence)
        self._asked_in = self.segments.of_block.copy()
        self._scores = self.first_scores.copy()

    def ask(self, removed: Bools, segments: Segments, blocks: Bools) -> npt.NDArray[np.float32]:
        """Give scores, shape ``(n_blocks, 3)``, that hold for what is left of the segments of some ``blocks``."""
        differs = segments.of_any((removed != self._removed) | (segments.of_block != self._asked_in))
        concerned = (segments.of_any(blocks) & differs)[segments.of_block]
        left = concerned & ~removed
        self._scores[left] = self.classifier.judged_as_read(self.reading, segments.bounds(np.flatnonzero(left)), left)
        self._removed[concerned] = removed[concerned]
        self._asked_in[concerned] = segments.of_block[concerned]
        return self._scores


def judged_and_settled(
    classifier: ParagraphClassifier, batch: Batch, max_body_loss: float | None, dropped: Bools
) -> tuple[F32, npt.NDArray[np.int8]]:
    """Give the first scores of a batch's blocks ``(n_blocks, 3)`` and what `settle` makes of them."""
    evidence = classifier.evidence(batch)
    segments, rows = Segments(batch, evidence), np.arange(len(evidence))
    found = classifier.settled(evidence, segments.bounds(rows), rows, max_body_loss, dropped)
    if found is None:
        judge = Judge(classifier, batch, evidence)
        return judge.first_scores, settle(judge, max_body_loss, dropped)
    scores, labels = found
    while (merged := segments.merge(dropped[labels])).any():
        rows = np.flatnonzero(merged & ~dropped[labels])
        found = classifier.settled(evidence, segments.bounds(rows), rows, max_body_loss, dropped)
        assert found is not None
        labels[rows] = np.where(dropped[found[1]], found[1], labels[rows])
    return scores, labels


def settle(judge: Judge, max_body_loss: float | None, dropped: Bools) -> npt.NDArray[np.int8]:
    """Give every block's label, shape ``(n_blocks,)``; those whose label is ``dropped`` ``(3,)`` go."""
    point, chars = judge.classifier.operating_point_, judge.evidence.chars
    segments = copy(judge.segments)
    labels = point.decide(judge.first_scores, chars, max_body_loss)
    removed = fresh = dropped[labels]
    while fresh.any() or (fresh := segments.merge(removed)).any():
        again = point.decide(judge.ask(removed, segments, fresh), chars, max_body_loss)
        fresh = dropped[again] & ~removed & segments.of_any(fresh)[segments.of_block]
        labels[fresh] = again[fresh]
        removed = removed | fresh
    return labels


def settle_levels(judge: Judge, levels: Sequence[float], dropped: Bools) -> npt.NDArray[np.int8]:
    """Give every block's label at every level of body loss, shape ``(n_levels, n_blocks)``."""
    labels = [settle(judge, level, dropped) for level in levels]
    return np.stack(labels) if labels else np.zeros((0, len(judge.document)), dtype=np.int8)
