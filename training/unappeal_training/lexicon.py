"""Read the cue words of data/lexicon and hash them as evidence does."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from unappeal.blocks import split_batch
from unappeal.errors import InputError
from unappeal.evidence import (
    MAX_CUES_PER_WORD,
    SPACELESS_CUES,
    STAR_LENGTHS,
    U64,
    CharTables,
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

Votes: TypeAlias = "Counter[int]"


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
    batch = split_batch([[cue.rstrip("*")] for _, _, cue in cues])
    tokens = tokenize(batch, tables)
    words: dict[int, Votes] = defaultdict(Counter)
    slots: dict[int, Votes] = defaultdict(Counter)
    n_words = np.bincount(tokens.block, minlength=len(cues))
    word_at = np.cumsum(n_words) - n_words
    pairs = dict(zip(*(part.tolist() for part in pair_features(tokens)), strict=True))
    strings = {
        int(block): int(key)
        for length in SPACELESS_CUES
        for block, key in zip(*(part.tolist() for part in spaceless_features(tokens, length)), strict=True)
    }
    heard: set[tuple[str, str, int]] = set()
    plain: list[tuple[dict[int, Votes], int, str, str]] = []
    for i, (language, concept, cue) in enumerate(cues):
        starred, length = cue.endswith("*"), len(cue)
        if n_words[i] == 0 and i in strings and " " not in cue and not starred and length in SPACELESS_CUES:
            table, key = slots, strings[i]
        elif n_words[i] == 2 and i in pairs and i not in strings and not starred:
            table, key = slots, pairs[i]
        elif n_words[i] == 1 and i not in strings:
            at = np.array([word_at[i]])
            if starred:
                length = int(min(tokens.end[at[0]] - tokens.start[at[0]], STAR_LENGTHS[-1]))
                stem = piece_hash(tokens.prefix, tokens.inverse, tokens.start[at], tokens.start[at] + length)
                table, key = words, int(cue_key("star", stem, length)[0])
            else:
                table, key = words, int(cue_key("exact", tokens.word_hash[at])[0])
        else:
            raise InputError(f"{cue!r} of {language!r} is no cue: not one word, nor two, nor a string without spaces")
        if concept == PLAIN:
            plain.append((table, key, language, cue))
        elif (language, concept, key) not in heard:  # a language has one vote, however many cues come to the same
            heard.add((language, concept, key))
            table[key][CONCEPTS.index(concept) + 1] += WIDELY_WRITTEN_VOTES if language in WIDELY_WRITTEN else 1
    own = {(language, key) for language, _, key in heard}
    for table, key, language, cue in plain:
        if (language, key) in own:
            raise InputError(f"{cue!r} of {language!r} is plain there and a cue too")
        table.pop(key, None)
    keys = np.array(sorted(words), dtype=np.uint64)
    concepts = np.array([_elected(words[int(k)]) for k in keys], dtype=np.uint8).reshape(-1, MAX_CUES_PER_WORD)
    slot_keys = np.array(sorted(slots), dtype=np.uint64)
    slot_concepts = np.array([_elected(slots[int(k)])[0] for k in slot_keys], dtype=np.uint8)
    return Lexicon(keys, concepts, slot_keys, slot_concepts, len({language for language, _, _ in cues}))


def _elected(votes: Votes) -> list[int]:
    """Give the concepts that most languages mean by a word, the first of equals first, and zeros for none."""
    ranked = sorted(votes, key=lambda number: (-votes[number], number))
    return (ranked + [0] * MAX_CUES_PER_WORD)[:MAX_CUES_PER_WORD]
