"""What is said of one set of predictions: figures, groups, confusion, calibration, promises, wrong blocks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.classifier import ParagraphClassifier
from unappeal.labels import APPEAL, BODY, LABELS, RELATED
from unappeal.operating_point import OperatingPoint
from unappeal_training.compare import COMPARED_LOSSES, VERDICT_WORD, compare, measured_quietly, sample_of
from unappeal_training.dataset import LabelledDocument
from unappeal_training.groups import grouped
from unappeal_training.measures import (
    LOSSES,
    Measures,
    Sample,
    body_loss,
    body_loss_bound,
    calibration_error,
    confusion,
)
from unappeal_training.sections import Section, Share

MAX_GROUPS = 40
MAX_TEXT = 80
LOSS_COLUMNS = tuple(f"{kind} {100 * loss:g} %" for kind in ("noise", "appeals") for loss in LOSSES)


@dataclass(frozen=True, slots=True)
class Scored:
    """Labelled blocks with predictions, and what is known of each: one entry a row of ``sample``."""

    sample: Sample
    point: OperatingPoint
    texts: list[str]
    places: list[str]
    documents: list[LabelledDocument]

    @property
    def decided(self) -> npt.NDArray[np.int8]:
        """The label that `unappeal filter` would give at the default."""
        noise = self.sample.margin > self.point.threshold(None)
        kind = np.where(self.sample.scores[:, APPEAL] > self.sample.scores[:, RELATED], APPEAL, RELATED)
        return np.where(noise, kind, BODY).astype(np.int8)


def scored(
    model: ParagraphClassifier, documents: Sequence[LabelledDocument], places: Sequence[Sequence[str]]
) -> Scored:
    """Predict labelled documents; ``places[i][j]`` says where block ``j`` of document ``i`` stands in its file.

    ± is over sites, or over documents where there are few sites.
    """
    rows = [(d, j) for d in documents for j in np.flatnonzero(d.labels >= 0).tolist()]
    where = [places[i][j] for i, d in enumerate(documents) for j in np.flatnonzero(d.labels >= 0).tolist()]
    texts = [d.blocks[j] for d, j in rows]
    sample = sample_of(model, grouped(documents, []).documents)
    return Scored(sample, model.operating_point_, texts, where, [d for d, _ in rows])


def removed_row(name: str, measures: Measures) -> list[Any]:
    return [name, measures.n_blocks, measures.n_appeals, *measures.noise, *measures.appeals]


def removed_section(measured: dict[str, Measures], title: str = "Removed at a fixed body loss, %") -> Section:
    """One row a name: shares of noise blocks and of appeals removed at each of `LOSSES`, ± over sites."""
    return Section(
        title, ("", "blocks", "appeals", *LOSS_COLUMNS), [removed_row(name, m) for name, m in measured.items()]
    )


def f1_section(measured: dict[str, Measures]) -> Section:
    rows = [[name, *m.f1] for name, m in measured.items()]
    return Section("F1 of the most probable label, %", ("", *map(str, LABELS)), rows)


def overview(scored: Scored, name: str) -> list[Section]:
    """Everything about one model on one set of labels."""
    measured = {name: measured_quietly(scored.sample)}
    return [
        removed_section(measured),
        f1_section(measured),
        confusion_section(scored.sample.labels, scored.decided),
        promised_section(scored),
        calibration_section(scored.sample),
        group_section(scored, "site"),
        group_section(scored, "language"),
        group_section(scored, "source"),
    ]


def confusion_section(labels: npt.NDArray[np.int8], decided: npt.NDArray[np.int8]) -> Section:
    table = confusion(labels, decided)
    rows = [[str(label), *map(int, counts)] for label, counts in zip(LABELS, table, strict=True)]
    title = "Confusion at the default operating point, blocks"
    return Section(title, ("label", *(f"decided {label}" for label in LABELS)), rows)


def promised_section(scored: Scored) -> Section:
    """The body loss that the model promises at each level, and what it is on these blocks."""
    rows = []
    for level, threshold in zip(scored.point.levels, scored.point.thresholds, strict=True):
        noise = scored.sample.margin[scored.sample.labels != BODY] > threshold
        observed = Share(body_loss(scored.sample, threshold))
        rows.append(
            [str(Share(level)), observed, Share(body_loss_bound(scored.sample, threshold)), Share(_mean(noise))]
        )
    columns = ("promised body loss", "observed", "upper bound (95 %)", "noise removed")
    return Section("Promised and observed body loss", columns, rows, "The bound draws sites anew.")


def calibration_section(sample: Sample) -> Section:
    error, bins = calibration_error(sample)
    rows: list[list[Any]] = [[predicted, observed, n] for predicted, observed, n in bins]
    note = f"Expected calibration error: {error:.4f}."
    return Section("Calibration: probability of body", ("mean predicted", "observed share", "blocks"), rows, note)


def group_section(scored: Scored, by: str) -> Section:
    """Figures by site, language or source at the default operating point, the largest groups first."""
    attribute = {"site": "site", "language": "lang", "source": "source"}[by]
    names = np.array([getattr(d, attribute) or "–" for d in scored.documents])
    threshold = scored.point.threshold(None)
    largest = Counter(names.tolist()).most_common(MAX_GROUPS)
    rows = [_group_row(name, scored.sample.part(names == name), threshold) for name, _ in largest]
    left = len(set(names.tolist())) - len(largest)
    promised = Share(scored.point.default)
    note = f"Dropped at the model's default operating point (promised body loss {promised})." + (
        f" {left} smaller groups are not shown." if left else ""
    )
    columns = (by, "blocks", "noise removed", "appeals", "appeals removed", "body lost")
    return Section(f"By {by}", columns, rows, note)


def wrong_section(scored: Scored, n: int) -> Section:
    """The blocks on which the model contradicts the label most, surest first."""
    sample, decided = scored.sample, scored.decided
    wrong = np.flatnonzero(decided != sample.labels)
    sure = sample.scores[wrong, decided[wrong]] - sample.scores[wrong, sample.labels[wrong]]
    rows: list[list[Any]] = []
    for i in wrong[np.argsort(-sure, kind="stable")][:n].tolist():
        text = scored.texts[i] if len(scored.texts[i]) <= MAX_TEXT else scored.texts[i][: MAX_TEXT - 1] + "…"
        label, said = LABELS[int(sample.labels[i])], LABELS[int(decided[i])]
        rows.append([scored.places[i], str(label), str(said), float(sample.scores[i, decided[i]]), text])
    note = f"{len(wrong)} of {len(sample)} blocks are decided otherwise than labelled."
    return Section("Wrong blocks, surest first", ("where", "label", "decided", "probability", "text"), rows, note)


def comparison_sections(new: Scored, old: Scored, name: str, other: str) -> list[Section]:
    """Two models on the same blocks, with the paired difference and its verdict."""
    comparison = compare(new.sample, old.sample)
    if comparison is None:
        note = "The labels hold no story or no noise: nothing can be compared."
        return [Section(f"{name} against {other}", ("",), [], note)]
    kinds = (
        ("noise", comparison.new.noise, comparison.old.noise, comparison.noise),
        ("appeals", comparison.new.appeals, comparison.old.appeals, comparison.appeals),
    )
    rows = [
        [f"{kind} at {100 * loss:g} %", ours[i], theirs[i], str(differences[i])]
        for kind, ours, theirs, differences in kinds
        for i, loss in enumerate(COMPARED_LOSSES)
    ]
    verdict = comparison.verdict
    note = (
        f"{name} is {verdict}{VERDICT_WORD[verdict]} {other}: {comparison.overall} points over all, "
        f"mean F1 {comparison.f1}."
    )
    return [Section(f"{name} against {other}, % removed", ("", name, other, "difference (95 %)"), rows, note)]


def _group_row(name: str, part: Sample, threshold: float) -> list[Any]:
    gone = part.margin > threshold
    noise, appeals = part.labels != BODY, part.labels == APPEAL
    lost = Share(body_loss(part, threshold)) if (part.labels == BODY).any() else Share(float("nan"))
    return [name, len(part), Share(_mean(gone[noise])), int(appeals.sum()), Share(_mean(gone[appeals])), lost]


def _mean(values: npt.NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")
