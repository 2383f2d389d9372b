"""What `review` and `report` share: inputs, the page to write, bad records."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unappeal.cli import EXIT_OK, EXIT_SOME_FAILED, UsageError
from unappeal.cli.progress import Progress

if TYPE_CHECKING:
    from unappeal.corpus.records import BadRecord
    from unappeal.pages.documents import SourceDocument

STDOUT = "-"


def add_page_options(parser: argparse.ArgumentParser, inputs: str, page: str) -> None:
    """Add the inputs, ``-o``, ``--title`` and what says how records are read."""
    from unappeal.corpus.formats import NAMES

    parser.add_argument("inputs", nargs="+", metavar=inputs, help="files, folders, globs, or - for standard input")
    parser.add_argument(
        "-o", "--output", default=STDOUT, metavar=page, help="the page to write, or - for standard output (default: -)"
    )
    parser.add_argument("--title", help="title of the page (default: the first input's name)")
    records = parser.add_argument_group("records")
    records.add_argument(
        "--text-key", default="text", metavar="KEY", help="field of the text; a.b is b in a (default: text)"
    )
    records.add_argument("--id-key", default="id", metavar="KEY", help="field of the id (default: id)")
    records.add_argument(
        "--input-format", choices=NAMES, help="format of - and of files whose suffix tells none (default: jsonl)"
    )


def title_of(args: argparse.Namespace) -> str:
    """Give the page's title."""
    first = "standard input" if args.inputs[0] == "-" else Path(args.inputs[0]).resolve().name
    more = len(args.inputs) - 1
    return args.title or (f"{first} and {more} more" if more else first)


def check_page(args: argparse.Namespace, inputs: Sequence[str]) -> None:
    """Find out, before any work, whether inputs are there and the page can be written; UsageError where not."""
    from unappeal.corpus.output import OutputError, check_writable
    from unappeal.corpus.plan import PlanError, check_no_input
    from unappeal.corpus.sources import find_shards
    from unappeal.errors import InputError

    try:
        check_no_input([args.output], find_shards(inputs, args.input_format))
        if args.output != STDOUT:
            check_writable([args.output])
    except (InputError, OutputError, PlanError) as exc:
        raise UsageError(str(exc)) from exc


def documents_of(args: argparse.Namespace, bad: "list[BadRecord]") -> "Iterator[SourceDocument]":
    """Read the documents of the inputs; records that cannot be read are added to ``bad``."""
    from unappeal.corpus.records import Keys
    from unappeal.pages.sources import read_documents

    return read_documents(args.inputs, Keys(args.text_key, args.id_key), bad, args.input_format)


def write_page(output: str, html: str) -> None:
    """Write the page whole or not at all."""
    from unappeal.corpus.output import AsideFile, StandardOutput

    with StandardOutput() if output == STDOUT else AsideFile(Path(output)) as file:
        file.write(html.encode())
        file.commit()


def tell_bad(bad: "Sequence[BadRecord]") -> int:
    """Tell the records that could not be read; gives the exit code."""
    with Progress(0) as progress:
        for record in bad:
            progress.bad(record)
    return EXIT_SOME_FAILED if bad else EXIT_OK
