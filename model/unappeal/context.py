"""From the evidence of whole documents to probabilities: what the neighbours, the position and the document add.

Two small networks, exported to arrays. The *reader* looks at one block: its word weights, cues and shape. The
*judge* looks at the document: what the reader said of the block and of its neighbours, of everything before and
after it, where it stands, what it repeats. "Russia media is under attack." is an appeal because of what follows it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.evidence import EDGES, FIXED_POINT, SHAPE_FIELDS, Evidence
from unappeal.labels import APPEAL, BODY, RELATED

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

NEIGHBOURS = {1: 6, 2: 6, 3: 2, 4: 2}
"""How far the neighbours are looked at one by one, either side, and how many of `_NEIGHBOUR_PARTS` count so far off."""

DECAYS = (0.5, 0.85)
"""What is left of a block's influence one block further, in the sums over everything before and after."""

DECAY_STEPS = (1, 2, 4, 8, 16)
"""The sums reach 32 blocks; doubling steps compute them in five shifts."""

SIMILAR_AT = (1, 2, 3)
"""Distances at which blocks are compared in shape: lists repeat with a period of one to three blocks."""

MARKERS = {
    "ask": ("give", "support", "belong", "money", "payment", "frequency"),
    "links": ("read_more", "popular", "section"),
    "comments": ("comment",),
    "sign_up": ("newsletter", "subscribe", "account"),
    "legal": ("legal", "consent", "technical"),
    "share": ("share", "contact"),
    "media": ("player", "picture"),
    "credits": ("byline", "date"),
}
"""Kinds of short blocks that tell what the blocks around them are, and the concepts that make them."""

SAID = (
    "give", "support", "belong", "money", "payment", "we", "you", "reader", "reporting", "story", "past", "thanks"
)  # fmt: skip
"""Concepts of which it is told how much the rest of the story says of them: where that speaks of giving, or to its
reader, words of giving are no sign of an appeal."""

MOST_SAID = 0.1
"""A story seldom has more cues of a concept, by word."""

STORY_POINT = 1 << 20
"""Probabilities of story are counted as integers, in this fraction of one."""

FAR_BLOCKS = 16.0
"""A marker's slow influence falls to 1/e over this many blocks."""

MARKER_CHARS = 60
"""A marker is a heading, a button or a line of a menu, not a paragraph (code points)."""

LONG_STORY_CHARS = 140
"""A block this long that the reader takes for story marks where the story is."""

SURE_STORY, LESS_APPEAL = np.float32(0.7), np.float32(np.exp(-1))
"""Between two blocks whose probability of story is above the first, the odds of an appeal are multiplied by the second:
a story about giving asks too."""

SURE_APPEAL, LESS_STORY = np.float32(0.6), np.float32(np.exp(-0.5))
"""Beside a block whose probability of an appeal is above the first, the odds of story are multiplied by the second:
asks come in several blocks."""

VOCABULARY_BUCKETS = 1 << 11
MOST_BLOCKS = 2048
"""Longer documents, of which few pages are, are judged in segments: see `segment_bounds`."""

SEGMENT_BITS = 7
"""One in 2**7 of a long document's long blocks begins a segment."""

ROWS_AT_A_TIME = 512
"""The networks take so many rows together, which then stay near."""

_IS_STOP = np.array([edge in ("stop", "question", "exclamation", "quote") for edge in EDGES], dtype=np.float32)
_SHAPE_NAMES = tuple(name for fields in SHAPE_FIELDS for name in fields)
_PRESENCE = ("question", "exclamation", "currency", "address", "bracket", "divider")
_BLOCK_PARTS = (
    "noise_words", "appeal_words", "noise_words_mean", "appeal_words_mean", "noise_words_above", "appeal_words_above",
    "noise_cues", "appeal_cues", "known_share", "unknown", "log_words", "log_chars", "is_long", "titled_share",
    "word_chars", *(f"share_{name}" for name in _SHAPE_NAMES), *(f"has_{name}" for name in _PRESENCE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Network:
    """One hidden layer of rectified units, then logits; inputs are standardised first.

    Shapes: ``mean``, ``scale`` ``(n_in,)``; ``hidden`` ``(n_in, n_hidden)``; ``hidden_bias`` ``(n_hidden,)``; ``out``
    ``(n_hidden, 3)``; ``out_bias`` ``(3,)``; all float32. ``weights`` and ``bias`` are the hidden layer with the
    standardisation folded in.

    The hidden layer may be computed in two parts, of the first columns and of the rest, so that what does not change
    is computed once. Either part takes its columns as rows: ``(n_columns, n)``.
    """

    mean: F32
    scale: F32
    hidden: F32
    hidden_bias: F32
    out: F32
    out_bias: F32
    weights: F32 = field(init=False, repr=False, compare=False)
    bias: F32 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        weights = self.hidden / self.scale[:, None]
        object.__setattr__(self, "bias", self.hidden_bias - self.mean @ weights)
        # Training leaves weights of 1e-40 behind; arithmetic on such numbers is ten times slower.
        weights[np.abs(weights) < np.finfo(np.float32).tiny] = 0
        object.__setattr__(self, "weights", np.ascontiguousarray(weights))

    def logits(self, features: F32) -> F32:
        """Give logits, shape ``(n, 3)``."""
        return self.ended(np.ascontiguousarray(features.T))

    def begun(self, columns: F32) -> F32:
        """Give what the first columns and the bias come to in the hidden units, shape ``(n, n_hidden)``."""
        weights = self.weights[: len(columns)]
        result = np.empty((columns.shape[1], len(self.bias)), dtype=np.float32)
        for rows, part in _parts(columns):
            np.add(_product(part, weights), self.bias, out=result[rows])
        return result

    def ended(self, columns: F32, begun: F32 | None = None) -> F32:
        """Give logits, shape ``(n, 3)``, from all columns, or from what the first came to and the rest of them."""
        result = np.empty((columns.shape[1], self.out.shape[1]), dtype=np.float32)
        weights = self.weights[len(self.weights) - len(columns) :]
        for rows, part in _parts(columns):
            activation = _product(part, weights)
            activation += self.bias if begun is None else begun[rows]
            np.maximum(activation, 0, out=activation)
            result[rows] = _product(activation, self.out)
        result += self.out_bias
        return result


def _parts(columns: F32) -> Iterator[tuple[slice, F32]]:
    """Give the rows of ``(n_columns, n)``, `ROWS_AT_A_TIME` together, and where they stand."""
    for begin in range(0, columns.shape[1], ROWS_AT_A_TIME):
        rows = slice(begin, begin + ROWS_AT_A_TIME)
        yield rows, np.ascontiguousarray(columns[:, rows].T)


def _product(rows: F32, weights: F32) -> F32:
    """Give ``rows @ weights`` a row at a time, so that a row's result does not depend on those beside it.

    Of many rows OpenBLAS sums some in another order, which ones depends on the processor.
    """
    product: F32 = np.matmul(rows[:, None, :], weights)[:, 0]
    return product


def segment_bounds(key: npt.NDArray[np.uint64], chars: I64, first: I64) -> I64:
    """Give the bounds ``(n_segments + 1,)`` of what is judged together, from the documents' ``(n_docs + 1,)``.

    That is a document or, of one longer than `MOST_BLOCKS`, a segment of some hundreds of blocks, so that a document of
    a hundred pages is judged as pages are, at a page's cost a block. A segment begins with a long block whose text,
    ``key`` ``(n_blocks,)``, says so: wherever the block stands, and whatever is dropped elsewhere.
    """
    is_long = np.diff(first) > MOST_BLOCKS
    if not is_long.any():
        return first
    opens = (chars >= LONG_STORY_CHARS) & (key >> np.uint64(64 - SEGMENT_BITS) == 0)
    return np.union1d(first, np.flatnonzero(opens & np.repeat(is_long, np.diff(first))))


def check_networks(reader: Network, judge: Network, concepts: tuple[str, ...]) -> None:
    """Raise ValueError where the networks do not take what the features of blocks and documents are."""
    n_own = len(block_feature_names(concepts))
    for network, n_in in ((reader, n_own), (judge, 3 + n_own + n_context_columns())):
        n_hidden = len(network.bias)
        shapes = network.weights.shape, network.out.shape, network.out_bias.shape
        if shapes != ((n_in, n_hidden), (n_hidden, 3), (3,)):
            raise ValueError(f"a network of shapes {shapes} for {n_in} features")


def softmax(logits: F32) -> F32:
    """Give probabilities from logits, row by row."""
    columns = np.array(logits.T, order="C")  # a copy in any case, changed in place
    columns -= columns.max(axis=0)
    np.exp(columns, out=columns)
    columns /= columns.sum(axis=0)
    return np.ascontiguousarray(columns.T)


def agreed(scores: F32, first: I64, asked: F32 | None = None) -> F32:
    """Give probabilities in which the blocks beside have had their say, see `SURE_STORY` and `SURE_APPEAL`.

    ``scores`` ``(n_blocks, 3)`` are the judge's, of whole documents; ``first`` ``(n_docs + 1,)`` bounds their blocks.
    The blocks beside are taken by what ``asked`` says of them, the same scores if not given: before any say.
    """
    asked = scores if asked is None else asked
    story, appeal = asked[:, BODY] > SURE_STORY, asked[:, APPEAL] > SURE_APPEAL
    (story_before, story_after), (appeal_before, appeal_after) = (_beside(flags, first) for flags in (story, appeal))
    between, beside = story_before & story_after, appeal_before | appeal_after
    changed = between | beside
    result = scores.copy()
    parts = result[changed]
    parts[:, APPEAL] *= np.where(between[changed], LESS_APPEAL, np.float32(1))
    parts[:, BODY] *= np.where(beside[changed], LESS_STORY, np.float32(1))
    result[changed] = parts / (parts[:, BODY] + parts[:, APPEAL] + parts[:, RELATED])[:, None]
    return result


def _beside(flags: npt.NDArray[np.bool_], first: I64) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Give of every block the flag of the block before it and of the one after it, false at its document's ends."""
    before, after = np.zeros_like(flags), np.zeros_like(flags)
    before[1:], after[:-1] = flags[:-1], flags[1:]
    some = np.diff(first) > 0
    before[first[:-1][some]] = False
    after[first[1:][some] - 1] = False
    return before, after


def block_feature_names(concepts: tuple[str, ...]) -> list[str]:
    """Name the columns of `block_features`."""
    names = [*_BLOCK_PARTS]
    names += [f"first_{name}" for name in EDGES[1:]] + [f"last_{name}" for name in EDGES[1:]]
    return names + [f"cue_{name}" for name in concepts] + [f"density_{name}" for name in concepts]


def block_features(evidence: Evidence) -> F32:
    """Give what the reader sees of each block, shape ``(n_blocks, n_features)``."""
    return np.ascontiguousarray(block_columns(evidence).T)


def block_columns(evidence: Evidence) -> F32:
    """Give `block_features` with a row a feature, ``(n_features, n_blocks)``: columns are made one at a time."""
    n, n_concepts = evidence.cues.shape
    table = _Table(len(_BLOCK_PARTS) + 2 * (len(EDGES) - 1) + 2 * n_concepts, n)
    words = evidence.words.astype(np.float32)
    some_words = np.maximum(words, 1)
    sums = evidence.sums.T.astype(np.float32) / FIXED_POINT
    known = evidence.known.astype(np.float32) / some_words
    chars = evidence.chars.astype(np.float32)
    seen = np.clip(evidence.chars, 1, 320).astype(np.float32)
    shape = evidence.shape.T.astype(np.float32)
    table.add(np.clip(sums[:2] / np.sqrt(words + 1), -8, 8))
    table.add(np.clip(sums[:2] / (words + 2), -4, 4))
    table.add(np.minimum(sums[2:] / np.sqrt(words + 1), 12))
    cue_sums = evidence.cue_sums.T.astype(np.float32) / FIXED_POINT
    table.add(np.clip(cue_sums / np.sqrt(evidence.cue_words.astype(np.float32) + 1), -8, 8))
    table.add(known)
    table.add(known < 0.3)
    table.add(np.log2(words + 1))
    table.add(np.log2(chars + 1))
    table.add(chars > LONG_STORY_CHARS)
    table.add(evidence.titled.astype(np.float32) / some_words)
    table.add(np.minimum(seen / some_words, 30))
    np.divide(shape, seen, out=table.next(len(shape)))
    table.add(np.minimum(shape[[_SHAPE_NAMES.index(name) for name in _PRESENCE]], 3))
    for edge in (evidence.first_edge, evidence.last_edge):
        one_hot = table.next(len(EDGES) - 1)
        one_hot[:] = 0
        at = np.flatnonzero(edge)
        one_hot[edge[at] - 1, at] = 1
    cues = evidence.cues.T.astype(np.float32)
    np.minimum(cues, 4, out=table.next(n_concepts))
    cues /= some_words
    np.sqrt(cues, out=table.next(n_concepts))
    return table.filled()


class _Table:
    """Features being written, a row each."""

    def __init__(self, n_features: int, n: int) -> None:
        self.values: F32 = np.empty((n_features, n), dtype=np.float32)
        self.at = 0

    def next(self, n_rows: int) -> F32:
        """Give the next rows, to be written in place."""
        self.at += n_rows
        return self.values[self.at - n_rows : self.at]

    def add(self, rows: npt.NDArray[Any]) -> None:
        """Write one feature ``(n,)``, or several ``(n_features, n)``."""
        self.next(len(rows) if rows.ndim > 1 else 1)[:] = rows

    def filled(self) -> F32:
        """Give the whole table."""
        if self.at != len(self.values):
            raise ValueError(f"{self.at} features were computed where {len(self.values)} have names")
        return self.values


def document_feature_names(concepts: tuple[str, ...]) -> list[str]:
    """Name the columns of `document_features`."""
    return ["reader_body", "reader_appeal", "reader_related", *block_feature_names(concepts), *_context_names()]


@cache
def _context_names() -> tuple[str, ...]:
    names: list[str] = []
    for k, n_parts in NEIGHBOURS.items():
        for side in ("before", "after"):
            names += [f"{part}_{side}_{k}" for part in _NEIGHBOUR_PARTS[:n_parts]]
    for k in SIMILAR_AT:
        for side in ("before", "after"):
            names += [f"{part}_{side}_{k}" for part in _SIMILAR_PARTS]
    for decay in DECAYS:
        for side in ("before", "after"):
            names += [f"{part}_{side}_decay_{decay}" for part in _DECAY_PARTS]
    for marker in MARKERS:
        for side in ("before", "after"):
            names += [f"{marker}_{side}_near", f"{marker}_{side}_far"]
    return (*names, *_PLACE_PARTS, *(f"story_says_{concept}" for concept in SAID))


_NEIGHBOUR_PARTS = ("appeal", "related", "appeal_words", "noise_words", "log_chars", "stop")
_SIMILAR_PARTS = ("same_lead", "same_edges", "longer")
_DECAY_PARTS = ("body", "appeal", "related", "story")
_PLACE_PARTS = (
    "from_start", "from_end", "near_start", "near_end", "relative", "log_blocks", "before_story", "after_story",
    "to_story_start", "to_story_end", "no_story", "mean_body", "mean_appeal", "mean_related", "mean_log_chars",
    "story_share", "shared_terms", "few_terms", "story_terms", "repeated", "chars_before", "chars_after",
)  # fmt: skip


def document_features(evidence: Evidence, first: I64, own: F32, reader: F32, concepts: tuple[str, ...]) -> F32:
    """Give what the judge sees, shape ``(n_blocks, n_features)``.

    ``first`` ``(n_docs + 1,)`` bounds the documents' blocks; ``own`` are `block_features`; ``reader`` the reader's
    logits ``(n_blocks, 3)``; ``concepts`` name the columns of the cues.
    """
    columns = context_columns(evidence, first, own[:, :2].T, reader, concepts)
    return np.concatenate((reader, own, columns.T), axis=1, dtype=np.float32)


def presence_rows() -> I64:
    """Give the rows of `Evidence.shape` of which it matters that they are there at all."""
    return np.array([_SHAPE_NAMES.index(name) for name in _PRESENCE], dtype=np.int64)


def n_context_columns() -> int:
    """Give how many `context_columns` there are."""
    return len(_context_names())


def is_stop() -> F32:
    """Tell which `EDGES` end a sentence, as 0 and 1."""
    return _IS_STOP


def context_columns(evidence: Evidence, first: I64, words: F32, reader: F32, concepts: tuple[str, ...]) -> F32:
    """Give the rest of `document_features`, what is not the block's own, with a row a feature.

    ``words`` ``(2, n_blocks)`` are the first two features of each block.
    """
    n = len(evidence)
    place = _Layout.of(first)
    probability = np.ascontiguousarray(softmax(reader).T)
    log_chars = np.log2((evidence.chars + 1).astype(np.float32))
    stop = _IS_STOP.take(evidence.last_edge)
    beside = np.stack((probability[1], probability[2], words[1], words[0], log_chars / 8, stop))
    story = (evidence.chars >= LONG_STORY_CHARS) & (probability[0] > 0.5)
    long_story = np.minimum(evidence.chars, 400).astype(np.float32) / 400 * probability[0]
    mass = np.concatenate((probability, long_story[None]))
    table = _Table(len(_context_names()), n)
    for k, n_parts in NEIGHBOURS.items():
        for side in (1, -1):
            _shift(beside[:n_parts], side * k, place, table.next(n_parts))
    for k in SIMILAR_AT:
        _similar(evidence, log_chars, k, place, table.next(2 * len(_SIMILAR_PARTS)))
    for decay in DECAYS:
        for side in (1, -1):
            _decay(mass, decay, side, place, table.next(len(mass)))
    _markers(evidence, concepts, place, table.next(4 * len(MARKERS)).reshape(len(MARKERS), 4, n))
    for row in _place(evidence, place, story, probability, log_chars):
        table.add(row)
    table.add(_said(evidence, concepts, place, probability[0]))
    return table.filled()


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the blocks stand: ``first`` and ``size`` of each document; ``doc``, ``index`` and ``begin`` of each block.

    ``begin`` is the number of the first block of the block's document, ``index`` counts from there.
    """

    first: I64
    size: I64
    doc: I64
    begin: I64
    index: I64
    inside: dict[int, F32]

    @classmethod
    def of(cls, first: I64) -> "_Layout":
        """Work it out from the documents' bounds."""
        size = np.diff(first)
        begin = np.repeat(first[:-1], size)
        return cls(first, size, np.repeat(np.arange(len(size)), size), begin, np.arange(len(begin)) - begin, {})

    def has(self, k: int) -> F32:
        """Give 1 for the blocks that have a k-th predecessor in their document, else 0."""
        if k not in self.inside:
            self.inside[k] = (self.index >= k).astype(np.float32)
        return self.inside[k]

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give every block its document's value; documents are the last axis."""
        return np.repeat(values, self.size, axis=-1)

    def totals(self, values: npt.NDArray[Any]) -> I64:
        """Sum integers by document, along the last axis: exact, so that the batch around a document does not matter."""
        total = np.zeros((*values.shape[:-1], values.shape[-1] + 1), dtype=np.int64)
        np.cumsum(values, axis=-1, out=total[..., 1:])
        return np.diff(total.take(self.first, axis=-1), axis=-1)


def _shift(values: F32, k: int, place: _Layout, out: F32) -> None:
    """Give every block the row of its k-th predecessor (k > 0) or successor (k < 0), zeros where it has none."""
    step, n = abs(k), values.shape[1]
    if step >= n:
        out[:] = 0
    elif k > 0:
        out[:, :step] = 0
        np.multiply(values[:, :-step], place.has(step)[step:], out=out[:, step:])
    else:
        out[:, n - step :] = 0
        np.multiply(values[:, step:], place.has(step)[step:], out=out[:, :-step])


def _decay(values: F32, decay: float, side: int, place: _Layout, out: F32) -> None:
    """Sum ``decay ** (j - 1) * values`` over the j-th neighbours on one side, 32 at most."""
    _shift(values, side, place, out)
    for step in DECAY_STEPS:
        if step < out.shape[1]:
            weight = place.has(step)[step:] * np.float32(decay**step)
            # The product is a copy, so that no sum is read after it was written.
            if side > 0:
                out[:, step:] += out[:, :-step] * weight
            else:
                out[:, :-step] += out[:, step:] * weight


def _similar(evidence: Evidence, log_chars: F32, k: int, place: _Layout, out: F32) -> None:
    """Compare every block with its k-th predecessor, then successor: how it begins, its edges, its length."""
    n = len(evidence)
    out[:] = 0
    if k >= n:
        return
    has = place.has(k)[k:]
    first, last, lead = evidence.first_edge, evidence.last_edge, evidence.lead
    before, after = out[:3, k:], out[3:, : n - k]
    np.multiply(lead[k:] == lead[:-k], has, out=before[0])
    np.multiply((first[k:] == first[:-k]) & (last[k:] == last[:-k]), has, out=before[1])
    np.multiply(np.clip(log_chars[k:] - log_chars[:-k], -4, 4), has, out=before[2])
    after[:2] = before[:2]
    np.negative(before[2], out=after[2])


def _markers(evidence: Evidence, concepts: tuple[str, ...], place: _Layout, out: F32) -> None:
    """Tell how near the last and the next marker of each kind are: ``1 / distance`` and a slower decay, else 0.

    ``out`` has shape ``(n_kinds, 4, n_blocks)``: near and far before the block, near and far after it.
    """
    n = len(evidence)
    marked = _any_cue(evidence, concepts, MARKERS.values())
    marked &= evidence.chars <= MARKER_CHARS
    at = np.arange(n, dtype=np.int32)
    last = np.full((len(marked), n + 1), -1, dtype=np.int32)
    np.maximum.accumulate(np.where(marked, at, np.int32(-1)), axis=1, out=last[:, 1:])
    following = np.full((len(marked), n + 1), n, dtype=np.int32)
    np.minimum.accumulate(np.where(marked, at, np.int32(n))[:, ::-1], axis=1, out=following[:, -2::-1])
    before, after = at - last[:, :-1], following[:, 1:] - at
    end = place.spread(place.first[1:])
    for side, distance, exists in (
        (0, before, last[:, :-1] >= place.begin),
        (2, after, following[:, 1:] < end),
    ):
        distances = distance.astype(np.float32)
        np.divide(exists, distances, out=out[:, side])
        distances /= np.float32(-FAR_BLOCKS)
        np.exp(distances, out=distances)
        np.multiply(exists, distances, out=out[:, side + 1])


def _any_cue(evidence: Evidence, concepts: tuple[str, ...], groups: Iterable[tuple[str, ...]]) -> npt.NDArray[np.bool_]:
    """Tell which blocks have a cue of any of some concepts, shape ``(n_groups, n_blocks)``."""
    has = evidence.cues.T > 0
    return np.stack([np.logical_or.reduce(has[[concepts.index(name) for name in names]]) for names in groups])


def _place(
    evidence: Evidence, place: _Layout, story: npt.NDArray[np.bool_], probability: F32, log_chars: F32
) -> Iterator[npt.NDArray[Any]]:
    """Give the features named in `_PLACE_PARTS`."""
    chars, index = evidence.chars, place.index
    size = place.spread(place.size)
    last = size - 1
    from_start, from_end = (index + 1).astype(np.float32), (size - index).astype(np.float32)
    yield np.log2(from_start)
    yield np.log2(from_end)
    yield 1 / from_start
    yield 1 / from_end
    yield index / np.maximum(last, 1)
    yield np.log2(size.astype(np.float32))

    story_at = np.flatnonzero(story)
    begins = np.full(len(place.size), -1)
    ends = np.full(len(place.size), -1)
    begins[place.doc[story_at[::-1]]] = index[story_at[::-1]]
    ends[place.doc[story_at]] = index[story_at]
    has_story = place.spread(begins >= 0)
    to_begin = np.where(has_story, index - place.spread(begins), 0)
    to_end = np.where(has_story, index - place.spread(ends), 0)
    yield has_story & (to_begin < 0)
    yield has_story & (to_end > 0)
    yield _signed_log(to_begin)
    yield _signed_log(to_end)
    yield ~has_story

    said = np.concatenate((probability, log_chars[None] / 8))
    means = place.totals(np.rint(said * FIXED_POINT).astype(np.int64)) / (np.maximum(place.size, 1) * FIXED_POINT)
    yield from place.spread(means.astype(np.float32))
    total = place.totals(chars)
    yield place.spread(place.totals(chars * story) / np.maximum(total, 1))

    yield from _shared_terms(evidence, place, story)
    yield np.minimum(_repetitions(evidence.key, place.doc), 3)
    up_to_here = np.cumsum(chars)
    before = up_to_here - chars
    before -= before.take(place.begin)
    yield np.log2((before / 64 + 1).astype(np.float32))
    yield np.log2(((place.spread(total) - before - chars) / 64 + 1).astype(np.float32))


def _signed_log(distance: I64) -> F32:
    logarithm: F32 = np.log2((np.abs(distance) + 1).astype(np.float32)) * np.sign(distance).astype(np.float32)
    return logarithm


def _said(evidence: Evidence, concepts: tuple[str, ...], place: _Layout, body: F32) -> F32:
    """Tell how much of `SAID` the document's other blocks say: cues by word, each block's as likely as it is story.

    Shape ``(len(SAID), n_blocks)``; 1 is `MOST_SAID`.
    """
    weight = np.rint(body * STORY_POINT).astype(np.int64)
    counts = evidence.cues[:, [concepts.index(name) for name in SAID]].T * weight
    words = evidence.words * weight
    others = 1 / np.maximum(place.spread(place.totals(words)) - words, STORY_POINT)
    shares = np.minimum((place.spread(place.totals(counts)) - counts) * others, MOST_SAID)
    return np.asarray(shares, dtype=np.float32) * np.float32(1 / MOST_SAID)


def _shared_terms(
    evidence: Evidence, place: _Layout, story: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Tell which share of a block's longer words stands elsewhere in the document, whether it has any, and which
    share stands in other long blocks of the story.
    """
    bounds = evidence.term_first
    terms = np.diff(bounds)
    bucket = (evidence.term_hash * np.uint64(0xD6E8FEB86659FD93)) >> np.uint64(64 - VOCABULARY_BUCKETS.bit_length() + 1)
    cell = np.repeat(place.doc * VOCABULARY_BUCKETS, terms)
    cell += bucket.view(np.int64)
    in_story = np.repeat(story, terms)
    often, told = _met(cell, len(place.size) * VOCABULARY_BUCKETS, in_story)
    few = np.maximum(terms, 1)
    shared = np.diff(np.append(0, np.cumsum(often)).take(bounds))
    in_others = np.diff(np.append(0, np.cumsum(told)).take(bounds))
    return shared / few, terms < 2, in_others / few


def _met(
    cell: I64, n_cells: int, in_story: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Tell which terms have another term in their cell, and which another one that is in the story.

    Each term writes its number into its cell; whose number was written over has met another. What no term writes to is
    never read, so that most of the table is never touched.
    """
    number = np.arange(len(cell), dtype=np.int32)
    holder = np.empty(n_cells, dtype=np.int32)
    holder[cell] = number
    holder[cell[holder.take(cell) != number]] = _SEVERAL
    often = holder.take(cell) == _SEVERAL
    told, at = cell[in_story], number[in_story]
    holder[cell] = _NOBODY
    holder[told] = at
    holder[told[holder.take(told) != at]] = _SEVERAL
    # In a story block, a term's own occurrence does not count: one more is asked for.
    held = holder.take(cell)
    return often, np.where(in_story, held == _SEVERAL, held != _NOBODY)


_SEVERAL, _NOBODY = -1, -2


def _repetitions(key: npt.NDArray[np.uint64], doc: I64) -> I64:
    """Count how often a block's text stands in its document beside this once."""
    mixed = key ^ (doc.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    result = np.zeros(len(key), dtype=np.int64)
    ordered = np.sort(mixed)
    several = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(several):
        # Few blocks are repeated: those that may be are found by some of their bits, and only they are counted.
        possible = np.zeros(1 << 16, dtype=bool)
        possible[several >> np.uint64(48)] = True
        at = np.flatnonzero(possible.take((mixed >> np.uint64(48)).view(np.int64)))
        _, inverse, counts = np.unique(mixed[at], return_inverse=True, return_counts=True)
        result[at] = counts[inverse] - 1
    return result
