"""``unappeal explain``: one document, its blocks coloured by label, with reasons for what goes."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from unappeal.cli import EXIT_OK, UsageError, say
from unappeal.cli.options import add_model_options, loaded_model

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from unappeal.explain import Explanation

_COLOURS = {"body": "", "appeal": "\x1b[31m", "related": "\x1b[33m"}
SURE = 0.5
"""A block that stays although it is less probably story than this has a reason told too."""

_DIM, _PLAIN = "\x1b[2m", "\x1b[0m"


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "explain",
        help="show one document's blocks with their labels, and why those that go do",
        description="Show one document's blocks with their labels, and what weighed most for each one that is dropped.",
    )
    parser.add_argument("file", metavar="FILE", help="a text, or a file of records; - is standard input")
    parser.add_argument("--id", metavar="ID", help="the record to explain, by its id (default: the first)")
    parser.add_argument("--text-key", default="text", metavar="KEY", help="field of the text (default: text)")
    parser.add_argument("--id-key", default="id", metavar="KEY", help="field of the id (default: id)")
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="colour by label; auto: on a terminal, unless NO_COLOR is set (default: auto)",
    )
    add_model_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Explain the document."""
    text = _document(args)
    loaded_model(args)
    from unappeal.explain import explain

    explanations = explain(text, model=args.model, max_body_loss=args.max_body_loss, blocks=args.blocks)
    if any(each.block.label != "body" for each in explanations) and not any(each.removed for each in explanations):
        say("left whole, as a document that would lose too much: see --max-removed of unappeal filter")
    for line in told(explanations, _wants_colour(args.color)):
        sys.stdout.write(line + "\n")
    return EXIT_OK


def told(explanations: "Iterable[Explanation]", colour: bool) -> Iterator[str]:
    """Give the lines: label, probability and text of each block, ``-`` before what goes and its reasons after."""
    for explanation in explanations:
        block = explanation.block
        label, score = str(block.label), (block.scores or {}).get(str(block.label), 0.0)
        sign = "-" if explanation.removed else " "
        text = " ".join(block.text.split())
        yield _painted(f"{sign} {label:<8}{100 * score:4.0f} %  {text}", _COLOURS[label], colour)
        reasons = explanation.reasons
        if label == "body" and score < SURE:
            reasons = ["kept: dropping it would risk more of the story than is allowed"]
        for i, reason in enumerate(reasons):
            yield _painted(f"{'why' if not i else '':>20}  {reason}", _DIM, colour)


def _painted(line: str, code: str, colour: bool) -> str:
    return f"{code}{line}{_PLAIN}" if colour and code else line


def _wants_colour(choice: str) -> bool:
    if choice == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always"


def _document(args: argparse.Namespace) -> str:
    """Read the record that is asked for; UsageError where there is none."""
    from unappeal.corpus.formats import format_named
    from unappeal.corpus.records import Keys
    from unappeal.corpus.sources import find_shards, open_shard
    from unappeal.errors import InputError

    try:
        (shard,) = find_shards([args.file], "txt")
    except InputError as exc:
        raise UsageError(str(exc)) from exc
    except ValueError as exc:
        raise UsageError(f"{args.file}: give one file, not a folder or several") from exc
    known = format_named(shard.format)
    with open_shard(shard) as stream:
        for chunk in known.chunks(shard, stream):
            records = known.parse(shard, chunk, Keys(args.text_key, args.id_key))
            for bad in records.bad if args.id is None else ():
                raise UsageError(str(bad))
            for found, text in zip(records.ids(), records.texts, strict=True):
                if args.id is None or str(found) == args.id:
                    return text
    raise UsageError(f"{args.file}: no record" + ("" if args.id is None else f" with the id {args.id!r}"))
