"""Build a model's character tables from this Python's Unicode database; they are kept in the artefact."""

import unicodedata

import numpy as np

from unappeal.evidence import EDGES, FIELD_BITS, SHAPE_FIELDS, CharTables

SPACELESS_RANGES = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x9FFF), (0xF900, 0xFAFF))
"""Thai and Lao, Burmese, Khmer, Chinese and Japanese (kana stand in the fourth)."""

_SAME_LETTER = dict(zip("łđøıכךםןףץىیېکەةؤئھہۀ", "ldoiככמנפצيييكههوىههه", strict=True))
_STOPS = ".。।॥።։۔؟?!！？…｡"
_QUOTES = "\"'“”„‘’‚«»‹›「」『』`´"
_COMMAS = ",;:،؛、，；："
_DIVIDERS = "|/\\›»→>·•«←<_=+~"
_BULLETS = "•·-–—*‣▪■●◦►▶✓✔"
_BRACKETS = "()[]{}（）【】"


def build_char_tables() -> CharTables:
    """Build the tables for all 16-bit units."""
    characters = [chr(code) for code in range(65536)]
    categories = [unicodedata.category(c) for c in characters]
    fold = np.zeros(65536, dtype=np.uint16)
    edge = np.full(65536, EDGES.index("symbol"), dtype=np.uint8)
    shape = np.zeros((2, 65536), dtype=np.uint64)
    for code, (character, category) in enumerate(zip(characters, categories, strict=True)):
        if category[0] in "LMN":
            fold[code] = _folded(character, category)
        edge[code] = EDGES.index(_edge(character, category))
        for row, fields in enumerate(SHAPE_FIELDS):
            for i, name in enumerate(fields):
                if _counts(name, character, category):
                    shape[row, code] |= np.uint64(1 << (i * FIELD_BITS))
    spaceless = np.zeros(65536, dtype=bool)
    for low, high in SPACELESS_RANGES:
        spaceless[low : high + 1] = True
    spaceless &= fold != 0
    spaceless[0xAC00:0xD7A4] = False
    return CharTables(fold, spaceless, shape, edge)


def _folded(character: str, category: str) -> int:
    if category == "Nd":
        return ord("0")
    lowered = character.lower()
    lowered = lowered[0]
    decomposed = unicodedata.normalize("NFKD", lowered)
    marks_only = all(unicodedata.category(c) == "Mn" for c in decomposed[1:])
    base = decomposed[0] if marks_only and decomposed[0] != " " else lowered
    base = _SAME_LETTER.get(base.lower(), base.lower())
    return ord(base[0]) if len(base) == 1 and ord(base) < 65536 else ord(lowered)


def _edge(character: str, category: str) -> str:
    if character in "?？؟;":
        return "question"
    if character in "!！":
        return "exclamation"
    if character == "…":
        return "ellipsis"
    if character in ":：":
        return "colon"
    if character in _STOPS:
        return "stop"
    if character in _COMMAS:
        return "comma"
    if character in _QUOTES or category in ("Pi", "Pf"):
        return "quote"
    if character in _BULLETS:
        return "bullet"
    if character in _BRACKETS:
        return "bracket"
    if character.isspace() or category in ("Cc", "Cf", "Zs", "Cs", "Cn"):
        return "none"
    if category in ("Lu", "Lt"):
        return "upper"
    if category == "Ll":
        return "lower"
    if category[0] in "LM":
        return "uncased"
    if category[0] == "N":
        return "digit"
    return "symbol"


def _counts(name: str, character: str, category: str) -> bool:
    return {
        "upper": category in ("Lu", "Lt"),
        "digit": category == "Nd",
        "space": category == "Zs" or character in "\t\n\r",
        "stop": character in _STOPS,
        "comma": character in _COMMAS,
        "quote": character in _QUOTES,
        "symbol": category in ("So", "Sm", "Sk", "Po", "Pd") and character not in _STOPS + _QUOTES + _COMMAS,
        "question": character in "?？؟",
        "exclamation": character in "!！",
        "currency": category == "Sc",
        "divider": character in _DIVIDERS,
        "address": character in "@#&%",
        "bullet": character in _BULLETS,
        "bracket": character in _BRACKETS,
    }[name]
