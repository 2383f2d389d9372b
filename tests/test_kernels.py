"""The compiled loops against the NumPy code that defines them."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unappeal
from unappeal import ParagraphClassifier, load_model
from unappeal.blocks import split_batch
from unappeal.context import block_columns, context_columns, n_context_columns
from unappeal.evidence import Evidence, WordMemo, extract
from unappeal.kernels import judging, library, reading, rising
from unappeal.kernels.extracting import Extractor

AUTHORED = Path(__file__).resolve().parents[1] / "data" / "authored"
STRANGE = [
    ["支持我們,訂閱電子報。市長は月曜日、橋を発表した abc中文def ghijkl中 x" * 3, " ", "", "a\0b a", "ก" * 400],
    ["สนับสนุนเรา วันนี้ donate ตอนนี้", "😀 𝒏𝒐𝒘 𠀀", "x" * 400 + " y", "-" * 500, "??? !!", "é" * 322],
    ["Read more", "Home"] * 300,
    [],
    ["Support us"],
    [f"Read more: {n}" for n in range(50)] + ["A long story about donations, money and support. " * 5] * 60,
]
"""Every script that is read in its own way, empty blocks, blocks at and beyond the length of a window, repetitions."""

pytestmark = pytest.mark.skipif(library() is None, reason="not compiled here: python model/hatch_build.py")


def documents() -> list[list[str]]:
    lines = [line for path in sorted(AUTHORED.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [[block["text"] for block in record["blocks"]] for record in map(json.loads, lines[::10])] + STRANGE


def assert_same_evidence(one: Evidence, other: Evidence) -> None:
    for name in Evidence.__dataclass_fields__:
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, name)


def extractor(model: ParagraphClassifier) -> Extractor:
    loaded = library()
    assert loaded is not None
    return Extractor.of(loaded, model.evidence_)


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_evidence_is_the_same_to_the_bit(which: str, tiny_model: ParagraphClassifier) -> None:
    model = tiny_model if which == "tiny" else load_model()
    batch, compiled = split_batch(documents()), extractor(model)
    for _ in range(2):  # with an empty memo, then with a full one
        assert_same_evidence(compiled.extract(batch), extract(batch, model.evidence_, WordMemo()))


@given(st.lists(st.lists(st.text(max_size=400), max_size=6), max_size=4))
def test_evidence_of_any_text_is_the_same_to_the_bit(texts: list[list[str]]) -> None:
    model, batch = load_model(), split_batch(texts)
    assert_same_evidence(extractor(model).extract(batch), extract(batch, model.evidence_, WordMemo()))


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_context_is_the_same_but_for_rounding(which: str, tiny_model: ParagraphClassifier) -> None:
    model, loaded = tiny_model if which == "tiny" else load_model(), library()
    assert loaded is not None
    batch = split_batch(documents())
    read = model.read(extract(batch, model.evidence_, WordMemo()))
    arguments = read.evidence, batch.first, read.words.T, read.logits, model.evidence_.concepts
    np.testing.assert_allclose(
        judging.context_columns(loaded, *arguments), context_columns(*arguments), rtol=1e-5, atol=1e-4
    )


@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_what_is_read_of_each_block_is_the_same_but_for_rounding(which: str, tiny_model: ParagraphClassifier) -> None:
    model, loaded = tiny_model if which == "tiny" else load_model(), library()
    assert loaded is not None
    assert reading.fits(model.reader_, model.judge_)
    evidence = extract(split_batch(documents()), model.evidence_, WordMemo())
    own = block_columns(evidence)
    logits = model.reader_.ended(own)
    expected = own[:2].T, logits, model.judge_.begun(np.concatenate((logits.T, own)))
    for found, right in zip(reading.read(loaded, evidence, model.reader_, model.judge_), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("n", [0, 1, 511, 512, 1300])
def test_the_bound_on_a_rise_is_the_same_but_for_rounding(n: int) -> None:
    model, loaded, chance = load_model(), library(), np.random.default_rng(n)
    assert loaded is not None
    before = chance.normal(size=(n_context_columns(), 2000)).astype(np.float32)
    rows = np.sort(chance.choice(2000, n, replace=False))
    after = chance.normal(size=(len(before), n)).astype(np.float32)
    expected = model.judge_.most_rise(before[:, rows], after)
    np.testing.assert_allclose(rising.most_rise(loaded, model.judge_, before, rows, after), expected, rtol=1e-5)


def test_weights_that_would_lead_beyond_an_array_are_refused() -> None:
    weights = load_model().evidence_
    slots, concepts = weights.slots.copy(), weights.cue_concepts.copy()
    slots[5, 3] = concepts[7, 1] = len(weights.concepts) + 1
    loaded = library()
    assert loaded is not None
    for wrong in ({"slots": slots}, {"cue_concepts": concepts}, {"slots": weights.slots.astype(np.int32)}):
        with pytest.raises(ValueError, match="do not fit their tables"):
            Extractor.of(loaded, replace(weights, **wrong))


def test_without_the_library_numpy_gives_the_same_texts() -> None:
    texts = ["\n\n".join(blocks) for blocks in documents()]
    program = (
        "import json, sys, unappeal; from unappeal.kernels import library; assert library() is None;"
        "print(json.dumps([unappeal.filter_text(text).text for text in json.load(sys.stdin)]))"
    )
    folder = str(Path(unappeal.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": folder, "UNAPPEAL_PURE": "1"},
    )
    assert json.loads(done.stdout) == [unappeal.filter_text(text).text for text in texts]
