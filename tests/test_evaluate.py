"""`unappeal evaluate`: models on labels, reports and plots, cross-validation."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unappeal.cli import main
from unappeal.labels import LABELS
from unappeal_training.build import CrossFitted
from unappeal_training.evaluation import confusion_section, promised_section, scored, wrong_section
from unappeal_training.fit import FitSettings
from unappeal_training.folds import ablation_section, baseline_section, fold_sections, language_section, promise_section
from unappeal_training.measures import Estimate
from unappeal_training.retrain import cross_fitted_quietly
from unappeal_training.sections import Section, Share, as_json, markdown, write

FAST = FitSettings(min_sites=2, word_epochs=1, reader_epochs=1, judge_epochs=1, members=1)


@pytest.fixture(scope="module")
def table(tiny_documents: list[Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["text", "label", "document", "position", "site", "language"])
        for i, d in enumerate(tiny_documents[:12]):
            rows.writerows(
                [b, str(LABELS[n]), d.id, j, f"s{i % 6}", d.lang]
                for j, (b, n) in enumerate(zip(d.blocks, d.labels, strict=True))
            )
    return path


@pytest.fixture(scope="module")
def cross_fitted(tiny_documents: list[Any]) -> CrossFitted:
    whole = [d for d in tiny_documents if set(d.labels.tolist()) == {0, 1, 2}]
    return cross_fitted_quietly(sorted(whole, key=lambda d: len(d.blocks))[:14], FAST, 1)


def test_a_model_is_measured_compared_and_its_wrong_blocks_are_listed(
    table: Path, tiny_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.md"
    command = [
        "evaluate",
        str(tiny_folder),
        str(table),
        "--wrong",
        "3",
        "--compare",
        str(tiny_folder),
        "-o",
        str(report),
    ]
    assert main(command) == 0
    shown = capsys.readouterr().out
    for title in (
        "Removed at a fixed body loss, %",
        "F1 of",
        "Confusion",
        "Promised and observed",
        "Calibration",
        "By site",
        "By language",
        "By source",
    ):
        assert f"## {title}" in shown
    assert "tiny is not distinguishable from tiny: +0.0 (+0.0 to +0.0) points over all, mean F1" in shown
    assert report.read_text(encoding="utf-8").rstrip() == shown.rstrip()


def test_the_json_report_has_unrounded_figures(table: Path, tiny_folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert main(["evaluate", str(tiny_folder), str(table), "-o", str(report)]) == 0
    removed = json.loads(report.read_text(encoding="utf-8"))[0]
    assert removed["title"] == "Removed at a fixed body loss, %"
    assert set(removed["rows"][0]["noise 0.5 %"]) == {"value", "deviation"}


def test_plots_are_written_and_repeat(table: Path, tiny_folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for folder in ("a", "b"):
        assert main(["evaluate", str(tiny_folder), str(table), "--plots", str(tmp_path / folder)]) == 0
    for name in ("calibration.svg", "curve.svg"):
        content = (tmp_path / "a" / name).read_bytes()
        assert content.startswith(b"<?xml")
        assert content == (tmp_path / "b" / name).read_bytes()


def test_wrong_blocks_come_surest_first_with_their_place(tiny_model: Any, tiny_documents: list[Any]) -> None:
    documents = tiny_documents[:10]
    shown = scored(tiny_model, documents, [[f"{d.id}:{j}" for j in range(len(d.blocks))] for d in documents])
    section = wrong_section(shown, 1000)
    n_wrong = int((shown.decided != shown.sample.labels).sum())
    assert len(section.rows) == n_wrong
    assert section.note.startswith(f"{n_wrong} of {len(shown.sample)} blocks")
    assert all(row[1] != row[2] for row in section.rows)
    table = confusion_section(shown.sample.labels, shown.decided)
    assert sum(sum(row[1:]) for row in table.rows) == len(shown.sample)
    assert len(promised_section(shown).rows) == len(shown.point.levels)


def test_cross_validation_has_every_section(cross_fitted: CrossFitted) -> None:
    titles = [section.title for section in fold_sections(cross_fitted)]
    assert titles[0] == "Held out by site, removed at a fixed body loss, %"
    assert {"Promised and observed body loss on held-out sites", "By language", "By source", "Hard negatives"} <= set(
        titles
    )


def test_a_promise_is_kept_where_the_folds_are_alike(cross_fitted: CrossFitted) -> None:
    rows = cross_fitted.table.labels >= 0
    section = promise_section(cross_fitted, rows, "all")
    observed = [row[1].value for row in section.rows]
    assert observed == sorted(observed)
    assert all(row[2].value >= 0 for row in section.rows)


def test_baselines_are_measured_on_the_same_folds(cross_fitted: CrossFitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unappeal_training.folds.has_fasttext", lambda: False)
    section = baseline_section(cross_fitted, lambda _: None)
    assert [row[0] for row in section.rows] == ["unappeal", "TF-IDF + SGD"]
    assert "fastText is not installed (pip install fasttext-numpy2-wheel): left out" in section.note
    assert len({row[1] for row in section.rows}) == 1


def test_what_cannot_be_held_out_is_left_out_with_a_word(cross_fitted: CrossFitted) -> None:
    documents = [d for d in cross_fitted.table.documents if d.lang == "en"]
    assert "Left out: too few groups" in language_section(documents, FAST, 1).note
    section = ablation_section(cross_fitted, FitSettings(**{**_values(FAST), "blind_share": 0.0}), 1, lambda _: None)
    assert [row[0] for row in section.rows] == ["whole model", "without context"]
    assert "without authored documents: left out" in section.note


def _values(settings: FitSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in FitSettings.__dataclass_fields__}


def test_reports_print_missing_figures_as_a_dash(tmp_path: Path) -> None:
    nan = float("nan")
    section = Section(
        "T", ("a", "b", "c"), [["x|y", Share(nan), Estimate(nan, nan)], ["z", Share(0.5), Estimate(0.5, 0.01)]], "N."
    )
    text = markdown([section])
    assert "| x\\|y |       – |          – |" in text
    assert "50.00 % | 50.0 ± 1.0" in text
    assert json.loads(as_json([section]))[0]["rows"][0]["b"] is None
    write([section], tmp_path / "r.md")
    assert np.all([p.name == "r.md" for p in tmp_path.iterdir()])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["news-1"], "give a model and files of labels, or --folds"),
        (["news-1", "a.csv", "--baselines"], "--baselines goes with --folds"),
        (["--folds", "--compare", "news-1"], "--compare needs a model: leave --folds out"),
        (["news-1", "a.csv", "-o", "r.txt"], "a report is written as .md or .json"),
        (["nowhere", "a.csv"], "no model at nowhere"),
    ],
)
def test_wrong_options_end_in_2(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", *options]) == 2
    assert message in capsys.readouterr().err


def test_labels_that_cannot_be_read_end_in_1(
    tmp_path: Path, tiny_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_text("text,label\nGive,?\n")
    assert main(["evaluate", str(tiny_folder), str(tmp_path / "a.csv")]) == 1
    assert "a.csv: no labelled blocks: nothing to measure" in capsys.readouterr().err
