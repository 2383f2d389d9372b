"""``unappeal score``: labels and scores of every block, apart from the documents or in them."""

import argparse
from typing import TYPE_CHECKING

from unappeal.cli import UsageError
from unappeal.cli.options import add_filter_options, add_model_options, loaded_model
from unappeal.cli.running import add_corpus_options, fingerprint_of, planned, run_targets
from unappeal.corpus.formats import format_of
from unappeal.threads import use_one_thread

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_OUTCOME_OPTIONS = ("drop", "max_removed", "blocks", "inline")


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "score",
        help="write labels and scores of every block, as Dolma attributes or in the records",
        description="Write scores of every block as Dolma attribute shards (same names, same order), for filter "
        "--from-scores and other tools.",
    )
    add_corpus_options(parser)
    add_model_options(parser, with_loss=False)
    add_filter_options(parser)
    parser.add_argument(
        "--inline", action="store_true", help="write the records themselves, with the scores in a field unappeal"
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Score the inputs."""
    use_one_thread()
    if not args.inline:
        if {args.output_format, format_of(args.output)} - {None, "jsonl"}:
            raise UsageError("attribute shards are JSON lines: give a .jsonl file or a folder, or add --inline")
        args.output_format = "jsonl"
    targets = planned(args, with_fields=True)
    model = loaded_model(args)
    from unappeal.cli.scores import ScoreJob
    from unappeal.corpus.records import Keys

    fingerprint = fingerprint_of(model, args, _OUTCOME_OPTIONS)
    keys = Keys(args.text_key, args.id_key, args.extractor)
    job = ScoreJob(keys, args.model, fingerprint.model, args.drop, args.max_removed, args.blocks, args.inline)
    return run_targets(args, targets, job, fingerprint)
