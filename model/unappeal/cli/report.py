"""``unappeal report``: a page about what a filter run removed."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from unappeal.cli import UsageError, say
from unappeal.cli.options import add_filter_options, add_model_options, loaded_model
from unappeal.cli.page_options import add_page_options, check_page, documents_of, tell_bad, title_of, write_page

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from unappeal.classifier import ParagraphClassifier
    from unappeal.corpus.records import BadRecord
    from unappeal.pages.documents import JudgedDocument
    from unappeal.pages.runs import Run

_EPILOG = """\
RUN is the output folder of 'unappeal filter', or the file its --summary wrote; the options of the run hold then. Given
documents, the report tells what filtering them would remove.

  unappeal filter corpus/ -o clean/ --rejects rejects/
  unappeal report clean/ -o report.html
  unappeal report corpus.jsonl -o report.html"""


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "report",
        help="make a page about what a filter run removed",
        description="Make one self-contained page about what a filter run removed; it needs no network.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_page_options(parser, "RUN|IN", "REPORT")
    add_model_options(parser)
    add_filter_options(parser)
    return parser


def run(args: argparse.Namespace) -> int:
    """Write the page."""
    from unappeal.pages.report import report_page
    from unappeal.pages.run_data import RunData
    from unappeal.pages.runs import find_run, rescored

    found = find_run(args.inputs[0]) if len(args.inputs) == 1 else None
    check_page(args, args.inputs if found is None else [file["output"] for file in found.files])
    model = loaded_model(args)
    bad: list[BadRecord] = []
    documents = _classified(args, model, bad) if found is None else _of_run(found, model, bad)
    data = RunData.of(documents, title_of(args), _settings(args, model, found))
    if not data.total.documents:
        raise UsageError(f"{', '.join(args.inputs)}: no documents to report on")
    if found is not None:
        data.scores = found.scores
    data.samples = [rescored(document, model) for document in data.samples]
    write_page(args.output, report_page(data))
    return tell_bad(bad)


def _classified(
    args: argparse.Namespace, model: "ParagraphClassifier", bad: "list[BadRecord]"
) -> "Iterator[JudgedDocument]":
    from unappeal.pages.documents import judge

    return judge(
        documents_of(args, bad),
        model=model,
        max_body_loss=args.max_body_loss,
        max_removed=args.max_removed,
        drop=args.drop,
        blocks=args.blocks,
    )


def _of_run(found: "Run", model: "ParagraphClassifier", bad: "list[BadRecord]") -> "Iterator[JudgedDocument]":
    from unappeal.cli.running import fingerprint_of
    from unappeal.pages.runs import run_documents

    if fingerprint_of(model, argparse.Namespace(**found.options), ()).model != found.model:
        say(f"the run used another model than {model.name} {model.version}: give it with --model to see its scores")
    return run_documents(found, bad, model)


def _settings(args: argparse.Namespace, model: "ParagraphClassifier", found: "Run | None") -> dict[str, str]:
    options = vars(args) if found is None else found.options
    loss = options["max_body_loss"]
    return {
        "model": f"{model.name} {model.version}",
        "max body loss": f"{model.operating_point_.default if loss is None else loss:g}",
        "drops": " and ".join(options["drop"]),
    }
