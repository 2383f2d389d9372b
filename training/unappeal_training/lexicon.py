"""Read the cue words of data/lexicon and hash them as evidence does."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from unappeal.blocks import split_batch
from unappeal.errors import InputError
from unappeal.evidence import (
    I64,
    LANGUAGE_SHIFT,
    MAX_CUES_PER_WORD,
    SPACELESS_CUES,
    STAR_LENGTHS,
    U64,
    CharTables,
    CueWords,
    Tokens,
    cue_key,
    pair_features,
    piece_hash,
    spaceless_features,
    tokenize,
)
from unappeal_training.dataset import DATA_DIR

CONCEPTS = (
    "give",
    "support",
    "belong",
    "money",
    "frequency",
    "payment",
    "thanks",
    "independent",
    "newsroom",
    "pressure",
    "need",
    "we",
    "you",
    "reader",
    "not_now",
    "subscribe",
    "account",
    "newsletter",
    "read_more",
    "popular",
    "section",
    "share",
    "comment",
    "legal",
    "consent",
    "advert",
    "player",
    "action",
    "contact",
    "picture",
    "byline",
    "date",
    "reporting",
    "story",
    "pronoun3",
    "past",
    "function",
    "correction",
    "technical",
)
"""The concepts whose weights all languages share; data/README.md says what each is."""

PLAIN = "plain"
"""Where a language lists words that are common in it and no cue there: they tell the language."""

WIDELY_WRITTEN = (
    "en", "ru", "de", "es", "fr", "ja", "pt", "zh", "it", "pl", "tr", "nl",
    "fa", "cs", "vi", "id", "ko", "uk", "ar", "el", "hu", "sv", "ro", "hi",
)  # fmt: skip
"""The languages that most pages are written in: of languages equally likely, the first of these, then the others."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Hashed cues: those that are single words and stems, and word pairs and spaceless strings by key.

    ``slot_cues`` are as `unappeal.evidence.EvidenceWeights` has them: a concept and its language, or none where
    several have it.
    """

    words: CueWords
    slot_keys: U64
    slot_cues: npt.NDArray[np.int16]


Meanings: TypeAlias = dict[int, set[int]]
"""What each language means by a word: its number, and the numbers of the concepts, their place in `CONCEPTS` + 1."""


def read_cues(folder: Path | None = None) -> Iterator[tuple[str, str, str]]:
    """Give ``(language, concept, cue)``; InputError names a file that is not as data/README.md says."""
    for path in sorted((folder or DATA_DIR / "lexicon").glob("*.json")):
        try:
            cues = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as exc:
            raise InputError(f"not JSON: {exc}", path) from exc
        for concept, words in cues.items():
            if concept not in CONCEPTS and concept != PLAIN:
                raise InputError(f"unknown concept {concept!r}", path)
            for word in words:
                if not any(map(str.isalpha, word)):
                    raise InputError(f"the cue {word!r} has no letter: digits are alike, signs are no words", path)
                yield path.stem, concept, word


def hash_lexicon(tables: CharTables, folder: Path | None = None) -> Lexicon:
    """Hash every cue with the tables a model will read with."""
    cues = list(read_cues(folder))
    batch = split_batch([[cue.rstrip("*") for _, _, cue in cues]])
    tokens = tokenize(batch, tables)
    words: dict[int, Meanings] = {}
    slots: dict[int, Meanings] = {}
    plain: list[tuple[set[int], str, str]] = []
    counts = np.bincount(tokens.block, minlength=len(cues))
    single = np.flatnonzero(counts == 1)
    starred = np.array([cue.endswith("*") for _, _, cue in cues], dtype=bool)
    at = (np.cumsum(counts) - counts)[single]
    singles = dict(zip(single.tolist(), _word_keys(tokens, at, starred[single]).tolist(), strict=True))
    pairs = dict(zip(*(part.tolist() for part in pair_features(tokens)), strict=True))
    strings = {
        int(block): int(key)
        for length in SPACELESS_CUES
        for block, key in zip(*(part.tolist() for part in spaceless_features(tokens, length)), strict=True)
    }
    concepts = {concept: number for number, concept in enumerate(CONCEPTS, 1)} | {PLAIN: 0}
    languages = _by_how_likely({language for language, _, _ in cues})
    numbers = {language: number for number, language in enumerate(languages, 1)}
    for i, (language, concept, cue) in enumerate(cues):
        if i in singles and i not in strings:
            table, key = words, singles[i]
        elif i in pairs and counts[i] == 2 and i not in strings and not starred[i]:
            table, key = slots, pairs[i]
        elif i in strings and counts[i] == 0 and " " not in cue and not starred[i] and len(cue) in SPACELESS_CUES:
            table, key = slots, strings[i]
        else:
            raise InputError(f"{cue!r} of {language!r} is no cue: not one word, nor two, nor a string without spaces")
        meant = table.setdefault(key, {}).setdefault(numbers[language], set())
        meant.add(concepts[concept])
        if concept == PLAIN:
            plain.append((meant, language, cue))
    for meant, language, cue in plain:
        if len(meant) > 1:
            raise InputError(f"{cue!r} of {language!r} is plain there and a cue too")
    slot_keys = np.array(sorted(slots), dtype=np.uint64)
    slot_cues = np.array([_slot_cue(slots[k]) for k in slot_keys.tolist()], dtype=np.int16)
    return Lexicon(_cue_words(words, languages), slot_keys, slot_cues)


def _by_how_likely(languages: set[str]) -> tuple[str, ...]:
    return (*(x for x in WIDELY_WRITTEN if x in languages), *sorted(languages.difference(WIDELY_WRITTEN)))


def _cue_words(words: dict[int, Meanings], languages: tuple[str, ...]) -> CueWords:
    keys = sorted(words)
    first = np.append(0, np.cumsum([len(words[key]) for key in keys])).astype(np.int32)
    entries = [
        (language, *(sorted(words[key][language]) + [0] * MAX_CUES_PER_WORD)[:MAX_CUES_PER_WORD])
        for key in keys
        for language in sorted(words[key])
    ]
    return CueWords(
        np.array(keys, dtype=np.uint64),
        first,
        np.array(entries, dtype=np.uint8).reshape(-1, 1 + MAX_CUES_PER_WORD),
        languages,
    )


def _slot_cue(meanings: Meanings) -> int:
    """Give the concept and its language; where several languages have the cue, what most of them mean."""
    if len(meanings) == 1:
        ((language, meant),) = meanings.items()
        return min(meant) | language << LANGUAGE_SHIFT
    every = [min(meant) for meant in meanings.values() if meant != {0}]
    return max(sorted(set(every)), key=every.count, default=0)


def _word_keys(tokens: Tokens, at: I64, starred: npt.NDArray[np.bool_]) -> U64:
    """Give the keys of cues that are words, or beginnings of words where they are ``starred``."""
    keys = cue_key("exact", tokens.word_hash[at])
    length = np.minimum(tokens.end[at] - tokens.start[at], STAR_LENGTHS[-1])
    for n in np.unique(length[starred]).tolist():
        which = np.flatnonzero(starred & (length == n))
        start = tokens.start[at[which]]
        keys[which] = cue_key("star", piece_hash(tokens.prefix, tokens.inverse, start, start + n), n)
    return keys
