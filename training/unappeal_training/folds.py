"""The project's own cross-validation, and what can be asked of it: languages, baselines, ablation, learning curve."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.context import softmax
from unappeal.errors import InputError
from unappeal.labels import APPEAL, BODY
from unappeal.operating_point import OperatingPoint
from unappeal_training.baselines import BASELINES, FASTTEXT_MISSING, cross_predicted, has_fasttext
from unappeal_training.build import APPEAL_GAIN, DEFAULT_LEVEL, LENGTH_EXPONENT, LEVELS, CrossFitted, curve
from unappeal_training.checks import check_folds
from unappeal_training.dataset import VIEWS, LabelledDocument
from unappeal_training.evaluation import (
    Scored,
    calibration_section,
    confusion_section,
    f1_section,
    group_section,
    removed_section,
)
from unappeal_training.fit import FitSettings
from unappeal_training.measures import Measures, Sample, body_loss, body_loss_bound, measure, threshold_at_loss
from unappeal_training.retrain import cross_fitted_quietly, held_out
from unappeal_training.sections import Section, Share

MIN_LANGUAGE_APPEALS = 3
CURVE_SHARES = (0.125, 0.25, 0.5, 1.0)

Say = Callable[[str], None]
Rows = npt.NDArray[np.bool_]


def main_rows(result: CrossFitted) -> tuple[str, Rows]:
    """Give the rows that matter most: read pages as resiliparse extracts them, else authored, else all labelled."""
    for view in ("resiliparse", "authored"):
        if (rows := result.rows(view)).any():
            return view, rows
    return "all", result.table.labels >= 0


def fold_sections(result: CrossFitted) -> list[Section]:
    """Everything about held-out predictions: by view, language and source; promises; hard negatives."""
    view, rows = main_rows(result)
    shown = scored_rows(result, rows)
    measured = held_out(result) or {"all": measure(result.sample(rows))}
    return [
        removed_section(measured, "Held out by site, removed at a fixed body loss, %"),
        f1_section(measured),
        confusion_section(shown.sample.labels, shown.decided),
        promise_section(result, rows, view),
        calibration_section(shown.sample),
        group_section(shown, "language"),
        group_section(shown, "source"),
        negatives_section(result),
    ]


def scored_rows(result: CrossFitted, rows: Rows) -> Scored:
    """Give some held-out blocks with their texts, for groups and wrong blocks."""
    table = result.table
    point = OperatingPoint(LEVELS, curve(result, VIEWS), DEFAULT_LEVEL, APPEAL_GAIN, LENGTH_EXPONENT)
    index = np.flatnonzero(rows)
    owners = [table.documents[i] for i in table.document[index].tolist()]
    within = (index - table.first[table.document[index]]).tolist()
    texts = [d.blocks[j] for d, j in zip(owners, within, strict=True)]
    places = [f"{d.id}:{j + 1}" for d, j in zip(owners, within, strict=True)]
    return Scored(result.sample(rows), point, texts, places, owners)


def promise_section(result: CrossFitted, rows: Rows, view: str) -> Section:
    """What a promise made on four fifths of the sites is worth on the last: threshold there, loss here, five times."""
    whole = result.sample(rows)
    fold = result.fold[result.table.document][rows]
    body = (whole.chars * (whole.labels == BODY)).astype(np.float64)
    table = []
    for level in LEVELS:
        margin = whole.margin.copy()
        for k in np.unique(fold):
            others = fold != k
            margin[fold == k] -= threshold_at_loss(whole.margin[others], body[others], level)
        shifted = replace(whole, margin=margin)
        noise = margin[whole.labels != BODY] > 0
        observed, bound = body_loss(shifted, 0.0), body_loss_bound(shifted, 0.0)
        table.append([str(Share(level)), Share(observed), Share(bound), Share(float(noise.mean()))])
    columns = ("promised body loss", "observed", "upper bound (95 %)", "noise removed")
    note = f"View {view}; thresholds from the other folds; the bound draws sites anew."
    return Section("Promised and observed body loss on held-out sites", columns, table, note)


def negatives_section(result: CrossFitted) -> Section:
    """How much of the story survives in documents that talk about appeals, at the default operating point."""
    hard = np.array([d.hard_negative for d in result.table.documents], dtype=bool)
    rows = hard[result.table.document] & (result.table.labels == BODY)
    if not rows.any():
        return Section("Hard negatives", ("", "story blocks", "kept"), [], "None among these documents.")
    shown = scored_rows(result, rows)
    kept = Share(float((shown.decided == BODY).mean()))
    return Section("Hard negatives", ("", "story blocks", "kept"), [["authored", len(shown.sample), kept]])


def language_section(documents: Sequence[LabelledDocument], settings: FitSettings, n_jobs: int) -> Section:
    """Appeals of authored documents whose language no model saw: folds are made of whole languages."""
    by_language = [replace(d, site=f"language:{d.lang}") for d in documents]
    title, columns = "Languages no model saw, authored documents", ("language", "appeals", "removed", "body lost")
    if (problem := _problem(by_language)) is not None:
        return Section(title, columns, [], f"Left out: {problem}.")
    result = cross_fitted_quietly(by_language, settings, n_jobs)
    authored = [d.view == "authored" for d in result.table.documents]
    rows = np.array(authored, dtype=bool)[result.table.document] & (result.table.labels >= 0)
    shown = scored_rows(result, rows)
    names = np.array([d.lang for d in shown.documents])
    gone = shown.decided != BODY
    appeal, body = shown.sample.labels == APPEAL, shown.sample.labels == BODY
    counts = Counter(names[appeal].tolist())
    table: list[list[Any]] = []
    for name, n in counts.most_common():
        own = names == name
        lost = body_loss(shown.sample.part(own), shown.point.threshold(None)) if (own & body).any() else float("nan")
        table.append([name, n, Share(float(gone[own & appeal].mean())), Share(lost)])
    shares = [row[2].value for row in table if row[1] >= MIN_LANGUAGE_APPEALS]
    mean = Share(float(np.mean(shares)) if shares else float("nan"))
    note = f"Mean over languages with {MIN_LANGUAGE_APPEALS} appeals or more: {mean}."
    return Section(title, columns, table, note)


def baseline_section(result: CrossFitted, say: Say) -> Section:
    """Other classifiers on the same folds and rows, with the same rule for what to drop."""
    view, rows = main_rows(result)
    measured = {"unappeal": measure(result.sample(rows))}
    note = f"View {view}."
    for name, baseline in BASELINES.items():
        if name == "fastText" and not has_fasttext():
            note += f" {FASTTEXT_MISSING}."
            continue
        say(f"baseline {name}")
        measured[name] = measure(result.sample(rows, cross_predicted(result, baseline)))
    return _noted(removed_section(measured, "Baselines, removed at a fixed body loss, %"), note)


def ablation_section(result: CrossFitted, settings: FitSettings, n_jobs: int, say: Say) -> Section:
    """What is lost without the context, the authored documents, other views, or blinding."""
    view, rows = main_rows(result)
    scores = softmax(result.reader)
    measured = {"whole model": measure(result.sample(rows)), "without context": measure(result.sample(rows, scores))}
    documents = result.table.documents
    variants: dict[str, tuple[list[LabelledDocument], FitSettings]] = {
        "without authored documents": (_unweighted(documents, lambda d: d.source == "authored"), settings),
        "without the other views": (_unweighted(documents, lambda d: d.view in VIEWS and d.view != view), settings),
        "without blinding": (documents, replace(settings, blind_share=0.0)),
    }
    notes = [f"View {view}."]
    for name, (chosen, changed) in variants.items():
        if changed == settings and all(a is b for a, b in zip(chosen, documents, strict=True)):
            continue  # there is nothing of the kind to leave out
        if (problem := _problem(chosen)) is not None:
            notes.append(f"{name}: left out, {problem}.")
            continue
        say(f"ablation: {name}")
        measured[name] = _measured(chosen, changed, n_jobs)
    return _noted(removed_section(measured, "Ablation, removed at a fixed body loss, %"), " ".join(notes))


def learning_section(result: CrossFitted, settings: FitSettings, n_jobs: int, say: Say) -> Section:
    """More pages, more removed: training on a share of the real sites, measured on all of them held out."""
    view, rows = main_rows(result)
    documents = result.table.documents
    measured, notes = {}, [f"View {view}."]
    for share in CURVE_SHARES:
        chosen = _unweighted(documents, partial(_beyond, share))
        name = f"{len({d.group for d in chosen if d.view != 'authored' and d.weights.any()})} pages"
        if share == 1:
            measured[name] = measure(result.sample(rows))
        elif (problem := _problem(chosen)) is not None:
            notes.append(f"{name}: left out, {problem}.")
        else:
            say(f"learning curve: {100 * share:g} % of the sites, {name}")
            measured[name] = _measured(chosen, settings, n_jobs)
    return _noted(removed_section(measured, "Learning curve, removed at a fixed body loss, %"), " ".join(notes))


def _beyond(share: float, document: LabelledDocument) -> bool:
    return document.view != "authored" and _rank(document.site) >= share


def _problem(documents: Sequence[LabelledDocument]) -> str | None:
    """Say why documents cannot be cross-fitted, None where they can."""
    try:
        check_folds(documents)
    except InputError as exc:
        return exc.message.split(":")[0]
    return None


def _measured(documents: Sequence[LabelledDocument], settings: FitSettings, n_jobs: int) -> Measures:
    result = cross_fitted_quietly(documents, settings, n_jobs)
    sample: Sample = result.sample(main_rows(result)[1])
    return measure(sample)


def _unweighted(
    documents: Sequence[LabelledDocument], left_out: Callable[[LabelledDocument], bool]
) -> list[LabelledDocument]:
    """Take documents out of training, so that they are still predicted and measured."""
    return [replace(d, weights=d.weights * 0) if left_out(d) else d for d in documents]


def _rank(site: str) -> float:
    """Give a site its place between 0 and 1, the same in every run."""
    return int.from_bytes(hashlib.sha256(f"curve:{site}".encode()).digest()[:4]) / 2**32


def _noted(section: Section, note: str) -> Section:
    return replace(section, note=note)
