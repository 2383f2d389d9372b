"""Context: what neighbours, place and repetition add, computed for each document as if it were alone."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from unappeal import ParagraphClassifier
from unappeal.blocks import split_batch
from unappeal.context import (
    LONG_STORY_CHARS,
    MOST_BLOCKS,
    ROWS_AT_A_TIME,
    Network,
    agreed,
    block_feature_names,
    block_features,
    document_feature_names,
    document_features,
    segment_bounds,
    softmax,
)
from unappeal.evidence import Evidence, WordMemo, extract

STORY = "The council voted on Monday for the bridge, which the mayor promised in spring, and against the ferry. " * 2
PAGE = ["Home", STORY, STORY + "Again.", "Read more", "Support us", "Home"]


@pytest.fixture(scope="module")
def page(tiny_model: ParagraphClassifier) -> tuple[Evidence, npt.NDArray[np.float32]]:
    batch = split_batch([PAGE])
    evidence = extract(batch, tiny_model.evidence_, WordMemo())
    own = block_features(evidence)
    features = document_features(
        evidence, batch.first, own, tiny_model.reader_.logits(own), tiny_model.evidence_.concepts
    )
    return evidence, features


def features_of(model: ParagraphClassifier, documents: list[list[str]]) -> npt.NDArray[np.float32]:
    batch = split_batch(documents)
    evidence = extract(batch, model.evidence_, WordMemo())
    own = block_features(evidence)
    return document_features(evidence, batch.first, own, model.reader_.logits(own), model.evidence_.concepts)


def slow_logits(network: Network, row: npt.NDArray[np.float32]) -> list[float]:
    """The network by its definition, in double precision."""
    inputs = [(float(x) - float(m)) / float(s) for x, m, s in zip(row, network.mean, network.scale, strict=True)]
    hidden = [
        max(0.0, float(bias) + sum(x * float(w) for x, w in zip(inputs, column, strict=True)))
        for bias, column in zip(network.hidden_bias, network.hidden.T, strict=True)
    ]
    return [
        float(bias) + sum(h * float(w) for h, w in zip(hidden, column, strict=True))
        for bias, column in zip(network.out_bias, network.out.T, strict=True)
    ]


def test_probabilities_agree_with_a_slow_network(
    tiny_model: ParagraphClassifier, page: tuple[Evidence, npt.NDArray[np.float32]]
) -> None:
    logits = [slow_logits(tiny_model.judge_, features) for features in page[1]]
    powers = np.array([[math.exp(value - max(row)) for value in row] for row in logits])
    judged = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    expected = agreed(judged, np.array([0, len(PAGE)]))  # the blocks beside have their say last
    np.testing.assert_allclose(tiny_model.predict_proba([PAGE]), expected, atol=1e-4)


@pytest.mark.parametrize("n", [1, ROWS_AT_A_TIME - 1, ROWS_AT_A_TIME, ROWS_AT_A_TIME + 1])
def test_a_row_s_logits_do_not_depend_on_the_rows_beside_it(tiny_model: ParagraphClassifier, n: int) -> None:
    network = tiny_model.reader_
    rows = np.random.default_rng(n).normal(network.mean, network.scale, (n, len(network.mean))).astype(np.float32)
    together = network.logits(rows)
    for i in {0, n // 2, n - 1}:
        assert np.array_equal(network.logits(rows[i : i + 1])[0], together[i])


def test_softmax_gives_probabilities_even_for_extreme_logits() -> None:
    scores = softmax(np.array([[1000, 0, -1000], [0, 0, 0]], dtype=np.float32))
    np.testing.assert_allclose(scores.astype(np.float64), np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]), atol=1e-6)


def test_the_blocks_beside_one_have_a_say_within_their_document() -> None:
    story, ask, maybe, menu = (0.9, 0.05, 0.05), (0.2, 0.7, 0.1), (0.6, 0.3, 0.1), (0.1, 0.1, 0.8)
    documents = [[story, ask, story], [ask], [], [story, ask, menu, story], [maybe, ask, maybe], [story, maybe]]
    expected: list[list[tuple[float, float, float]]] = [
        [less_story(story), less_appeal(ask), less_story(story)],
        [ask],
        [],
        [less_story(story), ask, less_story(menu), story],
        [less_story(maybe), ask, less_story(maybe)],
        [story, maybe],
    ]
    first = np.cumsum([0, *map(len, documents)])
    scores, right = (np.array([row for document in each for row in document]) for each in (documents, expected))
    found = agreed(scores.astype(np.float32), first)
    np.testing.assert_allclose(found, right, rtol=1e-6)
    assert agreed(found[:0], np.array([0, 0])).shape == (0, 3)


def less_story(scores: tuple[float, float, float]) -> tuple[float, float, float]:
    body, appeal, related = scores[0] * math.exp(-0.5), *scores[1:]
    return body / (body + appeal + related), appeal / (body + appeal + related), related / (body + appeal + related)


def less_appeal(scores: tuple[float, float, float]) -> tuple[float, float, float]:
    body, appeal, related = scores[0], scores[1] / math.e, scores[2]
    return body / (body + appeal + related), appeal / (body + appeal + related), related / (body + appeal + related)


def test_every_column_has_one_name(
    tiny_model: ParagraphClassifier, page: tuple[Evidence, npt.NDArray[np.float32]]
) -> None:
    concepts = tiny_model.evidence_.concepts
    names = document_feature_names(concepts)
    assert page[1].shape == (len(PAGE), len(names))
    assert block_features(page[0]).shape == (len(PAGE), len(block_feature_names(concepts)))
    assert len(set(names)) == len(names)


def test_features_are_finite_and_of_single_precision(page: tuple[Evidence, npt.NDArray[np.float32]]) -> None:
    assert page[1].dtype == np.float32
    assert np.isfinite(page[1]).all()


def test_documents_do_not_see_each_other(tiny_model: ParagraphClassifier) -> None:
    documents = [PAGE, ["Donate"] * 5, PAGE[::-1], ["One"], [STORY] * 40]
    together = features_of(tiny_model, documents)
    alone = np.concatenate([features_of(tiny_model, [document]) for document in documents])
    assert np.array_equal(together, alone)


def test_a_block_s_place_counts_from_both_ends(
    tiny_model: ParagraphClassifier, page: tuple[Evidence, npt.NDArray[np.float32]]
) -> None:
    names = document_feature_names(tiny_model.evidence_.concepts)
    near_start, near_end = page[1][:, names.index("near_start")], page[1][:, names.index("near_end")]
    np.testing.assert_allclose(near_start, [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6], rtol=1e-6)
    np.testing.assert_allclose(near_end, near_start[::-1])


def test_only_long_documents_are_judged_in_segments_and_these_begin_where_the_text_says() -> None:
    chance = np.random.default_rng(9)
    n = 6 * MOST_BLOCKS
    key = chance.integers(1 << 63, size=n, dtype=np.uint64) * np.uint64(2)
    chars = chance.choice([50, LONG_STORY_CHARS], size=n)
    first = np.array([0, MOST_BLOCKS, MOST_BLOCKS, n])  # the third alone is long
    found = segment_bounds(key, chars, first)
    begin = np.setdiff1d(found, first)
    assert (begin > MOST_BLOCKS).all() and (chars[begin] >= LONG_STORY_CHARS).all()
    assert 150 < (n - MOST_BLOCKS) / len(begin) < 450, "one block in 2 * 2**7 begins a segment"
    left = np.ones(n, dtype=bool)
    left[chance.choice(np.setdiff1d(np.arange(n), begin), size=n // 4, replace=False)] = False
    rows = np.flatnonzero(left)
    again = segment_bounds(key[left], chars[left], np.searchsorted(rows, first))
    np.testing.assert_array_equal(rows[again[2:-1]], begin)
    np.testing.assert_array_equal(segment_bounds(key, chars, first[:3]), first[:3])


def test_repeated_blocks_are_seen_within_a_document_only(tiny_model: ParagraphClassifier) -> None:
    column = document_feature_names(tiny_model.evidence_.concepts).index("repeated")
    features = features_of(tiny_model, [PAGE, ["Home", "Support us"]])
    assert features[:, column].tolist() == [1, 0, 0, 0, 0, 1, 0, 0]


def test_a_neighbour_beyond_the_document_s_edge_counts_as_none(
    tiny_model: ParagraphClassifier, page: tuple[Evidence, npt.NDArray[np.float32]]
) -> None:
    names = document_feature_names(tiny_model.evidence_.concepts)
    assert (page[1][:, names.index("log_chars_before_1")] > 0).tolist() == [False, True, True, True, True, True]
    assert (page[1][:, names.index("log_chars_after_2")] > 0).tolist() == [True, True, True, True, False, False]


def test_what_a_block_says_itself_is_not_what_the_rest_of_its_story_says(tiny_model: ParagraphClassifier) -> None:
    gives = document_feature_names(tiny_model.evidence_.concepts).index("story_says_give")
    long = "People donate what they can, and donations came from the whole town. " * 3
    alone = features_of(tiny_model, [[STORY, long, "Donate"]])[:, gives]
    assert alone[0] > alone[1] and 0 < alone[2] < 1
    together = features_of(tiny_model, [[STORY, long, long, "Donate"], [STORY, STORY]])[:, gives]
    assert together[2] > alone[1] and not together[4:].any()
