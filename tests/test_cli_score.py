"""``unappeal score``, and ``filter --from-scores``, which must give what `filter` would have given."""

import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

import unappeal
from unappeal.cli import main


def authored(root: Path, n: int = 120) -> list[bytes]:
    """Lines of the project's own documents, in many languages, every second one without an id."""
    lines: list[bytes] = []
    for path in sorted((root / "data" / "authored").glob("*.jsonl")):
        for line in path.read_bytes().splitlines()[:6]:
            blocks = [block["text"] for block in orjson.loads(line)["blocks"]]
            name = {"id": f"{path.stem}-{len(lines)}"} if len(lines) % 2 else {}
            lines.append(orjson.dumps({**name, "text": "\n\n".join(blocks), "source": path.stem}))
    return lines[:n]


def run(*arguments: object) -> int:
    return main([*map(str, arguments), "--quiet"])


@pytest.fixture(scope="module")
def corpus(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three shards, one of them a text, one with a bad record."""
    folder = tmp_path_factory.mktemp("corpus")
    lines = authored(root)
    (folder / "sub").mkdir()
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(b"\n".join(lines[:60])))
    (folder / "sub" / "b.jsonl").write_bytes(b"\n".join((*lines[60:], b"{broken", *lines[:3])) + b"\n")
    (folder / "c.txt").write_text(orjson.loads(lines[1])["text"])
    return folder


@pytest.fixture(scope="module")
def scores(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scores")
    assert run("score", corpus, "-o", folder) == 1
    return folder


def rows_of(path: Path) -> list[dict[str, Any]]:
    data = path.read_bytes()
    return [orjson.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).splitlines()]


def test_attribute_shards_have_the_documents_names_order_and_blocks(corpus: Path, scores: Path) -> None:
    name = unappeal.load_model().name
    documents, rows = rows_of(corpus / "a.jsonl.gz"), rows_of(scores / "a.jsonl.gz")
    assert len(documents) == len(rows)
    for number, (document, row) in enumerate(zip(documents, rows, strict=True), 1):
        assert row["id"] == document.get("id", f"{corpus / 'a.jsonl.gz'}:{number}")
        blocks = unappeal.classify(document["text"])
        for label in unappeal.Label:
            spans = row["attributes"][f"unappeal__{name}__{label}"]
            assert [span[:2] for span in spans] == [[block.start, block.end] for block in blocks]
            expected = [(block.scores or {})[label] for block in blocks]
            assert [span[2] for span in spans] == pytest.approx(expected, abs=1e-4)
    assert [row["id"] for row in rows_of(scores / "c.jsonl")] == ["c.txt"]


@pytest.mark.parametrize("loss", ["0", "0.0005", "0.002", "0.004", "0.01", "0.05"])
def test_filtering_by_scores_equals_filtering(loss: str, corpus: Path, scores: Path, tmp_path: Path) -> None:
    for out, options in (("by-text", []), ("by-scores", ["--from-scores", scores])):
        code = run(
            "filter",
            corpus,
            "-o",
            tmp_path / out,
            "--max-body-loss",
            loss,
            "--rejects",
            tmp_path / f"r-{out}",
            *options,
        )
        assert code == 1
    for name in ("a.jsonl.gz", "sub/b.jsonl", "c.txt"):
        assert (tmp_path / "by-text" / name).read_bytes() == (tmp_path / "by-scores" / name).read_bytes()
    for name in ("a.jsonl.gz", "sub/b.jsonl", "c.jsonl"):
        assert (tmp_path / "r-by-text" / name).read_bytes() == (tmp_path / "r-by-scores" / name).read_bytes()
    totals = [
        orjson.loads((tmp_path / out / ".unappeal" / "run.json").read_bytes())["total"]
        for out in ("by-text", "by-scores")
    ]
    assert totals[0] == totals[1]
    assert (loss == "0") == (totals[0]["changed"] == 0)


def test_filtering_by_scores_equals_filtering_real_pages(shared: Path, tmp_path: Path) -> None:
    lines = gzip.decompress((shared / "examples" / "corpus.jsonl.gz").read_bytes()).splitlines()[::20]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(lines))
    assert run("score", source, "-o", tmp_path / "scores.jsonl") == 0
    for loss in ("0.001", "0.01"):
        assert run("filter", source, "-o", tmp_path / "a.jsonl", "--max-body-loss", loss) == 0
        options = ["--from-scores", tmp_path / "scores.jsonl"]
        assert run("filter", source, "-o", tmp_path / "b.jsonl", "--max-body-loss", loss, *options) == 0
        assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_workers_give_the_same_scores(corpus: Path, scores: Path, tmp_path: Path) -> None:
    assert run("score", corpus, "-o", tmp_path / "scores", "--workers", 2) == 1
    for name in ("a.jsonl.gz", "sub/b.jsonl", "c.jsonl"):
        assert (tmp_path / "scores" / name).read_bytes() == (scores / name).read_bytes()


def test_scores_of_one_drop_set_serve_that_set(page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, scores = tmp_path / "in.jsonl", tmp_path / "scores.jsonl"
    source.write_bytes(orjson.dumps({"text": page}))
    assert run("score", source, "-o", scores, "--drop", "appeal") == 0
    assert run("filter", source, "-o", tmp_path / "o.jsonl", "--from-scores", scores, "--drop", "appeal") == 0
    assert rows_of(tmp_path / "o.jsonl")[0]["text"] == unappeal.filter_text(page, drop=["appeal"]).text
    assert run("filter", source, "-o", tmp_path / "o.jsonl", "--from-scores", scores) == 1
    name = f"unappeal__{unappeal.load_model().name}__drop_appeal_related"
    message = f"{scores}:1: these scores have no '{name}': run unappeal score --drop appeal,related"
    assert capfd.readouterr().err == f"unappeal: error: {message}\n"


def test_inline_scores_stand_in_the_records_and_serve_too(page: str, tmp_path: Path) -> None:
    source, scores = tmp_path / "in.jsonl", tmp_path / "scored.jsonl"
    source.write_bytes(orjson.dumps({"id": 1, "text": page, "x": [1.5]}) + b"\n")
    assert run("score", source, "-o", scores, "--inline") == 0
    (row,) = rows_of(scores)
    assert list(row) == ["id", "text", "x", "unappeal"]
    assert (row["text"], row["x"]) == (page, [1.5])
    assert set(row["unappeal"]) == {"model", "blocks", "chars", "attributes"}
    assert run("filter", source, "-o", tmp_path / "o.jsonl", "--from-scores", scores) == 0
    assert rows_of(tmp_path / "o.jsonl")[0]["text"] == unappeal.filter_text(page).text


NOT_ITS = "these are not the scores of the document 1: run unappeal score again"
OTHER_MODEL = "these scores were made with another model: give it with --model, or run unappeal score again"
MISFITS = [
    ({"id": 2}, {}, NOT_ITS),
    ({}, {"chars": 3}, NOT_ITS),
    ({}, {"model": "x"}, OTHER_MODEL),
    ({}, {"blocks": "line"}, "these scores were made with --blocks line, not auto"),
]


@pytest.mark.parametrize(("of_row", "of_field", "message"), MISFITS)
def test_scores_that_do_not_fit_are_refused(
    of_row: dict[str, Any],
    of_field: dict[str, Any],
    message: str,
    page: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    source, scores = tmp_path / "in.jsonl", tmp_path / "scores.jsonl"
    source.write_bytes(orjson.dumps({"id": 1, "text": page}))
    assert run("score", source, "-o", scores) == 0
    (row,) = rows_of(scores)
    scores.write_bytes(orjson.dumps({**row, **of_row, "unappeal": {**row["unappeal"], **of_field}}))
    assert run("filter", source, "-o", tmp_path / "o.jsonl", "--from-scores", scores) == 1
    assert capfd.readouterr().err == f"unappeal: error: {scores}:1: {message}\n"
    assert not (tmp_path / "o.jsonl").exists()


def test_scores_that_end_early_are_refused(page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source, scores = tmp_path / "in.jsonl", tmp_path / "scores.jsonl"
    source.write_bytes(orjson.dumps({"id": 1, "text": page}))
    scores.write_bytes(b"")
    assert run("filter", source, "-o", tmp_path / "o.jsonl", "--from-scores", scores) == 1
    message = f"it ends before the documents of {source} do: run unappeal score again"
    assert capfd.readouterr().err == f"unappeal: error: {scores}: {message}\n"


def test_attributes_are_json_lines_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run("score", "-", "-o", tmp_path / "out.txt") == 2
    message = "attribute shards are JSON lines: give a .jsonl file or a folder, or add --inline"
    assert capfd.readouterr().err == f"unappeal: error: {message}\n"
