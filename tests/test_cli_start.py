"""Starting: help, version, what is imported."""

import subprocess
import sys
from argparse import SUPPRESS, _SubParsersAction
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import TypeAlias

import pytest

import unappeal
from unappeal.cli import COMMANDS, build_parser

Cli: TypeAlias = Callable[..., CompletedProcess[bytes]]

LATE = (
    "sklearn",
    "pandas",
    "scipy",
    "pyarrow",
    "tqdm",
    "joblib",
    "zstandard",
    "concurrent.futures",
    "multiprocessing",
    "fsspec",
)


def test_version_is_the_packages(cli: Cli) -> None:
    done = cli("--version")
    assert (done.returncode, done.stdout.decode()) == (0, f"unappeal {unappeal.__version__}\n")


def test_every_command_and_option_has_help() -> None:
    (commands,) = (action for action in build_parser()._actions if isinstance(action, _SubParsersAction))
    assert set(commands.choices) <= set(COMMANDS)
    for name, command in commands.choices.items():
        assert command.description, name
        for action in command._actions:
            assert action.help and action.help != SUPPRESS, (name, action.dest)


def test_no_command_is_a_usage_error(cli: Cli) -> None:
    done = cli()
    assert done.returncode == 2
    assert done.stderr.decode().splitlines()[-1] == "unappeal: error: the following arguments are required: COMMAND"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["filter", "--help"], ["filter", "page.txt", "-o", "out.txt", "--quiet"]]
)
def test_nothing_is_imported_early(arguments: list[str], page: str, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom unappeal.cli import main\n"
        f"try: main({arguments!r})\nexcept SystemExit: pass\n"
        f"print([name for name in {LATE!r} if name in sys.modules], file=sys.stderr)"
    )
    (tmp_path / "page.txt").write_text(page)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stderr == "[]\n"
