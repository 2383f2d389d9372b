"""What the members of a fit are taught with."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unappeal.labels import APPEAL, BODY
from unappeal_training import crossfit
from unappeal_training.build import CrossFitted
from unappeal_training.crossfit import N_FOLDS, Lessons, site_folds
from unappeal_training.fit import FitSettings, block_weights, judge_weights, training_rows


@pytest.fixture(scope="module")
def lessons(tiny_folds: CrossFitted, tiny_settings: Any) -> Lessons:
    table = tiny_folds.table
    everything = np.ones(len(table.documents), dtype=bool)
    return Lessons(table, everything, training_rows(table), block_weights(table), table.evidence, tiny_settings, 1)


@pytest.mark.parametrize("judging", [False, True])
def test_features_do_not_depend_on_how_many_documents_are_taken_at_a_time(
    judging: bool, lessons: Lessons, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = lessons.reader() if judging else None
    together = lessons.drawn(1, reader)
    monkeypatch.setattr(crossfit, "DOCUMENTS_AT_A_TIME", 2)
    for one, other in zip(together, lessons.drawn(1, reader), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(together[0]) == len(together[1]) == len(together[2]) > 100


def test_each_member_sees_other_documents_without_their_words(lessons: Lessons) -> None:
    words = lessons.table.evidence.words
    evidence = replace(lessons.evidence, known=np.maximum(words, 1))
    drawn = replace(lessons, evidence=evidence)
    known = [drawn.drawn(member, None)[0] for member in (0, 1, 1)]
    assert (known[0] != known[1]).any()
    np.testing.assert_array_equal(known[1], known[2])


def test_a_story_that_tempts_weighs_less_where_its_words_are_gone(lessons: Lessons) -> None:
    table, settings = lessons.table, FitSettings(hard_negative_weight=30.0, blind_hard_negative_weight=4.0)
    documents = [replace(document, hard_negative=i == 0) for i, document in enumerate(table.documents)]
    chosen, ones = replace(table, documents=documents), np.ones(len(table.labels))
    hard = (table.document == 0) & (table.labels == BODY)
    assert hard.any() and not hard.all()
    for blind, weight in ((True, 4.0), (False, 30.0)):
        weights = judge_weights(chosen, ones, np.full(len(ones), blind), settings)
        assert set(weights[hard]) == {weight} and set(weights[~hard & (table.labels == BODY)]) == {1.0}


def test_appeals_of_pages_weigh_more_than_those_of_documents_written_for_training(lessons: Lessons) -> None:
    settings = FitSettings(page_appeal_weight=8.0)
    ones, blind = np.ones(len(lessons.table.labels)), np.zeros(len(lessons.table.labels), dtype=bool)
    appeals = lessons.table.labels == APPEAL
    assert appeals.any()
    for source, weight in (("authored", 1.0), ("pages", 8.0)):
        documents = [replace(d, source=source, hard_negative=False) for d in lessons.table.documents]
        weights = judge_weights(replace(lessons.table, documents=documents), ones, blind, settings)
        assert set(weights[appeals]) == {weight} and set(weights[~appeals]) == {1.0}


def test_documents_for_the_reader_teach_no_judge(lessons: Lessons) -> None:
    table = lessons.table
    documents = [replace(document, judge_share=0.0 if i == 0 else 1.0) for i, document in enumerate(table.documents)]
    ones, blind = np.ones(len(table.labels)), np.zeros(len(table.labels), dtype=bool)
    weights = judge_weights(replace(table, documents=documents), ones, blind, FitSettings())
    assert (weights[table.document == 0] == 0).all() and (weights[table.document > 0] > 0).all()
    fewer = replace(lessons, table=replace(table, documents=documents))
    assert fewer.drawn(1, None)[2].all(), "the reader learns from all"


def test_a_site_stays_in_its_fold_where_others_are_added() -> None:
    sites = [f"outlet-{i}.example" for i in range(2000)]
    before, after = site_folds(sites[:1600]), site_folds(sites)
    assert (after[:1600] != before).mean() < 0.05
    assert np.ptp(np.bincount(before, minlength=N_FOLDS)) <= 1
    assert sorted(site_folds(sites[:N_FOLDS])) == list(range(N_FOLDS))
    first, _, again = site_folds(["a.example", "b.example", "a.example"])
    assert first == again
