"""Case files: whole documents written for the project, and what the shipped model must keep and drop of each.

A line of ``tests/cases/<kind>.jsonl`` has ``id`` (``<kind>/<name>``), ``lang``, ``comment`` (what it is a case of) and
``blocks``, each ``["keep" or "drop", text]``. Documents the shipped model gets wrong stand in known_failures.jsonl
and must go on failing: after a change of the model, ``pytest tests/test_cases.py --move-known-failures`` puts every
case where it belongs. A negative case that moves to the known failures is a story that is damaged: look at it.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from unappeal import filter_text

CASES = Path(__file__).parent / "cases"
KINDS = ("appeal", "related", "negative", "context")


@dataclass(frozen=True)
class Case:
    id: str
    lang: str
    comment: str
    blocks: list[list[str]]

    @property
    def kind(self) -> str:
        return self.id.split("/")[0]

    @property
    def text(self) -> str:
        return "\n\n".join(text for _, text in self.blocks) + "\n"


def read(folder: Path, name: str) -> list[Case]:
    return [Case(**json.loads(line)) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def mistakes(case: Case) -> list[str]:
    """Say for each block that the shipped model decides wrongly what was expected."""
    result = filter_text(case.text)
    gone = {block.start for block in result.removed}
    assert [block.text for block in result.blocks] == [text for _, text in case.blocks]
    return [
        f"{expected}: {text}"
        for (expected, text), block in zip(case.blocks, result.blocks, strict=True)
        if (block.start in gone) != (expected == "drop")
    ]


def move_known_failures(folder: Path, is_right: Callable[[Case], bool]) -> dict[str, list[str]]:
    """Put every case into the file where it belongs; returns the ids that moved, by the file they moved to."""
    known = read(folder, "known_failures")
    files = {kind: read(folder, kind) for kind in KINDS}
    moved: dict[str, list[str]] = {}
    failing = [case for case in known if not is_right(case)]
    for kind, cases in files.items():
        back = [case for case in known if case.kind == kind and case not in failing]
        wrong = [case for case in cases if not is_right(case)]
        failing += wrong
        if back or wrong:
            files[kind] = [case for case in cases if case not in wrong] + back
            write(folder, kind, files[kind])
        if back:
            moved[kind] = [case.id for case in back]
        if wrong:
            moved.setdefault("known_failures", []).extend(case.id for case in wrong)
    if moved:
        write(folder, "known_failures", sorted(failing, key=lambda case: (KINDS.index(case.kind), case.id)))
    return moved


def write(folder: Path, name: str, cases: Iterable[Case]) -> None:
    lines = [json.dumps(asdict(case), ensure_ascii=False) + "\n" for case in cases]
    (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")


def parameters(*names: str) -> list[object]:
    return [pytest.param(case, id=case.id) for name in names for case in read(CASES, name)]


@pytest.fixture
def unless_moving(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--move-known-failures"):
        pytest.skip("cases are being moved")


@pytest.mark.usefixtures("unless_moving")
@pytest.mark.parametrize("case", parameters(*KINDS))
def test_case(case: Case) -> None:
    assert mistakes(case) == [], case.comment


@pytest.mark.usefixtures("unless_moving")
@pytest.mark.xfail(strict=True, reason="the shipped model gets it wrong", raises=AssertionError)
@pytest.mark.parametrize("case", parameters("known_failures"))
def test_known_failure(case: Case) -> None:
    assert mistakes(case) == [], case.comment


def test_cases_stand_in_the_file_of_their_kind_once(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--move-known-failures"):
        for name, ids in move_known_failures(CASES, lambda case: not mistakes(case)).items():
            print(f"to {name}.jsonl:", *ids, sep="\n  ")
    every = [(name, case) for name in (*KINDS, "known_failures") for case in read(CASES, name)]
    assert len({case.id for _, case in every}) == len(every)
    for name, case in every:
        assert name in (case.kind, "known_failures")
        assert {expected for expected, _ in case.blocks} <= {"keep", "drop"}
        assert case.comment
    assert all(expected == "keep" for _, case in every if case.kind == "negative" for expected, _ in case.blocks)


def test_there_are_enough_cases_in_enough_languages() -> None:
    for kind, least in zip(KINDS, (40, 40, 40, 20), strict=True):
        cases = [case for name in (kind, "known_failures") for case in read(CASES, name) if case.kind == kind]
        assert len(cases) >= least
        assert len({case.lang for case in cases}) >= (5 if kind == "context" else 20)


def test_moving_puts_cases_where_they_belong_and_back(tmp_path: Path) -> None:
    for kind in KINDS:
        write(tmp_path, kind, [Case(f"{kind}/{name}", "en", "x", [["keep", name]]) for name in ("a", "b")])
    write(tmp_path, "known_failures", [])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    wrong = {"appeal/b", "negative/a"}
    assert move_known_failures(tmp_path, lambda case: case.id not in wrong) == {
        "known_failures": ["appeal/b", "negative/a"]
    }
    assert [case.id for case in read(tmp_path, "known_failures")] == ["appeal/b", "negative/a"]
    assert [case.id for case in read(tmp_path, "appeal")] == ["appeal/a"]
    assert move_known_failures(tmp_path, lambda case: case.id not in wrong) == {}
    assert move_known_failures(tmp_path, lambda case: True) == {"appeal": ["appeal/b"], "negative": ["negative/a"]}
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after["appeal.jsonl"] == before["appeal.jsonl"]
    assert after["known_failures.jsonl"] == b""
