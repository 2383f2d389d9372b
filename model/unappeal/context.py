"""From the evidence of whole documents to probabilities: what the neighbours, the position and the document add.

Two small networks, exported to arrays. The *reader* looks at one block: its word weights, cues and shape. The
*judge* looks at the document: what the reader said of the block and of its neighbours, of everything before and
after it, where it stands, what it repeats. "Russia media is under attack." is an appeal because of what follows it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from unappeal.evidence import EDGES, FIXED_POINT, SHAPE_FIELDS, Evidence

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]

NEIGHBOURS = (1, 2, 3, 4)
"""How far the neighbours are looked at one by one, either side."""

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

TOPICS = {
    "giving": ("give", "support", "belong", "money", "payment"),
    "press": ("independent", "newsroom", "pressure"),
    "selling": ("subscribe", "account", "advert"),
}
"""What a whole story may be about; where it is about giving, words of giving are no sign of an appeal."""

FAR_BLOCKS = 16.0
"""A marker's slow influence falls to 1/e over this many blocks."""

MARKER_CHARS = 60
"""A marker is a heading, a button or a line of a menu, not a paragraph (code points)."""

LONG_STORY_CHARS = 140
"""A block this long that the reader takes for story marks where the story is."""

VOCABULARY_BUCKETS = 1 << 11
ROWS_AT_A_TIME = 512
"""The networks always see this many rows, padded, so that a row's result does not depend on its batch."""

_SHAPE_NAMES = tuple(name for fields in SHAPE_FIELDS for name in fields)
_PRESENCE = ("question", "exclamation", "currency", "address", "bracket", "divider")


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
        return self.ended(np.tile(self.bias, (len(features), 1)), np.ascontiguousarray(features.T))

    def begun(self, columns: F32) -> F32:
        """Give what the first columns and the bias come to in the hidden units, shape ``(n, n_hidden)``."""
        weights = self.weights[: len(columns)]
        result = np.empty((columns.shape[1], len(self.bias)), dtype=np.float32)
        for rows, part in _parts(columns):
            np.add((part.T @ weights)[: rows.stop - rows.start], self.bias, out=result[rows])
        return result

    def ended(self, begun: F32, columns: F32) -> F32:
        """Give logits, shape ``(n, 3)``, from what the first columns came to, and the rest of the columns."""
        result = np.empty((len(begun), self.out.shape[1]), dtype=np.float32)
        weights = self.weights[len(self.weights) - len(columns) :]
        for rows, part in _parts(columns):
            activation = part.T @ weights
            activation[: rows.stop - rows.start] += begun[rows]
            np.maximum(activation, 0, out=activation)
            result[rows] = (activation @ self.out)[: rows.stop - rows.start]
        result += self.out_bias
        return result


def _parts(columns: F32) -> Iterator[tuple[slice, F32]]:
    """Cut ``(n_columns, n)`` into parts of `ROWS_AT_A_TIME` rows, the last one padded with zeros."""
    n = columns.shape[1]
    for begin in range(0, n, ROWS_AT_A_TIME):
        part = columns[:, begin : begin + ROWS_AT_A_TIME]
        if part.shape[1] < ROWS_AT_A_TIME:
            padded = np.zeros((len(columns), ROWS_AT_A_TIME), dtype=np.float32)
            padded[:, : part.shape[1]] = part
            part = padded
        yield slice(begin, min(begin + ROWS_AT_A_TIME, n)), part


def softmax(logits: F32) -> F32:
    """Give probabilities from logits, row by row."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: F32 = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def block_feature_names(concepts: tuple[str, ...]) -> list[str]:
    """Name the columns of `block_features`."""
    names = ["noise_words", "appeal_words", "noise_words_mean", "appeal_words_mean", "known_share", "unknown"]
    names += ["log_words", "log_chars", "is_long", "titled_share", "word_chars"]
    names += [f"share_{name}" for name in _SHAPE_NAMES] + [f"has_{name}" for name in _PRESENCE]
    names += [f"first_{name}" for name in EDGES[1:]] + [f"last_{name}" for name in EDGES[1:]]
    return names + [f"cue_{name}" for name in concepts] + [f"density_{name}" for name in concepts]


def block_features(evidence: Evidence) -> F32:
    """Give what the reader sees of each block, shape ``(n_blocks, n_features)``."""
    words = evidence.words.astype(np.float32)[:, None]
    sums = evidence.sums.astype(np.float32) / FIXED_POINT
    known = evidence.known.astype(np.float32)[:, None] / np.maximum(words, 1)
    chars = evidence.chars.astype(np.float32)[:, None]
    seen = np.maximum(evidence.shape[:, :1] * 0 + np.minimum(evidence.chars, 320)[:, None], 1).astype(np.float32)
    shape = evidence.shape.astype(np.float32)
    presence = np.minimum(shape[:, [_SHAPE_NAMES.index(name) for name in _PRESENCE]], 3)
    cues = np.minimum(evidence.cues, 4).astype(np.float32)
    return np.concatenate(
        (
            np.clip(sums / np.sqrt(words + 1), -8, 8),
            np.clip(sums / (words + 2), -4, 4),
            known,
            (known < 0.3).astype(np.float32),
            np.log2(words + 1),
            np.log2(chars + 1),
            (chars > LONG_STORY_CHARS).astype(np.float32),
            evidence.titled.astype(np.float32)[:, None] / np.maximum(words, 1),
            np.minimum(seen / np.maximum(words, 1), 30),
            shape / seen,
            presence,
            _one_hot(evidence.first_edge),
            _one_hot(evidence.last_edge),
            cues,
            np.sqrt(evidence.cues.astype(np.float32) / np.maximum(words, 1)),
        ),
        axis=1,
        dtype=np.float32,
    )


def document_feature_names(concepts: tuple[str, ...]) -> list[str]:
    """Name the columns of `document_features`."""
    own = block_feature_names(concepts)
    names = ["reader_body", "reader_appeal", "reader_related", *own]
    for k in NEIGHBOURS:
        for side in ("before", "after"):
            names += [f"{part}_{side}_{k}" for part in _NEIGHBOUR_PARTS]
    for k in SIMILAR_AT:
        for side in ("before", "after"):
            names += [f"{part}_{side}_{k}" for part in _SIMILAR_PARTS]
    for decay in DECAYS:
        for side in ("before", "after"):
            names += [f"{part}_{side}_decay_{decay}" for part in _DECAY_PARTS]
    for marker in MARKERS:
        for side in ("before", "after"):
            names += [f"{marker}_{side}_near", f"{marker}_{side}_far"]
    return [*names, *_PLACE_PARTS, *(f"story_of_{topic}" for topic in TOPICS)]


_NEIGHBOUR_PARTS = ("appeal", "related", "appeal_words", "noise_words", "log_chars", "stop", "exists")
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
    n = len(evidence)
    size = np.diff(first)
    doc = np.repeat(np.arange(len(size)), size)
    index = np.arange(n) - first[:-1][doc]
    probability = softmax(reader)
    log_chars = np.log2(evidence.chars + 1).astype(np.float32)
    stop = np.isin(evidence.last_edge, [EDGES.index(e) for e in ("stop", "question", "exclamation", "quote")])
    beside = np.column_stack(
        (probability[:, 1:], own[:, 1], own[:, 0], log_chars / 8, stop, np.ones(n, dtype=np.float32))
    ).astype(np.float32)
    story = (evidence.chars >= LONG_STORY_CHARS) & (probability[:, 0] > 0.5)
    mass = np.column_stack((probability, np.minimum(evidence.chars, 400) / 400 * probability[:, 0])).astype(np.float32)
    columns = [reader, own]
    for k in NEIGHBOURS:
        columns += [_shifted(beside, k, index >= k), _shifted(beside, -k, index + k < size[doc])]
    for k in SIMILAR_AT:
        columns += [
            _similar(evidence, log_chars, k, index >= k),
            _similar(evidence, log_chars, -k, index + k < size[doc]),
        ]
    for decay in DECAYS:
        for side in (1, -1):
            columns.append(_decayed(mass, decay, side, index, size[doc]))
    columns.append(_markers(evidence, concepts, first, doc))
    columns.append(_place(evidence, first, doc, index, size, story, probability, log_chars))
    columns.append(_topics(evidence, concepts, first, doc, story))
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _place(
    evidence: Evidence,
    first: I64,
    doc: I64,
    index: I64,
    size: I64,
    story: npt.NDArray[np.bool_],
    probability: F32,
    log_chars: F32,
) -> F32:
    n = len(evidence)
    last = size[doc] - 1
    story_at = np.flatnonzero(story)
    begins = np.full(len(size), -1)
    ends = np.full(len(size), -1)
    begins[doc[story_at[::-1]]] = index[story_at[::-1]]
    ends[doc[story_at]] = index[story_at]
    has_story = (begins >= 0)[doc]
    to_begin = np.where(has_story, index - begins[doc], 0)
    to_end = np.where(has_story, index - ends[doc], 0)
    chars = evidence.chars
    chars_before = np.cumsum(chars) - chars
    total = np.append(chars_before, chars_before[-1] + chars[-1] if n else 0)[first]
    chars_before = chars_before - total[:-1][doc]
    chars_after = np.diff(total)[doc] - chars_before - chars
    everything = np.maximum(np.diff(total), 1)[doc]
    means = _document_mean(np.column_stack((probability, log_chars / 8, np.where(story, chars, 0) / 64)), first, doc)
    story_share = means[:, 4:] * 64 * size[doc][:, None] / everything[:, None]
    shared = _shared_terms(evidence, doc, len(size), story)
    parts = (
        np.log2(index + 1), np.log2(last - index + 1), 1 / (1 + index), 1 / (1 + last - index),
        index / np.maximum(last, 1), np.log2(size[doc]), has_story & (to_begin < 0), has_story & (to_end > 0),
        _signed_log(to_begin), _signed_log(to_end), ~has_story, *means[:, :4].T, story_share[:, 0], *shared,
        np.minimum(_repetitions(evidence.key, doc), 3), np.log2(chars_before / 64 + 1), np.log2(chars_after / 64 + 1),
    )  # fmt: skip
    return np.column_stack(parts).astype(np.float32)


def _one_hot(edge: npt.NDArray[np.uint8]) -> F32:
    columns: F32 = (edge[:, None] == np.arange(1, len(EDGES), dtype=np.uint8)).astype(np.float32)
    return columns


def _signed_log(distance: I64) -> npt.NDArray[np.float64]:
    logarithm: npt.NDArray[np.float64] = np.sign(distance) * np.log2(np.abs(distance) + 1)
    return logarithm


def _shifted(values: F32, k: int, inside: npt.NDArray[np.bool_]) -> F32:
    """Give every row its k-th predecessor (k > 0) or successor (k < 0), zeros where there is none in the document."""
    result = np.zeros_like(values)
    if abs(k) >= len(values):
        return result
    if k > 0:
        result[k:] = values[:-k]
    else:
        result[:k] = values[-k:]
    result[~inside] = 0
    return result


def _decayed(values: F32, decay: float, side: int, index: I64, size: I64) -> F32:
    """Sum ``decay ** (j - 1) * values`` over the j-th neighbours on one side, 32 at most."""
    total = _shifted(values, side, index >= 1 if side > 0 else index + 1 < size)
    for step in DECAY_STEPS:
        inside = index >= step if side > 0 else index + step < size
        total = total + np.float32(decay**step) * _shifted(total, side * step, inside)
    return total


def _document_mean(values: npt.NDArray[np.float64], first: I64, doc: I64) -> npt.NDArray[np.float64]:
    """Give each block its document's mean, summed as integers so that the batch around it does not matter."""
    total = np.zeros((len(values) + 1, values.shape[1]), dtype=np.int64)
    np.cumsum(np.rint(values * FIXED_POINT).astype(np.int64), axis=0, out=total[1:])
    size = np.maximum(np.diff(first), 1)[:, None]
    mean: npt.NDArray[np.float64] = np.diff(total[first], axis=0) / (size * FIXED_POINT)
    return mean[doc]


def _similar(evidence: Evidence, log_chars: F32, k: int, inside: npt.NDArray[np.bool_]) -> F32:
    """Compare every block with its k-th predecessor (k > 0) or successor: how it begins, its edges, its length."""
    n = len(evidence)
    other = np.clip(np.arange(n) - k, 0, max(n - 1, 0))
    same_edges = (evidence.first_edge == evidence.first_edge[other]) & (evidence.last_edge == evidence.last_edge[other])
    parts = (evidence.lead == evidence.lead[other], same_edges, np.clip(log_chars - log_chars[other], -4, 4))
    return np.where(inside[:, None], np.column_stack(parts), 0).astype(np.float32)


def _markers(evidence: Evidence, concepts: tuple[str, ...], first: I64, doc: I64) -> F32:
    """Tell how near the last and the next marker of each kind are: ``1 / distance`` and a slower decay, else 0."""
    n = len(evidence)
    at = np.arange(n)
    begin, end = first[:-1][doc], first[1:][doc]
    short = evidence.chars <= MARKER_CHARS
    columns = []
    for names in MARKERS.values():
        marked = short & evidence.cues[:, [concepts.index(name) for name in names]].any(axis=1)
        before = np.maximum.accumulate(np.append(-1, np.where(marked, at, -1)))[:-1]
        after = np.minimum.accumulate(np.append(np.where(marked, at, n), n)[::-1])[::-1][1:]
        for distance, exists in ((at - before, before >= begin), (after - at, after < end)):
            columns += [exists / distance, exists * np.exp(-distance / FAR_BLOCKS)]
    return np.column_stack(columns).astype(np.float32)


def _topics(evidence: Evidence, concepts: tuple[str, ...], first: I64, doc: I64, story: npt.NDArray[np.bool_]) -> F32:
    """Tell which share of the document's long story blocks other than the block itself has cues of each topic."""
    n_story = np.diff(np.append(0, np.cumsum(story))[first])[doc] - story
    shares = []
    for names in TOPICS.values():
        told = story & evidence.cues[:, [concepts.index(name) for name in names]].any(axis=1)
        shares.append((np.diff(np.append(0, np.cumsum(told))[first])[doc] - told) / np.maximum(n_story, 1))
    return np.column_stack(shares).astype(np.float32)


def _shared_terms(
    evidence: Evidence, doc: I64, n_docs: int, story: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
    """Tell which share of a block's longer words stands elsewhere in the document, whether it has any, and which
    share stands in other long blocks of the story.
    """
    n = len(evidence)
    bucket = (evidence.term_hash * np.uint64(0xD6E8FEB86659FD93)) >> np.uint64(64 - VOCABULARY_BUCKETS.bit_length() + 1)
    cell = doc[evidence.term_block] * VOCABULARY_BUCKETS + bucket.astype(np.int64)
    n_cells = n_docs * VOCABULARY_BUCKETS
    terms = np.bincount(evidence.term_block, minlength=n)
    shared = np.bincount(evidence.term_block, weights=np.bincount(cell, minlength=n_cells)[cell] > 1, minlength=n)
    told = np.bincount(cell[story[evidence.term_block]], minlength=n_cells)
    # In a story block, a term's own occurrence does not count: one more is asked for.
    in_story = told[cell] > story[evidence.term_block]
    few = np.maximum(terms, 1)
    return shared / few, terms < 2, np.bincount(evidence.term_block, weights=in_story, minlength=n) / few


def _repetitions(key: npt.NDArray[np.uint64], doc: I64) -> I64:
    """Count how often a block's text stands in its document beside this once."""
    mixed = key ^ (doc.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    _, inverse, counts = np.unique(mixed, return_inverse=True, return_counts=True)
    return counts[inverse] - 1
