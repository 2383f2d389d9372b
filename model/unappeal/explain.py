"""Why a block got its label: what its probability would be without its words, cues, shape, neighbours or place.

Nothing is read into the model: each reason is measured by taking a group of features away (putting the training
mean in its stead) and asking the model again; the reasons are those whose absence moves the decision most.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Block, BlockMode, split_batch
from unappeal.classifier import ParagraphClassifier
from unappeal.context import (
    F32,
    agreed,
    block_feature_names,
    block_features,
    document_feature_names,
    document_features,
    softmax,
)
from unappeal.evidence import Tokens, read_tokens, word_records
from unappeal.filter import Model, as_model, filter_batch
from unappeal.labels import LABELS

MAX_REASONS = 3
MAX_WORDS = 4
MIN_SHARE = 0.1
"""A reason that moves the decision by less than this share of the strongest one is not told."""

MIN_WORD_SHARE = 0.3
"""A word that weighs less than this share of the block's heaviest one is not quoted."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """A block with its decision, and for a removed block the reasons, strongest first."""

    block: Block
    removed: bool
    reasons: list[str]


def explain(
    text: str, *, model: Model = None, max_body_loss: float | None = None, blocks: BlockMode = "auto"
) -> list[Explanation]:
    """Explain every block of a document, in order; blocks that stay have no reasons."""
    classifier = as_model(model)
    result = filter_batch([text], model=classifier, max_body_loss=max_body_loss, blocks=blocks)
    found = result.document(0).blocks
    study = _Study(text, classifier, blocks)
    threshold = classifier.operating_point_.threshold(max_body_loss)
    return [
        Explanation(block, bool(gone), study.reasons(i, threshold) if gone else [])
        for i, (block, gone) in enumerate(zip(found, result.removed, strict=True))
    ]


class _Study:
    """One document, its features, and what the model says when some are taken away."""

    def __init__(self, text: str, classifier: ParagraphClassifier, blocks: BlockMode) -> None:
        self.classifier = classifier
        self.batch = split_batch([text], blocks)
        self.evidence = classifier.evidence(self.batch)
        self.tokens: Tokens = read_tokens(self.batch, classifier.evidence_)
        self.own = block_features(self.evidence)
        self.reader = classifier.reader_.logits(self.own) if len(self.own) else np.zeros((0, 3), dtype=np.float32)

    @cached_property
    def features(self) -> F32:
        return document_features(
            self.evidence, self.batch.first, self.own, self.reader, self.classifier.evidence_.concepts
        )

    @cached_property
    def groups(self) -> dict[str, tuple[list[int], list[int]]]:
        """Columns of each group of features: of the block's own, and of the document's."""
        concepts = self.classifier.evidence_.concepts
        own_names = block_feature_names(concepts)
        names = document_feature_names(concepts)
        n_first = 3 + len(own_names)
        groups: dict[str, tuple[list[int], list[int]]] = {}
        for i, name in enumerate(own_names):
            groups.setdefault(_own_group(name), ([], []))[0].append(i)
        for i, name in enumerate(names[n_first:], n_first):
            groups.setdefault(_document_group(name), ([], []))[1].append(i)
        return groups

    @cached_property
    def judged(self) -> F32:
        """The judge's probabilities, before the blocks beside have a say."""
        return self._judged(self.features)

    @cached_property
    def margins(self) -> npt.NDArray[np.float32]:
        """What the operating point compares with its threshold, for every block."""
        return self._margin(self._agreed(self.judged))

    @cached_property
    def effects(self) -> dict[str, npt.NDArray[np.float32]]:
        """How much lower each block's margin is without each group of features, or a say of the blocks beside."""
        without = {name: self._agreed(self._judged(self._without(*columns))) for name, columns in self.groups.items()}
        without["say"] = self.judged
        return {name: self.margins - self._margin(scores) for name, scores in without.items()}

    def reasons(self, i: int, threshold: float) -> list[str]:
        """Give the reasons of a removed block; one that went only when others had gone has that as its first."""
        ranked = sorted(self.effects, key=lambda name: -self.effects[name][i])
        least = MIN_SHARE * max(float(self.effects[ranked[0]][i]), 1e-6)
        told = [self._phrase(name, i) for name in ranked[:MAX_REASONS] if self.effects[name][i] > least]
        if self.margins[i] <= threshold:
            told.insert(0, "what stands around it once the other removed blocks are gone")
        return told[:MAX_REASONS]

    def _without(self, own_columns: list[int], columns: list[int]) -> F32:
        features = self.features.copy()
        if own_columns:
            own = self.own.copy()
            own[:, own_columns] = self.classifier.reader_.mean[own_columns]
            features[:, :3] = self.classifier.reader_.logits(own)
            features[:, [3 + column for column in own_columns]] = self.classifier.judge_.mean[3:][own_columns]
        features[:, columns] = self.classifier.judge_.mean[columns]
        return features

    def _judged(self, features: F32) -> F32:
        return softmax(self.classifier.judge_.logits(features))

    def _agreed(self, scores: F32) -> F32:
        """Let the blocks beside have the say that they have in truth."""
        return agreed(scores, self.batch.first, self.judged)

    def _margin(self, scores: F32) -> npt.NDArray[np.float32]:
        return self.classifier.operating_point_.margin(scores, self.evidence.chars)

    def _phrase(self, group: str, i: int) -> str:
        if group.startswith("cue "):
            return self._cues(group.removeprefix("cue "), i)
        if group in ("before", "after"):
            return self._beside(group, i)
        if group == "vocabulary":
            share = 100 * float(self.features[i, self._column("shared_terms")])
            return f"its vocabulary: {share:.0f} % of its longer words stand in the rest of the document too"
        phrases: dict[str, Callable[[], str]] = {
            "words": lambda: f"its words: {self._words(i)}",
            "order": lambda: "which kinds of words follow each other in it",
            "shape": lambda: f"its shape: {self._shape(i)}",
            "place": lambda: f"its place: block {i + 1} of {len(self.evidence)}",
            "repeated": lambda: f"how often it stands in the document: {self._count(i)}",
            "say": lambda: "a block beside it that asks",
            "whole": lambda: "the document as a whole: what its other blocks are and say, and how many there are",
        }
        return phrases[group]()

    def _column(self, name: str) -> int:
        return document_feature_names(self.classifier.evidence_.concepts).index(name)

    def _words(self, i: int) -> str:
        which = np.flatnonzero(self.tokens.block == i)
        strength = word_records(self.tokens, which, self.classifier.evidence_)[:, :2].max(axis=1, initial=0)
        order = np.argsort(-strength, kind="stable")
        strong = order[strength[order] > MIN_WORD_SHARE * max(1, strength.max(initial=0))]
        return self._quoted(which[strong]) or "all together, no single one stands out"

    def _cues(self, concept: str, i: int) -> str:
        name = concept.replace("_", " ")
        if not self.evidence.cues[i, self.classifier.evidence_.concepts.index(concept)]:
            return f'no word or phrase of the kind "{name}"'
        which = np.flatnonzero(self.tokens.block == i)
        records = word_records(self.tokens, which, self.classifier.evidence_)
        number = self.classifier.evidence_.concepts.index(concept) + 1
        hit = ((records[:, 4] & 0xFF) == number) | ((records[:, 4] >> 8) == number)
        return f'cue words of the kind "{name}": {self._quoted(which[hit]) or "in a phrase"}'

    def _count(self, i: int) -> str:
        times = int((self.evidence.key == self.evidence.key[i]).sum())
        return "once" if times == 1 else f"{times} times"

    def _quoted(self, words: npt.NDArray[np.int64]) -> str:
        texts = [
            "".join(map(chr, self.tokens.units[self.tokens.start[w] : self.tokens.end[w]])) for w in words.tolist()
        ]
        return ", ".join(f'"{text}"' for text in list(dict.fromkeys(texts))[:MAX_WORDS])

    def _shape(self, i: int) -> str:
        n_words = int(self.evidence.words[i])
        last = self.batch.texts[0][int(self.batch.end[i]) - 1 : int(self.batch.end[i])]
        ending = "no full stop at the end" if last.isalnum() else f"ends in {last!r}"
        return f"{n_words} word{'s' * (n_words != 1)}, {ending}"

    def _beside(self, side: str, i: int) -> str:
        j = i - 1 if side == "before" else i + 1
        if not 0 <= j < len(self.evidence):
            return f"nothing stands {side} it"
        return f"the blocks {side} it: the nearest one reads as {LABELS[int(self.reader[j].argmax())]}"


def _own_group(name: str) -> str:
    if name in ("known_share", "unknown") or name.startswith(("noise_words", "appeal_words")):
        return "words"
    if name in ("noise_cues", "appeal_cues"):
        return "order"
    if name.startswith(("cue_", "density_")):
        return "cue " + name.split("_", 1)[1]
    return "shape"


def _document_group(name: str) -> str:
    for side in ("before", "after"):
        if f"_{side}_" in name:
            return side
    if name in ("shared_terms", "few_terms", "story_terms"):
        return "vocabulary"
    if name == "repeated":
        return name
    return "whole" if name.startswith(("mean_", "story_", "log_blocks")) else "place"
