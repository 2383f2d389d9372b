"""What a block says about its own label, before its neighbours are asked.

Per block: sums of word weights, counts of cue words by concept, what the order of the cue words is worth, and counts
that describe its shape. All of it
is integer arithmetic over the buffer of a whole batch, so that a block's evidence is the same to the bit whatever
stands beside it.

How a stretch of text gets its hash: with ``H[i] = sum(u[j] * B**j for j < i)`` modulo 2**64 over the folded units
``u``, the stretch ``s:e`` has the hash ``(H[e] - H[s]) * B**-s``, the same wherever it stands (Rabin-Karp). Two
gathers and a product give every word, stem and n-gram of the batch.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from unappeal.blocks import Batch

HEAD_CHARS, TAIL_CHARS = 224, 96
"""Longer blocks are read at their two ends only (code points): a plea shows there, and reading all costs time."""

STEM_CHARS = 6
"""Word pairs are pairs of the words' first characters, so that endings do not part them."""

NGRAM = 4
PREFIXES, SUFFIXES = (3, 5), (3,)
"""Character n-grams of a word (lengths in units): all inside, those that begin it, those that end it."""

MAX_WORD_CHARS = 24
"""A longer word gives the n-grams of its first characters."""

SPACELESS_NGRAMS = (2, 3, 4)
"""Lengths of the n-grams that stand for words in scripts written without spaces."""

FIRST_SPACELESS = 0x0E00
"""Scripts without spaces begin here, with Thai."""

LEAD_CHARS = 6
"""Blocks of a list often begin alike: "Read:", "Photo 1", a weekday; this many code points are compared."""

STAR_LENGTHS = tuple(range(2, 10))
"""Lengths of a cue's stem that are told apart; a longer stem is cut."""

SPACELESS_CUES = (2, 3, 4, 5, 6)

SILENT_CONCEPT = "function"
"""Its words stand between all others, so they are left out where the order of cue words is read."""

CUE_STEPS = (1, 2)
"""Cue words are paired with the next one and the one after that: "you" and "support" mean more than either."""

CUE_DISTANCES = (14, 36, 120)
"""Pairs are told apart by how many units lie between their beginnings; those further apart are none."""

FIXED_POINT = 1 << 12
"""Weights are summed as integers, in this fraction of one."""

SHAPE_FIELDS = (
    ("upper", "digit", "space", "stop", "comma", "quote", "symbol"),
    ("question", "exclamation", "currency", "divider", "address", "bullet", "bracket"),
)
"""What the two packed tables count, `FIELD_BITS` bits each, lowest first."""

FIELD_BITS = 9

EDGES = [
    "none",
    "lower",
    "upper",
    "uncased",
    "digit",
    "stop",
    "question",
    "exclamation",
    "colon",
    "comma",
    "quote",
    "bullet",
    "ellipsis",
    "bracket",
    "symbol",
]
"""Kinds of a block's first and last character."""

MEMO_BITS = 18
CUE_KEY_BITS = 48
CUE_PLACE_BITS = CUE_KEY_BITS - 32
"""Bits of a cue's key, enough to tell half a million cues from all other words, and how many of them, the highest, say
where the rest is kept."""

MAY_BE_CUE_BITS = 20
_MAY_BE_SHIFT = np.uint64(CUE_KEY_BITS - MAY_BE_CUE_BITS)
MAX_CUES_PER_WORD = 2

LANGUAGE_SHIFT = 6
"""A slot's cue is a concept's number in so many bits, then its language's; 0 where several languages have it."""

MAX_LANGUAGES = 255

SAMPLE_BLOCK_CHARS, SAMPLE_CHARS = 160, (240, 800)
"""A document's language is told from so much of each of its blocks, until that much is read (code points): the first
where that makes it clear, else the second."""

SAMPLED_FIRST_CHARS = 60
"""Blocks this long tell a document's language; shorter ones only where there is none."""

LANGUAGE_VOTE = 5040
"""A word's vote for a language, shared among all languages that have it; a whole number for most shares."""

FEW_VOTES = 4 * LANGUAGE_VOTE
"""Where no language has more, nothing is clear, and beginnings of words are asked too in the end."""

CLEAR_LEAD = 2
"""A language is clear that has so many times the votes of any other, and more than few."""

U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]
I16: TypeAlias = npt.NDArray[np.int16]
I32: TypeAlias = npt.NDArray[np.int32]

_BASE = 0x9E3779B97F4A7C15
_BASE_INVERSE = pow(_BASE, -1, 1 << 64)
_MIX = np.uint64(0xD6E8FEB86659FD93)
_PAIR = np.uint64(0xA0761D6478BD642F)
_LANGUAGE = np.uint64(0x8EBC6AF09C88C6E3)
_SPACE = 0x20
_UPPER, _COUNTED = np.uint32(1 << 16), 1 << 17
_KNOWN = 32
_SEED = {
    name: np.uint64((0xE7037ED1A0B428DB * (i + 1)) & (2**64 - 1))
    for i, name in enumerate(("word", "inside", "prefix", "suffix", "pair", "spaceless", "exact", "star"))
}


@dataclass(frozen=True, slots=True)
class CharTables:
    """What a model knows of Unicode, by 16-bit unit; kept with the model so that it never changes under it.

    ``fold`` ``(65536,)`` gives the unit that stands for a character of a word (case and most diacritics gone,
    digits alike), 0 for all else. ``spaceless`` marks folded units of scripts without spaces. ``shape``
    ``(2, 65536)`` holds one counter a unit in the fields of `SHAPE_FIELDS`. ``edge`` numbers `EDGES`.

    ``packed`` answers three questions in one look-up: the lowest 16 bits are ``fold``, then comes whether ``edge`` is
    a capital, then the column of ``counters`` ``(2, n)`` that holds the unit's ``shape``; 0 where it counts nothing.
    """

    fold: npt.NDArray[np.uint16]
    spaceless: npt.NDArray[np.bool_]
    shape: U64
    edge: npt.NDArray[np.uint8]
    packed: npt.NDArray[np.uint32] = field(init=False, repr=False, compare=False)
    counters: U64 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        counted = np.flatnonzero(self.shape.any(axis=0))
        kinds = [np.unique(table[counted], return_inverse=True) for table in self.shape]
        both, kind = np.unique(kinds[0][1] * len(kinds[1][0]) + kinds[1][1], return_inverse=True)
        counters = np.zeros((2, len(both) + 1), dtype=np.uint64)
        counters[:, 1:] = kinds[0][0][both // len(kinds[1][0])], kinds[1][0][both % len(kinds[1][0])]
        packed = self.fold.astype(np.uint32)
        packed[self.edge == EDGES.index("upper")] |= _UPPER
        packed[counted] |= ((kind + 1) * _COUNTED).astype(np.uint32)
        object.__setattr__(self, "counters", counters)
        object.__setattr__(self, "packed", packed)


@dataclass(frozen=True, slots=True)
class CueWords:
    """The cue words of every language: a document's are read as its own language means them.

    ``keys`` ``(n,)`` are sorted `cue_key` of single words and stems; ``entries[first[i]:first[i + 1]]`` say what the
    languages mean by the ``i``-th: ``(m, 3)`` uint8, the language's number, then its concepts + 1 (0 none). The number
    of a language is its place in ``languages`` + 1. ``may_be`` tells by a key's highest bits whether it may be there.
    """

    keys: U64
    first: npt.NDArray[np.int32]
    entries: npt.NDArray[np.uint8]
    languages: tuple[str, ...]
    may_be: npt.NDArray[np.bool_] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        may_be = np.zeros(1 << MAY_BE_CUE_BITS, dtype=np.bool_)
        may_be[self.keys >> _MAY_BE_SHIFT] = True
        object.__setattr__(self, "may_be", may_be)

    def found(self, keys: U64) -> tuple[I64, I64]:
        """Give which of some keys are there, and at which place."""
        possible = np.flatnonzero(self.may_be.take((keys >> _MAY_BE_SHIFT).view(np.int64)))
        if not len(self.keys):
            return possible, possible
        wanted = keys.take(possible)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        hit = np.flatnonzero(self.keys.take(at) == wanted)
        return possible.take(hit), at.take(hit)


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """The trained part: hashed weights, and the cue words' hashes.

    ``slots`` ``(2**k, 4)`` int16: tag, weight for noise, weight for appeal, concept + 1 of a word pair or spaceless
    cue (0 none) and its language, see `LANGUAGE_SHIFT`. ``cues`` are those that are single words. ``cue_weights``
    ``(n_cue_features(n_concepts), 2)`` int16: weights for noise and appeal of `cue_features`; ``cue_worth`` the same,
    as `_packed_sums`.
    """

    tables: CharTables
    slots: npt.NDArray[np.int16]
    cues: CueWords
    cue_weights: npt.NDArray[np.int16]
    concepts: tuple[str, ...]
    cue_worth: I64 = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        n_languages, of_slots = len(self.cues.languages), self.slots[:, 3] >> LANGUAGE_SHIFT
        of_words = self.cues.entries[:, 0]
        if n_languages > MAX_LANGUAGES or (len(of_words) and not 1 <= of_words.min() <= of_words.max() <= n_languages):
            raise ValueError(f"cue words of other languages than the {n_languages} there are")
        if not 0 <= of_slots.min(initial=0) <= of_slots.max(initial=0) <= n_languages:
            raise ValueError(f"phrases of other languages than the {n_languages} there are")
        if len(self.cue_weights) != n_cue_features(len(self.concepts)):
            raise ValueError(f"{len(self.cue_weights)} weights of cue words for {len(self.concepts)} concepts")
        object.__setattr__(self, "cue_worth", _packed_sums(self.cue_weights[:, 0], self.cue_weights[:, 1]))

    def look_up(self, keys: U64) -> npt.NDArray[np.int16]:
        """Give the slots of hashed features, shape ``(n, 4)``; rows of zeros where the table has none."""
        index, tag = slot_of(keys, len(self.slots))
        rows = self.slots.take(index, axis=0)  # take: indexing copies rows of a table fifteen times slower
        rows.view(np.uint64)[:, 0] *= rows[:, 0] == tag
        return rows


@dataclass(frozen=True, slots=True)
class Evidence:
    """Evidence of the blocks of a batch; every array has one row a block, in order.

    ``sums`` ``(n, 4)``: summed weights for noise and appeal in `FIXED_POINT`, then the sums of those above zero alone:
    a plea in ordinary words is outweighed by them, but not silent. ``words`` and ``known``: how many words there are,
    and how many of them the model has weights for. ``cues`` ``(n, n_concepts)`` counts cue words; ``cue_sums``
    ``(n, 2)`` and ``cue_words``: summed weights of their order, and how many have a place in it. ``shape`` ``(n, 14)``;
    ``titled``: words that begin with a capital; ``first_edge``, ``last_edge``: numbers of `EDGES`; ``chars``: length
    in code points; ``key``, ``lead``: hashes of the block's folded text and of its first `LEAD_CHARS`, for finding
    repetitions and lists. ``term_hash[term_first[i]:term_first[i + 1]]`` are the longer words of block ``i``, for the
    document's vocabulary.
    """

    sums: I64
    words: I64
    known: I64
    cues: I16
    cue_sums: I64
    cue_words: I64
    shape: I16
    titled: I64
    first_edge: npt.NDArray[np.uint8]
    last_edge: npt.NDArray[np.uint8]
    chars: I64
    key: U64
    lead: U64
    term_hash: U64
    term_first: I64

    def __len__(self) -> int:
        return len(self.words)

    def select(self, rows: npt.NDArray[np.bool_]) -> "Evidence":
        """Give the evidence of some blocks only, in the same order."""
        index = np.flatnonzero(rows)
        n_terms = np.diff(self.term_first)
        chosen = {name: getattr(self, name).T.take(index, axis=-1).T for name in _ROW_FIELDS}  # columns lie together
        term_first = np.append(0, np.cumsum(n_terms[index]))
        return replace(self, **chosen, term_hash=self.term_hash[np.repeat(rows, n_terms)], term_first=term_first)


_ROW_FIELDS = (
    "sums", "words", "known", "cues", "cue_sums", "cue_words", "shape", "titled", "first_edge", "last_edge", "chars",
    "key", "lead",
)  # fmt: skip


class Tokens(NamedTuple):
    """The words of a batch's windows, and the prefix hashes to cut them with.

    ``start``, ``end``, ``block`` have one entry a word; ``char_at``, ``char_stop`` (where its run ends) and
    ``char_block`` one a spaceless character; ``word_hash`` and ``stem_hash`` are `piece_hash` of each word and of its
    first `STEM_CHARS`. Words ``word_first[i]:word_first[i + 1]`` are those of block ``i``. ``packed`` is what
    `CharTables` says of each unit. ``language`` ``(n_blocks,)`` is the number of the language whose cues count, 0 where
    that was not asked.
    """

    units: npt.NDArray[np.uint16]
    prefix: U64
    inverse: U64
    window: I64
    start: I64
    end: I64
    block: I64
    word_hash: U64
    char_at: I64
    char_stop: I64
    char_block: I64
    stem_hash: U64
    word_first: I64
    packed: npt.NDArray[np.uint32]
    language: npt.NDArray[np.uint8]


class Cues(NamedTuple):
    """The cue words of a batch in the order of the text: unit, concept and block of each."""

    at: I64
    concept: I64
    block: I64

    def ordered(self, concepts: tuple[str, ...]) -> "Cues":
        """Leave out those of `SILENT_CONCEPT`."""
        if SILENT_CONCEPT not in concepts:
            return self
        kept = np.flatnonzero(self.concept != concepts.index(SILENT_CONCEPT))
        return Cues(*(values.take(kept) for values in self))


def extract(batch: Batch, weights: EvidenceWeights, memo: "WordMemo") -> Evidence:
    """Compute the evidence of every block of a batch."""
    return extract_with_cues(batch, weights, memo)[0]


def extract_with_cues(batch: Batch, weights: EvidenceWeights, memo: "WordMemo") -> tuple[Evidence, Cues]:
    """Give what `extract` does, and the cue words that have a place in the order."""
    tokens = read_tokens(batch, weights)
    n = batch.n_blocks
    word = memo.records(tokens, weights)
    words = np.diff(tokens.word_first)
    known = segment_totals(word[:, 2], tokens.word_first) >> _KNOWN
    at, pair = _weighty_pairs(tokens, weights)
    pair_first = np.searchsorted(at, tokens.word_first)
    sums = np.empty((4, n), dtype=np.int64)
    for k, pair_weights in enumerate((pair[:, 1:3], np.maximum(pair[:, 1:3], 0))):
        worth = segment_totals(word[:, k], tokens.word_first)
        worth += segment_totals(_packed_sums(*pair_weights.T), pair_first)
        sums[2 * k : 2 * k + 2] = _unpacked_sums(worth)
    hits: list[tuple[I64, npt.NDArray[Any]]] = _word_cues(tokens, word[:, 2])
    hits.append((tokens.start.take(at), _own_concepts(pair[:, 3], tokens.language.take(tokens.block.take(at)))))
    for length in SPACELESS_CUES if len(tokens.char_at) else ():
        begin, block, keys = _spaceless(tokens, length)
        rows = weights.look_up(keys)
        hits.append((begin, _own_concepts(rows[:, 3], tokens.language.take(block))))
        if length in SPACELESS_NGRAMS:
            for k, column in enumerate((*rows[:, 1:3].T, *np.maximum(rows[:, 1:3], 0).T)):
                sums[k] += segment_sum(column, block, n)
        if length == SPACELESS_NGRAMS[0]:
            words += np.bincount(block, minlength=n)
            known += np.bincount(block, weights=(rows[:, 1] != 0) | (rows[:, 2] != 0), minlength=n).astype(np.int64)
    cues = _in_order(hits, tokens.window)
    ordered = cues.ordered(weights.concepts)
    counts, cue_sums = _cue_counts(cues, n, len(weights.concepts)), _cue_sums(ordered, weights, n)
    return _assembled(batch, tokens, weights.tables, sums.T, words, known, counts, *cue_sums), ordered


def seeds() -> U64:
    """Give what parts the kinds of hashed features, in the order of `kernels.c`."""
    return np.array(list(_SEED.values()), dtype=np.uint64)


def n_cue_features(n_concepts: int) -> int:
    """Give how many `cue_features` there are: a concept each, and pairs of concepts at each distance."""
    return n_concepts + n_concepts * n_concepts * len(CUE_DISTANCES)


def cue_features(cues: Cues, n_concepts: int) -> Iterator[tuple[I64, I64]]:
    """Give ``(index of a cue, number of a feature)``: of each cue itself, then of the pairs that it ends."""
    yield np.arange(len(cues.at)), cues.concept
    for step in CUE_STEPS:
        distance = cues.at[step:] - cues.at[:-step]
        ends = np.flatnonzero((cues.block[step:] == cues.block[:-step]) & (distance < CUE_DISTANCES[-1]))
        pair = cues.concept.take(ends) * n_concepts + cues.concept.take(ends + step)
        nearness = np.searchsorted(CUE_DISTANCES, distance.take(ends), side="right")
        yield ends + step, n_concepts + pair * len(CUE_DISTANCES) + nearness


def read_tokens(batch: Batch, weights: EvidenceWeights) -> Tokens:
    """Cut the blocks' windows into words, and tell each block the language of its document."""
    language = np.repeat(languages(batch, weights), np.diff(batch.first))
    return tokenize(batch, weights.tables)._replace(language=language)


def languages(batch: Batch, weights: EvidenceWeights) -> npt.NDArray[np.uint8]:
    """Tell each document's language by whose cue words it has most of, shape ``(n_docs,)``; 0 where it has none."""
    language = np.zeros(len(batch.first) - 1, dtype=np.uint8)
    asked = np.full(len(language), bool(weights.cues.languages))
    for chars in SAMPLE_CHARS:
        votes = _votes_of_all(_sample(batch, asked, chars), weights, ask_beginnings=chars == SAMPLE_CHARS[-1])
        told = np.where(votes.any(axis=1), votes.argmax(axis=1) + 1, 0)
        language[asked] = told[asked]
        most, second = votes.max(axis=1, initial=0), np.sort(np.pad(votes, ((0, 0), (2, 0))), axis=1)[:, -2]
        asked &= (most <= FEW_VOTES) | (most < CLEAR_LEAD * second)
        if not asked.any():
            break
    return language


def _votes_of_all(sample: Batch, weights: EvidenceWeights, ask_beginnings: bool) -> I64:
    """Count the votes for each language in each document of a sample, shape ``(n_docs, n_languages)``."""
    n_docs, n_languages = len(sample.first) - 1, len(weights.cues.languages)
    if not sample.n_blocks:
        return np.zeros((n_docs, n_languages), dtype=np.int64)
    tokens = tokenize(sample, weights.tables)
    document = np.repeat(np.arange(n_docs), np.diff(sample.first))
    of_word = document.take(tokens.block)
    ballots = [_votes(weights.cues, cue_key("exact", tokens.word_hash), of_word)]
    for length in SPACELESS_CUES if len(tokens.char_at) else ():
        block, keys = spaceless_features(tokens, length)
        language = weights.look_up(keys)[:, 3] >> LANGUAGE_SHIFT
        told = np.flatnonzero(language)
        ballots.append((document.take(block.take(told)), language.take(told), np.full(len(told), LANGUAGE_VOTE)))
    votes = _counted(ballots, n_docs, n_languages)
    few = votes.max(axis=1) <= FEW_VOTES
    if ask_beginnings and few.any():
        which = np.flatnonzero(few.take(of_word))
        start, length_of = tokens.start.take(which), (tokens.end - tokens.start).take(which)
        for n in STAR_LENGTHS:
            long_enough = np.flatnonzero(length_of >= n)
            begin = start.take(long_enough)
            keys = cue_key("star", piece_hash(tokens.prefix, tokens.inverse, begin, begin + n), n)
            ballots.append(_votes(weights.cues, keys, of_word.take(which.take(long_enough))))
        votes = _counted(ballots, n_docs, n_languages)
    return votes


def _votes(cues: CueWords, keys: U64, document: I64) -> tuple[I64, I64, I64]:
    """Give document, language and worth of every vote that some words have."""
    which, at = cues.found(keys)
    begin = cues.first.take(at).astype(np.int64)
    count = cues.first.take(at + 1) - begin
    entry = np.repeat(begin - np.cumsum(count) + count, count) + np.arange(int(count.sum()))
    worth = np.repeat(LANGUAGE_VOTE // np.maximum(count, 1), count)
    return np.repeat(document.take(which), count), cues.entries[:, 0].take(entry).astype(np.int64), worth


def _counted(ballots: list[tuple[I64, I64, I64]], n_docs: int, n_languages: int) -> I64:
    document, language, worth = map(np.concatenate, zip(*ballots, strict=True))
    places = document * n_languages + language - 1
    return (
        np.bincount(places, weights=worth, minlength=n_docs * n_languages).reshape(n_docs, n_languages).astype(np.int64)
    )


def _sample(batch: Batch, asked: npt.NDArray[np.bool_], chars: int) -> Batch:
    """Copy the beginnings of some blocks of each document ``asked`` about ``(n_docs,)``, those first that are long."""
    length = np.minimum(batch.end - batch.start, SAMPLE_BLOCK_CHARS)
    document = batch.document_of_block()
    is_long = length >= SAMPLED_FIRST_CHARS
    has_long = np.bincount(document, weights=is_long, minlength=len(batch.first) - 1) > 0
    length *= (is_long | ~has_long.take(document)) & asked.take(document)
    before = np.append(0, np.cumsum(length))
    taken = np.flatnonzero((length > 0) & (before[:-1] - before.take(batch.first.take(document)) < chars))
    length, begin = length.take(taken), batch.start.take(taken)
    stop = np.cumsum(length + 1)
    start = stop - length - 1
    units = batch.units.take(np.repeat(begin - start, length + 1) + np.arange(int((length + 1).sum())), mode="clip")
    units[stop - 1] = _SPACE
    first = np.searchsorted(document.take(taken), np.arange(len(batch.first)))
    return Batch(batch.texts, units, np.zeros(0, dtype=np.int64), first, start, stop - 1, batch.by_blank)


def _own_concepts(cue: npt.NDArray[np.int16], language: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Give the concepts + 1 of slots' cues, 0 for those of another language."""
    of = cue >> LANGUAGE_SHIFT
    return np.where((of == 0) | (of == language), cue & ((1 << LANGUAGE_SHIFT) - 1), 0).astype(np.int16)


def tokenize(batch: Batch, tables: CharTables) -> Tokens:
    """Cut the blocks' windows into words."""
    units, window = windows(batch)
    packed = tables.packed.take(units)
    folded = packed.astype(np.uint16)
    prefix, inverse = _prefix_hashes(folded)
    is_word = folded != 0
    char_at = np.flatnonzero(folded >= FIRST_SPACELESS)
    char_at = char_at[tables.spaceless.take(folded.take(char_at))]
    char_stop = char_at
    if len(char_at):
        is_word[char_at] = False
        run_length = np.diff(np.flatnonzero(np.diff(char_at, prepend=-2, append=len(folded) + 1) != 1))
        char_stop = np.repeat(char_at[np.cumsum(run_length) - 1] + 1, run_length)
    start, end = _runs(is_word)
    word_first = np.searchsorted(start, window)
    block = np.repeat(np.arange(batch.n_blocks), np.diff(word_first))
    char_block = _segment_of(window, char_at)
    before, unshift = prefix.take(start), inverse.take(start)
    word_hash, stem_hash = (
        (prefix.take(stop) - before) * unshift for stop in (end, np.minimum(end, start + STEM_CHARS))
    )
    return Tokens(
        units, prefix, inverse, window, start, end, block, word_hash, char_at, char_stop, char_block, stem_hash,
        word_first, packed, np.zeros(batch.n_blocks, dtype=np.uint8),
    )  # fmt: skip


def windows(batch: Batch) -> tuple[npt.NDArray[np.uint16], I64]:
    """Copy what is read of each block into one buffer, a space between any two stretches.

    Returns the buffer and where each block's window begins in it, one entry more than there are blocks.
    """
    length = batch.end - batch.start
    is_long = np.flatnonzero(length > HEAD_CHARS + 1 + TAIL_CHARS)
    taken = length.copy()
    taken[is_long] = HEAD_CHARS + 1 + TAIL_CHARS
    window = np.zeros(batch.n_blocks + 1, dtype=np.int64)
    np.cumsum(taken + 1, out=window[1:])
    # For every block: what is before it, its head, what is left out of its middle, its tail; a unit for the space.
    lengths = np.zeros((batch.n_blocks + 1, 4), dtype=np.int64)
    stop = np.concatenate(([0], batch.end + 1))
    lengths[:-1, 0] = batch.start - stop[:-1]
    lengths[:-1, 1] = length + 1
    lengths[is_long, 1:] = HEAD_CHARS + 1, 0, TAIL_CHARS + 1
    lengths[is_long, 2] = length[is_long] - HEAD_CHARS - 1 - TAIL_CHARS
    lengths[-1, 0] = len(batch.units) + 1 - stop[-1]
    taken_here = np.repeat(np.tile([False, True], 2 * len(lengths)), lengths.ravel())
    units = np.append(batch.units, np.uint16(_SPACE))[taken_here]
    units[window[1:] - 1] = _SPACE
    units[window[is_long] + HEAD_CHARS] = _SPACE
    return units, window


def piece_hash(prefix: U64, inverse: U64, start: I64, end: I64) -> U64:
    """Give the hashes of stretches of the buffer; equal text has equal hash wherever it stands."""
    return (prefix.take(end) - prefix.take(start)) * inverse.take(start)


def slot_of(keys: U64, n_slots: int) -> tuple[I64, npt.NDArray[np.int16]]:
    """Give the slot and the tag (never 0) of hashed features; ``n_slots`` is a power of two."""
    bits = n_slots.bit_length() - 1
    mixed = keys * _MIX
    tag = ((mixed >> np.uint64(64 - bits - 15)) & np.uint64(0x7FFF)).astype(np.int16) | np.int16(1)
    return (mixed >> np.uint64(64 - bits)).astype(np.int64), tag


def word_features(tokens: Tokens, which: I64) -> tuple[I64, U64, npt.NDArray[np.float64]]:
    """Give the hashed features of some words: ``(index into which, key, value)``.

    The word itself has the value 1, its character n-grams share a vector of length 1.
    """
    start, end = tokens.start[which], tokens.end[which]
    length = end - start
    owners, keys = [np.arange(len(which))], [tokens.word_hash[which] ^ _SEED["word"]]
    cut = np.minimum(end, start + MAX_WORD_CHARS)
    for n in PREFIXES:
        long_enough = np.flatnonzero(length > n)
        owners.append(long_enough)
        keys.append(
            piece_hash(tokens.prefix, tokens.inverse, start[long_enough], start[long_enough] + n) ^ _SEED["prefix"]
        )
    for n in SUFFIXES:
        long_enough = np.flatnonzero(length > n)
        owners.append(long_enough)
        keys.append(piece_hash(tokens.prefix, tokens.inverse, end[long_enough] - n, end[long_enough]) ^ _SEED["suffix"])
    count = np.maximum(cut - start - NGRAM + 1, 0) * (length > NGRAM)
    owner = np.repeat(np.arange(len(which)), count)
    at = start[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    owners.append(owner)
    keys.append(piece_hash(tokens.prefix, tokens.inverse, at, at + NGRAM) ^ _SEED["inside"])
    n_parts = np.bincount(np.concatenate(owners[1:]), minlength=len(which))
    values = [np.ones(len(which))]
    values.extend(1 / np.sqrt(n_parts[part]) for part in owners[1:])
    return np.concatenate(owners), np.concatenate(keys), np.concatenate(values)


def pair_features(tokens: Tokens) -> tuple[I64, U64]:
    """Give ``(block, key)`` of the stems of any two words that follow each other in a block."""
    stem = tokens.stem_hash
    together = tokens.block[1:] == tokens.block[:-1]
    return tokens.block[:-1][together], pair_key(stem[:-1][together], stem[1:][together])


def _weighty_pairs(tokens: Tokens, weights: EvidenceWeights) -> tuple[I64, npt.NDArray[np.int16]]:
    """Give the pairs that have a slot: the number of their first word, and the slots ``(n, 4)``."""
    index, tag = slot_of(pair_key(tokens.stem_hash[:-1], tokens.stem_hash[1:]), len(weights.slots))
    rows = weights.slots.take(index, axis=0)
    at = np.flatnonzero((rows[:, 0] == tag) & (tokens.block[1:] == tokens.block[:-1]))
    return at, rows.take(at, axis=0)


def pair_key(left: U64, right: U64) -> U64:
    """Give the key of a pair of stems from their hashes."""
    return (left * _PAIR + right) ^ _SEED["pair"]


def spaceless_features(tokens: Tokens, length: int) -> tuple[I64, U64]:
    """Give ``(block, key)`` of the n-grams of one length in runs of spaceless characters."""
    return _spaceless(tokens, length)[1:]


def _spaceless(tokens: Tokens, length: int) -> tuple[I64, I64, U64]:
    """Give what `spaceless_features` gives, and before it the unit at which each n-gram begins."""
    fits = tokens.char_at + length <= tokens.char_stop
    at = tokens.char_at[fits]
    seed = _SEED["spaceless"] + np.uint64(length)
    return at, tokens.char_block[fits], piece_hash(tokens.prefix, tokens.inverse, at, at + length) ^ seed


def cue_key(kind: str, hashes: U64, length: int = 0) -> U64:
    """Give the key under which a cue is kept, of `CUE_KEY_BITS`: ``exact`` words, or ``star`` stems of a length."""
    return ((hashes ^ _SEED[kind]) * _MIX + np.uint64(length)) >> np.uint64(64 - CUE_KEY_BITS)


def segment_sum(values: npt.NDArray[np.int32] | npt.NDArray[np.int16], segment: I64, n: int) -> I64:
    """Sum integers by segment, exactly: a batch's sums stay far below the 2**53 that a float holds."""
    return np.bincount(segment, weights=values, minlength=n).astype(np.int64)


def segment_totals(values: npt.NDArray[np.int64] | npt.NDArray[np.bool_], first: I64) -> I64:
    """Sum integers by segment, ``first[i]:first[i + 1]`` each; exact, because overflow cancels out."""
    total = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=total[1:])
    return np.diff(total.take(first))


def _packed_sums(noise: npt.NDArray[np.signedinteger[Any]], appeal: npt.NDArray[np.signedinteger[Any]]) -> I64:
    """Put two numbers into one, so that they are summed at once."""
    return noise.astype(np.int64) + (appeal.astype(np.int64) << 32)


def _unpacked_sums(packed: I64) -> tuple[I64, I64]:
    noise = packed.astype(np.int32).astype(np.int64)
    return noise, (packed - noise) >> 32


@dataclass(slots=True)
class WordMemo:
    """Remembers what the weights say of the words met last, each as its language means it; the vocabulary repeats.

    A word's record holds three integers: `_packed_sums` of its weights; of those above zero; its concepts, and from
    bit `_KNOWN` whether it is known. Looking a word up costs one gather; working it out costs some thirty. A slot keeps
    the word that came last; results never depend on what is remembered. ``user`` is scratch: which word of a batch is
    to have the slot. Threads take turns.
    """

    keys: U64 = field(default_factory=lambda: np.zeros(1 << MEMO_BITS, dtype=np.uint64))
    values: I64 = field(default_factory=lambda: np.zeros((1 << MEMO_BITS, 3), dtype=np.int64))
    user: I64 = field(default_factory=lambda: np.zeros(1 << MEMO_BITS, dtype=np.int64))
    turn: threading.Lock = field(default_factory=threading.Lock)

    def records(self, tokens: Tokens, weights: EvidenceWeights) -> I64:
        """Give the records of all words, shape ``(n_words, 3)``."""
        with self.turn:
            return self._records(tokens, weights)

    def _records(self, tokens: Tokens, weights: EvidenceWeights) -> I64:
        words_of_all = tokens.word_hash ^ (tokens.language.take(tokens.block) * _LANGUAGE)
        index = ((words_of_all * _MIX) >> np.uint64(64 - MEMO_BITS)).view(np.int64)
        missing = np.flatnonzero(self.keys.take(index) != words_of_all)
        found = self.values.take(index, axis=0)
        if len(missing):
            slots, words = index.take(missing), words_of_all.take(missing)
            self.user[slots] = missing
            chosen = np.flatnonzero(self.user.take(slots) == missing)
            self.keys[slots[chosen]] = words[chosen]
            self.values[slots[chosen]] = _packed_records(tokens, missing[chosen], weights)
            found[missing] = self.values.take(slots, axis=0)
            beaten = missing[self.keys.take(slots) != words]
            if len(beaten):
                found[beaten] = _packed_records(tokens, beaten, weights)
        return found


def _packed_records(tokens: Tokens, which: I64, weights: EvidenceWeights) -> I64:
    records = word_records(tokens, which, weights)
    known = records[:, 5].astype(np.int64) << _KNOWN
    return np.stack((_packed_sums(*records[:, :2].T), _packed_sums(*records[:, 2:4].T), records[:, 4] + known), axis=1)


def word_records(tokens: Tokens, which: I64, weights: EvidenceWeights) -> I32:
    """Work out noise, appeal, both of the weights above zero alone, concepts, known: ``(n_words, 6)``."""
    owner, keys, values = word_features(tokens, which)
    rows = weights.look_up(keys)
    records = np.zeros((len(which), 6), dtype=np.int32)
    for k, column in enumerate((*rows[:, 1:3].T, *np.maximum(rows[:, 1:3], 0).T)):
        records[:, k] = np.rint(np.bincount(owner, weights=column * values, minlength=len(which)))
    records[:, 4] = word_concepts(tokens, which, weights)
    records[:, 5] = rows[: len(which), 0] != 0
    return records


def word_concepts(tokens: Tokens, which: I64, weights: EvidenceWeights) -> I32:
    """Give up to two concepts that a word has in its document's language: of itself, then of its longest stem.

    They are + 1, in the two low bytes.
    """
    found = np.zeros((len(which), MAX_CUES_PER_WORD), dtype=np.int32)
    language = tokens.language.take(tokens.block.take(which))
    start, length = tokens.start[which], (tokens.end - tokens.start)[which]
    candidates = [(np.arange(len(which)), cue_key("exact", tokens.word_hash[which]))]
    for n in reversed(STAR_LENGTHS):
        long_enough = np.flatnonzero(length >= n)
        stem = piece_hash(tokens.prefix, tokens.inverse, start[long_enough], start[long_enough] + n)
        candidates.append((long_enough, cue_key("star", stem, n)))
    cues = weights.cues
    for owner, keys in candidates:
        hit, at = cues.found(keys)
        begin, count = cues.first.take(at), cues.first.take(at + 1) - cues.first.take(at)
        for k in range(int(count.max(initial=0))):  # of the languages that have the word, some dozen at most
            more = np.flatnonzero(count > k)
            rows, entry = owner.take(hit.take(more)), cues.entries.take(begin.take(more) + k, axis=0)
            own = np.flatnonzero(entry[:, 0] == language.take(rows))
            for concepts in entry.take(own, axis=0)[:, 1:].T:
                _add_concepts(found, rows.take(own), concepts.astype(np.int32))
    return found[:, 0] | (found[:, 1] << 8)


def _add_concepts(found: I32, rows: I64, concepts: I32) -> None:
    """Put concepts into the first free column of their rows, unless there already."""
    new = (concepts > 0) & (found[rows, 0] != concepts) & (found[rows, 1] == 0)
    rows, concepts = rows[new], concepts[new]
    free = np.where(found[rows, 0] == 0, 0, 1)
    found[rows, free] = concepts


def _prefix_hashes(folded: npt.NDArray[np.uint16]) -> tuple[U64, U64]:
    power, inverse = powers(len(folded) + 1)
    prefix = np.zeros(len(folded) + 1, dtype=np.uint64)
    prefix[1:] = folded
    prefix[1:] += np.uint64(1)
    prefix[1:] *= power[:-1]
    np.cumsum(prefix[1:], out=prefix[1:])
    return prefix, inverse


_POWERS: list[tuple[U64, U64]] = []


def powers(n: int) -> tuple[U64, U64]:
    """Give ``B**i`` and ``B**-i`` for ``i < n``, kept and grown as needed."""
    kept = _POWERS[0] if _POWERS else None
    if kept is None or len(kept[0]) < n:
        size = max(n, 1 << 16)
        kept = _powers_of(_BASE, size), _powers_of(_BASE_INVERSE, size)
        _POWERS[:] = [kept]  # both at once: other threads read them
    return kept[0][:n], kept[1]


def _powers_of(base: int, n: int) -> U64:
    found = np.full(n, base, dtype=np.uint64)
    found[0] = 1
    np.cumprod(found, out=found)
    return found


def _runs(flags: npt.NDArray[np.bool_]) -> tuple[I64, I64]:
    """Give the starts and ends of runs of true."""
    padded = np.zeros(len(flags) + 2, dtype=np.bool_)
    padded[1:-1] = flags
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return np.ascontiguousarray(edges[::2]), np.ascontiguousarray(edges[1::2])


def _segment_of(bounds: I64, at: I64) -> I64:
    """Give the segment of each of some ascending positions; ``bounds`` are the segments', one more than there are."""
    return np.repeat(np.arange(len(bounds) - 1), np.diff(np.searchsorted(at, bounds)))


def _word_cues(tokens: Tokens, concepts: I64) -> list[tuple[I64, npt.NDArray[Any]]]:
    """Give unit and concept + 1 of the cues that are single words, from the words' records."""
    cue = np.flatnonzero(concepts & 0xFFFF)
    at, both = tokens.start.take(cue), concepts.take(cue) & 0xFFFF
    return [(at, both & 0xFF), (at, both >> 8)]


def _in_order(hits: list[tuple[I64, npt.NDArray[Any]]], window: I64) -> Cues:
    """Order cues by unit, then concept, from pairs of unit and concept + 1 (0 none)."""
    codes = []
    for at, concept in hits:
        which = np.flatnonzero(concept)
        codes.append((at.take(which) << 8) + concept.take(which) - 1)
    ordered = np.sort(np.concatenate(codes))
    at = ordered >> 8
    return Cues(at, ordered & 0xFF, _segment_of(window, at))


def _cue_counts(cues: Cues, n: int, n_concepts: int) -> I16:
    """Count cues, shape ``(n, n_concepts)``."""
    counts = np.bincount(cues.concept * n + cues.block, minlength=n * n_concepts)
    return counts.astype(np.int16).reshape(n_concepts, n).T


def _cue_sums(cues: Cues, weights: EvidenceWeights, n: int) -> tuple[I64, I64]:
    """Sum the weights of the cues' order, ``(n, 2)``, and count the cues that have a place in it."""
    worth = np.zeros(len(cues.at), dtype=np.int64)
    for which, feature in cue_features(cues, len(weights.concepts)):
        worth[which] += weights.cue_worth.take(feature)
    first = np.searchsorted(cues.block, np.arange(n + 1))
    return np.stack(_unpacked_sums(segment_totals(worth, first))).T, np.diff(first)


def _assembled(
    batch: Batch,
    tokens: Tokens,
    tables: CharTables,
    sums: I64,
    words: I64,
    known: I64,
    cues: I16,
    cue_sums: I64,
    cue_words: I64,
) -> Evidence:
    """Add the shape to the words' evidence."""
    n = batch.n_blocks
    mask = np.uint64((1 << FIELD_BITS) - 1)
    shape = np.zeros((sum(map(len, SHAPE_FIELDS)), n), dtype=np.int16)
    at = np.flatnonzero(tokens.packed >= _COUNTED)  # a quarter of all units: the others are small letters
    kind = (tokens.packed.take(at) // _COUNTED).astype(np.intp)
    bounds = np.searchsorted(at, tokens.window)
    row = 0
    for fields, table in zip(SHAPE_FIELDS, tables.counters.view(np.int64), strict=True):
        totals = segment_totals(table.take(kind), bounds).view(np.uint64)
        for i in range(len(fields)):
            shape[row] = (totals >> np.uint64(i * FIELD_BITS)) & mask
            row += 1
    first = tables.edge[tokens.units[tokens.window[:-1]]]
    last = tables.edge[tokens.units[np.maximum(tokens.window[1:] - 2, tokens.window[:-1])]]
    titled = segment_totals(tokens.packed.take(tokens.start) & _UPPER != 0, tokens.word_first)
    key = piece_hash(tokens.prefix, tokens.inverse, tokens.window[:-1], tokens.window[1:])
    lead_end = np.minimum(tokens.window[:-1] + LEAD_CHARS, tokens.window[1:])
    lead = piece_hash(tokens.prefix, tokens.inverse, tokens.window[:-1], lead_end)
    is_term = np.flatnonzero(tokens.end - tokens.start >= 5)
    term_hash, term_block = tokens.word_hash.take(is_term), tokens.block.take(is_term)
    if len(tokens.char_at):
        block, keys = spaceless_features(tokens, 2)
        order = np.argsort(np.concatenate((term_block, block)), kind="stable")
        term_hash = np.concatenate((term_hash, keys))[order]
        term_block = np.concatenate((term_block, block))[order]
    return Evidence(
        sums,
        words,
        known,
        cues,
        cue_sums,
        cue_words,
        shape.T,
        titled,
        first,
        last,
        batch.end - batch.start,
        key,
        lead,
        term_hash,
        np.searchsorted(term_block, np.arange(n + 1)),
    )
