"""The classifier: evidence, then context, for batches of documents.

A fitted classifier is a few arrays; classifying needs NumPy only. Fitting imports unappeal_training, and with it
scikit-learn, when it is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch, BlockMode, Document, split_batch
from unappeal.context import (
    F32,
    Network,
    agreed,
    block_columns,
    check_networks,
    context_columns,
    segment_bounds,
    softmax,
)
from unappeal.estimator import EstimatorMixin
from unappeal.evidence import Evidence, EvidenceWeights, WordMemo, extract
from unappeal.kernels import library
from unappeal.kernels.extracting import Extractor
from unappeal.kernels.networks import Networks, Rule, fits
from unappeal.labels import LABELS
from unappeal.operating_point import OperatingPoint


class Reading(NamedTuple):
    """What is known of each block before its neighbours are asked; every array has one row a block.

    ``words`` are the first two features of the block, ``logits`` the reader's, ``begun`` what all of the block's own
    features come to in the judge's hidden units.
    """

    evidence: Evidence
    words: F32
    logits: F32
    begun: F32


class ParagraphClassifier(EstimatorMixin):
    """Labels the blocks of documents `body`, `appeal` or `related`; follows scikit-learn's conventions.

    Parameters
    ----------
    base
        ``"default"``: fit together with the project's own labelled data where it is at hand; ``"none"``: on what
        `fit` is given alone; or a folder of documents as in data/authored.
    seed
        Seed of everything random in fitting; the same data and seed give the same arrays.
    n_jobs
        Threads used by fitting.
    settings
        Settings of the fit to change, by the names of `unappeal_training.fit.FitSettings`, or None.

    Attributes
    ----------
    classes_
        The labels, in the order of the columns of `predict_proba`.
    evidence_, reader_, judge_, operating_point_
        What was fitted: word weights and cues, the two networks, and the curve.
    metadata_
        What model.json says of a model that was loaded.
    """

    classes_: npt.NDArray[np.str_]
    evidence_: EvidenceWeights
    reader_: Network
    judge_: Network
    operating_point_: OperatingPoint
    metadata_: Mapping[str, Any]

    def __init__(
        self, base: str = "none", seed: int = 7, n_jobs: int = 2, settings: Mapping[str, Any] | None = None
    ) -> None:
        self.base = base
        self.seed = seed
        self.n_jobs = n_jobs
        self.settings = settings

    @classmethod
    def from_arrays(
        cls,
        evidence: EvidenceWeights,
        reader: Network,
        judge: Network,
        point: OperatingPoint,
        metadata: Mapping[str, Any],
    ) -> Self:
        """Put a fitted classifier together from its parts."""
        model = cls()
        model.evidence_, model.reader_, model.judge_, model.operating_point_ = evidence, reader, judge, point
        model.metadata_ = metadata
        model.classes_ = np.array([str(label) for label in LABELS])
        return model

    @property
    def name(self) -> str:
        """The model's name, as in attribute shards."""
        return str(self.metadata_.get("name", "unnamed"))

    @property
    def version(self) -> str:
        """The model's version."""
        return str(self.metadata_.get("version", "0"))

    @property
    def levels(self) -> tuple[float, ...]:
        """The body losses that the model's curve has."""
        return self.operating_point_.levels

    def evidence(self, batch: Batch) -> Evidence:
        """Compute what each block says of itself."""
        if "_memo" not in self.__dict__:
            self.__dict__["_memo"] = _extractor(self.evidence_)
        found: Evidence = self.__dict__["_memo"](batch)
        return found

    def read(self, evidence: Evidence) -> Reading:
        """Compute what the two networks make of each block alone."""
        if not len(evidence):
            return Reading(evidence, *(np.zeros((n, 0), dtype=np.float32).T for n in (2, 3, 0)))
        if (compiled := self._compiled_networks()) is not None:
            return Reading(evidence, *compiled.read(evidence))
        own = block_columns(evidence)
        logits = self.reader_.ended(own)
        return Reading(evidence, own[:2].T.copy(), logits, self.judge_.begun(np.concatenate((logits.T, own))))

    def judged_as_read(
        self, read: Reading, first: npt.NDArray[np.int64], rows: npt.NDArray[np.bool_] | None = None
    ) -> F32:
        """Give the probabilities of whole documents' blocks, or of what is left of them: of some ``rows``.

        ``first`` bounds the documents, or what is left of them; the result has shape ``(n_left, 3)``. Long ones are
        judged in segments.
        """
        evidence, words, logits, begun = read
        index = np.arange(len(evidence), dtype=np.int64) if rows is None else np.flatnonzero(rows)
        if not len(index):
            return np.zeros((0, len(LABELS)), dtype=np.float32)
        concepts = self.evidence_.concepts
        first = segment_bounds(evidence.key.take(index), evidence.chars.take(index), first)
        if (compiled := self._compiled_networks()) is not None:
            return compiled.judged(evidence, first, index, (words, logits, begun), concepts)
        if rows is not None:
            evidence = evidence.select(rows)
            words, logits, begun = (array.take(index, axis=0) for array in (words, logits, begun))
        judged = self.judge_.ended(context_columns(evidence, first, words.T, logits, concepts), begun)
        return agreed(softmax(judged), first)

    def settled(
        self,
        evidence: Evidence,
        first: npt.NDArray[np.int64],
        rows: npt.NDArray[np.int64],
        max_body_loss: float | None,
        dropped: npt.NDArray[np.bool_],
    ) -> tuple[F32, npt.NDArray[np.int8]] | None:
        """Give scores and labels as `unappeal.settle` does, where the library does the work; else None.

        They are those of some ``rows``, segments that ``first`` bounds. Subclasses that read or judge in their own way
        are asked.
        """
        own = ParagraphClassifier.read, ParagraphClassifier.judged_as_read
        if (type(self).read, type(self).judged_as_read) != own or (compiled := self._compiled_networks()) is None:
            return None
        point = self.operating_point_
        rule = Rule(point.limits(evidence.chars.take(rows), max_body_loss), point.appeal_gain, dropped)
        return compiled.settled(evidence, first, rows, self.evidence_.concepts, rule)

    def judged(self, evidence: Evidence, first: npt.NDArray[np.int64]) -> F32:
        """Give what `judged_as_read` does, from the evidence."""
        return self.judged_as_read(self.read(evidence), first)

    def _compiled_networks(self) -> Networks | None:
        """Give the networks as the library takes them, None where NumPy does the work."""
        if "_networks" not in self.__dict__:
            check_networks(self.reader_, self.judge_, self.evidence_.concepts)
            loaded = library()
            usable = loaded is not None and fits(self.reader_, self.judge_)
            self.__dict__["_networks"] = Networks.of(loaded, self.reader_, self.judge_) if loaded and usable else None
        compiled: Networks | None = self.__dict__["_networks"]
        return compiled

    def predict_proba(self, documents: Sequence[Document], blocks: BlockMode = "auto") -> F32:
        """Give the probabilities of every block of every document, in order, shape ``(n_blocks, 3)``."""
        batch = split_batch(documents, blocks)
        return self.judged(self.evidence(batch), batch.first)

    def predict(self, documents: Sequence[Document], blocks: BlockMode = "auto") -> npt.NDArray[np.str_]:
        """Give the most probable label of every block of every document, in order."""
        most_probable: npt.NDArray[np.str_] = self.classes_[self.predict_proba(documents, blocks).argmax(axis=1)]
        return most_probable


def _extractor(weights: EvidenceWeights) -> Callable[[Batch], Evidence]:
    """Give what computes evidence, with a memo of its own: the compiled library, or NumPy where that is not there."""
    loaded = library()
    if loaded is not None:
        return Extractor.of(loaded, weights).extract
    memo = WordMemo()
    return lambda batch: extract(batch, weights, memo)
