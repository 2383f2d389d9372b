"""The gate's mechanism: floors rise, never fall unasked, and belong to one state of the data."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unappeal.labels import APPEAL, BODY, RELATED
from unappeal_training import gate
from unappeal_training.gate import (
    AUTHORED,
    FLOORS,
    FOLDS,
    Floor,
    Floors,
    Folds,
    GateError,
    check,
    data_hashes,
    fold_figures,
    folds_of,
    load_folds,
    main,
    read_floors,
    save_folds,
    shipped_figures,
    updated,
    write_floors,
)
from unappeal_training.measures import Estimate, Sample

HASHES = {"authored": "a" * 64, "pages": "b" * 64}
MEASURED = {"noise": Estimate(0.75, 0.012), "appeals": Estimate(0.9, 0.02)}
PINNED = Floors(HASHES, {"noise": Floor(0.738, 0.75, 0.012), "appeals": Floor(0.88, 0.9, 0.02)})


def folds(seed: int = 0, skill: float = 2.0) -> Folds:
    """Predictions of a made-up model: story, appeals and links on 40 sites in all views and in authored documents."""
    rng = np.random.default_rng(seed)
    n = 4000
    labels = rng.choice([BODY, APPEAL, RELATED], n, p=[0.6, 0.1, 0.3]).astype(np.int8)
    logits = rng.normal(0, 1, (n, 3)) + skill * np.eye(3)[labels]
    scores = (np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)).astype(np.float32)
    margin = np.log(1 - scores[:, BODY] + 1e-7) - np.log(scores[:, BODY] + 1e-7)
    sample = Sample(margin.astype(np.float64), scores, labels, rng.integers(20, 400, n), rng.integers(0, 40, n))
    view = rng.integers(0, AUTHORED + 1, n).astype(np.int8)
    fold = (sample.site % 5).astype(np.int8)
    return Folds(sample, view, fold, (view == AUTHORED) & (sample.site % 3 == 0), 2.5, HASHES)


def test_figures_at_or_above_their_floors_pass() -> None:
    check(PINNED, MEASURED, HASHES)
    check(PINNED, {**MEASURED, "noise": Estimate(0.738, 0.01), "new": Estimate(0.1, 0)}, HASHES)


def test_a_figure_under_its_floor_is_named_with_both_numbers() -> None:
    with pytest.raises(GateError, match=re.escape("noise: 73.70, floor 73.80 (was 75.00)")):
        check(PINNED, {**MEASURED, "noise": Estimate(0.737, 0.01)}, HASHES)


def test_every_fallen_figure_is_named() -> None:
    with pytest.raises(GateError, match=r"(?s)noise: .*appeals: "):
        check(PINNED, {"noise": Estimate(0.1, 0), "appeals": Estimate(0.1, 0)}, HASHES)


@pytest.mark.parametrize("figures", [{"appeals": MEASURED["appeals"]}, {**MEASURED, "noise": Estimate(np.nan, 0)}])
def test_a_figure_that_is_gone_or_no_number_has_fallen(figures: dict[str, Estimate]) -> None:
    with pytest.raises(GateError, match="under the floor:\n  noise: "):
        check(PINNED, figures, HASHES)


def test_changed_data_is_named_before_any_figure() -> None:
    with pytest.raises(GateError, match=r"the pages data changed .*--full --update"):
        check(PINNED, {}, {**HASHES, "pages": "c" * 64})
    with pytest.raises(GateError, match=r"the authored and pages data changed"):
        check(PINNED, MEASURED, {"authored": "", "pages": ""})


def test_the_first_update_pins_one_deviation_below_what_was_measured() -> None:
    assert updated(None, MEASURED, HASHES) == PINNED


def test_an_update_raises_floors_and_leaves_higher_ones() -> None:
    better = {"noise": Estimate(0.80, 0.01), "appeals": Estimate(0.885, 0.02)}
    floors = updated(PINNED, better, HASHES).floors
    assert floors["noise"] == Floor(0.79, 0.8, 0.01)
    assert floors["appeals"] == PINNED.floors["appeals"]


@pytest.mark.parametrize("figures", [{**MEASURED, "noise": Estimate(0.7, 0.01)}, {"noise": MEASURED["noise"]}])
def test_an_update_never_lowers_or_loses_a_floor_unasked(figures: dict[str, Estimate]) -> None:
    with pytest.raises(GateError, match=r"(?s)not updated.*--allow-regression.*(noise|appeals): "):
        updated(PINNED, figures, HASHES)


def test_a_lower_floor_must_be_asked_for() -> None:
    floors = updated(PINNED, {"noise": Estimate(0.7, 0.01)}, HASHES, allow_regression=True).floors
    assert floors == {"noise": Floor(0.69, 0.7, 0.01)}


def test_what_is_no_number_cannot_be_pinned() -> None:
    with pytest.raises(GateError, match="a figure is nan: nothing to pin"):
        updated(None, {"noise": Estimate(np.nan, 0)}, HASHES)


def test_floors_survive_the_file_and_there_are_none_before_the_first(tmp_path: Path) -> None:
    assert read_floors(tmp_path / FLOORS) is None
    write_floors(PINNED, tmp_path / FLOORS)
    assert read_floors(tmp_path / FLOORS) == PINNED


def test_predictions_survive_the_file_with_all_their_figures(tmp_path: Path) -> None:
    made = folds()
    save_folds(made, tmp_path / FOLDS)
    stored = load_folds(tmp_path / FOLDS)
    assert stored.hashes == HASHES
    assert stored.threshold == made.threshold
    for name, estimate in fold_figures(made, 5).items():
        assert fold_figures(stored, 5)[name].value == pytest.approx(estimate.value, abs=1e-4), name
    assert [path.name for path in tmp_path.iterdir()] == [FOLDS]


def test_missing_predictions_say_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(GateError, match=r"no stored predictions at .*--full --update"):
        load_folds(tmp_path / FOLDS)


def test_a_better_model_has_better_figures_in_every_view() -> None:
    weak, strong = fold_figures(folds(skill=1.5), 5), fold_figures(folds(skill=4.0), 5)
    assert set(weak) == set(strong)
    for view in ("resiliparse", "trafilatura", "whole"):
        for kind in ("noise removed at 0.5 %", "appeals removed at 1 %", "F1 of body"):
            assert strong[f"{view}: {kind}"].value > weak[f"{view}: {kind}"].value
    assert all(0 <= estimate.value <= 1 for estimate in strong.values())


def test_story_kept_on_new_sites_is_near_the_promise() -> None:
    figure = fold_figures(folds(), 5)["resiliparse: story kept on new sites at 0.2 %"]
    assert 0.98 < figure.value <= 1
    assert figure.deviation > 0


def test_hard_negatives_count_story_blocks_only() -> None:
    made = folds()
    nothing_dropped = replace(made, threshold=1e9)
    figures = fold_figures(nothing_dropped, 5)
    assert figures["authored, held out: story of hard negatives kept"].value == 1
    assert figures["authored, held out: noise removed"].value == 0
    everything = fold_figures(replace(made, threshold=-1e9), 5)
    assert everything["authored, held out: story kept"].value == 0
    assert everything["authored, held out: appeals removed"].value == 1


def test_the_hash_of_data_sees_labels_and_not_the_order() -> None:
    from unappeal_training.dataset import read_authored

    documents = read_authored()[:4]
    relabelled = [replace(documents[0], labels=documents[0].labels * 0 + RELATED), *documents[1:]]
    assert data_hashes({"x": documents}) == data_hashes({"x": documents[::-1]})
    assert data_hashes({"x": documents}) != data_hashes({"x": relabelled})
    assert data_hashes({"x": documents}) != data_hashes({"x": documents[1:]})


def test_figures_are_taken_from_a_real_cross_validation(tiny_folds: Any, tmp_path: Path) -> None:
    taken = folds_of(tiny_folds, HASHES)
    assert len(taken.sample) == int((tiny_folds.table.labels >= 0).sum())
    assert set(taken.view.tolist()) == {AUTHORED}
    assert set(taken.fold.tolist()) == {0, 1, 2, 3, 4}
    save_folds(taken, tmp_path / FOLDS)
    figures = fold_figures(load_folds(tmp_path / FOLDS), 5)
    assert figures["authored, held out: story kept"].value > 0.9


def test_the_shipped_model_keeps_the_story_of_authored_documents(tiny_documents: list[Any]) -> None:
    figures = shipped_figures(tiny_documents)
    assert figures["authored, shipped: story kept"].value > 0.97
    assert figures["authored, shipped: appeals removed"].value > 0.2
    assert figures["authored, unseen: story of hard negatives kept"].value > 0.97


@pytest.fixture
def quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with stored predictions, and the shipped model's part left out."""
    save_folds(folds(), tmp_path / FOLDS)
    monkeypatch.setattr(gate, "shipped_figures", lambda documents: {})
    monkeypatch.setattr(gate, "current_hashes", lambda stored: HASHES)
    return tmp_path


def test_the_command_pins_passes_and_fails(quick: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(quick)]) == 1
    assert "no floors are pinned yet" in capsys.readouterr().err
    assert main(["--folder", str(quick), "--update"]) == 0
    assert main(["--folder", str(quick)]) == 0
    assert "resiliparse: noise removed at 0.5 %" in capsys.readouterr().out
    pinned = (quick / FLOORS).read_bytes()
    save_folds(folds(skill=1.0), quick / FOLDS)
    assert main(["--folder", str(quick)]) == 1
    assert "under the floor" in capsys.readouterr().err
    assert main(["--folder", str(quick), "--update"]) == 1
    assert (quick / FLOORS).read_bytes() == pinned
    assert main(["--folder", str(quick), "--update", "--allow-regression"]) == 0
    assert json.loads((quick / FLOORS).read_bytes())["data_sha256"] == HASHES


def test_allowing_a_regression_without_update_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--allow-regression"])
    assert "--allow-regression goes with --update" in capsys.readouterr().err
