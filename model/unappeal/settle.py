"""Drop blocks, ask again about what is left, until nothing more goes.

What a block's neighbours are depends on what was dropped; asking until the answer stands makes filtering a
filtered text change nothing.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch
from unappeal.classifier import ParagraphClassifier
from unappeal.context import F32, softmax
from unappeal.kernels import library, rising

Bools = npt.NDArray[np.bool_]

SURELY_BODY = (1.0, 0.0, 0.0)
"""Scores of a block that was not asked about because it cannot be dropped."""

SLACK = 0.05
"""Added to the margin that a block may reach: more than rounding, and the smallest probabilities, can hide."""

LOWEST_THRESHOLD = -10.0
"""Below, margins are cut off by the smallest probability that counts, and bounds say nothing."""


class Judge:
    """Gives the probabilities of what is left of a batch's documents.

    Each document's last answer is kept, so that asking at several body losses, where most documents lose the same
    blocks, costs little more than asking at one. ``first_scores`` ``(n_blocks, 3)`` are those of the whole documents.
    """

    def __init__(self, classifier: ParagraphClassifier, batch: Batch) -> None:
        self.classifier = classifier
        self.evidence = classifier.evidence(batch)
        self.document = batch.document_of_block()
        self.n_documents = len(batch.texts)
        self.reading = classifier.read(self.evidence)
        self.first_columns = classifier.context(self.reading, batch.first)
        self.first_scores = softmax(classifier.judge_.ended(self.first_columns, self.reading.begun))
        self._removed = np.zeros(len(self.document), dtype=bool)
        self._scores = self.first_scores.copy()

    def ask(self, removed: Bools, documents: Bools, threshold: float = -np.inf) -> npt.NDArray[np.float32]:
        """Give scores, shape ``(n_blocks, 3)``, that hold for the blocks left in some ``documents`` ``(n_docs,)``.

        Blocks that cannot come above a ``threshold`` of the operating point, whatever has changed around them, get
        scores of `SURELY_BODY`; then, another threshold must not be asked for later.
        """
        differs = self.of_any(removed != self._removed) & documents
        concerned = differs[self.document]
        remains = concerned & ~removed
        left = np.flatnonzero(remains)
        if len(left):
            n_left = np.bincount(self.document.take(left), minlength=self.n_documents)[differs]
            first = np.concatenate(([0], np.cumsum(n_left)))
            columns = self.classifier.context(self.reading, first, remains)
            self._scores[left] = SURELY_BODY
            if threshold > LOWEST_THRESHOLD:
                scores, chars = self.first_scores.take(left, axis=0), self.evidence.chars.take(left)
                margin = self.classifier.operating_point_.margin(scores, chars)
                rise = self._most_rise(left, columns)
                may_pass = np.flatnonzero(margin + rise > threshold - SLACK)
                left, columns = left.take(may_pass), columns.take(may_pass, axis=1)
            self._scores[left] = softmax(self.classifier.judge_.ended(columns, self.reading.begun.take(left, axis=0)))
        self._removed[concerned] = removed[concerned]
        return self._scores

    def _most_rise(self, left: npt.NDArray[np.int64], columns: F32) -> F32:
        """Give by how much the log-odds of some blocks can have risen since the first question, shape ``(n,)``."""
        network, loaded = self.classifier.judge_, library()
        if loaded is None:
            return network.most_rise(self.first_columns.take(left, axis=1), columns)
        return rising.most_rise(loaded, network, self.first_columns, left, columns)

    def of_any(self, blocks: Bools) -> Bools:
        """Tell which documents have one of some blocks, shape ``(n_docs,)``."""
        found = np.zeros(self.n_documents, dtype=bool)
        found[self.document[blocks]] = True
        return found


def settle(judge: Judge, max_body_loss: float | None, dropped: Bools, only: bool = True) -> npt.NDArray[np.int8]:
    """Give every block's label, shape ``(n_blocks,)``; those whose label is ``dropped`` ``(3,)`` go.

    ``only`` says that the judge is asked at this body loss alone, so that it need not look at what cannot be dropped.
    """
    point, chars = judge.classifier.operating_point_, judge.evidence.chars
    labels = point.decide(judge.first_scores, chars, max_body_loss)
    removed = fresh = dropped[labels]
    threshold = point.threshold(max_body_loss) if only else -np.inf
    while fresh.any():
        documents = judge.of_any(fresh)
        again = point.decide(judge.ask(removed, documents, threshold), chars, max_body_loss)
        fresh = dropped[again] & ~removed & documents[judge.document]
        labels[fresh] = again[fresh]
        removed = removed | fresh
    return labels


def settle_levels(judge: Judge, levels: Sequence[float], dropped: Bools) -> npt.NDArray[np.int8]:
    """Give every block's label at every level of body loss, shape ``(n_levels, n_blocks)``."""
    labels = [settle(judge, level, dropped, only=False) for level in levels]
    return np.stack(labels) if labels else np.zeros((0, len(judge.document)), dtype=np.int8)
