"""Evidence against a slow reference in plain Python: dictionaries and loops instead of prefix hashes and arrays."""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unappeal import ParagraphClassifier, load_model
from unappeal.blocks import split_batch
from unappeal.evidence import (
    _BASE,
    _SEED,
    CUE_DISTANCES,
    EDGES,
    FIXED_POINT,
    HEAD_CHARS,
    MAX_CUES_PER_WORD,
    MAX_WORD_CHARS,
    NGRAM,
    PREFIXES,
    SHAPE_FIELDS,
    SPACELESS_CUES,
    SPACELESS_NGRAMS,
    STAR_LENGTHS,
    STEM_CHARS,
    SUFFIXES,
    TAIL_CHARS,
    U64,
    CharTables,
    Evidence,
    EvidenceWeights,
    WordMemo,
    cue_key,
    extract,
    languages,
    pair_features,
    pair_key,
    segment_sum,
    spaceless_features,
    tokenize,
    windows,
)
from unappeal_training.dataset import read_authored

Feature = tuple[str, ...]
"""A feature by its strings: its kind, then one piece of a word or two stems."""

TEXTS = [
    "Support us today! Donate 5 €, or become a member of The Lantern Post.",
    "The council met on Monday; it voted, by nine to four, for the bridge. " * 9,
    "ПІДТРИМАЙТЕ редакцію — ваш внесок 100 ₴ допоможе?",
    "支持我們,訂閱電子報。市長は月曜日、橋を発表した",
    "สนับสนุนเรา วันนี้ donate ตอนนี้",
    "\u200fادعموا صحافتنا المستقلة، تبرّعوا الآن",
    "후원금으로 독립 언론을 지켜 주세요",
    "L'été à l'Île-d'Yeu: œuvre, façade, Žižkov, Straße, İstanbul",
    "x" * 400 + " supercalifragilisticexpialidociously",
    "- [Home](/home) | News » Sport · 12:30",
    "😀 𝒏𝒐𝒘 𠀀",
    "a",
    "?!",
    "",
]
"""Every script that is read in its own way, words of all lengths, and blocks longer than the two windows."""


@dataclass
class Reference:
    """Evidence of one block, worked out feature by feature."""

    tables: CharTables
    text: str

    @property
    def units(self) -> str:
        """What is read of the block, as folded-or-not units: its two ends where it is long."""
        units = "".join(map(chr, split_batch([self.text]).units.tolist()))
        if len(units) <= HEAD_CHARS + 1 + TAIL_CHARS:
            return units
        return units[:HEAD_CHARS] + " " + units[len(units) - TAIL_CHARS :]

    def folded(self, unit: str) -> str:
        return chr(int(self.tables.fold[ord(unit)]))

    def tokens(self) -> tuple[list[str], list[str]]:
        """Folded words, and folded runs of spaceless characters."""
        words, runs = self.placed()
        return [word for _, word in words], [run for _, run in runs]

    def placed(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        """The same, each with the unit at which it begins."""
        words, runs, word, run = [], [], "", ""
        for end, unit in enumerate(self.units + " "):
            letter = self.folded(unit)
            spaceless = letter != "\0" and bool(self.tables.spaceless[ord(letter)])
            if spaceless:
                run += letter
            elif run:
                runs.append((end - len(run), run))
                run = ""
            if letter != "\0" and not spaceless:
                word += letter
            elif word:
                words.append((end - len(word), word))
                word = ""
        return words, runs


def word_parts(word: str) -> Iterator[Feature]:
    """A word's character n-grams, by kind."""
    for n in PREFIXES:
        if len(word) > n:
            yield "prefix", word[:n]
    for n in SUFFIXES:
        if len(word) > n:
            yield "suffix", word[-n:]
    if len(word) > NGRAM:
        cut = word[:MAX_WORD_CHARS]
        for i in range(len(cut) - NGRAM + 1):
            yield "inside", cut[i : i + NGRAM]


def grams(run: str, n: int) -> list[str]:
    return [run[i : i + n] for i in range(len(run) - n + 1)]


def reference_sums(reference: Reference, weights: EvidenceWeights) -> tuple[list[int], int, int]:
    """Give the four sums in fixed point, the number of words and of known ones."""
    words, runs = reference.tokens()
    bigrams = [gram for run in runs for gram in grams(run, 2)]
    sums = [0, 0, 0, 0]
    for k in range(4):

        def worth(*feature: str, k: int = k) -> int:
            weight = row_of(weights, feature)[k % 2 + 1]
            return weight if k < 2 else max(weight, 0)

        for word in words:
            parts = list(word_parts(word))
            value = sum(worth(*part) for part in parts) / math.sqrt(max(len(parts), 1))
            sums[k] += round(worth("word", word) + value)
        for left, right in pairwise(words):
            sums[k] += worth("pair", left[:STEM_CHARS], right[:STEM_CHARS])
        for n in SPACELESS_NGRAMS:
            sums[k] += sum(worth("spaceless", g) for run in runs for g in grams(run, n))
    known = sum(row_of(weights, ("word", word))[0] != 0 for word in words)
    known += sum(any(row_of(weights, ("spaceless", gram))[1:3]) for gram in bigrams)
    return sums, len(words) + len(bigrams), known


def meant(weights: EvidenceWeights, key: int, language: int) -> list[int]:
    """Give the concepts + 1 of a key in a language."""
    cues = weights.cues
    at = bisect_left(cues.keys, key)
    if at == len(cues.keys) or cues.keys[at] != key:
        return []
    entries: list[list[int]] = cues.entries[cues.first[at] : cues.first[at + 1]].tolist()
    return [concept for own, *concepts in entries if own == language for concept in concepts]


def placed_cues(reference: Reference, weights: EvidenceWeights, language: int) -> list[tuple[int, int]]:
    """Give every cue as ``(unit at which it begins, concept)`` in order, those of word, pair and spaceless string."""

    def own(cue: int) -> int:
        return cue % 64 if cue // 64 in (0, language) else 0

    words, runs = reference.placed()
    cues = []
    for at, word in words:
        keys = [cue_key("exact", hash_of(word))] + [
            cue_key("star", hash_of(word[:n]), n) for n in reversed(STAR_LENGTHS) if len(word) >= n
        ]
        concepts = [concept for key in keys for concept in meant(weights, int(key[0]), language) if concept]
        cues += [(at, concept) for concept in list(dict.fromkeys(concepts))[:MAX_CUES_PER_WORD]]
    for (at, left), (_, right) in pairwise(words):
        cues.append((at, own(row_of(weights, ("pair", left[:STEM_CHARS], right[:STEM_CHARS]))[3])))
    for n in SPACELESS_CUES:
        for begin, run in runs:
            cues += [(begin + i, own(row_of(weights, ("spaceless", gram))[3])) for i, gram in enumerate(grams(run, n))]
    return sorted((at, concept - 1) for at, concept in cues if concept)


def reference_cue_sums(placed: list[tuple[int, int]], weights: EvidenceWeights) -> tuple[list[int], int]:
    """Give what the cues' order is worth in fixed point, and how many cues have a place in it."""
    n = len(weights.concepts)
    told = [(at, concept) for at, concept in placed if weights.concepts[concept] != "function"]
    features = [concept for _, concept in told]
    for i, (at, concept) in enumerate(told):
        for earlier_at, earlier in told[max(i - 2, 0) : i]:
            if (distance := at - earlier_at) < CUE_DISTANCES[-1]:
                nearness = sum(distance >= bound for bound in CUE_DISTANCES)
                features.append(n + (earlier * n + concept) * len(CUE_DISTANCES) + nearness)
    sums = [sum(int(weights.cue_weights[feature, k]) for feature in features) for k in (0, 1)]
    return sums, len(told)


def hash_of(piece: str) -> U64:
    """Hash a string by the definition: ``sum((u + 1) * B**j)`` over its units."""
    total = sum((ord(unit) + 1) * pow(_BASE, j, 1 << 64) for j, unit in enumerate(piece)) % (1 << 64)
    return np.array([total], dtype=np.uint64)


def row_of(weights: EvidenceWeights, feature: Feature) -> list[int]:
    """Give tag, two weights and concept of one feature, by its strings."""
    kind, *strings = feature
    if kind == "pair":
        key = pair_key(hash_of(strings[0]), hash_of(strings[1]))
    elif kind == "spaceless":
        key = hash_of(strings[0]) ^ (_SEED[kind] + np.uint64(len(strings[0])))
    else:
        key = hash_of(strings[0]) ^ _SEED[kind]
    row: list[int] = weights.look_up(key)[0].tolist()
    return row


@pytest.fixture(scope="module", params=["tiny", "shipped"])
def weights(request: pytest.FixtureRequest, tiny_model: ParagraphClassifier) -> EvidenceWeights:
    return (tiny_model if request.param == "tiny" else load_model()).evidence_


def test_sums_words_and_cues_agree_with_the_slow_reference(weights: EvidenceWeights) -> None:
    batch = split_batch([[text] for text in TEXTS])
    evidence, language = extract(batch, weights, WordMemo()), languages(batch, weights)
    weighty = 0
    for row, text in enumerate(TEXTS):
        reference = Reference(weights.tables, text)
        sums, n_words, known = reference_sums(reference, weights)
        np.testing.assert_allclose(evidence.sums[row] / FIXED_POINT, np.array(sums) / FIXED_POINT, atol=1e-4)
        assert (evidence.words[row], evidence.known[row], evidence.chars[row]) == (n_words, known, len(text))
        cues = placed_cues(reference, weights, int(language[row]))
        counted = {i: int(count) for i, count in enumerate(evidence.cues[row]) if count}
        assert counted == Counter(concept for _, concept in cues)
        cue_sums, n_told = reference_cue_sums(cues, weights)
        assert (evidence.cue_sums[row].tolist(), evidence.cue_words[row]) == (cue_sums, n_told)
        weighty += any(sums) + any(cue_sums)
    assert weighty >= len(TEXTS) // 2


def test_shape_counts_agree_with_counting_characters(weights: EvidenceWeights) -> None:
    evidence = extract(split_batch([TEXTS]), weights, WordMemo())
    names = [name for fields in SHAPE_FIELDS for name in fields]
    for row, text in enumerate(TEXTS):
        read = Reference(weights.tables, text).units
        counted = dict(zip(names, evidence.shape[row].tolist(), strict=True))
        assert counted["question"] == sum(map(read.count, "?？؟"))
        assert counted["exclamation"] == sum(map(read.count, "!！"))
        assert counted["currency"] == sum(map(read.count, "€₴$"))
        assert counted["digit"] == sum(unit.isdecimal() for unit in read)
        assert counted["upper"] == sum(unit.isupper() for unit in read)


def test_edges_name_the_first_and_the_last_character(weights: EvidenceWeights) -> None:
    batch = split_batch([["Yes?", "(no)", "9", "• x…", "«ж»", ""]])
    evidence = extract(batch, weights, WordMemo())
    first = [EDGES[i] for i in evidence.first_edge]
    last = [EDGES[i] for i in evidence.last_edge]
    assert first == ["upper", "bracket", "digit", "bullet", "quote", "none"]
    assert last == ["question", "bracket", "digit", "ellipsis", "quote", "none"]


def test_a_word_hashes_alike_wherever_it_stands_and_however_it_is_written(weights: EvidenceWeights) -> None:
    tokens = tokenize(split_batch(["Spende, jetzt: SPENDE!", "x" * 70_000 + " spende"]), weights.tables)
    hashes = [int(h) for h in tokens.word_hash]
    assert hashes[0] == hashes[2] == hashes[-1] == int(hash_of("spende")[0])
    assert len({hashes[0], hashes[1], hashes[3]}) == 3


def test_diacritics_and_digits_fold(weights: EvidenceWeights) -> None:
    tokens = tokenize(split_batch(["Žižkov zizkov 2012 1999 façade facade"]), weights.tables)
    a, b, c, d, e, f = tokens.word_hash.tolist()
    assert (a, c, e) == (b, d, f)


def test_words_do_not_run_over_the_edges_of_blocks(weights: EvidenceWeights) -> None:
    tokens = tokenize(split_batch([["do", "nate", "", "支", "持"]]), weights.tables)
    assert tokens.block.tolist() == [0, 1]
    assert pair_features(tokens)[0].tolist() == []
    assert spaceless_features(tokens, 2)[0].tolist() == []


def test_a_long_block_is_read_at_its_two_ends(weights: EvidenceWeights) -> None:
    middle = "x" * 5000
    text = "a" * HEAD_CHARS + middle + "b" * TAIL_CHARS
    units, window = windows(split_batch([text, "short"]))
    assert "".join(map(chr, units)) == "a" * HEAD_CHARS + " " + "b" * TAIL_CHARS + " short "
    assert window.tolist() == [0, HEAD_CHARS + TAIL_CHARS + 2, HEAD_CHARS + TAIL_CHARS + 8]


def test_evidence_does_not_depend_on_what_the_memo_holds(weights: EvidenceWeights) -> None:
    memo = WordMemo()
    for text in TEXTS:
        extract(split_batch([text]), weights, memo)
    warm = extract(split_batch([TEXTS]), weights, memo)
    cold = extract(split_batch([TEXTS]), weights, WordMemo())
    for name in Evidence.__dataclass_fields__:
        assert np.array_equal(getattr(warm, name), getattr(cold, name)), name


def test_selecting_blocks_gives_the_evidence_of_these_alone(weights: EvidenceWeights) -> None:
    whole = extract(split_batch([TEXTS]), weights, WordMemo())
    rows = np.arange(len(TEXTS)) % 2 == 0
    chosen = whole.select(rows)
    alone = extract(split_batch([TEXTS[::2]]), weights, WordMemo())
    assert len(chosen) == len(TEXTS[::2])
    for name in Evidence.__dataclass_fields__:
        assert np.array_equal(getattr(chosen, name), getattr(alone, name)), name


def test_no_blocks_give_no_evidence(weights: EvidenceWeights) -> None:
    nothing: list[list[str | list[str]]] = [[], [""], [[]]]
    for documents in nothing:
        assert len(extract(split_batch(documents), weights, WordMemo())) == 0


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-(2**15), 2**15 - 1)), max_size=50))
def test_segment_sums_agree_with_a_loop(pairs: list[tuple[int, int]]) -> None:
    pairs.sort()
    expected = [sum(value for segment, value in pairs if segment == i) for i in range(10)]
    values = np.array([value for _, value in pairs], dtype=np.int16)
    segments = np.array([segment for segment, _ in pairs], dtype=np.int64)
    assert segment_sum(values, segments, 10).tolist() == expected


def told(texts: list[str]) -> list[str]:
    weights = load_model().evidence_
    return [("", *weights.cues.languages)[number] for number in languages(split_batch(texts), weights)]


def test_a_document_is_read_in_its_own_language() -> None:
    documents = read_authored()
    found = told(["\n\n".join(d.blocks) for d in documents])
    wrong = [(d.lang, language) for d, language in zip(documents, found, strict=True) if d.lang != language]
    assert len(wrong) <= 0.01 * len(documents), wrong


def test_a_language_is_told_from_little_text_and_from_none() -> None:
    texts = ["Support us today!", "Unterstützen Sie uns", "Поддержите редакцию", "支持我們", "", "?!", "12 345"]
    assert told(texts) == ["en", "de", "ru", "zh", "", "", ""]
    assert [told([text])[0] for text in texts] == told(texts)


def test_menus_above_a_story_do_not_tell_its_language() -> None:
    menu = ["Home", "News", "Sport", "Login", "Newsletter", "Podcast", "Shop", "About us", "Contact"] * 4
    story = "Der Gemeinderat hat am Montag mit neun zu vier Stimmen beschlossen, die Brücke für zwei Jahre zu sperren."
    assert told(["\n".join([*menu, story])]) == ["de"]


def test_where_a_beginning_does_not_make_the_language_clear_more_is_read() -> None:
    english = "This page is also available in English, where you will find the news of the week and our newsletter."
    dutch = "Deze pagina is ook beschikbaar in het Nederlands, waar u het nieuws van de week en onze nieuwsbrief vindt."
    german = (
        "Der Gemeinderat hat am Montag mit neun zu vier Stimmen beschlossen, die Brücke für zwei Jahre zu sperren. "
        "Die Anwohner waren nicht gefragt worden, sagte der Bürgermeister nach der Sitzung."
    )
    assert told(["\n\n".join([english, dutch])])[0] in ("en", "nl")
    assert told(["\n\n".join([english, dutch, german, german])]) == ["de"]


def test_a_cue_of_another_language_does_not_count() -> None:
    weights = load_model().evidence_
    support = weights.concepts.index("support")
    swedish = "Föreningen kan tvingas lägga ner, sade ordföranden i måndags. Vi behöver Unterstützung."
    evidence = extract(split_batch([[swedish], ["Unterstützung"]]), weights, WordMemo())
    assert evidence.cues[0, support] == 0 < evidence.cues[1, support]
