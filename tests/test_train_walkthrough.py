"""The walk-through of training/README.md, its commands as they stand, on an outlet and a language held out."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from unappeal.cli import main
from unappeal_training.dataset import read_records

SECTION = re.compile(r"^## A new outlet's appeals.*?(?=^## )", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
APPEALS = re.compile(r"^\| appeals at 0\.5 % \| +([\d.]+) ± [\d.]+ \| +([\d.]+) ±", re.MULTILINE)
FAST = [
    "--jobs=1",
    *(f"--set={s}" for s in ("min_sites=2", "word_epochs=2", "reader_epochs=2", "judge_epochs=2", "members=1")),
]


def commands(root: Path) -> list[str]:
    section = SECTION.search((root / "training" / "README.md").read_text(encoding="utf-8"))
    assert section is not None
    return [line for code in FENCE.findall(section[0]) for line in code.splitlines()]


def spread(records: list[Any], n: int) -> list[Any]:
    """Some of the documents that have all labels, at equal distances: neighbours are of one kind and language."""
    labelled = [r for r in records if len({b["label"] for b in r["blocks"]}) == 3]
    return labelled[:: len(labelled) // n][:n]


def write_lines(path: Path, lines: list[Any]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def corrections(records: list[Any]) -> list[Any]:
    """What the review page exports for these documents; the last block of each is left alone."""
    return [
        {
            "document": r["id"],
            "position": i,
            "text": b["text"],
            "label": b["label"] if i + 1 < len(r["blocks"]) else None,
        }
        | {"previous": "body", "scores": {"body": 1.0, "appeal": 0.0, "related": 0.0}, "site": "outlet.example"}
        for r in records
        for i, b in enumerate(r["blocks"])
    ]


def test_the_walk_through_runs_from_scores_to_a_cleaned_corpus(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written = [r for path in sorted((root / "data" / "authored").glob("*.jsonl")) for r in read_records(path)]
    outlet = list(read_records(root / "data" / "example" / "lanterno.jsonl"))
    assert len(outlet) == 40
    assert not {r["lang"] for r in outlet} & {r["lang"] for r in written}
    monkeypatch.chdir(tmp_path)
    write_lines(
        Path("outlet.jsonl"), [{"id": r["id"], "text": "\n\n".join(b["text"] for b in r["blocks"])} for r in outlet]
    )
    write_lines(Path("corrections.jsonl"), corrections(outlet[:20]))
    write_lines(Path("more.jsonl"), corrections(outlet[20:]))
    Path("base").mkdir()
    write_lines(Path("base/base.jsonl"), spread(written, 60))
    assert main(["train", "--default", "--base=base", "-o", "shipped", *FAST]) == 0
    for line in commands(root):
        program, command, *arguments = shlex.split(line)
        assert program == "unappeal"
        extra = ["--base=base", "--against=shipped", "--force", *FAST] if command == "train" else []
        arguments = ["shipped" if a == "news-1" else a for a in arguments]
        assert main([command, *arguments, *extra]) == 0, line
    shown = capsys.readouterr().out
    assert re.search(r"^(better than|worse than|not distinguishable from) shipped: on the held-out blocks", shown, re.M)
    assert "on the project's own documents it removes" in shown
    assert json.loads(Path("mymodel/model.json").read_text())["training"]["base_sha256"]
    assert [r["id"] for r in read_records(Path("cleaned.jsonl"))] == [r["id"] for r in outlet]
    report = Path("report.md").read_text()
    gain = APPEALS.search(report)
    assert gain is not None
    assert float(gain[1]) > float(gain[2]), gain[0]  # on the documents that it was not trained on
    assert "mymodel is better than shipped" in report
    assert Path("page.html").stat().st_size > 10_000
