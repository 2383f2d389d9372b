"""Spans that somebody marked in a text, as labels of the text's blocks."""

from collections.abc import Iterable
from typing import NamedTuple

from unappeal.blocks import Block, split
from unappeal_training.rows import Notes

COVERED = 0.8
"""A block has the label of the spans that cover this share of its characters (white space aside)."""

BARELY = 0.2
"""Less is a hand that slipped over the block's edge; between the two nobody can tell, and the block has no label."""

MISPLACED = "text left out: a span's offsets do not fit its text"
PARTLY = "block partly covered by spans: left without a label"
SEVERAL = "block covered by spans of several labels: left without a label"


class Span(NamedTuple):
    """A stretch of text, in code points, half-open; ``text`` is what the tool says stands there, if it does."""

    start: int
    end: int
    label: str
    text: str | None = None


def placed(text: str, spans: Iterable[Span]) -> list[Span] | None:
    """Give the spans in code points; None where they fit neither code points nor UTF-16 units, as browsers count."""
    spans = list(spans)
    inside = all(0 <= s.start <= s.end <= len(text) for s in spans)
    if inside and all(s.text is None or _same(text[s.start : s.end], s.text) for s in spans):
        return spans
    if text.isascii() or any(s.text is None for s in spans):
        return None
    units = text.encode("utf-16-le", "surrogatepass")
    moved = [s._replace(start=_code_points(units, s.start), end=_code_points(units, s.end)) for s in spans]
    return moved if all(_same(text[s.start : s.end], s.text or "") for s in moved) else None


def label_blocks(
    text: str, spans: Iterable[Span], uncovered: str | None, notes: Notes, where: str
) -> list[tuple[Block, str | None]] | None:
    """Give every block of a text with its label; None where a span is misplaced.

    ``uncovered`` is the label of a block that no span touches, None for no label.
    """
    found = placed(text, spans)
    if found is None:
        notes.add(MISPLACED, where)
        return None
    return [(block, _label(text, block, found, uncovered, notes, where)) for block in split(text)]


def _label(text: str, block: Block, spans: list[Span], uncovered: str | None, notes: Notes, where: str) -> str | None:
    filled = [i for i in range(block.start, block.end) if not text[i].isspace()]
    covered: dict[str, set[int]] = {}
    for span in spans:
        if span.start < block.end and span.end > block.start:
            covered.setdefault(span.label, set()).update(i for i in filled if span.start <= i < span.end)
    share = {label: len(at) / max(len(filled), 1) for label, at in covered.items() if at}
    whole = [label for label, part in share.items() if part >= COVERED]
    if len(whole) == 1 and all(part <= BARELY for label, part in share.items() if label != whole[0]):
        return whole[0]
    if all(part <= BARELY for part in share.values()):
        return uncovered
    notes.add(SEVERAL if len(share) > 1 else PARTLY, where)
    return None


def _same(there: str, said: str) -> bool:
    """Compare without white space: Label Studio escapes line breaks and trims some selections."""
    return "".join(there.split()) == "".join(said.replace("\\n", "\n").split())


def _code_points(units: bytes, offset: int) -> int:
    return len(units[: 2 * offset].decode("utf-16-le", "replace"))
