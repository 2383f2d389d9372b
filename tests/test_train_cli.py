"""`unappeal train` through the entry point: checks, bytes, refusal of a worse model, usage errors."""

import csv
import random
import re
from pathlib import Path
from typing import Any

import pytest

from unappeal.cli import main
from unappeal.errors import InputError
from unappeal.labels import LABELS
from unappeal_training.fit import FitSettings
from unappeal_training.labelled import read_labels
from unappeal_training.retrain import parse_settings

FAST = [f"--set={s}" for s in ("min_sites=2", "word_epochs=2", "reader_epochs=2", "judge_epochs=2", "members=1")]


def short(documents: list[Any], n: int = 16) -> list[Any]:
    return sorted((d for d in documents if set(d.labels.tolist()) == {0, 1, 2}), key=lambda d: len(d.blocks))[:n]


def write_table(path: Path, documents: list[Any], shuffled: float = 0.0) -> Path:
    """Write documents as a table, with a share of the labels dealt out anew."""
    generator = random.Random(1)
    rows = [
        [b, str(LABELS[n]), d.id, j, d.lang]
        for d in documents
        for j, (b, n) in enumerate(zip(d.blocks, d.labels, strict=True))
    ]
    chosen = [i for i in range(len(rows)) if generator.random() < shuffled]
    labels = [rows[i][1] for i in chosen]
    generator.shuffle(labels)
    for i, label in zip(chosen, labels, strict=True):
        rows[i][1] = label
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["text", "label", "document", "position", "language"], *rows])
    return path


def train(*arguments: object) -> int:
    return main(["train", *map(str, arguments), "--jobs=1", *FAST])


def test_a_table_with_labels_shuffled_is_worse_and_refused_unless_forced_and_repeats_byte_for_byte(
    tmp_path: Path, tiny_documents: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "labels.csv", short(tiny_documents), shuffled=0.3)
    options = [table, "--base=none"]
    assert train(*options, "-o", tmp_path / "refused") == 1
    shown = capsys.readouterr()
    assert "\nworse than " in shown.out
    assert "may have been trained on 100 % of these blocks, which favours it" in shown.out
    assert "not saved, because it is worse: --force saves it all the same" in shown.err
    assert not (tmp_path / "refused").exists()
    folders = [tmp_path / "a" / "mine", tmp_path / "b" / "mine"]
    for folder in folders:
        assert train(*options, "--force", "-o", folder) == 0
    for name in ("model.json", "weights.npz"):
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes()


def test_labels_shuffled_of_an_outlet_that_no_model_has_seen_are_refused_and_right_ones_are_not(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outlet = read_labels([root / "data" / "example" / "lanterno.jsonl"]).documents
    table = write_table(tmp_path / "shuffled.csv", outlet, shuffled=0.3)
    assert train(table, "--base=none", "-o", tmp_path / "refused") == 1
    shown = capsys.readouterr()
    assert re.search(r"^worse than news-1: \d\d % of the blocks on which both models agree", shown.out, re.MULTILINE)
    assert re.search(r"warning: \d\d blocks labelled otherwise than both models say", shown.err)
    assert re.search(r"shuffled.csv:\d+ (appeal|body|related), both say ", shown.err)
    assert not (tmp_path / "refused").exists()
    table = write_table(tmp_path / "right.csv", outlet)
    train(table, "--base=none", "--force", "-o", tmp_path / "saved")
    assert "labels must be wrong" not in capsys.readouterr().out


def test_the_check_tells_what_it_found_and_trains_nothing(
    tmp_path: Path, tiny_documents: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    documents = short(tiny_documents)
    table = write_table(tmp_path / "labels.csv", documents)
    with table.open("a", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerow([documents[0].blocks[0], "related", documents[0].id, 0, "en"])
    assert train(table, "--base=none", "--check") == 0
    shown = capsys.readouterr().err
    assert "read 1 file: 16 documents, 0 sites" in shown
    assert "warning: 1 conflicting duplicates: trained without their labels\n    " in shown
    assert "labels.csv:2 body" in shown
    assert "note: few sites, so folds are by document" in shown
    assert train(table, "--base=none", "--check", "--strict") == 1


def test_the_project_data_is_joined_and_named(
    tmp_path: Path, tiny_documents: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "labels.csv", short(tiny_documents, 3))
    assert train(table, "--check") == 0
    assert "documents from " in capsys.readouterr().err
    assert train(table, "--check", "--base", tmp_path / "nowhere") == 1
    assert "nowhere: --base takes 'default', 'none', or a folder" in capsys.readouterr().err
    assert train(table, "--check", "--pages", tmp_path / "none.gz") == 1
    assert "none.gz: no such file: make it with 'unappeal hydrate" in capsys.readouterr().err


def test_too_few_documents_stop_with_the_remedy(
    tmp_path: Path, tiny_documents: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    table = write_table(tmp_path / "labels.csv", short(tiny_documents, 4))
    assert train(table, "--base=none", "--check") == 1
    assert "too few groups of documents: 4, where 10 at least are wanted" in capsys.readouterr().err


def test_an_unknown_label_names_the_row_and_the_allowed_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "labels.csv").write_text("text,label\nGive,donation\n")
    assert train(tmp_path / "labels.csv", "--check") == 1
    shown = capsys.readouterr().err
    assert "labels.csv:2: unknown label: 'donation' (1 rows" in shown
    assert "allowed are body, appeal, related" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["-o", "m"], "give files of labels, or --default"),
        (["a.csv", "--default", "-o", "m"], "give files of labels, or --default, not both"),
        (["--default", "--base=none", "-o", "m"], "leave --base none out"),
        (["a.csv"], "-o MODEL is missing"),
        (["a.csv", "-o", "m", "--weight=0"], "--weight must be above 0, not 0"),
        (["a.csv", "-o", "m", "--column", "text"], "--column takes NAME=VALUE, not 'text'"),
        (
            ["a.csv", "-o", "m", "--column", "words=x"],
            "--column takes text, label, document, position, site, language, not 'words'",
        ),
        (["a.csv", "-o", "m", "--map", "=body"], "--map takes NAME=VALUE, not '=body'"),
    ],
)
def test_wrong_options_end_in_2(
    options: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *options]) == 2
    assert message in capsys.readouterr().err


def test_settings_are_read_by_name_and_type() -> None:
    assert parse_settings(["word_epochs=3", "blind_share=0.5"], 1) == FitSettings(
        word_epochs=3, blind_share=0.5, seed=1
    )
    with pytest.raises(InputError, match="--set depth=3: no setting 'depth'; there are min_sites"):
        parse_settings(["depth=3"])
    with pytest.raises(InputError, match="--set word_epochs=many: 'many' is not of type int"):
        parse_settings(["word_epochs=many"])
    with pytest.raises(InputError, match="--set judge_epochs=0: it must be 1 or more"):
        parse_settings(["judge_epochs=0"])
