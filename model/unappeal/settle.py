"""Drop blocks, ask again about what is left, until nothing more goes.

What a block's neighbours are depends on what was dropped; asking until the answer stands makes filtering a
filtered text change nothing. A long document is asked in parts, first where something has just gone: what goes in one
place changes little far away, and in a hundred pages together something goes somewhere again and again.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch
from unappeal.classifier import ParagraphClassifier
from unappeal.context import F32, PART_BLOCKS
from unappeal.evidence import Evidence

Bools = npt.NDArray[np.bool_]


class Judge:
    """Gives the probabilities of what is left of a batch's documents.

    Each document's last answer is kept, so that asking at several body losses, where most documents lose the same
    blocks, costs little more than asking at one. ``first_scores`` ``(n_blocks, 3)`` are those of the whole documents.
    """

    def __init__(self, classifier: ParagraphClassifier, batch: Batch, evidence: Evidence | None = None) -> None:
        self.classifier = classifier
        self.evidence = classifier.evidence(batch) if evidence is None else evidence
        self.document = batch.document_of_block()
        self.n_documents = len(batch.texts)
        parts = -(-np.diff(batch.first) // PART_BLOCKS)
        in_document = np.arange(len(self.document)) - batch.first[self.document]
        self.part = (np.cumsum(parts) - parts)[self.document] + in_document // PART_BLOCKS
        self.document_of_part = np.repeat(np.arange(self.n_documents), parts)
        self.reading = classifier.read(self.evidence)
        self.first_scores = classifier.judged_as_read(self.reading, batch.first)
        self._removed = np.zeros(len(self.document), dtype=bool)
        self._scores = self.first_scores.copy()

    def ask(self, removed: Bools, documents: Bools) -> npt.NDArray[np.float32]:
        """Give scores, shape ``(n_blocks, 3)``, that hold for the blocks left in some ``documents`` ``(n_docs,)``."""
        differs = self.of_any(removed != self._removed) & documents
        concerned = differs[self.document]
        left = concerned & ~removed
        n_left = np.bincount(self.document[left], minlength=self.n_documents)[differs]
        first = np.concatenate(([0], np.cumsum(n_left)))
        self._scores[left] = self.classifier.judged_as_read(self.reading, first, left)
        self._removed[concerned] = removed[concerned]
        return self._scores

    def of_any(self, blocks: Bools) -> Bools:
        """Tell which documents have one of some blocks, shape ``(n_docs,)``."""
        return _has_any(self.document[blocks], self.n_documents)

    def parts_of_any(self, blocks: Bools) -> Bools:
        """Tell which parts have one of some blocks, shape ``(n_parts,)``."""
        return _has_any(self.part[blocks], len(self.document_of_part))


def _has_any(found: npt.NDArray[np.int64], n: int) -> Bools:
    has = np.zeros(n, dtype=bool)
    has[found] = True
    return has


def judged_and_settled(
    classifier: ParagraphClassifier, batch: Batch, max_body_loss: float | None, dropped: Bools
) -> tuple[F32, npt.NDArray[np.int8]]:
    """Give the first scores of a batch's blocks ``(n_blocks, 3)`` and what `settle` makes of them."""
    evidence = classifier.evidence(batch)
    found = classifier.settled(evidence, batch.first, max_body_loss, dropped)
    if found is not None:
        return found
    judge = Judge(classifier, batch, evidence)
    return judge.first_scores, settle(judge, max_body_loss, dropped)


def settle(judge: Judge, max_body_loss: float | None, dropped: Bools) -> npt.NDArray[np.int8]:
    """Give every block's label, shape ``(n_blocks,)``; those whose label is ``dropped`` ``(3,)`` go."""
    point, chars = judge.classifier.operating_point_, judge.evidence.chars
    labels = point.decide(judge.first_scores, chars, max_body_loss)
    removed = fresh = dropped[labels]
    outdated = np.zeros(len(judge.document_of_part), dtype=bool)  # parts not asked since something went
    while True:
        documents = judge.of_any(fresh)
        lost = documents[judge.document_of_part]
        outdated |= lost
        asked = np.where(lost, judge.parts_of_any(fresh), outdated)
        if not asked.any():
            return labels
        outdated &= ~asked
        concerned = _has_any(judge.document_of_part[asked], judge.n_documents)
        again = point.decide(judge.ask(removed, concerned), chars, max_body_loss)
        fresh = dropped[again] & ~removed & asked[judge.part]
        labels[fresh] = again[fresh]
        removed = removed | fresh


def settle_levels(judge: Judge, levels: Sequence[float], dropped: Bools) -> npt.NDArray[np.int8]:
    """Give every block's label at every level of body loss, shape ``(n_levels, n_blocks)``."""
    labels = [settle(judge, level, dropped) for level in levels]
    return np.stack(labels) if labels else np.zeros((0, len(judge.document)), dtype=np.int8)
