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
    MAX_CUES_PER_WORD,
    SPACELESS_CUES,
    STAR_LENGTHS,
    U64,
    CharTables,
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
"""Where a language lists what is too common in it to mean what it means in others: the same cue then counts in none."""

WIDELY_WRITTEN = {
    "en", "ru", "de", "es", "fr", "ja", "pt", "zh", "it", "pl", "tr", "nl",
    "fa", "cs", "vi", "id", "ko", "uk", "ar", "el", "hu", "sv", "ro", "hi",
}  # fmt: skip
WIDELY_WRITTEN_VOTES = 3
"""A word that means several things in several languages gets the concepts of those that pages are mostly written in."""

Votes: TypeAlias = dict[int, int]
"""How many votes each concept has, by its number: its place in `CONCEPTS` + 1."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Hashed cues: single words and stems by sorted key, word pairs and spaceless strings by key."""

    word_keys: U64
    word_concepts: "np.ndarray[tuple[int, int], np.dtype[np.uint8]]"
    slot_keys: U64
    slot_concepts: "np.ndarray[tuple[int], np.dtype[np.uint8]]"
    n_languages: int


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
    words: dict[int, Votes] = {}
    slots: dict[int, Votes] = {}
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
    numbers = {concept: number for number, concept in enumerate(CONCEPTS, 1)}
    heard: set[tuple[str, str, int]] = set()
    plain: list[tuple[dict[int, Votes], int, str, str]] = []
    for i, (language, concept, cue) in enumerate(cues):
        if i in singles and i not in strings:
            table, key = words, singles[i]
        elif i in pairs and counts[i] == 2 and i not in strings and not starred[i]:
            table, key = slots, pairs[i]
        elif i in strings and counts[i] == 0 and " " not in cue and not starred[i] and len(cue) in SPACELESS_CUES:
            table, key = slots, strings[i]
        else:
            raise InputError(f"{cue!r} of {language!r} is no cue: not one word, nor two, nor a string without spaces")
        if concept == PLAIN:
            plain.append((table, key, language, cue))
        elif (language, concept, key) not in heard:  # a language has one vote, however many cues come to the same
            heard.add((language, concept, key))
            votes, number = table.setdefault(key, {}), numbers[concept]
            votes[number] = votes.get(number, 0) + (WIDELY_WRITTEN_VOTES if language in WIDELY_WRITTEN else 1)
    own = {(language, key) for language, _, key in heard}
    for table, key, language, cue in plain:
        if (language, key) in own:
            raise InputError(f"{cue!r} of {language!r} is plain there and a cue too")
        table.pop(key, None)
    keys = np.array(sorted(words), dtype=np.uint64)
    concepts = np.array([_elected(words[k]) for k in keys.tolist()], dtype=np.uint8).reshape(-1, MAX_CUES_PER_WORD)
    slot_keys = np.array(sorted(slots), dtype=np.uint64)
    slot_concepts = np.array([_elected(slots[k])[0] for k in slot_keys.tolist()], dtype=np.uint8)
    return Lexicon(keys, concepts, slot_keys, slot_concepts, len({language for language, _, _ in cues}))


def _word_keys(tokens: Tokens, at: I64, starred: npt.NDArray[np.bool_]) -> U64:
    """Give the keys of cues that are words, or beginnings of words where they are ``starred``."""
    keys = cue_key("exact", tokens.word_hash[at])
    length = np.minimum(tokens.end[at] - tokens.start[at], STAR_LENGTHS[-1])
    for n in np.unique(length[starred]).tolist():
        which = np.flatnonzero(starred & (length == n))
        start = tokens.start[at[which]]
        keys[which] = cue_key("star", piece_hash(tokens.prefix, tokens.inverse, start, start + n), n)
    return keys


def _elected(votes: Votes) -> list[int]:
    """Give the concepts that most languages mean by a word, the first of equals first, and zeros for none."""
    ranked = sorted(votes, key=lambda number: (-votes[number], number))
    return (ranked + [0] * MAX_CUES_PER_WORD)[:MAX_CUES_PER_WORD]
