"""The documentation is true: examples run as they stand, and every command and option is in the README with help."""

import argparse
import doctest
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from unappeal.cli import build_parser
from unappeal.corpus.formats import _SUFFIXES

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BEGIN = "<!-- commands: written by `pytest tests/test_docs.py --update-readme` -->\n"
END = "<!-- end of commands -->\n"
FENCE = re.compile(r"(?:^<!-- ci: (?P<mark>\w+) -->\n)?^```(?P<kind>\w+)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def fences(kind: str, marked: bool = False, page: str = "README.md") -> list[str]:
    found = FENCE.finditer((ROOT / page).read_text(encoding="utf-8"))
    return [match["code"] for match in found if match["kind"] == kind and bool(match["mark"]) == marked]


def commands() -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Every sub-command: name, parser, the line about it in the list of commands."""
    for action in build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, parser in action.choices.items():
                yield name, parser, summaries.get(name, "")


def options(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]


def documented() -> str:
    """The README's section on commands, from their parsers."""
    lines: list[str] = []
    for name, parser, _ in commands():
        description = " ".join((parser.description or "").split())
        lines += [f"### unappeal {name}", "", description, "", "| option | meaning |", "|---|---|"]
        for action in options(parser):
            metavar = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
            if action.choices is not None and action.metavar is None:
                metavar = "|".join(map(str, action.choices))
            names = ", ".join(action.option_strings)
            shown = f"{names} {metavar}".strip().replace("|", "\\|")
            text = (action.help or "") % {**vars(action), "prog": parser.prog}
            lines.append(f"| `{shown}` | {' '.join(text.split()).replace('|', chr(92) + '|')} |")
        lines.append("")
    return "\n".join(lines) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that looks like the repository to the README's examples, to be written into."""
    shutil.copytree(ROOT / "data" / "example", tmp_path / "data" / "example")
    return tmp_path


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    bin_folder = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": bin_folder + os.pathsep + os.environ["PATH"]}
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.parametrize("code", fences("python") + fences("python", page="data/README.md"))
def test_python_examples_give_what_they_show(code: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    examples = doctest.DocTestParser().get_doctest(code, {}, "README", "README.md", 0)
    assert examples.examples
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.mark.parametrize("code", fences("console"))
def test_console_examples_print_what_they_show(code: str, folder: Path) -> None:
    shown = re.split(r"^\$ (.*)\n", code, flags=re.MULTILINE)[1:]
    assert shown
    for command, output in zip(shown[::2], shown[1::2], strict=True):
        done = run(command, folder)
        assert done.returncode == 0, done.stderr
        assert done.stdout.rstrip("\n") == output.rstrip("\n")


@pytest.mark.parametrize("code", [code for code in fences("sh") if not code.startswith("pip install")])
def test_shell_examples_run(code: str, folder: Path) -> None:
    for command in code.splitlines():
        done = run(command, folder)
        assert done.returncode == 0, done.stderr


def table(first: str) -> list[str]:
    """Rows of the README's table whose first heading this is."""
    found = README.read_text(encoding="utf-8").split(f"\n| {first} |")[1].split("\n\n")[0]
    return found.splitlines()[2:]


def test_the_line_of_every_format_works_as_pasted(folder: Path) -> None:
    for row in table("format"):
        command = row.split("`")[-2]
        done = run(command, folder)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert (folder / command.split("/")[-1].split()[-1].strip('"')).stat().st_size, command


def test_every_suffix_stands_in_the_table_of_formats() -> None:
    rows = [row for row in table("format") if row.split("|")[2].strip().startswith("`.")]
    shown = [suffix for row in rows for suffix in re.findall(r"`(\.\w+)`", row.split("|")[2])]
    assert sorted(shown) == sorted(_SUFFIXES)


def test_every_extra_stands_in_the_readme_and_every_message_names_one_that_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = set(project["project"]["optional-dependencies"])
    section = README.read_text(encoding="utf-8").split("### Extras")[1].split("\n## ")[0]
    assert {name for name in extras if f"`{name}`" not in section} == set()
    named = re.findall(r"pip install \.? ?\"?\.\[([\w,]+)\]", README.read_text(encoding="utf-8"))
    for path in [*(ROOT / "model").rglob("*.py"), *(ROOT / "training").rglob("*.py"), ROOT / "training" / "README.md"]:
        named += re.findall(r"unappeal\[([\w,]+)\]", path.read_text(encoding="utf-8"))
    assert {name for names in named for name in names.split(",")} <= extras


@pytest.mark.parametrize("name", ["install", "test"])
def test_ci_runs_the_readme_s_set_up_commands(name: str) -> None:
    text = README.read_text(encoding="utf-8")
    marks = [match["mark"] for match in FENCE.finditer(text) if match["mark"]]
    assert marks == ["install", "test"]
    assert f"$(readme_command {name})" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    code = next(match["code"] for match in FENCE.finditer(text) if match["mark"] == name)
    assert len(code.splitlines()) == 1


def test_the_first_screen_shows_installation_input_and_output() -> None:
    first = "\n".join(README.read_text(encoding="utf-8").splitlines()[:42])
    for wanted in ("pip install", "$ cat data/example/ferry.txt", "$ unappeal filter"):
        assert wanted in first


def test_every_command_and_option_stands_in_the_readme(request: pytest.FixtureRequest) -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    section, after = rest.split(END)
    if request.config.getoption("--update-readme"):
        README.write_text(before + BEGIN + "\n" + documented() + END + after, encoding="utf-8")
        return
    assert section.strip() == documented().strip(), "run: pytest tests/test_docs.py --update-readme"


def test_every_command_has_a_summary_and_a_description() -> None:
    for name, parser, summary in commands():
        assert summary, name
        assert parser.description, name


def test_every_option_has_help() -> None:
    for name, parser, _ in commands():
        for action in options(parser):
            assert action.help, f"unappeal {name} {action.option_strings or action.dest}"


@pytest.mark.parametrize("page", ["README.md", "data/README.md", "training/README.md", "CHANGELOG.md"])
def test_links_to_files_of_the_repository_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_changelog_has_this_version() -> None:
    import unappeal

    assert f"## {unappeal.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
