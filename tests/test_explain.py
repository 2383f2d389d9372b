"""Explanations: one for each block, reasons for those that go, and nothing that the text does not hold."""

import re

import numpy as np
import pytest

from unappeal import ParagraphClassifier, filter_text, load_model
from unappeal.context import SURE_APPEAL
from unappeal.explain import MAX_REASONS, _Study, explain
from unappeal.labels import APPEAL

PAGE = (
    "Support our newsroom!\n\nWe depend on readers like you. Donate now.\n\nMayor opens bridge\n\n"
    + "The mayor opened the new bridge over the sound on Monday, said the council. " * 4
    + "\n\nRead more\n\nBecome a member\n\nNot now\n"
)


@pytest.mark.parametrize("loss", [None, 0.05])
def test_every_block_is_explained_in_order(tiny_model: ParagraphClassifier, loss: float | None) -> None:
    told = explain(PAGE, model=tiny_model, max_body_loss=loss)
    result = filter_text(PAGE, model=tiny_model, max_body_loss=loss)
    assert [explanation.block for explanation in told] == result.blocks
    assert [explanation.block for explanation in told if explanation.removed] == result.removed


def test_only_removed_blocks_have_reasons() -> None:
    told = explain(PAGE, max_body_loss=0.05)
    assert any(explanation.removed for explanation in told)
    for explanation in told:
        assert len(explanation.reasons) <= MAX_REASONS
        assert bool(explanation.reasons) == explanation.removed


def test_what_is_taken_from_the_blocks_beside_is_no_reason_for_a_block() -> None:
    study = _Study(PAGE, load_model(), "auto")
    for i in range(len(study.margins)):
        features = study.features.copy()
        features[:i] = features[i + 1 :] = study.classifier.judge_.mean
        assert study._margin(study._agreed(study._judged(features)))[i] == study.margins[i]


def test_an_ask_beside_a_block_counts_for_its_going_and_never_against() -> None:
    study = _Study(PAGE, load_model(), "auto")
    asks = study.judged[:, APPEAL] > SURE_APPEAL
    beside = np.append(asks[1:], False) | np.append(False, asks[:-1])
    assert beside.any() and not beside.all()
    np.testing.assert_allclose(study.effects["say"][beside], 0.5, atol=1e-3)
    assert (study.effects["say"][~beside] <= 0).all()


def test_words_that_are_quoted_stand_in_the_block() -> None:
    for explanation in explain(PAGE, max_body_loss=0.05):
        for reason in explanation.reasons:
            if reason.startswith(("its words", "cue words")):
                for word in re.findall(r'"([^"]+)"', reason.split(": ", 1)[1]):
                    assert word in explanation.block.text


@pytest.mark.parametrize("text", ["", "\n", "One."])
def test_short_and_blank_documents_are_explained(text: str) -> None:
    assert len(explain(text)) == (1 if text.strip() else 0)


def test_spaceless_scripts_are_explained() -> None:
    text = "支持我們,成為會員\n立即捐款\n市長週一表示,新橋將於明年完工,議會以九票對四票通過。\n延伸閱讀"
    assert [explanation.block.text for explanation in explain(text, max_body_loss=0.05)] == text.split("\n")
