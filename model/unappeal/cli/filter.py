"""``unappeal filter``: cleaned documents."""

import argparse
from typing import TYPE_CHECKING

from unappeal.cli import use_one_thread
from unappeal.cli.options import add_filter_options, add_model_options, loaded_model
from unappeal.cli.running import add_corpus_options, fingerprint_of, planned, run_targets

if TYPE_CHECKING:
    from argparse import _SubParsersAction

_OUTCOME_OPTIONS = ("max_body_loss", "max_removed", "drop", "blocks", "rejects")


def add_parser(subparsers: "_SubParsersAction[argparse.ArgumentParser]") -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser = subparsers.add_parser(
        "filter",
        help="drop appeals and related-links noise from documents",
        description="Drop appeals and related-links noise from documents; all else of a record stays as it is.",
    )
    add_corpus_options(parser)
    add_model_options(parser)
    group = add_filter_options(parser)
    group.add_argument(
        "--rejects",
        metavar="PATH",
        help="keep every removed block with document id, span, label and score: a file, or a folder where OUT is one",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Filter the inputs."""
    use_one_thread()
    targets = planned(args, args.rejects)
    model = loaded_model(args)
    from unappeal.cli.jobs import FilterJob
    from unappeal.corpus.records import Keys

    job = FilterJob(
        Keys(args.text_key, args.id_key),
        args.model,
        args.max_body_loss,
        args.max_removed,
        args.drop,
        args.blocks,
        args.rejects is not None,
    )
    return run_targets(args, targets, job, fingerprint_of(model, args, _OUTCOME_OPTIONS))
