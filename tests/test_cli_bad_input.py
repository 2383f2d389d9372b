"""Bad input, each kind of it through the real command: one clear line, the good records around it, the exit code."""

import ctypes
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, TypeAlias

import orjson
import pytest

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]

BAD_LINES = {
    "broken JSON": (b'{"id": "bad", "text": "cut', r"broken JSON: .+ at column \d+"),
    "no text": (b'{"id": "bad", "body": "Rain."}', r"no text: the record has no 'text' \(see --text-key\)"),
    "text is not a string": (b'{"id": "bad", "text": 7}', "text is not a string: 'text' is a number"),
    "text is null": (b'{"id": "bad", "text": null}', "text is not a string: 'text' is null"),
    "invalid UTF-8": (b'{"id": "bad", "text": "caf\xe9"}', "invalid UTF-8: byte 27 of the line"),
    "not an object": (b'["text"]', "not an object: the line holds an array"),
    "lone surrogate": (b'{"text": "\\ud800"}', r"broken JSON: .+ at column \d+"),
}


def record(name: str, text: str) -> bytes:
    return orjson.dumps({"id": name, "text": text})


def obey_permissions() -> None:
    """Give up root's right to write everywhere (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE); nothing for other users."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1)


def good_ids(output: bytes) -> list[str]:
    return [orjson.loads(line)["id"] for line in output.splitlines()]


def lines_of(stderr: bytes) -> list[str]:
    return stderr.decode().splitlines()


@pytest.mark.parametrize("kind", BAD_LINES)
def test_a_bad_line_is_told_and_the_others_are_filtered(kind: str, cli: Cli, page: str, tmp_path: Path) -> None:
    bad, message = BAD_LINES[kind]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join((record("first", page), bad, record("last", page))) + b"\n")
    side = tmp_path / "bad.jsonl"
    done = cli("filter", source, "-o", tmp_path / "out.jsonl", "--bad-records", side, "--quiet")
    assert done.returncode == 1
    (line,) = lines_of(done.stderr)
    assert re.fullmatch(f"{re.escape(str(source))}:2: {message}", line)
    assert good_ids((tmp_path / "out.jsonl").read_bytes()) == ["first", "last"]
    kept = orjson.loads(side.read_bytes())
    assert (kept["path"], kept["line"]) == (str(source), 2)
    assert ("record" in kept) == (kind != "invalid UTF-8")


def test_nul_bytes_are_text(cli: Cli, page: str) -> None:
    done = cli("filter", "-", "--quiet", stdin=record("nul", "A storm\0 hit the coast.\0\n\n" + page))
    assert (done.returncode, done.stderr) == (0, b"")
    assert orjson.loads(done.stdout)["text"].startswith("A storm\0 hit the coast.\0\n\nCouncil")


def test_a_truncated_gz_gives_its_whole_records(cli: Cli, page: str, tmp_path: Path) -> None:
    texts = [f"{i} {os.urandom(600).hex()}" for i in range(40)]
    whole = gzip.compress(b"".join(record(str(i), text) + b"\n" for i, text in enumerate(texts)))
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(whole[: len(whole) // 2])
    done = cli("filter", source, "-o", tmp_path / "out.jsonl.gz", "--quiet")
    assert done.returncode == 1
    (line,) = lines_of(done.stderr)
    output = gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes())
    n_whole = len(output.splitlines())
    assert 5 < n_whole < 35
    assert line == f"{source}:{n_whole + 1}: damaged: truncated gzip data: the file ends too early"
    assert good_ids(output) == [str(i) for i in range(n_whole)]


def test_damaged_gzip_data_is_told(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl.gz"
    source.write_bytes(gzip.compress(record("a", "Rain."))[:10] + b"\xff" * 40)
    done = cli("filter", source, "-o", tmp_path / "out.jsonl", "--quiet")
    assert done.returncode == 1
    assert lines_of(done.stderr)[0].startswith(f"{source}:1: damaged: damaged gzip data (")


def test_a_table_that_ends_inside_quotes_is_told(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_bytes(b'id,text\na,"Rain.\nWind."\nb,"Sun.\nSn')
    done = cli("filter", source, "-o", tmp_path / "out.jsonl", "--quiet")
    assert (done.returncode, lines_of(done.stderr)) == (1, [f"{source}:4: broken row: the file ends inside quotes"])
    assert good_ids((tmp_path / "out.jsonl").read_bytes()) == ["a"]


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.jsonl.gz", "empty.jsonl.zst"])
def test_an_empty_file_is_told_and_gives_an_empty_file(name: str, cli: Cli, tmp_path: Path) -> None:
    source, output = tmp_path / name, tmp_path / "out" / name
    source.write_bytes(b"")
    done = cli("filter", source, "-o", output, "--quiet")
    assert (done.returncode, lines_of(done.stderr)) == (0, [f"{source}: no records"])
    again = cli("filter", output, "-o", tmp_path / "again.jsonl", "--quiet")
    assert (again.returncode, (tmp_path / "again.jsonl").read_bytes()) == (0, b"")


@pytest.mark.parametrize("where", ["below a file", "full"])
def test_an_unwritable_output_is_told(where: str, cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(record("a", "Rain."))
    output, code, problem = {
        "below a file": (source / "out.jsonl", 2, f"{source} is not a folder"),
        "full": (Path("/dev/full"), 1, "No space left on device"),
    }[where]
    done = cli("filter", source, "-o", output, "--quiet")
    assert done.returncode == code
    assert lines_of(done.stderr) == [f"unappeal: error: {output}: cannot be written: {problem}"]


def test_standard_output_on_a_full_disk_is_told(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(record("a", "Rain."))
    command = f"{sys.executable} -m unappeal filter {source} --quiet > /dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert lines_of(done.stderr) == ["unappeal: error: standard output: cannot be written: No space left on device"]


def test_a_read_only_folder_is_told(cli: Cli) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in.jsonl").write_bytes(record("a", "Rain."))
        folder.chmod(0o555)
        done = cli("filter", folder / "in.jsonl", "-o", folder / "out.jsonl", "--quiet", preexec_fn=obey_permissions)
        folder.chmod(0o755)
    message = f"unappeal: error: {folder / 'out.jsonl'}: cannot be written: Permission denied"
    assert (done.returncode, lines_of(done.stderr)) == (2, [message])


@pytest.mark.parametrize("link", [False, True])
def test_input_equal_to_output_is_refused(link: bool, cli: Cli, tmp_path: Path) -> None:
    source, output = tmp_path / "in.jsonl", tmp_path / "in.jsonl"
    source.write_bytes(record("a", "Rain."))
    if link:
        output = tmp_path / "link.jsonl"
        output.symlink_to(source)
    done = cli("filter", source, "-o", output)
    message = f"unappeal: error: {output}: the output is also an input: give another name or folder"
    assert (done.returncode, lines_of(done.stderr)) == (2, [message])
    assert source.read_bytes() == record("a", "Rain.")


UNSTARTABLE = [
    ("x.jsonl --nonsense", "unrecognized arguments: --nonsense"),
    ("missing.jsonl", "missing.jsonl: no such file or folder"),
    ("*.none", "*.none: the pattern matches no file"),
    ("- --max-body-loss 0.9", "--max-body-loss must lie between 0 and 0.05, not 0.9"),
    ("- --drop body", "argument --drop: takes appeal, related or appeal,related, not 'body'"),
    ("- --max-removed 2", "argument --max-removed: takes a number from 0 to 1, not '2'"),
    ("- --workers 0", "argument --workers: takes a whole number from 1, not '0'"),
    ("- --model nowhere", "no model at nowhere: give a folder made by 'unappeal train', or one of: news-1"),
]


@pytest.mark.parametrize(("arguments", "message"), UNSTARTABLE)
def test_what_cannot_be_started_ends_in_two(arguments: str, message: str, cli: Cli) -> None:
    done = cli("filter", *arguments.split())
    assert (done.returncode, done.stdout) == (2, b"")
    assert lines_of(done.stderr)[-1].endswith(f": error: {message}")


@pytest.mark.parametrize("damage", ["weights", "json", "format"])
def test_a_damaged_model_is_told_before_any_work(damage: str, cli: Cli, tmp_path: Path, root: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(next((root / "model" / "unappeal" / "artefacts").iterdir()), folder)
    weights, description = folder / "weights.npz", folder / "model.json"
    if damage == "weights":
        weights.write_bytes(weights.read_bytes()[:1000])
        expected = f"unappeal: error: {weights} is damaged: "
    elif damage == "json":
        description.write_bytes(b"{")
        expected = f"unappeal: error: {description} is damaged: "
    else:
        content: dict[str, Any] = orjson.loads(description.read_bytes())
        description.write_bytes(orjson.dumps({**content, "format": 99}))
        expected = f"unappeal: error: {folder} has format 99, this release reads "
    done = cli("filter", "-", "-o", tmp_path / "out.jsonl", "--model", folder, stdin=record("a", "Rain."))
    (line,) = lines_of(done.stderr)
    assert done.returncode == 2
    assert line.startswith(expected)
    assert not (tmp_path / "out.jsonl").exists()


def test_too_many_bad_records_stop_the_run(cli: Cli, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    done = cli("filter", "-", "-o", output, "--max-bad", "2", stdin=b"{\n" * 3)
    assert done.returncode == 1
    assert lines_of(done.stderr)[-1] == "unappeal: error: stopped after 3 bad records: --max-bad allows 2"
    assert list(tmp_path.iterdir()) == []


def test_many_bad_records_are_not_all_told(cli: Cli) -> None:
    done = cli("filter", "-", "--quiet", stdin=b"{\n" * 30)
    lines = lines_of(done.stderr)
    assert len(lines) == 21
    assert lines[-1] == "more bad records are counted, not shown: --bad-records FILE keeps them all"


def test_a_text_that_is_not_utf8_is_told_with_its_line(cli: Cli, tmp_path: Path) -> None:
    source = tmp_path / "in.txt"
    source.write_bytes(b"Rain.\ncaf\xe9\n")
    done = cli("filter", source, "-o", tmp_path / "out.txt", "--quiet")
    assert (done.returncode, lines_of(done.stderr)) == (1, [f"{source}:2: invalid UTF-8: byte 10 of the file"])
