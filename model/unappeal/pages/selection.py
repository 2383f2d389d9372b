"""Which blocks and documents are worth a person's time.

Three things make a block worth a look: the model is unsure of it, both its neighbours are something else, or the
same text stands in many documents, so that one answer settles all of them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2

from unappeal.blocks import Block
from unappeal.pages.documents import JudgedDocument

UNCERTAIN = "uncertain"
NEIGHBOURS = "unlike its neighbours"
FREQUENT = "frequent"

UNCERTAIN_MARGIN = 0.5
"""A block is uncertain when its label leads the best other one by less than this probability."""

TEACHING_BLOCKS = 20
"""Blocks of one document that teach something new; the others of it are much the same."""

FREQUENT_DOCUMENTS = 3
"""A text is frequent when it stands in at least so many documents."""


@dataclass(frozen=True, slots=True)
class Worth:
    """How much a block is worth a look (0: not), why, and in how many documents its text stands."""

    score: float
    reasons: tuple[str, ...]
    documents: int


def text_key(text: str) -> str:
    """Give what makes two blocks the same text: case and white space do not count.

    >>> text_key(" Read  More") == text_key("read more")
    True
    """
    return " ".join(text.casefold().split())


def document_counts(documents: Iterable[JudgedDocument]) -> Counter[str]:
    """Count for every text key the documents it stands in."""
    counts: Counter[str] = Counter()
    for document in documents:
        counts.update({text_key(block.text) for block in document.blocks})
    return counts


def appraise(documents: Sequence[JudgedDocument], counts: Counter[str] | None = None) -> list[list[Worth]]:
    """Give every block's worth, one list a document.

    ``counts`` are those of the whole corpus where ``documents`` are only part of it. A text that was worth a look
    with the same label before is not worth it again.
    """
    counts = document_counts(documents) if counts is None else counts
    asked: set[tuple[str, str | None]] = set()
    return [_appraise_document(document, counts, asked) for document in documents]


def choose(documents: Sequence[JudgedDocument], n: int, counts: Counter[str] | None = None) -> list[JudgedDocument]:
    """Choose the ``n`` documents whose reading pays most, in their order; sites take turns.

    A document pays the worth of its best `TEACHING_BLOCKS` and costs as many blocks as it has, and as many again as
    teach something: very short ones have too little context to be worth opening.
    """
    pay = [
        sum(sorted((worth.score for worth in row), reverse=True)[:TEACHING_BLOCKS]) / (TEACHING_BLOCKS + len(row))
        for row in appraise(documents, counts)
    ]
    turns: defaultdict[str | None, int] = defaultdict(int)
    ranked: list[tuple[int, float, int]] = []
    for i in sorted(range(len(documents)), key=lambda i: -pay[i]):
        site = documents[i].site
        ranked.append((turns[site], -pay[i], i))
        turns[site] += 1
    return [documents[i] for i in sorted(i for _, _, i in sorted(ranked)[:n])]


def _appraise_document(
    document: JudgedDocument, counts: Counter[str], asked: set[tuple[str, str | None]]
) -> list[Worth]:
    row = []
    for i, block in enumerate(document.blocks):
        key = text_key(block.text)
        score, reasons = _appraise_block(document.blocks, i, counts[key])
        if reasons and (key, block.label) in asked:
            score, reasons = 0.0, ()
        if reasons:
            asked.add((key, block.label))
        row.append(Worth(round(score, 3), reasons, counts[key]))
    return row


def _appraise_block(blocks: Sequence[Block], i: int, n_documents: int) -> tuple[float, tuple[str, ...]]:
    block = blocks[i]
    margin = _margin(block)
    score, reasons = 0.0, []
    if margin < UNCERTAIN_MARGIN:
        score += 1 - max(margin, 0.0)
        reasons.append(UNCERTAIN)
    if 0 < i < len(blocks) - 1 and blocks[i - 1].label == blocks[i + 1].label != block.label:
        score += 0.5
        reasons.append(NEIGHBOURS)
    if n_documents >= FREQUENT_DOCUMENTS:
        score += 0.1 * log2(n_documents)
        reasons.append(FREQUENT)
    return score, tuple(reasons)


def _margin(block: Block) -> float:
    """Give the lead of the block's label: below 0 where the operating point kept what is probably no story."""
    scores = block.scores or {}
    own = scores.get(block.label or "", 0.0)
    return own - max((score for label, score in scores.items() if label != block.label), default=0.0)
