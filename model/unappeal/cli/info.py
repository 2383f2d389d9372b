"""``unappeal info``: what a model is."""

import argparse
import sys
from typing import TYPE_CHECKING

from unappeal.cli import EXIT_OK

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from unappeal.classifier import ParagraphClassifier

_TOLD_APART = ("name", "version", "labels", "concepts", "languages", "operating_point", "probes", "format")


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "info",
        help="show what a model is, and the body losses it can hold",
        description="Show what a model is: name, version, body losses it can hold, and how it was made.",
    )
    parser.add_argument(
        "model", nargs="?", metavar="MODEL", help="a folder, or the name of a model that ships (default: news-1)"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Print the description."""
    from unappeal import load_model

    model = load_model(args.model)
    sys.stdout.write("".join(f"{name:<24} {value}\n" for name, value in described(model)))
    return EXIT_OK


def described(model: "ParagraphClassifier") -> list[tuple[str, str]]:
    """Give names and values for people: what every model has, then all else that was noted of it."""
    point = model.operating_point_
    rows = [
        ("model", f"{model.name} {model.version}"),
        ("labels", ", ".join(model.classes_)),
        ("languages", ", ".join(model.evidence_.cues.languages)),
        ("default max_body_loss", f"{point.default:g}"),
        ("levels of body loss", ", ".join(f"{level:g}" for level in point.levels)),
    ]
    for name, value in sorted(model.metadata_.items()):
        if name not in _TOLD_APART:
            rows.extend(_flattened(name, value))
    return rows


def _flattened(name: str, value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [row for key, inner in value.items() for row in _flattened(f"{name}.{key}", inner)]
    return [(name, f"{value:.4g}" if isinstance(value, float) else str(value))]
