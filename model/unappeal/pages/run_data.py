"""What the report tells of a filter run, counted from its documents as they go by, in constant memory."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from unappeal.blocks import Block
from unappeal.corpus.tally import SCORE_BINS, SCORE_DIGITS
from unappeal.labels import LABELS
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.selection import text_key

TENTHS = 10
MAX_FLAGGED = 100
MAX_SAMPLES = 20
MAX_NAMED_DOCUMENTS = 5
"""Documents kept by name for each frequent block; the others are only counted."""

MAX_TEXTS = 200_000
"""Different removed texts counted at once; beyond, those met only once are forgotten, as frequent ones are not."""

UNKNOWN = "unknown"
"""The site or language of documents that do not tell."""


@dataclass(slots=True)
class Share:
    """Characters, in code points, of some blocks, and of those that were removed, by label."""

    documents: int = 0
    blocks: int = 0
    chars: int = 0
    removed_blocks: Counter[str] = field(default_factory=Counter)
    removed_chars: Counter[str] = field(default_factory=Counter)

    def add(self, block: Block, removed: bool) -> None:
        """Count a block."""
        n_chars = block.end - block.start
        self.blocks += 1
        self.chars += n_chars
        if removed:
            self.removed_blocks[block.label or ""] += 1
            self.removed_chars[block.label or ""] += n_chars

    @property
    def removed_share(self) -> float:
        """The share of the characters that was removed."""
        return self.removed_chars.total() / max(1, self.chars)


@dataclass(slots=True)
class RepeatedBlock:
    """A removed text: how often each label removed it, in how many documents, and the ids of the first of these."""

    text: str
    labels: Counter[str] = field(default_factory=Counter)
    n_documents: int = 0
    documents: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RunData:
    """All that the report shows.

    ``scores`` has for every label how many blocks got it with a score in each twentieth of 0 to 1; blocks without
    scores are not in it. ``positions`` are the tenths of the documents, by characters. ``samples`` are drawn from the
    documents that lost something or were flagged, all with the same chance.
    """

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    total: Share = field(default_factory=Share)
    changed: int = 0
    flagged: int = 0
    sites: dict[str, Share] = field(default_factory=dict)
    languages: dict[str, Share] = field(default_factory=dict)
    positions: list[Share] = field(default_factory=lambda: [Share() for _ in range(TENTHS)])
    scores: dict[str, list[int]] = field(default_factory=lambda: {str(label): [0] * SCORE_BINS for label in LABELS})
    flagged_documents: list[JudgedDocument] = field(default_factory=list)
    repeated: dict[str, RepeatedBlock] = field(default_factory=dict)
    samples: list[JudgedDocument] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    @classmethod
    def of(cls, documents: Iterable[JudgedDocument], name: str, settings: dict[str, str] | None = None) -> Self:
        """Count documents."""
        data = cls(name, settings or {})
        for document in documents:
            data.add(document)
        return data

    def add(self, document: JudgedDocument) -> None:
        """Count a document."""
        shares = (
            self.total,
            self.sites.setdefault(document.site or UNKNOWN, Share()),
            self.languages.setdefault(document.language or UNKNOWN, Share()),
        )
        for share in shares:
            share.documents += 1
        removed_texts: set[str] = set()
        length = document.blocks[-1].end if document.blocks else 0
        for block, removed in zip(document.blocks, document.removed, strict=True):
            middle = (block.start + block.end) / 2
            tenth = self.positions[min(TENTHS - 1, int(TENTHS * middle / max(1, length)))]
            for share in (*shares, tenth):
                share.add(block, removed)
            self._add_score(block)
            if removed:
                self._add_text(block, document.id, removed_texts)
        self._add_fate(document)

    def frequent(self, n: int) -> list[RepeatedBlock]:
        """Give the removed texts that were met more than once, those of most documents first."""
        found = [block for block in self.repeated.values() if block.labels.total() > 1]
        return sorted(found, key=lambda block: (-block.n_documents, -block.labels.total(), block.text))[:n]

    def _add_score(self, block: Block) -> None:
        label = block.label or ""
        if block.scores is not None:
            score = round(block.scores[label], SCORE_DIGITS)
            self.scores[label][min(SCORE_BINS - 1, int(SCORE_BINS * score))] += 1

    def _add_text(self, block: Block, document: str, before: set[str]) -> None:
        """Count a removed text; ``before`` are those that the same document lost already."""
        key = text_key(block.text)
        repeated = self.repeated.setdefault(key, RepeatedBlock(block.text))
        repeated.labels[block.label or ""] += 1
        if key not in before:
            before.add(key)
            repeated.n_documents += 1
            if len(repeated.documents) < MAX_NAMED_DOCUMENTS:
                repeated.documents.append(document)
        if len(self.repeated) > MAX_TEXTS:
            self.repeated = {key: value for key, value in self.repeated.items() if value.labels.total() > 1}

    def _add_fate(self, document: JudgedDocument) -> None:
        if document.flagged:
            self.flagged += 1
            if len(self.flagged_documents) < MAX_FLAGGED:
                self.flagged_documents.append(document)
        if not document.flagged and not any(document.removed):
            return
        self.changed += not document.flagged
        seen = self.changed + self.flagged
        if len(self.samples) < MAX_SAMPLES:
            self.samples.append(document)
        elif (place := self._random.randrange(seen)) < MAX_SAMPLES:
            self.samples[place] = document
