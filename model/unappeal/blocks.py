r"""Text to blocks with exact offsets, and kept blocks back to text.

A block is one line of a document, or one paragraph where the document is hard-wrapped, without the white space
around it. Separators belong to the document: dropping nothing gives the same text back, byte for byte.

Everything works on a `Batch`: many documents joined into one buffer of 16-bit code units, one unit a code point
(code points above U+FFFF are replaced by one unit of the same kind), so that an offset in the buffer minus the
document's start is an offset in the document's text.

>>> [block.text for block in split("One.\n\n Two.\u00a0\n")]
['One.', 'Two.']
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from unappeal.kernels import library, splitting

BlockMode: TypeAlias = Literal["auto", "line", "blank"]
"""Where blocks end: at every line break, at blank lines, or ``auto``: at blank lines where a text is hard-wrapped."""

Document: TypeAlias = str | Sequence[str]
"""One article: its text, or the texts of its blocks in order."""

LINE_BREAKS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""The characters at which `str.splitlines` ends a line."""

INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\u00ad\u061c\u180e\x00"
"""Characters without width, trimmed from the edges of blocks as white space is."""

MIN_WRAP_CHARS, MAX_WRAP_CHARS = 40, 132
"""A hard-wrapped text is between these wide (code points): below stand menus and poems, above nobody wraps."""

MOST_COPIED = 1 << 20
"""Longer texts become units in parts of this many code points, since they take four bytes each on the way."""

JOINED_CHARS = 1 << 15
"""Texts that begin in the same stretch of so many code points become units together."""

_SPACES = "".join(chr(c) for c in range(0x3001) if chr(c).isspace() and chr(c) not in LINE_BREAKS) + INVISIBLE
_EDGE = _SPACES + LINE_BREAKS
_IS_EDGE = np.zeros(65536, dtype=bool)
_IS_EDGE[[ord(c) for c in _EDGE]] = True
_KIND = _IS_EDGE.astype(np.uint8)
_KIND[[ord(c) for c in LINE_BREAKS]] = 2

_ASTRAL_STANDIN = ((0x1E900, 0x1E95F, 0x0251), (0x1D400, 0x1D7FF, 0x0251), (0x20000, 0x3FFFF, 0x4E00))
"""Ranges above U+FFFF that are letters, and the letter that stands for them; the rest count as symbols."""
_ASTRAL_SYMBOL = 0x2606


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph or line of a document.

    ``start`` and ``end`` count code points in the document's text, half-open: ``text == document[start:end]``.
    ``label`` is the decision at the operating point, ``scores`` the probability of each label; both are None
    before classification.
    """

    text: str
    start: int
    end: int
    label: str | None = None
    scores: dict[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Documents joined into one buffer, and where their blocks stand in it.

    ``units`` has shape ``(n_chars,)``; ``doc_start`` ``(n_docs,)`` gives each document's first unit; blocks
    ``first[i]:first[i + 1]`` belong to document ``i``; ``start`` and ``end`` ``(n_blocks,)`` are buffer offsets;
    ``by_blank`` ``(n_docs,)`` tells which documents were split at blank lines.
    """

    texts: list[str]
    units: npt.NDArray[np.uint16]
    doc_start: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    by_blank: npt.NDArray[np.bool_]

    @property
    def n_blocks(self) -> int:
        """Number of blocks of all documents."""
        return len(self.start)

    def document_of_block(self) -> npt.NDArray[np.int64]:
        """Give the document's number for every block, shape ``(n_blocks,)``."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.first))


def split(text: str, mode: BlockMode = "auto") -> list[Block]:
    """Split one text into blocks, in order; an empty or blank text has none."""
    batch = split_batch([text], mode)
    return [Block(text[s:e], s, e) for s, e in zip(batch.start.tolist(), batch.end.tolist(), strict=True)]


def split_batch(documents: Sequence[Document], mode: BlockMode = "auto") -> Batch:
    """Split many documents at once.

    A document given as a list of block texts keeps exactly these blocks (empty ones too); its text is the
    blocks joined by a blank line. Raises TypeError where a document is neither.
    """
    if mode not in ("auto", "line", "blank"):
        raise ValueError(f"blocks must be 'auto', 'line' or 'blank', not {mode!r}")
    texts = [document if type(document) is str else _joined(document) for document in documents]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    doc_start = np.zeros(len(texts), dtype=np.int64)
    np.cumsum(lengths[:-1] + 1, out=doc_start[1:])
    units = _units_of_all(texts, doc_start)
    start, end = _lines(texts, units)
    first = np.append(np.searchsorted(start, doc_start), len(start))
    doc = np.repeat(np.arange(len(texts)), np.diff(first))
    by_blank = (
        _hard_wrapped(texts, doc_start, start, end, doc) if mode == "auto" else np.full(len(texts), mode == "blank")
    )
    if len(start) and by_blank.any():
        start, end, doc = _merged_lines(units, start, end, doc, by_blank)
        first = np.searchsorted(doc, np.arange(len(texts) + 1))
    batch = Batch(texts, units, doc_start, first, start, end, by_blank)
    given = {i: list(d) for i, d in enumerate(documents) if not isinstance(d, str)}
    return _with_given_blocks(batch, given) if given else batch


def is_hard_wrapped(text: str) -> bool:
    """Tell whether ``auto`` would split this text at blank lines."""
    return bool(split_batch([text]).by_blank[0])


def rebuild(batch: Batch, removed: npt.NDArray[np.bool_]) -> list[str]:
    r"""Give the texts without the ``removed`` blocks ``(n_blocks,)``, each gap between two kept ones as it stood.

    Where blocks were dropped between two kept ones, the gap with more line breaks of the two at the ends of the dropped
    run remains. A text that loses nothing is the same object.

    >>> rebuild(split_batch(["A\n\nB\nC"]), np.array([False, True, False]))
    ['A\n\nC']
    """
    texts = list(batch.texts)
    for i, cuts in _runs_by_document(batch, removed):
        texts[i] = _cut_out(texts[i], cuts)
    return texts


def _runs_by_document(
    batch: Batch, removed: npt.NDArray[np.bool_]
) -> Iterator[tuple[int, Iterator[tuple[int, int, int, int]]]]:
    """Give the documents that lose blocks, each with its runs of these as `_cut_out` takes them."""
    doc = batch.document_of_block()
    start, end = batch.start - batch.doc_start[doc], batch.end - batch.doc_start[doc]
    opens = np.append(True, doc[1:] != doc[:-1])  # a run ends where its document does
    row = np.flatnonzero(removed)
    if not len(row):
        return
    same_run = (np.diff(row) == 1) & ~opens.take(row[1:])
    first, last = row[np.append(True, ~same_run)], row[np.append(~same_run, True)]
    before = np.where(opens.take(first), -1, end.take(first - 1))
    closes = np.append(opens[1:], True)
    after = np.where(closes.take(last), -1, start.take(last + 1, mode="clip"))
    runs = zip(
        doc.take(first).tolist(), before.tolist(), start.take(first).tolist(), end.take(last).tolist(), after.tolist(),
        strict=True,
    )  # fmt: skip
    for i, of_document in groupby(runs, itemgetter(0)):
        yield i, (run[1:] for run in of_document)


def _cut_out(text: str, cuts: Iterable[tuple[int, int, int, int]]) -> str:
    """Give the text without some runs of blocks.

    ``cuts`` are, in order: the end of the block kept before the run, or -1; the run's start and end; the start of the
    block kept after it, or -1.
    """
    pieces: list[str] = []
    copied = 0
    for before, start, end, after in cuts:
        if before < 0:
            copied = after if after >= 0 else len(text)
            continue
        pieces.append(text[copied:before])
        if after < 0:
            copied = end
            continue
        gap, gap_after = text[before:start], text[end:after]
        pieces.append(gap_after if _breaks(gap_after) > _breaks(gap) else gap)
        copied = after
    pieces.append(text[copied:])
    return "".join(pieces)


def _write_units(text: str, units: npt.NDArray[np.uint16]) -> None:
    """Write one 16-bit unit a code point, shape ``(len(text),)``."""
    if len(text) > MOST_COPIED:
        for at in range(0, len(text), MOST_COPIED):
            _write_units(text[at : at + MOST_COPIED], units[at : at + MOST_COPIED])
        return
    wide = np.array([text or " "]).view(np.uint32)[: len(text)]  # a third of the time of encoding it
    units[:] = wide
    # Of strings as long, one with characters above U+FFFF takes the most memory: others need not be searched for them.
    if text.__sizeof__() > 4 * len(text):
        astral = np.flatnonzero(wide > 0xFFFF)
        standin = np.full(len(astral), _ASTRAL_SYMBOL, dtype=np.uint16)
        for low, high, unit in _ASTRAL_STANDIN:
            standin[(wide[astral] >= low) & (wide[astral] <= high)] = unit
        units[astral] = standin


def _units_of_all(texts: Sequence[str], doc_start: npt.NDArray[np.int64]) -> npt.NDArray[np.uint16]:
    """Give the units of texts joined by line breaks."""
    n_units = int(doc_start[-1]) + len(texts[-1]) if texts else 0
    units = np.empty(n_units, dtype=np.uint16)
    opens = np.flatnonzero(np.diff(doc_start // JOINED_CHARS, prepend=-1))  # short texts are written together
    for first, last in pairwise([*opens.tolist(), len(texts)]):
        text, begin = "\n".join(texts[first:last]), int(doc_start[first])
        _write_units(text, units[begin : begin + len(text)])
    units[doc_start[1:] - 1] = ord("\n")
    return units


def _joined(document: Sequence[str]) -> str:
    if isinstance(document, str):
        return str(document)
    if not isinstance(document, list | tuple) or not all(isinstance(block, str) for block in document):
        raise TypeError(f"a document is a string or a list of strings, not {type(document).__name__}")
    return "\n\n".join(document)


def _breaks(gap: str) -> int:
    if gap in ("\n", "\n\n"):  # nearly every gap
        return len(gap)
    return sum(map(gap.count, "\n\r\u2028\u2029\x85"))


def _lines(texts: Sequence[str], units: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find every line that is not blank, trimmed."""
    loaded = library()
    if loaded is not None:
        return splitting.lines(loaded, units, _KIND)
    joined = "\n".join(texts)
    is_break = units == ord("\n")
    for character in LINE_BREAKS[1:]:
        if character in joined:
            is_break |= units == ord(character)
    breaks = np.flatnonzero(is_break)
    start = np.concatenate(([0], breaks + 1))
    end = np.concatenate((breaks, [len(units)]))
    filled = start < end
    return _trimmed(joined, units, start[filled], end[filled])


def _trimmed(
    joined: str, units: npt.NDArray[np.uint16], start: npt.NDArray[np.int64], end: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Move both edges inwards over white space and drop what is empty then."""
    at_start = np.flatnonzero(_IS_EDGE[units[start]])
    at_end = np.flatnonzero(_IS_EDGE[units[end - 1]])
    # Lines with white space at an edge are few; str.strip is linear whatever its length (a line of 20 MB of spaces).
    for i in at_start.tolist():
        line = joined[start[i] : end[i]]
        start[i] = end[i] - len(line.lstrip(_EDGE))
    for i in at_end.tolist():
        line = joined[start[i] : end[i]]
        end[i] = start[i] + len(line.rstrip(_EDGE))
    if len(at_start) or len(at_end):
        filled = start < end
        return start[filled], end[filled]
    return start, end


def _hard_wrapped(
    texts: Sequence[str],
    doc_start: npt.NDArray[np.int64],
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    doc: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Tell which documents have paragraphs broken into lines of one width.

    A document is hard-wrapped when it has blank lines, no line is wider than MAX_WRAP_CHARS, and nearly every line
    that another follows directly could not have taken the next line's first word too. There must be two such lines,
    since the widest of all is always one; of some 8,000 real texts whose blocks are lines none passes.
    """
    n_docs = len(texts)
    wrapped = np.zeros(n_docs, dtype=bool)
    if not len(start):
        return wrapped
    present = np.flatnonzero(np.concatenate(([True], doc[1:] != doc[:-1])))
    width = np.zeros(n_docs, dtype=np.int64)
    width[doc[present]] = np.maximum.reduceat(end - start, present)
    same_doc = doc[1:] == doc[:-1]
    candidate = (width >= MIN_WRAP_CHARS) & (width <= MAX_WRAP_CHARS)
    tight = candidate[doc[:-1]] & same_doc
    if not tight.any():
        return wrapped
    index = np.flatnonzero(tight)
    gap = [texts[i][e:s] for i, e, s in _places(doc, doc_start, index, end[index], start[index + 1])]
    adjacent = np.array([_breaks(g.replace("\r\n", "\n")) == 1 for g in gap], dtype=bool)
    has_blank = np.zeros(n_docs, dtype=bool)
    has_blank[doc[index[~adjacent]]] = True
    index = index[adjacent]
    index = index[has_blank[doc[index]]]
    next_word = np.array(
        [
            len(texts[i][s : min(s + MAX_WRAP_CHARS, e)].split(None, 1)[0])
            for i, s, e in _places(doc, doc_start, index, start[index + 1], end[index + 1])
        ],
        dtype=np.int64,
    )
    if not len(index):
        return wrapped
    full = (end - start)[index] + 1 + next_word > width[doc[index]]
    n_inner = np.bincount(doc[index], minlength=n_docs)
    n_full = np.bincount(doc[index], weights=full, minlength=n_docs)
    wrapped[(n_inner >= 2) & (n_full >= 0.9 * n_inner)] = True
    return wrapped


def _places(
    doc: npt.NDArray[np.int64],
    doc_start: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    *places: npt.NDArray[np.int64],
) -> Iterator[tuple[int, ...]]:
    """Give document numbers and places in the documents' own texts, from rows and places in the buffer."""
    of = doc[rows]
    return zip(of.tolist(), *((place - doc_start[of]).tolist() for place in places), strict=True)


def _merged_lines(
    units: npt.NDArray[np.uint16],
    start: npt.NDArray[np.int64],
    end: npt.NDArray[np.int64],
    doc: npt.NDArray[np.int64],
    by_blank: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Join the lines that no blank line parts, in the documents split at blank lines."""
    opens = np.ones(len(start), dtype=bool)
    inside = np.flatnonzero((doc[1:] == doc[:-1]) & by_blank[doc[1:]]) + 1
    for i in inside.tolist():
        gap = units[end[i - 1] : start[i]]
        returns = int((gap[:-1] == 13) @ (gap[1:] == 10).astype(np.int64)) if len(gap) > 1 else 0
        opens[i] = int(np.isin(gap, (10, 13, 0x2028, 0x2029, 0x85)).sum()) - returns > 1
    firsts = np.flatnonzero(opens)
    lasts = np.append(firsts[1:], len(start)) - 1
    return start[firsts], end[lasts], doc[firsts]


def _with_given_blocks(batch: Batch, given: dict[int, list[str]]) -> Batch:
    """Replace the blocks of documents that came as lists of block texts."""
    starts, ends, counts = [], [], []
    for i in range(len(batch.texts)):
        part = slice(batch.first[i], batch.first[i + 1])
        if i in given:
            lengths = np.array([len(block) for block in given[i]], dtype=np.int64)
            begin = batch.doc_start[i] + np.concatenate(([0], np.cumsum(lengths[:-1] + 2))) if len(lengths) else lengths
            starts.append(begin)
            ends.append(begin + lengths)
        else:
            starts.append(batch.start[part])
            ends.append(batch.end[part])
        counts.append(len(starts[-1]))
    first = np.concatenate(([0], np.cumsum(counts, dtype=np.int64)))
    return Batch(
        batch.texts, batch.units, batch.doc_start, first, np.concatenate(starts), np.concatenate(ends), batch.by_blank
    )
