"""`unappeal filter` from file to file: against the floor, with two workers, and its memory."""

import sys
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.corpora import FORMATS, Corpus, write_corpus
from tests.benchmarks.measuring import Timing, run_process, take_turns_as_processes

FLOOR = str(Path(__file__).with_name("floor.py"))
MEMORY_FORMAT = ".jsonl.zst"
GROWTH = 10


@dataclass(frozen=True, slots=True)
class FileTimings:
    """For each format: the floor, and `unappeal filter`."""

    floor: dict[str, Timing]
    filter: dict[str, Timing]


def file_timings(corpus: Corpus, folder: Path, repeats: int) -> FileTimings:
    """Measure both for every format, in turns."""
    commands: dict[str, list[str]] = {}
    for suffix in FORMATS:
        source = write_corpus(corpus.lines, folder / f"corpus{suffix}")
        sink = folder / f"out{suffix}"
        commands[f"floor {suffix}"] = [sys.executable, FLOOR, str(source), str(sink)]
        commands[f"filter {suffix}"] = filter_command(source, folder / f"filtered{suffix}")
    timings = take_turns_as_processes(commands, repeats)
    return FileTimings(
        {suffix: timings[f"floor {suffix}"] for suffix in FORMATS},
        {suffix: timings[f"filter {suffix}"] for suffix in FORMATS},
    )


def worker_timings(corpus: Corpus, folder: Path, repeats: int, times: int) -> dict[str, Timing]:
    """Measure one worker and two on the corpus several times over."""
    source = write_corpus(corpus.lines, folder / "workers.jsonl.zst", times)
    commands = {
        f"{n} worker{'s' * (n > 1)}": filter_command(source, folder / "out.jsonl.zst", "--workers", str(n))
        for n in (1, 2)
    }
    return take_turns_as_processes(commands, repeats)


def peaks(corpus: Corpus, folder: Path) -> tuple[float, float]:
    """Give peak memory in MB at the corpus and at ten times the corpus, one worker."""
    found = []
    for times in (1, GROWTH):
        source = write_corpus(corpus.lines, folder / f"times-{times}{MEMORY_FORMAT}", times)
        found.append(run_process(filter_command(source, folder / f"out{MEMORY_FORMAT}"))[2])
    return found[0], found[1]


def filter_command(source: Path, sink: Path, *options: str) -> list[str]:
    """Give the command that filters a file."""
    return [sys.executable, "-m", "unappeal", "filter", str(source), "-o", str(sink), *options]
