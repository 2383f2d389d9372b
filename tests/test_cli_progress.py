"""Progress: on a terminal only."""

import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TypeAlias

import orjson
import pytest

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]


@pytest.fixture
def source(page: str, tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(orjson.dumps({"text": page}) + b"\n" for _ in range(20)) + b"{\n")
    return path


def seen_on_a_terminal(command: list[str]) -> str:
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    output = b""
    try:
        while block := os.read(ours, 4096):
            output += block
    except OSError:  # how Linux says that the other end of a terminal is closed
        pass
    os.close(ours)
    process.wait()
    return output.decode()


def test_a_terminal_sees_a_bar_with_rate_and_share(source: Path) -> None:
    command = [sys.executable, "-m", "unappeal", "filter", str(source)]
    output = seen_on_a_terminal(command)
    assert "100%|" in output
    assert " documents/s, " in output
    assert " % removed" in output
    assert f"{source}:21: broken JSON: " in output
    assert "%|" not in seen_on_a_terminal([*command, "--quiet"])


def test_a_pipe_sees_none(source: Path, cli: Cli) -> None:
    done = cli("filter", source)
    assert b"|" not in done.stderr
    assert len(done.stderr.splitlines()) == 8
