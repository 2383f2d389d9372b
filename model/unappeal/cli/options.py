"""Options that several sub-commands share, and what they mean."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unappeal.classifier import ParagraphClassifier

DROP_CHOICES = ("appeal", "related")


def add_model_options(parser: argparse.ArgumentParser, with_loss: bool = True) -> None:
    """Add what says how documents are classified, and ``with_loss`` the body loss that is allowed."""
    group = parser.add_argument_group("classification")
    group.add_argument(
        "--model", metavar="NAME", help="a model's folder, or the name of one that ships (default: news-1)"
    )
    if with_loss:
        group.add_argument(
            "--max-body-loss",
            type=float,
            metavar="SHARE",
            help="share of the story's characters that may be lost, 0 to 0.05 (default: 0.001)",
        )
    group.add_argument(
        "--blocks",
        choices=("auto", "line", "blank"),
        default="auto",
        help="where blocks end: at every line, at blank lines, or at blank lines in hard-wrapped texts (default: auto)",
    )


def add_filter_options(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add what says which blocks go."""
    group = parser.add_argument_group("what is dropped")
    group.add_argument(
        "--drop",
        type=drop_labels,
        default=DROP_CHOICES,
        metavar="LABELS",
        help="labels to drop, with commas between them (default: appeal,related)",
    )
    group.add_argument(
        "--max-removed",
        type=share,
        default=0.8,
        metavar="SHARE",
        help="a document that would lose more than this is left whole and flagged (default: 0.8)",
    )
    return group


def drop_labels(given: str) -> tuple[str, ...]:
    """Read the value of ``--drop``."""
    labels = tuple(sorted({part.strip() for part in given.split(",")}))
    if not set(labels) <= set(DROP_CHOICES):
        raise argparse.ArgumentTypeError(f"takes appeal, related or appeal,related, not {given!r}")
    return labels


def share(given: str) -> float:
    """Read a number from 0 to 1."""
    try:
        value = float(given)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"takes a number from 0 to 1, not {given!r}")
    return value


def positive(given: str) -> int:
    """Read a whole number from 1."""
    return _at_least(1, given)


def not_negative(given: str) -> int:
    """Read a whole number from 0."""
    return _at_least(0, given)


def _at_least(least: int, given: str) -> int:
    if not given.isdecimal() or int(given) < least:
        raise argparse.ArgumentTypeError(f"takes a whole number from {least}, not {given!r}")
    return int(given)


def loaded_model(args: argparse.Namespace) -> "ParagraphClassifier":
    """Load the model and check ``--max-body-loss`` against its curve, before any work."""
    from unappeal import load_model
    from unappeal.cli import UsageError

    model = load_model(args.model)
    try:
        model.operating_point_.threshold(getattr(args, "max_body_loss", None))
    except ValueError as exc:
        raise UsageError(str(exc).replace("max_body_loss", "--max-body-loss")) from exc
    return model
