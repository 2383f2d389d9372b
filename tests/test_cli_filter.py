"""``unappeal filter`` on real files, through the real command."""

import gzip
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TypeAlias

import orjson
import pytest
import zstandard

import unappeal
from unappeal.cli import main
from unappeal.corpus.pool import SHARED_BYTES

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]

RAIN = "Rain fell on the harbour for three days, and the river rose by two metres."
LINES = (
    b'{"id": "plain", "n": 12345678901234567890123, "text": "%s", "x": 1.10}' % RAIN.encode(),
    b'{"text": "Caf\\u00e9s opened.", "id": "escaped"}',
)


def compressed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.compress(data)
    return zstandard.ZstdCompressor().compress(data) if suffix == ".zst" else data


def uncompressed(data: bytes, suffix: str) -> bytes:
    if suffix == ".gz":
        return gzip.decompress(data)
    return zstandard.ZstdDecompressor().decompressobj().decompress(data) if suffix == ".zst" else data


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_json_lines_keep_order_ids_and_every_other_byte(suffix: str, page: str, tmp_path: Path) -> None:
    source, output = tmp_path / f"in.jsonl{suffix}", tmp_path / f"out.jsonl{suffix}"
    pages = [orjson.dumps({"id": i, "meta": {"a": [1, 2]}, "text": page}) for i in range(5)]
    source.write_bytes(compressed(b"\n".join((*LINES, *pages)) + b"\n", suffix))
    assert main(["filter", str(source), "-o", str(output), "--quiet"]) == 0
    lines = uncompressed(output.read_bytes(), suffix).splitlines()
    expected = unappeal.filter_text(page).text
    assert lines[:2] == list(LINES)
    assert [orjson.loads(line) for line in lines[2:]] == [
        {"id": i, "meta": {"a": [1, 2]}, "text": expected} for i in range(5)
    ]
    assert expected != page


def test_a_text_goes_to_standard_output_and_the_summary_to_standard_error(cli: Cli, page: str, tmp_path: Path) -> None:
    source = tmp_path / "page.txt"
    source.write_text(page)
    done = cli("filter", source)
    assert done.returncode == 0
    assert done.stdout.decode() == unappeal.filter_text(page).text
    lines = done.stderr.decode().splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        "documents", "blocks", "characters", "removed blocks", "removed chars", "bad records", "seconds"
    ]  # fmt: skip
    assert lines[1].split() == ["blocks", "9", "appeal", "3,", "body", "4,", "related", "2"]


def test_standard_input_is_filtered(cli: Cli, page: str) -> None:
    as_record = cli("filter", "-", stdin=compressed(orjson.dumps({"text": page}), ".gz"))
    as_text = cli("filter", "-", "--input-format", "txt", stdin=page.encode())
    assert orjson.loads(as_record.stdout)["text"].encode() == as_text.stdout == unappeal.filter_text(page).text.encode()


def test_several_texts_on_standard_output_are_json_lines(
    page: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(page)
    assert main(["filter", str(tmp_path), "--quiet"]) == 0
    rows = [orjson.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [row["id"] for row in rows] == ["a.txt", "b.txt"]


def test_a_folder_gives_a_folder_with_the_same_names(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jsonl.gz").write_bytes(gzip.compress(orjson.dumps({"text": page})))
    (folder / "deep" / "b.txt").write_text(page)
    (folder / ".hidden.txt").write_text(page)
    (folder / "notes.md").write_text(page)
    out = tmp_path / "out"
    assert main(["filter", str(folder), "-o", str(out), "--quiet"]) == 0
    found = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file() and ".unappeal" not in p.parts)
    assert found == ["a.jsonl.gz", "deep/b.txt"]
    assert (out / "deep" / "b.txt").read_text() == unappeal.filter_text(page).text


def test_a_glob_takes_what_it_matches(page: str, tmp_path: Path) -> None:
    for name in ("a/x.jsonl", "b/x.jsonl", "b/y.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(orjson.dumps({"id": name, "text": page}))
    assert main(["filter", str(tmp_path / "*" / "*.jsonl"), "-o", str(tmp_path / "out.jsonl"), "--quiet"]) == 0
    rows = [orjson.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert [row["id"] for row in rows] == ["a/x.jsonl", "b/x.jsonl"]


def test_an_output_folder_inside_the_input_is_not_read_again(page: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(page)
    for _ in range(2):
        assert main(["filter", str(tmp_path), "-o", str(tmp_path / "clean"), "--quiet"]) == 0
    assert not (tmp_path / "clean" / "clean").exists()


def test_two_inputs_with_one_output_name_are_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text("Rain.")
    out = tmp_path / "out"
    assert main(["filter", str(tmp_path / "a"), str(tmp_path / "b"), "-o", str(out)]) == 2
    assert capfd.readouterr().err == (
        f"unappeal: error: {out / 'x.txt'}: both {tmp_path / 'a' / 'x.txt'} and {tmp_path / 'b' / 'x.txt'} would be "
        "written to it: give the folder that holds both, or run them apart\n"
    )


def test_nested_keys_are_found_and_filled(page: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps({"meta": {"body": page, "key": "k"}, "text": "other"}))
    options = ["--text-key", "meta.body", "--id-key", "meta.key", "--rejects", str(tmp_path / "rejects.jsonl")]
    assert main(["filter", str(source), "-o", str(tmp_path / "out.jsonl"), "--quiet", *options]) == 0
    row = orjson.loads((tmp_path / "out.jsonl").read_bytes())
    assert row == {"meta": {"body": unappeal.filter_text(page).text, "key": "k"}, "text": "other"}
    assert orjson.loads((tmp_path / "rejects.jsonl").read_bytes().splitlines()[0])["id"] == "k"


def test_rejects_keep_every_removed_block(page: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps({"id": 7, "text": page}) + b"\n" + orjson.dumps({"text": page}))
    rejects = tmp_path / "rejects.jsonl.gz"
    assert main(["filter", str(source), "-o", str(tmp_path / "o.jsonl"), "--rejects", str(rejects), "--quiet"]) == 0
    rows = [orjson.loads(line) for line in gzip.decompress(rejects.read_bytes()).splitlines()]
    removed = unappeal.filter_text(page).removed
    assert [row["id"] for row in rows] == [7] * len(removed) + [f"{source}:2"] * len(removed)
    for row, block in zip(rows, removed, strict=False):
        assert block.label is not None and block.scores is not None
        assert (row["span"], row["label"], row["text"]) == ([block.start, block.end], block.label, block.text)
        assert row["score"] == pytest.approx(block.scores[block.label], abs=1e-4)


def test_options_reach_the_filter(page: str, tmp_path: Path) -> None:
    source, output = tmp_path / "page.txt", tmp_path / "out.txt"
    source.write_text(page)
    for options, text in (
        (["--max-body-loss", "0"], page),
        (["--drop", "appeal"], unappeal.filter_text(page, drop=["appeal"]).text),
        (["--max-removed", "0.1"], page),
        (["--blocks", "line"], unappeal.filter_text(page, blocks="line").text),
    ):
        assert main(["filter", str(source), "-o", str(output), "--quiet", *options]) == 0
        assert output.read_text() == text


def test_the_summary_counts(page: str, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps({"text": page}) + b"\n{\n" + orjson.dumps({"text": RAIN}) + b"\n")
    summary = tmp_path / "summary.json"
    code = main(["filter", str(source), "-o", str(tmp_path / "o.jsonl"), "--summary", str(summary), "--quiet"])
    content = orjson.loads(summary.read_bytes())
    assert code == 1
    assert content["total"]["documents"] == 2
    assert content["total"]["changed"] == 1
    assert content["total"]["bad"] == {"broken JSON": 1}
    assert content["files"][0]["inputs"] == [str(source)]
    blocks = [block for text in (page, RAIN) for block in unappeal.filter_text(text).blocks]
    scores = [(block.label, (block.scores or {})[block.label or ""]) for block in blocks]
    binned = Counter(f"{label} {min(19, int(20 * round(score, 4))) / 20:.2f}" for label, score in scores)
    assert content["total"]["scores"] == binned
    removed = sum(len(block.text) for block in unappeal.filter_text(page).removed)
    assert sum(content["total"]["removed_characters"].values()) == removed


def test_workers_give_the_same_bytes(page: str, cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl.gz"
    rows = [orjson.dumps({"id": i, "text": f"{page}\n\nNumber {i}."}) for i in range(4000)]
    source.write_bytes(gzip.compress(b"\n".join(rows) + b"\n{", 1))
    for workers in (1, 2):
        done = cli("filter", source, "-o", tmp_path / f"{workers}.jsonl.gz", "--workers", workers)
        assert done.returncode == 1
    assert (tmp_path / "1.jsonl.gz").read_bytes() == (tmp_path / "2.jsonl.gz").read_bytes()
    assert len(gzip.decompress((tmp_path / "2.jsonl.gz").read_bytes()).splitlines()) == 4000


def test_a_document_of_any_size_comes_back_from_a_worker(page: str, cli: Cli, tmp_path: Path) -> None:
    story = "The council voted on Monday evening to close the old swimming pool and sell its land. " * 20
    texts = [page, "\n\n".join([story.strip()] * (2 * SHARED_BYTES // len(story))), page]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(orjson.dumps({"text": text}) + b"\n" for text in texts))
    for workers in (1, 2):
        assert cli("filter", source, "-o", tmp_path / f"{workers}.jsonl", "--workers", workers).returncode == 0
    assert (tmp_path / "2.jsonl").stat().st_size > SHARED_BYTES
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_a_reader_that_goes_is_no_error_to_talk_about(page: str, tmp_path: Path, cli: Cli) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"".join(orjson.dumps({"text": page}) + b"\n" for _ in range(4000)))
    command = f"{sys.executable} -m unappeal filter {source} --quiet | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert (len(done.stdout), done.stderr) == (10, b"")
