"""What the sub-commands that read labels share, `train` and `evaluate`: options, findings, progress."""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unappeal.cli import UsageError, say

if TYPE_CHECKING:
    from unappeal_training.checks import Finding
    from unappeal_training.labelled import Labels

FORMATS = ("auto", "table", "authored", "label-studio", "doccano", "prodigy", "argilla", "dolma")


class Progress:
    """Says on standard error what is being done, and after how many seconds."""

    def __init__(self) -> None:
        self.begun = time.monotonic()

    def __call__(self, message: str) -> None:
        """Say it."""
        say(f"[{time.monotonic() - self.begun:6.1f} s] {message}")


def tell(findings: "Sequence[Finding]") -> bool:
    """Print what the checks found, on standard error; true where something is a warning."""
    for finding in findings:
        say("\n".join(finding.lines()))
    return any(not finding.harmless for finding in findings)


def add_label_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say how files of labels are to be read."""
    group = parser.add_argument_group("how to read the labels")
    group.add_argument(
        "--format", choices=FORMATS, default="auto", help="format of the files (default: by their shape)"
    )
    group.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=COLUMN",
        help="name of a column or field: text, label, document, position, site or language (may be repeated)",
    )
    group.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="NAME=LABEL",
        help="take a label of the files for body, appeal or related, or '?' for none (may be repeated)",
    )
    group.add_argument("--question", metavar="NAME", help="control or question of the tool that has the labels")
    group.add_argument(
        "--uncovered",
        choices=("body", "unlabelled"),
        default="body",
        help="what a block is that no span of the tool touches (default: body)",
    )
    group.add_argument(
        "--documents",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="documents (id, text) that the labels belong to, for attribute shards and for context (may be repeated)",
    )


def add_fit_options(group: argparse._ArgumentGroup) -> None:
    """Add the options of whatever fits models: threads and settings."""
    group.add_argument("--jobs", type=int, default=2, help="threads (default: 2)")
    group.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="setting of the fit, as word_epochs=12"
    )


def check_jobs(args: argparse.Namespace) -> None:
    """Raise UsageError where there would be no thread."""
    if args.jobs < 1:
        raise UsageError(f"--jobs must be 1 or more, not {args.jobs}")


def pairs(values: Sequence[str], option: str) -> dict[str, str]:
    """Read ``NAME=VALUE`` options; UsageError for anything else."""
    result = {}
    for value in values:
        name, sign, content = value.rpartition("=")
        if not sign or not name or not content:
            raise UsageError(f"{option} takes NAME=VALUE, not {value!r}")
        result[name] = content
    return result


def read(args: argparse.Namespace) -> "Labels":
    """Read the labels that the command line names; InputError where they cannot be understood."""
    from unappeal_training.imports.common import COLUMNS, ImportOptions
    from unappeal_training.labelled import read_labels, read_texts

    columns = pairs(args.column, "--column")
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        raise UsageError(f"--column takes {', '.join(COLUMNS)}, not {unknown[0]!r}")
    texts = read_texts(args.documents, columns.get("text", "text"))
    options = ImportOptions(columns, args.question, args.uncovered, texts)
    format_name = None if args.format == "auto" else args.format
    return read_labels(args.labels, options, pairs(args.map, "--map"), format_name)


def need_training() -> None:
    """Raise UsageError with the install line where scikit-learn or SciPy is missing."""
    from importlib.util import find_spec

    missing = [name for name in ("sklearn", "scipy") if find_spec(name) is None]
    if missing:
        raise UsageError(f"training needs {' and '.join(missing)}: pip install 'unappeal[train]'")
