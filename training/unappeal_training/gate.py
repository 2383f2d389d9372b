"""The quality gate: figures pinned as floors with the hash of their data; floors are raised, never lowered unasked.

``python -m unappeal_training.gate`` checks the stored out-of-fold predictions, and the shipped model on the authored
documents and on some that no model is trained on, in seconds. ``--full`` cross-validates anew on the real pages
(minutes; they must be at hand). ``--update`` pins what was measured; where a figure fell under its floor it refuses,
unless ``--allow-regression`` says so.

Every figure is a share, and more is better. A floor is what was measured less one bootstrap deviation, so that the
rounding of another machine does not trip it.
"""

import argparse
import hashlib
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.artefact import load_model
from unappeal.blocks import split_batch
from unappeal.errors import UnappealError
from unappeal.labels import APPEAL, BODY, LABELS
from unappeal_training.build import DEFAULT_LEVEL, LEVELS, CrossFitted, cross_fitted, curve, data_hash
from unappeal_training.dataset import REPOSITORY, SHARED_DIR, VIEWS, LabelledDocument, read_authored, read_pages
from unappeal_training.fit import FitSettings
from unappeal_training.measures import LOSSES, Estimate, Sample, measure, threshold_at_loss

QUALITY_DIR = REPOSITORY / "tests" / "quality"
FLOORS, FOLDS = "floors.json", "folds.npz"
UNSEEN_DIR = QUALITY_DIR / "unseen"
"""Documents as in data/authored that are never trained on."""

PAGES_FILE = SHARED_DIR / "real" / "pages.jsonl.gz"
AUTHORED = len(VIEWS)
N_BOOTSTRAP = 100
PROMISED = 0.002
"""The body loss whose promise is held to on new sites: a tenth of a per cent is too few blocks to tell."""

Figures = Mapping[str, Estimate]
Flags = npt.NDArray[np.bool_]


class GateError(UnappealError):
    """The gate cannot be passed, or cannot be moved as asked; the message says which figures and what to do."""


@dataclass(frozen=True, slots=True)
class Folds:
    """Held-out predictions without text: ``view`` numbers `VIEWS` and `AUTHORED`, ``hard`` marks hard negatives.

    ``sample`` has the labelled blocks of the read pages in all views and of the authored documents; ``fold`` the fold
    of each; ``threshold`` is the default one of the curve these predictions give; ``hashes`` belong to the data.
    """

    sample: Sample
    view: npt.NDArray[np.int8]
    fold: npt.NDArray[np.int8]
    hard: Flags
    threshold: float
    hashes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Floor:
    """The least a figure may be, and what was measured when it was pinned."""

    floor: float
    measured: float
    deviation: float


@dataclass(frozen=True, slots=True)
class Floors:
    """Floors by the name of their figure, and the hashes of the data they were measured on."""

    hashes: dict[str, str]
    floors: dict[str, Floor]


def folds_of(result: CrossFitted, hashes: dict[str, str]) -> Folds:
    """Take from a cross-validation what the gate measures."""
    names = (*VIEWS, "authored")
    rows = np.zeros(len(result.table.labels), dtype=bool)
    view = np.full(len(rows), -1, dtype=np.int8)
    for number, name in enumerate(names):
        chosen = result.rows(name)
        rows |= chosen
        view[chosen] = number
    document = result.table.document[rows]
    hard = np.array([d.hard_negative for d in result.table.documents], dtype=bool)[document]
    threshold = dict(zip(LEVELS, curve(result, VIEWS), strict=True))[DEFAULT_LEVEL]
    return Folds(result.sample(rows), view[rows], result.fold[document].astype(np.int8), hard, float(threshold), hashes)


def save_folds(folds: Folds, path: Path) -> None:
    """Write the predictions; margins and scores in single precision."""
    sample = folds.sample
    with path.with_suffix(".tmp").open("wb") as stream:
        np.savez_compressed(
            stream,
            allow_pickle=False,
            margin=sample.margin.astype(np.float32),
            scores=sample.scores.astype(np.float32),
            labels=sample.labels,
            chars=sample.chars.astype(np.int32),
            site=sample.site.astype(np.int32),
            view=folds.view,
            fold=folds.fold,
            hard=folds.hard,
            threshold=np.float64(folds.threshold),
            hashes=np.array(json.dumps(folds.hashes, sort_keys=True)),
        )
    path.with_suffix(".tmp").replace(path)


def load_folds(path: Path) -> Folds:
    """Read stored predictions; GateError where there are none."""
    if not path.exists():
        raise GateError(f"no stored predictions at {path}: run python -m unappeal_training.gate --full --update")
    with np.load(path, allow_pickle=False) as stored:
        sample = Sample(
            stored["margin"].astype(np.float64),
            stored["scores"],
            stored["labels"],
            stored["chars"].astype(np.int64),
            stored["site"].astype(np.int64),
        )
        hashes = json.loads(str(stored["hashes"]))
        return Folds(sample, stored["view"], stored["fold"], stored["hard"], float(stored["threshold"]), hashes)


def fold_figures(folds: Folds, n_bootstrap: int = N_BOOTSTRAP) -> dict[str, Estimate]:
    """Give the figures of held-out predictions: each view at fixed body losses, promises, authored documents."""
    figures: dict[str, Estimate] = {}
    for number, name in enumerate(VIEWS):
        rows = folds.view == number
        if not rows.any():
            continue
        measured = measure(_renumbered(folds.sample, rows), n_bootstrap)
        for loss, noise, appeals in zip(LOSSES, measured.noise, measured.appeals, strict=True):
            figures[f"{name}: noise removed at {100 * loss:g} %"] = noise
            figures[f"{name}: appeals removed at {100 * loss:g} %"] = appeals
        figures |= {f"{name}: F1 of {label}": f1 for label, f1 in zip(LABELS, measured.f1, strict=True)}
        figures[f"{name}: story kept on new sites at {100 * PROMISED:g} %"] = _kept_as_promised(folds, rows)
    gone = folds.sample.margin > folds.threshold
    return figures | _authored_figures("held out", folds.sample, folds.view == AUTHORED, folds.hard, gone)


def shipped_figures(authored: Sequence[LabelledDocument]) -> dict[str, Estimate]:
    """Give the figures of the shipped model on what it was trained on (is it whole?) and on what no model is."""
    return _shipped_figures("shipped", authored) | _shipped_figures("unseen", read_authored(UNSEEN_DIR))


def _shipped_figures(name: str, documents: Sequence[LabelledDocument]) -> dict[str, Estimate]:
    model = load_model()
    batch = split_batch([d.blocks for d in documents])
    evidence = model.evidence(batch)
    scores = model.judged(evidence, batch.first)
    gone = model.operating_point_.decide(scores, evidence.chars, None) != BODY
    document = batch.document_of_block()
    labels = np.concatenate([d.labels for d in documents])
    sample = Sample(gone.astype(np.float64), scores, labels, evidence.chars, document)
    hard = np.array([d.hard_negative for d in documents], dtype=bool)[document]
    return _authored_figures(name, sample, np.ones(len(labels), dtype=bool), hard, gone)


def data_hashes(documents: Mapping[str, Sequence[LabelledDocument]]) -> dict[str, str]:
    """Give the hash of each source of data; the order of documents does not matter."""
    return {
        name: hashlib.sha256("".join(sorted(data_hash([d]) for d in found)).encode()).hexdigest()
        for name, found in documents.items()
    }


def check(floors: Floors, figures: Figures, hashes: Mapping[str, str]) -> None:
    """Compare figures with their floors; GateError names every one that fell, or the data that changed."""
    changed = [name for name, value in hashes.items() if floors.hashes.get(name) != value]
    if changed:
        raise GateError(
            f"the {' and '.join(changed)} data changed since the floors were pinned: "
            "run python -m unappeal_training.gate --full --update"
        )
    fallen = _fallen(floors, figures)
    if fallen:
        raise GateError("under the floor:\n" + "\n".join(f"  {line}" for line in fallen))


def updated(old: Floors | None, figures: Figures, hashes: Mapping[str, str], allow_regression: bool = False) -> Floors:
    """Give new floors: raised where more was measured, kept where not; GateError where a figure fell under its floor.

    With ``allow_regression`` the floors are pinned anew, whatever they were.
    """
    fallen = [] if old is None or allow_regression else _fallen(old, figures)
    if fallen:
        lines = "\n".join(f"  {line}" for line in fallen)
        raise GateError(f"not updated, since some would be lowered (--allow-regression does it):\n{lines}")
    floors = {}
    for name, estimate in sorted(figures.items()):
        fresh = Floor(_floor_of(estimate), round(estimate.value, 5), round(estimate.deviation, 5))
        before = None if old is None or allow_regression else old.floors.get(name)
        floors[name] = before if before is not None and before.floor >= fresh.floor else fresh
    return Floors(dict(hashes), floors)


def read_floors(path: Path) -> Floors | None:
    """Read pinned floors, or None where none are pinned yet."""
    if not path.exists():
        return None
    content = json.loads(path.read_text(encoding="utf-8"))
    return Floors(content["data_sha256"], {name: Floor(**floor) for name, floor in content["floors"].items()})


def write_floors(floors: Floors, path: Path) -> None:
    """Pin floors."""
    content = {
        "data_sha256": floors.hashes,
        "floors": {
            name: {"floor": f.floor, "measured": f.measured, "deviation": f.deviation}
            for name, f in floors.floors.items()
        },
    }
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def quick_figures(folder: Path = QUALITY_DIR, n_bootstrap: int = N_BOOTSTRAP) -> tuple[dict[str, Estimate], Folds]:
    """Give all figures from stored predictions and the shipped model."""
    folds = load_folds(folder / FOLDS)
    return fold_figures(folds, n_bootstrap) | shipped_figures(read_authored()), folds


def full_figures(n_jobs: int = 2, n_bootstrap: int = N_BOOTSTRAP) -> tuple[dict[str, Estimate], Folds]:
    """Cross-validate anew on all data, and give all figures; GateError where the real pages are missing."""
    if not PAGES_FILE.exists():
        raise GateError(f"the full gate needs the real pages at {PAGES_FILE}")
    authored, pages = read_authored(), read_pages(PAGES_FILE)
    hashes = data_hashes({"authored": authored, "pages": pages})
    folds = folds_of(cross_fitted([*authored, *pages], FitSettings(), n_jobs), hashes)
    return fold_figures(folds, n_bootstrap) | shipped_figures(authored), folds


def main(argv: Sequence[str] | None = None) -> int:
    """Run the gate; exit code 0 where it is passed, 1 where not."""
    parser = argparse.ArgumentParser(
        prog="python -m unappeal_training.gate", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--full", action="store_true", help="cross-validate anew on the real pages")
    parser.add_argument("--update", action="store_true", help="pin what is measured, where it is not lower")
    parser.add_argument("--allow-regression", action="store_true", help="with --update: lower floors too")
    parser.add_argument("--jobs", type=int, default=2, help="threads of --full (default: 2)")
    parser.add_argument("--folder", type=Path, default=QUALITY_DIR, help="where floors and predictions are kept")
    args = parser.parse_args(argv)
    if args.allow_regression and not args.update:
        parser.error("--allow-regression goes with --update")
    try:
        _run(args)
    except GateError as exc:
        print(f"gate: {exc}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _run(args: argparse.Namespace) -> None:
    figures, folds = full_figures(args.jobs) if args.full else quick_figures(args.folder)
    floors = read_floors(args.folder / FLOORS)
    for name, estimate in sorted(figures.items()):
        pinned = floors.floors.get(name) if floors is not None else None
        print(f"{name:56} {estimate!s:>12}  floor {'–' if pinned is None else f'{100 * pinned.floor:.1f}'}")  # noqa: T201
    if args.update:
        fresh = updated(floors, figures, folds.hashes, args.allow_regression)
        if args.full:
            save_folds(folds, args.folder / FOLDS)
        write_floors(fresh, args.folder / FLOORS)
    elif floors is None:
        raise GateError("no floors are pinned yet: run with --full --update")
    else:
        check(floors, figures, current_hashes(folds))


def current_hashes(folds: Folds) -> dict[str, str]:
    """Give the hashes of the data as it is now; of the pages only where they are at hand, else those of the folds."""
    hashes = {**folds.hashes, **data_hashes({"authored": read_authored()})}
    if PAGES_FILE.exists():
        hashes |= data_hashes({"pages": read_pages(PAGES_FILE)})
    return hashes


def _fallen(floors: Floors, figures: Figures) -> list[str]:
    lines = []
    for name, pinned in floors.floors.items():
        now = figures.get(name)
        if now is None or not now.value >= pinned.floor:
            value = "not measured" if now is None else f"{100 * now.value:.2f}"
            lines.append(f"{name}: {value}, floor {100 * pinned.floor:.2f} (was {100 * pinned.measured:.2f})")
    return lines


def _floor_of(estimate: Estimate) -> float:
    if not math.isfinite(estimate.value):
        raise GateError(f"a figure is {estimate.value}: nothing to pin")
    deviation = estimate.deviation if math.isfinite(estimate.deviation) else 0.0
    return math.floor(1000 * max(0.0, estimate.value - deviation)) / 1000


def _authored_figures(name: str, sample: Sample, authored: Flags, hard: Flags, gone: Flags) -> dict[str, Estimate]:
    """Give what is kept and removed of the authored documents at the default operating point."""
    body, appeal = sample.labels == BODY, sample.labels == APPEAL
    parts = {
        "story of hard negatives kept": (authored & hard & body, ~gone),
        "story kept": (authored & body, ~gone),
        "appeals removed": (authored & appeal, gone),
        "noise removed": (authored & ~body & (sample.labels >= 0), gone),
    }
    return {
        f"authored, {name}: {part}": _share(good[rows], sample.site[rows])
        for part, (rows, good) in parts.items()
        if rows.any()
    }


def _kept_as_promised(folds: Folds, rows: Flags) -> Estimate:
    """Give the share of the story kept with thresholds that lose `PROMISED` on the other folds."""
    sample = folds.sample
    body = sample.chars * (sample.labels == BODY).astype(np.float64)
    kept = rows & (sample.labels == BODY)
    good = np.zeros(len(sample), dtype=bool)
    for k in np.unique(folds.fold[rows]):
        others = rows & (folds.fold != k)
        if others.any():
            threshold = threshold_at_loss(sample.margin[others], body[others], PROMISED)
            good |= (folds.fold == k) & (sample.margin <= threshold)
    return _share(good[kept], sample.site[kept], body[kept])


def _share(good: Flags, site: npt.NDArray[np.int64], weight: npt.NDArray[np.float64] | None = None) -> Estimate:
    """Give a weighted share, ± by drawing sites anew."""
    weight = np.ones(len(good)) if weight is None else weight
    number = np.unique(site, return_inverse=True)[1]
    n_sites = int(number.max()) + 1
    hits, total = np.bincount(number, weights=good * weight), np.bincount(number, weights=weight)
    generator = np.random.default_rng(1)
    draws = [np.bincount(generator.integers(0, n_sites, n_sites), minlength=n_sites) for _ in range(N_BOOTSTRAP)]
    drawn = [float(hits @ draw) / max(float(total @ draw), 1.0) for draw in draws]
    return Estimate(float(hits.sum() / total.sum()), float(np.std(drawn)))


def _renumbered(sample: Sample, rows: Flags) -> Sample:
    part: Any = sample.part(rows)
    return Sample(part.margin, part.scores, part.labels, part.chars, np.unique(part.site, return_inverse=True)[1])


if __name__ == "__main__":
    sys.exit(main())
