"""Measure speed and memory beside what else does such work, and print the ratios that the project promises.

``python tests/benchmarks/run.py`` takes some minutes and gates nothing: machines are noisy, ratios within one run less
so. Times are processor seconds of one core, medians, with the spread between fastest and slowest run beside them.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
sys.path[0] = str(Path(__file__).resolve().parents[2])

from tests.benchmarks import contenders, files, growth, starting  # noqa: E402
from tests.benchmarks.corpora import Corpus, load_corpus  # noqa: E402
from tests.benchmarks.measuring import Timing, take_turns  # noqa: E402
from tests.benchmarks.targets import (  # noqa: E402
    FILE_TARGETS,
    MAX_GROWTH,
    MAX_MODEL_MB,
    MAX_PEAK_MB,
    MAX_UNEVEN,
    Ratio,
    report,
)

import unappeal  # noqa: E402

SECTIONS = ("speed", "files", "workers", "memory", "start", "growth")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the sections and print their ratios beside the targets."""
    args = _parser().parse_args(argv)
    corpus = load_corpus(args.corpus, args.documents, args.generated)
    print(
        f"{corpus.name}: {len(corpus.texts)} documents, {len(corpus.blocks)} blocks, {corpus.megabytes:.1f} MB of text"
    )
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in args.sections:
            print(f"\n== {name}", flush=True)
            ratios += _RUN[name](corpus, Path(folder), args)
    print("\n== ratios\n" + report(ratios))
    return 0


def speed(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Time everything that reads text in memory."""
    everything = contenders.our_contenders(corpus, unappeal.load_model())
    everything |= contenders.other_contenders(corpus, _training())
    for name in contenders.PACKAGES.keys() - everything.keys():
        print(f"{name}: left out, needs {contenders.PACKAGES[name]}")
    timings = take_turns(everything, args.repeats)
    print(f"{'':30s} {'MB/s':>8s} {'blocks/s':>10s} {'docs/s':>8s} {'CPU s':>8s} {'spread':>7s} {'wall s':>8s}")
    for name, timing in timings.items():
        print(_speed_row(name, corpus, timing))
    whole = timings[contenders.WHOLE]
    targets = ((contenders.FASTTEXT, 2.5), (contenders.TFIDF, 8.0))
    return [
        Ratio(f"whole filter / {name}, speed", timings[name].seconds / whole.seconds, at_least=target)
        for name, target in targets
        if name in timings
    ]


def from_file_to_file(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Time the command against the floor, for every format."""
    timings = files.file_timings(corpus, folder, args.repeats)
    ratios = []
    for suffix, floor in timings.floor.items():
        ours = timings.filter[suffix]
        print(f"{suffix:12s} floor {_seconds(floor)}   unappeal filter {_seconds(ours)}")
        ratios.append(Ratio(f"filter / floor, {suffix}", ours.seconds / floor.seconds, at_most=FILE_TARGETS[suffix]))
    return ratios


def workers(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Time two workers against one; by wall time, for which the machine must be idle."""
    timings = files.worker_timings(corpus, folder, args.repeats, args.times)
    for name, timing in timings.items():
        print(f"{name:12s} {_seconds(timing)}")
    one, two = timings.values()
    print(f"work done twice or for the sharing: {two.seconds / one.seconds - 1:+.0%} processor time")
    return [Ratio("two workers / one, speed by wall time", min(one.wall) / min(two.wall), at_least=1.8)]


def memory(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Take peak memory at the corpus and at ten times it."""
    small, large = files.peaks(corpus, folder)
    print(f"peak at 1x {small:.0f} MB, at {files.GROWTH}x {large:.0f} MB")
    return [
        Ratio("peak memory, 10x / 1x", large / small, at_most=MAX_GROWTH),
        Ratio("peak memory at 10x, MB", large, at_most=MAX_PEAK_MB),
    ]


def start(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Time imports and one document, and weigh the model."""
    timings = starting.start_timings(folder, args.repeats)
    for name, timing in timings.items():
        print(f"{name:32s} {_seconds(timing)}")
    base = timings[starting.NUMPY].seconds
    artefacts = Path(unappeal.__file__).parent / "artefacts"
    model_mb = max(sum(file.stat().st_size for file in folder.iterdir()) for folder in artefacts.iterdir()) / 1e6
    return [
        Ratio("import unappeal / import numpy", timings[starting.PACKAGE].seconds / base, at_most=1.5),
        Ratio("filter one document / import numpy", timings[starting.DOCUMENT].seconds / base, at_most=3.0),
        Ratio("model on disk, MB", model_mb, at_most=MAX_MODEL_MB),
    ]


def growing(corpus: Corpus, folder: Path, args: argparse.Namespace) -> list[Ratio]:
    """Time the same blocks in documents of several sizes, and one very long line."""
    model = unappeal.load_model()
    timings = growth.size_timings(corpus, model, args.repeats, growth.SIZES[: args.sizes])
    costs = {
        size: timing.seconds / (growth.DOCUMENTS * growth.SIZES[args.sizes - 1]) for size, timing in timings.items()
    }
    for size, cost in costs.items():
        print(f"documents of {size:6d} blocks: {cost * 1e6:6.1f} us a block, spread {timings[size].spread:.0%}")
    line = growth.line_timing(corpus, model, args.line_chars)
    print(f"one line of {args.line_chars / 1e6:g} million characters: {_seconds(line)}")
    return [
        Ratio("cost a block, dearest / cheapest size", max(costs.values()) / min(costs.values()), at_most=MAX_UNEVEN)
    ]


_RUN: dict[str, Callable[[Corpus, Path, argparse.Namespace], list[Ratio]]] = {
    "speed": speed,
    "files": from_file_to_file,
    "workers": workers,
    "memory": memory,
    "start": start,
    "growth": growing,
}


def _training() -> list[tuple[str, str]]:
    """Give the authored blocks and their labels."""
    from unappeal.labels import LABELS
    from unappeal_training.dataset import read_authored

    return [
        (block, str(LABELS[label]))
        for document in read_authored()
        for block, label in zip(document.blocks, document.labels.tolist(), strict=True)
        if label >= 0
    ]


def _speed_row(name: str, corpus: Corpus, timing: Timing) -> str:
    seconds = timing.seconds
    rates = f"{corpus.megabytes / seconds:8.2f} {len(corpus.blocks) / seconds:10.0f} {len(corpus.texts) / seconds:8.0f}"
    return f"{name:30s} {rates} {seconds:8.2f} {timing.spread:7.0%} {min(timing.wall):8.2f}"


def _seconds(timing: Timing) -> str:
    return f"{timing.seconds:6.2f} s CPU (spread {timing.spread:.0%}), best wall {min(timing.wall):6.2f} s"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--corpus", type=Path, help=".jsonl or .jsonl.gz; default: the example corpus beside the repository"
    )
    parser.add_argument("--generated", action="store_true", help="put pages together from authored blocks in any case")
    parser.add_argument("--documents", type=int, help="take only so many documents (default: all)")
    parser.add_argument("--repeats", type=int, default=5, help="counted runs of each thing (default: 5)")
    parser.add_argument(
        "--sections", nargs="+", choices=SECTIONS, default=SECTIONS, metavar="SECTION", help=", ".join(SECTIONS)
    )
    parser.add_argument(
        "--times", type=int, default=32, help="for two workers, take the corpus so many times (default: 32)"
    )
    parser.add_argument(
        "--sizes", type=int, choices=(2, 3, 4), default=4, help="how many document sizes, from 10 blocks up"
    )
    parser.add_argument("--line-chars", type=int, default=growth.LINE_CHARS, help="length of the one long line")
    return parser


if __name__ == "__main__":
    sys.exit(main())
