"""``unappeal filter``: cleaned documents."""

import argparse
from typing import TYPE_CHECKING

from unappeal.cli import UsageError
from unappeal.cli.options import add_filter_options, add_model_options, loaded_model
from unappeal.cli.running import add_corpus_options, fingerprint_of, planned, run_targets
from unappeal.threads import use_one_thread

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from unappeal.corpus.work import Job

_OUTCOME_OPTIONS = ("max_body_loss", "max_removed", "drop", "blocks", "rejects", "from_scores")


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
    group.add_argument(
        "--from-scores",
        metavar="PATH",
        help="do not classify, apply what unappeal score wrote: a file, or a folder with a file for each input",
    )
    return parser


def run(args: argparse.Namespace) -> int:
    """Filter the inputs."""
    use_one_thread()
    if args.from_scores is not None and args.workers > 1:
        raise UsageError("--from-scores reads along two files and takes one worker: leave out --workers")
    targets = planned(args, args.rejects)
    model = loaded_model(args)
    fingerprint = fingerprint_of(model, args, _OUTCOME_OPTIONS)
    return run_targets(args, targets, _job(args, fingerprint.model), fingerprint)


def _job(args: argparse.Namespace, model_hash: str) -> "Job":
    from unappeal.cli.jobs import FilterJob
    from unappeal.corpus.records import Keys

    keys, rejects = Keys(args.text_key, args.id_key, args.extractor), args.rejects is not None
    settings = (args.max_body_loss, args.max_removed, args.drop, args.blocks, rejects)
    if args.from_scores is None:
        return FilterJob(keys, args.model, *settings)
    from unappeal.cli.scores import ApplyScoresJob

    return ApplyScoresJob(keys, args.from_scores, args.model, model_hash, *settings)
