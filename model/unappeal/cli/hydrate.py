"""`unappeal hydrate`: the labelled pages' texts, from clones of the repositories they come from."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unappeal.cli import UsageError, say
from unappeal.cli.label_options import pairs

if TYPE_CHECKING:
    from unappeal_training.hydrate import SourceReport

MAX_NAMED = 5
_EPILOG = """\
The sources, their repositories and commits are listed in data/annotations. Blocks are recognised by the hash of their
words; what is not recognised has no label. Exit code 1: pages are missing, or their text has changed.

example:
  unappeal hydrate --checkout fundus=fundus --checkout trafilatura=trafilatura -o data/pages.jsonl.gz"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "hydrate",
        help="rebuild the labelled pages from clones of their repositories",
        description="Give the labels of data/annotations their texts back, from clones of public repositories.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--checkout",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="clone of a source's repository (may be repeated)",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="file to write, .jsonl.gz")
    parser.add_argument("--annotations", type=Path, metavar="DIR", help="stand-off labels (default: data/annotations)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (default: 1)")
    return parser


def run(args: argparse.Namespace) -> int:
    """Rebuild, and print what was found, moved, changed and missing of each source."""
    if not args.checkout:
        raise UsageError("--checkout NAME=DIR is missing: nothing to rebuild pages from")
    if args.output.suffix != ".gz":
        raise UsageError(f"-o {args.output}: the pages are written compressed, name a .jsonl.gz")
    if args.jobs < 1:
        raise UsageError(f"--jobs must be 1 or more, not {args.jobs}")
    checkouts = {name: Path(folder) for name, folder in pairs(args.checkout, "--checkout").items()}
    from unappeal_training.extract import need_extractors
    from unappeal_training.hydrate import hydrate

    need_extractors()
    reports = hydrate(checkouts, args.output, args.annotations, args.jobs, say)
    print("\n".join(_lines(reports)))  # noqa: T201
    return int(any(report.pages["missing"] or report.pages["changed"] for report in reports.values()))


def _lines(reports: "dict[str, SourceReport]") -> list[str]:
    lines = [f"{'source':14}{'found':>8}{'moved':>8}{'changed':>9}{'missing':>9}   labels found"]
    for name, report in reports.items():
        counts = {fate: len(paths) for fate, paths in report.pages.items()}
        lines.append(
            f"{name:14}{counts['found']:8}{counts['moved']:8}{counts['changed']:9}{counts['missing']:9}   "
            f"{report.n_found} of {report.n_keys} ({100 * report.n_found / max(report.n_keys, 1):.1f} %)"
        )
        for fate in ("moved", "changed", "missing"):
            paths = report.pages[fate]
            if paths:
                more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
                lines.append(f"  {fate}: {', '.join(paths[:MAX_NAMED])}{more}")
        lines += [f"  {problem}" for problem in report.problems[:MAX_NAMED]]
    return lines
