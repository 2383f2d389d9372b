"""`unappeal evaluate`: a model on labels, or the project's own cross-validation."""

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
    from unappeal_training.evaluation import Scored
    from unappeal_training.sections import Section

_EPILOG = """\
examples:
  unappeal evaluate news-1 labels.csv --wrong 20
  unappeal evaluate mymodel labels.csv --compare news-1 -o report.md --plots plots
  unappeal evaluate --folds --baselines -o folds.json"""


def add_parser(subparsers: Any) -> argparse.ArgumentParser:
    """Add the sub-command."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "evaluate",
        help="measure a model on labelled blocks",
        description="Measure a model on labelled blocks; with --folds, the way of training by cross-validation.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("arguments", nargs="*", metavar="MODEL LABELS", help="a model, then files of labels")
    parser.add_argument("--compare", metavar="MODEL", help="compare with another model on the same blocks")
    parser.add_argument("--wrong", type=int, default=0, metavar="N", help="list the N wrong blocks it is surest of")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the report as .md or .json too")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="write calibration and curve as plots")
    parser.add_argument("--plot-format", choices=("svg", "png"), default="svg", help="format of plots (default: svg)")
    _add_fold_options(parser)
    add_label_options(parser)
    return parser


def _add_fold_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("cross-validation")
    group.add_argument("--folds", action="store_true", help="cross-validate on the project's data, or on LABELS alone")
    group.add_argument("--pages", type=Path, metavar="FILE", help="real pages written by 'unappeal hydrate'")
    group.add_argument("--languages", action="store_true", help="hold whole languages out too")
    group.add_argument("--baselines", action="store_true", help="TF-IDF + SGD and fastText on the same folds")
    group.add_argument("--ablation", action="store_true", help="leave parts of the model and of the data out")
    group.add_argument("--learning-curve", action="store_true", help="train on an eighth, a quarter, half of the sites")
    add_fit_options(group)


def run(args: argparse.Namespace) -> int:
    """Measure, print, and write what was asked for."""
    use_one_thread()
    _check_options(args)
    need_training()
    from unappeal_training.plots import need_matplotlib, write_plots
    from unappeal_training.sections import markdown, write

    if args.plots is not None:
        need_matplotlib()
    progress = Progress()
    sections, shown = _folds(args, progress) if args.folds else _model(args)
    print(markdown(sections))  # noqa: T201
    if args.output is not None:
        write(sections, args.output)
    if args.plots is not None:
        for path in write_plots(shown.sample, args.plots, args.plot_format):
            progress(f"wrote {path}")
    return 0


def _check_options(args: argparse.Namespace) -> None:
    extras = [name for name in ("languages", "baselines", "ablation", "learning_curve") if getattr(args, name)]
    if not args.folds and extras:
        raise UsageError(f"--{extras[0].replace('_', '-')} goes with --folds")
    if not args.folds and len(args.arguments) < 2:
        raise UsageError("give a model and files of labels, or --folds")
    if args.folds and args.compare:
        raise UsageError("--compare needs a model: leave --folds out")
    check_jobs(args)
    if args.output is not None and args.output.suffix not in (".md", ".json"):
        raise UsageError(f"-o {args.output}: a report is written as .md or .json")
    args.model = None if args.folds else args.arguments[0]
    args.labels = [Path(name) for name in args.arguments[not args.folds :]]


def _model(args: argparse.Namespace) -> "tuple[list[Section], Scored]":
    from unappeal.artefact import load_model
    from unappeal.errors import InputError
    from unappeal_training.checks import without_contradictions
    from unappeal_training.evaluation import comparison_sections, overview, scored, wrong_section

    model = load_model(args.model)
    labels, findings = without_contradictions(read(args))
    tell(findings)
    if not labels.n_blocks:
        raise InputError("no labelled blocks: nothing to measure", args.labels[0])
    shown = scored(model, labels.documents, labels.places)
    sections = overview(shown, model.name)
    if args.compare is not None:
        other = load_model(args.compare)
        sections += comparison_sections(shown, scored(other, labels.documents, labels.places), model.name, other.name)
    if args.wrong:
        sections.append(wrong_section(shown, args.wrong))
    return sections, shown


def _folds(args: argparse.Namespace, progress: Progress) -> "tuple[list[Section], Scored]":
    from unappeal_training.evaluation import wrong_section
    from unappeal_training.folds import (
        ablation_section,
        baseline_section,
        fold_sections,
        language_section,
        learning_section,
        main_rows,
        scored_rows,
    )
    from unappeal_training.retrain import TrainOptions, cross_fitted_quietly, parse_settings, prepare, prepare_default

    settings = parse_settings(args.set)
    options = TrainOptions("none" if args.labels else "default", args.pages, settings=settings, n_jobs=args.jobs)
    prepared = prepare(read(args), options, progress) if args.labels else prepare_default(options, progress)
    tell(prepared.findings)
    progress(f"cross-fitting on {len(prepared.documents)} documents")
    result = cross_fitted_quietly(prepared.documents, settings, args.jobs)
    sections = fold_sections(result)
    if args.baselines:
        sections.append(baseline_section(result, progress))
    if args.languages:
        progress("holding out languages")
        sections.append(language_section(prepared.documents, settings, args.jobs))
    if args.ablation:
        sections.append(ablation_section(result, settings, args.jobs, progress))
    if args.learning_curve:
        sections.append(learning_section(result, settings, args.jobs, progress))
    shown = scored_rows(result, main_rows(result)[1])
    if args.wrong:
        sections.append(wrong_section(shown, args.wrong))
    return sections, shown
