"""``unappeal explain`` and ``unappeal info``."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TypeAlias

import orjson
import pytest

import unappeal
from unappeal.cli import main

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]


def test_blocks_that_go_are_marked_and_have_reasons(cli: Cli, page: str) -> None:
    done = cli("explain", "-", stdin=page.encode())
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert b"\x1b" not in done.stdout
    marked = [line for line in lines if line.startswith("-")]
    assert [line.split(" %  ")[1] for line in marked] == [b.text for b in unappeal.filter_text(page).removed]
    for line in marked:
        assert lines[lines.index(line) + 1].strip().startswith("why  ")


def test_colours_are_for_terminals_or_on_demand(cli: Cli, page: str) -> None:
    assert b"\x1b[31m- appeal" in cli("explain", "-", "--color", "always", stdin=page.encode()).stdout
    assert b"\x1b" not in cli("explain", "-", "--color", "never", stdin=page.encode()).stdout


@pytest.mark.parametrize("no_colour", ["", "1"])
def test_no_color_is_respected_on_a_terminal(no_colour: str, page: str, tmp_path: Path) -> None:

    source = tmp_path / "page.txt"
    source.write_text(page)
    command = [sys.executable, "-m", "unappeal", "explain", str(source)]
    ours, theirs = pty.openpty()
    environment = {**os.environ, "NO_COLOR": no_colour, "TERM": "xterm"}
    process = subprocess.Popen(command, stdout=theirs, env=environment)
    os.close(theirs)
    output = b""
    try:
        while block := os.read(ours, 4096):
            output += block
    except OSError:  # how Linux says that the other end of a terminal is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    assert (b"\x1b" in output) == (not no_colour)


def test_a_record_is_found_by_its_id(page: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(orjson.dumps({"id": "a", "text": "Rain."}) + b"\n" + orjson.dumps({"id": "b", "text": page}))
    assert main(["explain", str(source), "--id", "b"]) == 0
    assert "Contribute now" in capfd.readouterr().out
    assert main(["explain", str(source), "--id", "c"]) == 2
    assert capfd.readouterr().err == f"unappeal: error: {source}: no record with the id 'c'\n"


def test_a_folder_cannot_be_explained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(tmp_path)]) == 2
    assert capfd.readouterr().err == f"unappeal: error: {tmp_path}: give one file, not a folder or several\n"


def test_info_says_what_a_model_is(capfd: pytest.CaptureFixture[str]) -> None:
    model = unappeal.load_model()
    assert main(["info"]) == 0
    rows = dict(line.split(None, 1) for line in capfd.readouterr().out.splitlines())
    assert rows["model"] == f"{model.name} {model.version}"
    assert rows["labels"] == "body, appeal, related"
    assert rows["languages"].startswith("en, ru, ")
    assert rows["arrays_sha256"] == model.metadata_["arrays_sha256"]
