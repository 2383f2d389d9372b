"""`unappeal train`: a model from labels, compared with the one that ships before it is saved."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unappeal.cli import UsageError
from unappeal.cli.label_options import (
    Progress,
    add_fit_options,
    add_label_options,
    check_jobs,
    need_training,
    read,
    tell,
)
from unappeal.threads import use_one_thread

if TYPE_CHECKING:
    from unappeal_training.retrain import Prepared, Trained

_EPILOG = """\
LABELS are CSV, TSV, JSON lines or Parquet with the columns text and label, and document, position, site and
language where known; exports of Label Studio, doccano, Prodigy or Argilla; Dolma attribute shards; documents as in
data/authored; corrections from 'unappeal review'. Labels are body, appeal and related.

examples:
  unappeal train corrections.jsonl -o mymodel
  unappeal train labels.csv --column text=paragraph --map donation=appeal --map menu=related -o mymodel
  unappeal train --default -o model/unappeal/artefacts/news-2"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "train",
        help="train a model on labelled blocks",
        description="Train a model on labelled blocks, and say whether it is better than the one that ships.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("labels", nargs="*", type=Path, metavar="LABELS", help="files of labels")
    parser.add_argument("-o", "--output", type=Path, metavar="MODEL", help="folder to save the model in")
    parser.add_argument("--default", action="store_true", help="train the model that ships: the project's data alone")
    parser.add_argument("--check", action="store_true", help="check the labels, train nothing")
    parser.add_argument("--strict", action="store_true", help="stop when a check warns")
    parser.add_argument("--force", action="store_true", help="save the model even if it is worse")
    _add_training_options(parser)
    add_label_options(parser)
    return parser


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("how to train")
    group.add_argument(
        "--base",
        default="default",
        metavar="default|none|DIR",
        help="train together with the project's own data, on the labels alone, or with a folder like data/authored",
    )
    group.add_argument("--pages", type=Path, metavar="FILE", help="real pages written by 'unappeal hydrate'")
    group.add_argument("--weight", type=float, default=3.0, help="weight of your blocks beside the base's (default: 3)")
    group.add_argument(
        "--group-by",
        choices=("auto", "site", "document"),
        default="auto",
        help="what folds keep together (default: the site, where there are five or more)",
    )
    group.add_argument("--against", metavar="MODEL", help="model to compare with (default: the one that ships)")
    group.add_argument("--name", help="name of the model (default: the name of its folder)")
    group.add_argument("--model-version", default="1", metavar="VERSION", help="version of the model (default: 1)")
    group.add_argument("--seed", type=int, default=7, help="seed of all that is random (default: 7)")
    add_fit_options(group)


def run(args: argparse.Namespace) -> int:
    """Train, compare, save; 1 where the model is worse and not saved, or a check stops."""
    use_one_thread()
    _check_options(args)
    need_training()
    from unappeal_training.retrain import TrainOptions, parse_settings, prepare, prepare_default, train
    from unappeal_training.train_report import read_line

    progress = Progress()
    options = TrainOptions(
        args.base, args.pages, args.group_by, args.weight, parse_settings(args.set, args.seed), args.jobs
    )
    if args.default:
        prepared = prepare_default(options, progress)
    else:
        labels = read(args)
        progress(read_line(labels, len(args.labels)))
        prepared = prepare(labels, options, progress)
    warned = tell(prepared.findings)
    if args.check or (warned and args.strict):
        return 1 if warned and args.strict else 0
    against = _against(args)
    trained = train(prepared, against, options, progress)
    return _finish(args, prepared, trained, against, progress)


def _check_options(args: argparse.Namespace) -> None:
    if args.default == bool(args.labels):
        raise UsageError("give files of labels, or --default" + (", not both" if args.default else ""))
    if args.default and args.base == "none":
        raise UsageError("--default trains on the project's data: leave --base none out")
    if args.output is None and not args.check:
        raise UsageError("-o MODEL is missing: where should the model be saved? (--check trains nothing)")
    if args.weight <= 0:
        raise UsageError(f"--weight must be above 0, not {args.weight:g}")
    check_jobs(args)
    if args.output is not None and args.output.exists() and not args.output.is_dir():
        raise UsageError(f"-o {args.output}: a model is a folder, and this is a file")


def _against(args: argparse.Namespace) -> Any:
    """Load the model to compare with; the first model ever has none."""
    from unappeal.artefact import load_model
    from unappeal.errors import ModelError

    try:
        return load_model(args.against)
    except ModelError:
        if args.against is None and args.default:
            return None
        raise


def _finish(
    args: argparse.Namespace,
    prepared: "Prepared",
    trained: "Trained",
    against: Any,
    progress: Progress,
) -> int:
    from unappeal.artefact import save_model
    from unappeal_training.retrain import KNOWN_SHARE, held_out, metadata_of, objections_to, unfair_share
    from unappeal_training.train_report import comparison_table, measures_table, sentence

    tell(objections_to(prepared, trained))
    name = args.name or args.output.resolve().name
    lines = measures_table(held_out(trained.result))
    if trained.comparison is not None:
        lines += ["", *comparison_table(trained.comparison, name, against.name)]
    share = unfair_share(prepared, against) if prepared.own else 0.0
    if share >= KNOWN_SHARE:
        known = f"{against.name} may have been trained on {100 * share:.0f} % of these blocks"
        lines += ["", f"warning: {known}, which favours it"]
    if against is not None:
        lines += ["", sentence(trained, against.name)]
    print("\n".join(lines))  # noqa: T201
    if trained.verdict == "worse" and not args.force:
        progress("not saved, because it is worse: --force saves it all the same")
        return 1
    save_model(trained.model, args.output, metadata_of(trained, prepared, name, args.model_version))
    progress(f"saved in {args.output}; use it with --model {args.output}")
    return 0
