"""From the arguments of `filter` and `score` to a run over their targets."""

import argparse
import hashlib
import json
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unappeal import __version__
from unappeal.cli import EXIT_OK, EXIT_SOME_FAILED, UsageError, say
from unappeal.cli.options import not_negative, positive
from unappeal.cli.progress import Progress
from unappeal.corpus.compression import member
from unappeal.corpus.formats import NAMES, WRITTEN, compression_of
from unappeal.corpus.markers import Fingerprint
from unappeal.corpus.output import STDOUT, OutputError, check_writable, content_of, open_output
from unappeal.corpus.plan import (
    RUN_SUMMARY,
    STATE_FOLDER,
    PlanError,
    Target,
    check_no_input,
    is_folder_run,
    joined,
    plan,
)
from unappeal.corpus.run import TargetReport, run
from unappeal.corpus.sources import find_shards
from unappeal.corpus.tally import Tally
from unappeal.corpus.work import Job
from unappeal.errors import InputError

if TYPE_CHECKING:
    from unappeal.classifier import ParagraphClassifier


def add_corpus_options(parser: argparse.ArgumentParser) -> None:
    """Add inputs, output and how the run goes."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="files, folders, globs, or - for standard input")
    parser.add_argument(
        "-o",
        "--output",
        default=STDOUT,
        metavar="OUT",
        help="a file, a folder for one shard an input shard, or - for standard output (default: -)",
    )
    records = parser.add_argument_group("records")
    records.add_argument(
        "--text-key", default="text", metavar="KEY", help="field of the text; a.b is b in a (default: text)"
    )
    records.add_argument("--id-key", default="id", metavar="KEY", help="field of the id (default: id)")
    records.add_argument(
        "--input-format",
        choices=NAMES,
        help="format of - and of files whose suffix tells none (default: jsonl)",
    )
    records.add_argument("--output-format", choices=WRITTEN, help="format of OUT (default: by its suffix, or kept)")
    records.add_argument(
        "--extractor",
        choices=("resiliparse", "trafilatura"),
        default="resiliparse",
        help="what makes text of HTML pages, in .warc and .html files (default: resiliparse)",
    )
    going = parser.add_argument_group("the run")
    going.add_argument("--workers", type=positive, default=1, metavar="N", help="processes that classify (default: 1)")
    going.add_argument("--bad-records", metavar="FILE", help="keep bad records, each with reason, path and line")
    going.add_argument("--max-bad", type=not_negative, metavar="N", help="stop at more bad records (default: never)")
    going.add_argument("--summary", metavar="FILE", help="write the counts of every shard and of the run as JSON")
    going.add_argument("--quiet", action="store_true", help="no progress bar and no summary on standard error")


def planned(args: argparse.Namespace, rejects: str | None = None, with_fields: bool = False) -> list[Target]:
    """Find the inputs and say what is to be written; UsageError for what cannot be done.

    ``with_fields``: the output's records have fields of their own, so that texts become JSON lines.
    """
    try:
        folder = is_folder_run(args.output, args.inputs)
        shards = find_shards(args.inputs, args.input_format, args.output if folder else None)
        if not shards:
            raise UsageError(f"{', '.join(args.inputs)}: no file of a known format")
        targets = plan(
            shards,
            args.output,
            folder=folder,
            format_name=args.output_format,
            with_fields=with_fields,
            rejects=rejects,
            bad=args.bad_records,
        )
        side_files = [path for path in (args.bad_records, args.summary) if path is not None]
        check_no_input(side_files, shards)
        check_writable(side_files)
    except (PlanError, OutputError, InputError) as exc:
        raise UsageError(str(exc)) from exc
    return targets


def run_targets(args: argparse.Namespace, targets: Sequence[Target], job: Job, fingerprint: Fingerprint) -> int:
    """Run a job, tell how it went, write the summary and the bad records; gives the exit code."""
    n_bytes = sum(max(0, shard.size) for target in targets for shard in target.shards)
    with _termination_as_interrupt(), Progress(n_bytes, args.quiet) as progress:
        going = run(targets, job, progress, workers=args.workers, fingerprint=fingerprint, max_bad=args.max_bad)
        by_target = {report.target: report for report in going}
        seconds = progress.seconds
    reports = [by_target[target] for target in targets]
    summary = summary_of(reports, fingerprint, seconds)
    is_folder = targets[0].marker is not None
    if is_folder and args.bad_records is not None:
        _gather_bad(targets, args.bad_records)
    for path in (args.summary, joined(args.output, f"{STATE_FOLDER}/{RUN_SUMMARY}") if is_folder else None):
        if path is not None:
            _write(path, json.dumps(summary, indent=1, ensure_ascii=False).encode() + b"\n")
    if not args.quiet:
        _tell(reports, progress.total, seconds)
    return EXIT_SOME_FAILED if progress.total.bad else EXIT_OK


def fingerprint_of(model: "ParagraphClassifier", args: argparse.Namespace, names: Sequence[str]) -> Fingerprint:
    """Say what outputs depend on: the model's description, whose checksums cover its arrays, and some arguments."""
    description = json.dumps(dict(model.metadata_), sort_keys=True).encode()
    options = {name: getattr(args, name) for name in ("text_key", "id_key", "extractor", "output_format", *names)}
    companion = getattr(args, "from_scores", None)
    return Fingerprint(hashlib.sha256(description).hexdigest(), json.loads(json.dumps(options)), companion)


def summary_of(reports: Sequence[TargetReport], fingerprint: Fingerprint, seconds: float) -> dict[str, Any]:
    """Give the counts of a run and of each of its files, as they go into JSON."""
    total = Tally()
    for report in reports:
        total.add(report.tally)
    return {
        "version": __version__,
        "model": fingerprint.model,
        "options": fingerprint.options,
        "seconds": round(seconds, 3),
        "done": sum(report.status == "done" for report in reports),
        "skipped": sum(report.status == "skipped" for report in reports),
        "failed": sum(report.status == "failed" for report in reports),
        "total": total.as_dict(),
        "files": [
            {
                "inputs": [shard.path for shard in report.target.shards],
                "output": report.target.output,
                "status": report.status,
                **{name: value for name, value in report.tally.as_dict().items() if name != "scores"},
            }
            for report in reports
        ],
    }


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does, so that files aside are removed."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _gather_bad(targets: Sequence[Target], path: str) -> None:
    kept = (content_of(target.bad) or b"" for target in targets if target.bad is not None)
    _write(path, *(member(lines, compression_of(path)) for lines in kept))


def _write(path: str, *pieces: bytes) -> None:
    with open_output(path, compression_of(path)) as file:
        for piece in pieces:
            file.write(piece)
        file.commit()


def _tell(reports: Sequence[TargetReport], total: Tally, seconds: float) -> None:
    n_skipped = sum(report.status == "skipped" for report in reports)
    if n_skipped:
        say(f"{n_skipped:,} of {len(reports):,} files were done before and are skipped")
    for line in total.lines():
        say(line)
    say(f"{'seconds':<15}{seconds:>15,.1f}")
