"""What the report counts, and that a run's files give back what it removed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unappeal.blocks import Block
from unappeal.pages import run_data
from unappeal.pages.documents import JudgedDocument, SourceDocument, describe, judge
from unappeal.pages.run_data import MAX_NAMED_DOCUMENTS, MAX_SAMPLES, RunData
from unappeal.pages.runs import find_run, restored, run_documents


def document(name: str, *labels: str, flagged: bool = False) -> JudgedDocument:
    """A document of blocks of ten characters each, those that are not body removed."""
    blocks = tuple(
        Block(f"{label:<9}.", 12 * i, 12 * i + 10, label, {label: 0.97}) for i, label in enumerate(labels)
    )  # fmt: skip
    removed = tuple(label != "body" and not flagged for label in labels)
    return JudgedDocument(name, "a.example", None, None, blocks, removed, flagged)


def test_counts_by_label_site_and_position() -> None:
    data = RunData.of([document("a", "appeal", "body", "body", "body", "related"), document("b", "body")], "run")
    assert (data.total.documents, data.changed, data.flagged, data.total.blocks) == (2, 1, 0, 6)
    assert data.sites["a.example"].removed_chars == {"appeal": 10, "related": 10}
    assert data.languages["unknown"].removed_share == pytest.approx(20 / 60)
    assert data.positions[0].removed_chars == {"appeal": 10}
    assert data.positions[9].removed_chars == {"related": 10}
    assert data.scores["body"][19] == 4


def test_a_flagged_document_is_listed_and_loses_nothing() -> None:
    data = RunData.of([document("a", "appeal", flagged=True)], "run")
    assert (data.changed, data.flagged, data.total.removed_chars.total()) == (0, 1, 0)
    assert [each.id for each in data.flagged_documents] == ["a"]


def test_frequent_texts_name_their_documents() -> None:
    data = RunData.of([document(f"d{i}", "appeal", "appeal") for i in range(8)] + [document("x", "related")], "run")
    data.add(document("y", *["related"] * 30))
    found, second = data.frequent(10)
    assert (second.labels.total(), second.n_documents) == (31, 2)
    assert (found.labels.total(), found.n_documents, len(found.documents)) == (16, 8, MAX_NAMED_DOCUMENTS)


def test_rare_texts_are_forgotten_before_memory_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_data, "MAX_TEXTS", 3)
    data = RunData("run")
    for name in ("often", "often", "a", "b", "c", "d"):
        data.add(JudgedDocument(name, None, None, None, (Block(name, 0, 5, "related"),), (True,), flagged=False))
    assert "often" in data.repeated
    assert len(data.repeated) <= 3


def test_samples_are_bounded_and_changed() -> None:
    data = RunData.of((document(f"d{i}", "appeal" if i % 2 else "body") for i in range(200)), "run")
    assert len({each.id for each in data.samples}) == MAX_SAMPLES
    assert all(any(each.removed) for each in data.samples)


def test_describe_finds_what_corpora_call_site_and_language() -> None:
    assert describe({"url": "https://www.a.example/x", "lang": "de"}) == {"site": "a.example", "language": "de"}
    assert describe({"metadata": {"site": "b"}, "language": 3}) == {"site": "b", "language": None}
    assert describe({"url": "no address"}) == {"site": None, "language": None}


def test_rejects_go_back_where_they_stood() -> None:
    original = "Give.\n\nOne.\n\nJoin us.\nRead on\n\nTwo.\n\n\nBye."
    rejects = [
        {"id": "a", "span": [start, start + len(text)], "label": "appeal", "score": 0.9, "text": text}
        for text in ("Give.", "Join us.", "Read on", "Bye.")
        for start in [original.index(text)]
    ]
    blocks, removed = restored("One.\n\nTwo.", rejects)
    assert [block.text for block in blocks] == ["Give.", "One.", "Join us.", "Read on", "Two.", "Bye."]
    assert removed == [True, False, True, True, False, True]
    assert all(abs(block.start - original.index(block.text)) <= 2 for block in blocks)


@pytest.fixture(scope="module")
def corpus(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Authored documents as records, one of them twice, one of another site."""
    folder = tmp_path_factory.mktemp("corpus")
    with (root / "data" / "authored" / "en.jsonl").open(encoding="utf-8") as lines:
        documents = [json.loads(line) for line in lines][:40]
    for name, part in (("a", documents[:20]), ("b", [*documents[20:], documents[21], documents[21]])):
        rows = [
            {"id": each["id"], "text": "\n\n".join(block["text"] for block in each["blocks"]), "site": name}
            for each in part
        ]  # fmt: skip
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    return folder


def expected(corpus: Path, **options: Any) -> list[tuple[str, list[str], bool]]:
    rows = [json.loads(line) for path in sorted(corpus.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return lost(judge([SourceDocument(row["id"], row["text"]) for row in rows], **options))


def lost(documents: Any) -> list[tuple[str, list[str], bool]]:
    return [
        (each.id, [block.text for block, gone in zip(each.blocks, each.removed, strict=True) if gone], each.flagged)
        for each in documents
    ]


@pytest.mark.parametrize("keeps_rejects", [True, False])
def test_a_folder_run_gives_its_documents_back(
    cli: Callable[..., Any], corpus: Path, tmp_path: Path, keeps_rejects: bool
) -> None:
    rejects = ["--rejects", tmp_path / "rejects"] if keeps_rejects else []
    done = cli("filter", corpus, "-o", f"{tmp_path}/clean/", "--max-removed", 0.3, "--quiet", *rejects)
    assert (done.returncode, done.stderr) == (0, b"")
    run = find_run(str(tmp_path / "clean"))
    assert run is not None
    found = lost(run_documents(run, []))
    assert found == expected(corpus, max_removed=0.3)
    assert any(flagged for _, _, flagged in found)


def test_report_of_a_file_run_by_its_summary(cli: Callable[..., Any], corpus: Path, tmp_path: Path) -> None:
    summary, rejects = tmp_path / "run.json", tmp_path / "rejects.jsonl.gz"
    cli("filter", corpus, "-o", tmp_path / "clean.jsonl", "--rejects", rejects, "--summary", summary, "--quiet")
    page = tmp_path / "report.html"
    done = cli("report", summary, "-o", page, "--title", "My <run>")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert '<h1 dir="auto">My &lt;run&gt;</h1>' in page.read_text(encoding="utf-8")
    (again,) = [cli("report", corpus, "--title", "My <run>").stdout.decode()]
    for part in (("<dl", "</dl>"), ('id="scores"', "</section>")):
        assert between(page.read_text(encoding="utf-8"), *part) == between(again, *part)


def between(text: str, first: str, last: str) -> str:
    return text[text.index(first) : text.index(last)]


def test_review_samples_tells_bad_records_and_keeps_the_rest(cli: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"id": "a", "text": "Prices rose."}\nnot json\n{"id": "b", "text": "Give today!"}\n')
    done = cli("review", path, "-o", tmp_path / "page.html", "--sample", 1)
    assert done.returncode == 1
    assert f"{path}:2: broken JSON" in done.stderr.decode()
    data = json.loads(between((tmp_path / "page.html").read_text(), '{"title"', "</script>"))
    assert (data["title"], len(data["documents"])) == ("in.jsonl", 1)


def test_review_says_when_it_stops_reading(cli: Callable[..., Any], corpus: Path) -> None:
    done = cli("review", corpus, "--limit", 3)
    assert done.returncode == 0
    assert b"only the first 3 documents are read" in done.stderr
    assert done.stdout.startswith(b"<!doctype html>")


@pytest.mark.parametrize("command", ["review", "report"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.jsonl"], "missing.jsonl: no such file or folder"),
        (["empty.jsonl"], "empty.jsonl: no documents to re"),
        (["a.jsonl", "-o", "a.jsonl"], "a.jsonl: the output is also an input"),
        (["a.jsonl", "-o", "."], "cannot be written: it is a folder"),
        (["a.jsonl", "--max-body-loss", "0.9"], "--max-body-loss must lie between 0 and 0.05"),
    ],
)
def test_what_cannot_be_done_is_said_first(
    cli: Callable[..., Any], tmp_path: Path, command: str, arguments: list[str], message: str
) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "a.jsonl").write_text('{"text": "A"}\n')
    done = cli(command, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()
