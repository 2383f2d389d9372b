"""The benchmark runs; what it measures is never judged here, machines are noisy."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
pytest.importorskip("sklearn")

SMALL = ["--generated", "--documents", "4", "--repeats", "1", "--times", "1", "--sizes", "2", "--line-chars", "50000"]


@pytest.fixture(scope="module")
def printed(root: Path) -> str:
    """What the benchmark prints on four documents."""
    command = [sys.executable, str(root / "tests" / "benchmarks" / "run.py"), *SMALL]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_section_is_printed(printed: str) -> None:
    assert printed.startswith("generated from data/authored: 4 documents, ")
    for what in ("whole filter", "TF-IDF + SGD", "C4 line rules", "floor", "2 workers", "peak at 1x", "one line of"):
        assert what in printed, what


def test_every_ratio_stands_beside_its_target(printed: str) -> None:
    ratios = printed.partition("== ratios\n")[2].splitlines()
    assert len(ratios) >= 10
    for line in ratios:
        assert " target " in line and line.endswith(("met", "NOT MET")), line
