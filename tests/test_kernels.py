"""The compiled loops against the NumPy code that defines them."""

import ctypes
import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unappeal
import unappeal.classifier
from unappeal import ParagraphClassifier, load_model
from unappeal.blocks import Batch, split_batch
from unappeal.context import (
    LESS_APPEAL,
    LESS_STORY,
    MOST_BLOCKS,
    SURE_APPEAL,
    SURE_STORY,
    Network,
    agreed,
    block_columns,
    check_networks,
    context_columns,
    softmax,
)
from unappeal.evidence import Evidence, WordMemo, extract
from unappeal.kernels import LIBRARY, library
from unappeal.kernels.extracting import Extractor
from unappeal.kernels.networks import KEPT_BYTES, Networks, Rooms, _slopes, fits
from unappeal.labels import APPEAL, BODY, RELATED
from unappeal.operating_point import OperatingPoint, label_mask
from unappeal.settle import Judge, Segments, judged_and_settled, settle

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


def documents(step: int = 10) -> list[list[str]]:
    lines = [line for path in sorted(AUTHORED.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()]
    return [[block["text"] for block in record["blocks"]] for record in map(json.loads, lines[::step])] + STRANGE


def assert_same_evidence(one: Evidence, other: Evidence) -> None:
    for name in Evidence.__dataclass_fields__:
        left, right = getattr(one, name), getattr(other, name)
        assert left.dtype == right.dtype, name
        np.testing.assert_array_equal(left, right, name)


@pytest.fixture(scope="module", params=[16, 8, 4])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.PyDLL:
    """The library that is in use, and what processors with shorter registers take of it."""
    in_use = library()
    assert in_use is not None
    if request.param == 16:
        return in_use
    command = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if command is None:
        pytest.skip("no C compiler")
    made = tmp_path_factory.mktemp("kernels") / "kernels.lib"
    flags = ["-std=gnu99", "-O2", "-fPIC", "-shared", f"-DMOST_LANES={request.param}"]
    subprocess.run([command, *flags, "-o", str(made), str(LIBRARY.with_suffix(".c")), "-lm"], check=True)
    return ctypes.PyDLL(str(made))


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


def judges(model: ParagraphClassifier) -> dict[str, Network]:
    """The model's own judge, and one that makes as much of every column as of any other."""
    judge, chance = model.judge_, np.random.default_rng(5)
    sizes = {"mean": len(judge.mean), "hidden_bias": 60, "out_bias": 3}
    arrays = {name: chance.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    hidden = chance.normal(size=(len(judge.mean), 60), scale=0.1).astype(np.float32)
    out = chance.normal(size=(60, 3), scale=0.1).astype(np.float32)
    return {"own": judge, "any": Network(arrays["mean"], np.ones_like(judge.mean), hidden, arrays["hidden_bias"], out,
                                         arrays["out_bias"])}  # fmt: skip


@pytest.mark.parametrize("judge_name", ["own", "any"])
@pytest.mark.parametrize("which", ["tiny", "shipped"])
def test_what_is_read_and_judged_is_the_same_but_for_rounding(
    which: str, judge_name: str, tiny_model: ParagraphClassifier, loaded: ctypes.PyDLL
) -> None:
    model = tiny_model if which == "tiny" else load_model()
    judge = judges(model)[judge_name]
    assert fits(model.reader_, judge)
    batch = split_batch(documents())
    evidence = extract(batch, model.evidence_, WordMemo())
    own = block_columns(evidence)
    logits = model.reader_.ended(own)
    begun = judge.begun(np.concatenate((logits.T, own)))
    compiled = Networks.of(loaded, model.reader_, judge)
    read = compiled.read(evidence)
    assert not read[2][:, begun.shape[1] :].any()  # room up to whole vectors
    for found, right in zip(read, (own[:2].T, logits, begun), strict=True):
        np.testing.assert_allclose(found[:, : right.shape[1]], right, rtol=1e-5, atol=1e-4)

    left = np.random.default_rng(6).random(len(evidence)) < 0.7
    for chosen in (np.ones_like(left), left):
        n_chosen = np.bincount(batch.document_of_block()[chosen], minlength=len(batch.texts))
        first = np.append(0, np.cumsum(n_chosen))
        columns = context_columns(
            evidence.select(chosen), first, own[:2, chosen], logits[chosen], model.evidence_.concepts
        )
        expected = agreed(softmax(judge.ended(columns, begun[chosen])), first)
        found = compiled.judged(evidence, first, np.flatnonzero(chosen), read, model.evidence_.concepts)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def evened(model: ParagraphClassifier, judge: Network, batch: Batch) -> tuple[Network, OperatingPoint]:
    """Give a judge for whom labels are equally likely, and a curve that drops a tenth of the blocks, or half."""
    point = OperatingPoint((0.1, 0.2), (0.0, 0.0), 0.1, 2.0, 0.1)

    def asked(network: Network) -> Judge:
        parts = model.evidence_, model.reader_, network, point, model.metadata_
        return Judge(ParagraphClassifier.from_arrays(*parts), batch)

    scores = asked(judge).first_scores
    fair = replace(judge, out_bias=judge.out_bias - np.log(scores + np.float32(1e-7)).mean(axis=0))
    again = asked(fair)
    high, low = np.quantile(point.margin(again.first_scores, again.evidence.chars), (0.9, 0.5))
    return fair, replace(point, thresholds=(float(high), float(low)))


@pytest.mark.parametrize("drop", [["appeal"], ["related"], ["appeal", "related"]], ids="+".join)
@pytest.mark.parametrize("judge_name", ["own", "any"])
def test_settling_in_one_pass_gives_what_asking_about_every_block_gives(
    judge_name: str, drop: list[str], loaded: ctypes.PyDLL
) -> None:
    shipped, dropped = load_model(), label_mask(drop)
    chance = np.random.default_rng(7)
    lines = [line for blocks in documents() for line in blocks]
    mixed = [chance.choice(lines, size=size).tolist() for size in (1, 2, 16, 17, 63, 64, 65, 130, 700, 3 * MOST_BLOCKS)]
    batch = split_batch(documents() + mixed)
    network, point = judges(shipped)[judge_name], shipped.operating_point_
    if judge_name == "any":
        network, point = evened(shipped, network, batch)
    model = ParagraphClassifier.from_arrays(shipped.evidence_, shipped.reader_, network, point, shipped.metadata_)
    model.__dict__["_networks"] = Networks.of(loaded, model.reader_, model.judge_)
    n_late, n_merged = 0, 0
    for loss in (0.0, *point.levels):
        judge = Judge(model, batch)
        expected = settle(judge, loss, dropped)
        scores, labels = judged_and_settled(model, batch, loss, dropped)
        np.testing.assert_array_equal(scores, judge.first_scores)
        np.testing.assert_array_equal(labels, expected)
        n_late += int((labels != point.decide(scores, judge.evidence.chars, loss)).sum())
        n_merged += int(Segments(batch, judge.evidence).merge(dropped[labels]).sum())
    assert n_late, "blocks that go only when others have gone"
    if len(drop) > 1:
        assert n_merged, "segments of a long document that become one"


@pytest.mark.parametrize("max_body_loss", [None, 0.01, 0.05])
def test_what_is_left_of_a_long_document_stays_though_it_was_judged_in_segments(max_body_loss: float | None) -> None:
    model, dropped = load_model(), label_mask(["appeal", "related"])
    blocks = [block for document in documents(2)[: -len(STRANGE)] for block in document]
    sizes = MOST_BLOCKS // 2, MOST_BLOCKS + 9, 4 * MOST_BLOCKS
    batch = split_batch([blocks[:size] for size in sizes])
    scores, labels = judged_and_settled(model, batch, max_body_loss, dropped)
    first = model.operating_point_.decide(scores, model.evidence(batch).chars, max_body_loss)
    went, went_at_once = dropped[labels], dropped[first]
    assert (went > went_at_once).any(), "some go only when others have gone"
    left = [list(compress(blocks, ~gone)) for gone in np.split(went, np.cumsum(sizes)[:-1])]
    assert not dropped[judged_and_settled(model, split_batch(left), max_body_loss, dropped)[1]].any()


@pytest.mark.parametrize("judge_name", ["own", "any"])
def test_no_logit_gains_more_on_the_body_s_than_the_slopes_say(judge_name: str) -> None:
    model, chance = load_model(), np.random.default_rng(8)
    judge = judges(model)[judge_name]
    weights = judge.weights[3 + len(model.reader_.weights) :]
    slopes = _slopes(weights, judge.out)
    n, n_columns = 4000, len(weights)
    columns = chance.random((n, n_columns), dtype=np.float32)
    begun = chance.normal(size=(n, len(judge.bias)), scale=3).astype(np.float32)
    changed = np.zeros_like(columns)  # one column a row: the bound is tight there
    changed[np.arange(n), chance.integers(n_columns, size=n)] = chance.normal(size=n, scale=0.05)
    before, after = (np.maximum(begun + x @ weights, 0) @ judge.out for x in (columns, columns + changed))
    gained = (after - before)[:, [RELATED, APPEAL]] - (after - before)[:, [BODY]]
    most = np.maximum(changed, 0) @ slopes[:, 0].T + np.maximum(-changed, 0) @ slopes[:, 1].T
    assert (gained <= most + 1e-4).all()
    assert (gained > 0.3 * most).any(axis=0).all(), "for either label some row comes near"


def test_working_memory_is_lent_to_one_at_a_time_and_kept_unless_it_is_large() -> None:
    rooms = Rooms()
    with rooms.taken(10) as one, rooms.taken(20) as other:
        assert (len(one), len(other)) == (10, 20)
        assert not np.shares_memory(one, other)
    with rooms.taken(5) as again:
        assert np.shares_memory(again, one) or np.shares_memory(again, other)
    with Rooms().taken(0) as none:
        assert len(none) == 0

    large = Rooms()
    with large.taken(KEPT_BYTES // 4 + 1) as one:
        pass
    with large.taken(10) as again:
        assert not np.shares_memory(again, one)


def test_networks_of_other_shapes_are_refused() -> None:
    model = load_model()
    reader, judge, concepts = model.reader_, model.judge_, model.evidence_.concepts
    check_networks(reader, judge, concepts)
    short = replace(judge, **{name: getattr(judge, name)[:-1] for name in ("mean", "scale", "hidden")})
    for wrong in ((reader, short), (judge, judge), (reader, replace(judge, out_bias=judge.out_bias[:1]))):
        with pytest.raises(ValueError, match="a network of shapes"):
            check_networks(*wrong, concepts)
        with pytest.raises(ValueError, match="a network of shapes"):
            ParagraphClassifier.from_arrays(
                model.evidence_, *wrong, model.operating_point_, model.metadata_
            ).predict_proba(["Give."])


class Counting(ParagraphClassifier):
    """Counts how often evidence is computed."""

    n_asked = 0

    def evidence(self, batch: Batch) -> Evidence:
        self.n_asked += 1
        return super().evidence(batch)


@pytest.mark.parametrize("compiled", [True, False])
def test_evidence_is_computed_once_however_documents_are_settled(
    compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not compiled:
        monkeypatch.setattr(unappeal.classifier, "library", lambda: None)
    shipped = load_model()
    model = Counting.from_arrays(
        shipped.evidence_, shipped.reader_, shipped.judge_, shipped.operating_point_, shipped.metadata_
    )
    unappeal.filter_batch(["Support us.\n\nThe council met on Monday."], model=model)
    assert model.n_asked == 1


def test_weights_that_would_lead_beyond_an_array_are_refused() -> None:
    weights = load_model().evidence_
    slots, entries = weights.slots.copy(), weights.cues.entries.copy()
    slots[5, 3] = entries[7, 1] = len(weights.concepts) + 1
    first = weights.cues.first.copy()
    first[-1] += 1
    changed: list[dict[str, Any]] = [{"slots": slots}, {"slots": weights.slots.astype(np.int32)}]
    changed += [{"cues": replace(weights.cues, **wrong)} for wrong in ({"entries": entries}, {"first": first})]
    loaded = library()
    assert loaded is not None
    for wrong in changed:
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


def test_numbers_that_are_written_in_c_too_are_the_same_there() -> None:
    text = (LIBRARY.parent / "kernels.c").read_text(encoding="utf-8")
    written = {name: float(value) for name, value in re.findall(r"#define (\w+) ([\d.]+)f\b", text)}
    for name, value in (
        ("SURE_STORY", SURE_STORY),
        ("LESS_APPEAL", LESS_APPEAL),
        ("SURE_APPEAL", SURE_APPEAL),
        ("LESS_STORY", LESS_STORY),
    ):
        assert np.float32(written[name]) == value, name
    assert -math.log(LESS_STORY) < written["MOST_AGREED"] < -math.log(LESS_STORY) + 0.02


def test_the_library_tells_the_same_languages() -> None:
    weights, loaded = load_model().evidence_, library()
    assert loaded is not None
    batch = split_batch([[], [""], *documents(step=1)])
    compiled, plain = Extractor.of(loaded, weights).extract(batch), extract(batch, weights, WordMemo())
    assert np.array_equal(compiled.cues, plain.cues)
    assert np.array_equal(compiled.cue_sums, plain.cue_sums)
