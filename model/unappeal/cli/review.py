"""``unappeal review``: a page on which a person corrects labels in a browser."""

import argparse
from itertools import islice
from typing import TYPE_CHECKING

from unappeal.cli import UsageError, say
from unappeal.cli.options import add_model_options, loaded_model, positive
from unappeal.cli.page_options import add_page_options, check_page, documents_of, tell_bad, title_of, write_page

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from unappeal.corpus.records import BadRecord

DEFAULT_LIMIT = 20_000
MANY_BLOCKS = 20_000
"""More than a person will label; the page of so many is slow to open."""

_EPILOG = """\
Open the page in a browser; what you label is kept there. Export your labels and train on them:

  unappeal review corpus.jsonl --sample 20 -o page.html
  unappeal train corrections.jsonl -o mymodel"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "review",
        help="make a page to label and correct blocks in a browser",
        description="Make one self-contained page to label and correct blocks in a browser; it needs no network.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_page_options(parser, "IN", "PAGE")
    choice = parser.add_argument_group("which documents")
    choice.add_argument(
        "--sample",
        type=positive,
        metavar="N",
        help="only the N documents most worth a person's time: uncertain blocks, blocks unlike their neighbours, "
        "texts that stand in many documents (default: all)",
    )
    choice.add_argument(
        "--limit",
        type=positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"read no more documents than this (default: {DEFAULT_LIMIT})",
    )
    add_model_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    check_page(args, args.inputs)
    model = loaded_model(args)
    from unappeal.pages.documents import judge
    from unappeal.pages.review import review_page
    from unappeal.pages.selection import choose, document_counts

    bad: list[BadRecord] = []
    sources = documents_of(args, bad)
    documents = list(
        judge(islice(sources, args.limit), model=model, max_body_loss=args.max_body_loss, blocks=args.blocks)
    )
    if not documents:
        raise UsageError(f"{', '.join(args.inputs)}: no documents to review")
    if len(documents) == args.limit and next(sources, None) is not None:
        say(f"only the first {args.limit:,} documents are read: --limit N for more")
    counts = document_counts(documents)
    shown = documents if args.sample is None else choose(documents, args.sample, counts)
    n_blocks = sum(len(document.blocks) for document in shown)
    if n_blocks > MANY_BLOCKS:
        say(f"the page has {n_blocks:,} blocks: --sample N takes the N documents most worth a look")
    write_page(
        args.output, review_page(shown, title=title_of(args), counts=counts, model=f"{model.name} {model.version}")
    )
    return tell_bad(bad)
