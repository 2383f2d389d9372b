"""From labelled documents to a classifier with its curve: what `unappeal train` does between reading and saving."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
from joblib import Parallel, delayed

from unappeal.classifier import ParagraphClassifier
from unappeal.context import F32, agreed, softmax
from unappeal.labels import BODY
from unappeal.operating_point import OperatingPoint
from unappeal_training.assemble import calibrated, calibration, slotted, untrained
from unappeal_training.char_tables import build_char_tables
from unappeal_training.crossfit import (
    N_FOLDS,
    FittedModel,
    cross_fit,
    fit_fold,
    judged_together,
    rows_without,
    site_folds,
)
from unappeal_training.dataset import LabelledDocument
from unappeal_training.features import Table, build_table
from unappeal_training.fit import FitSettings, fit_words
from unappeal_training.lexicon import Lexicon, hash_lexicon
from unappeal_training.measures import Sample, threshold_at_loss

LEVELS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05)
DEFAULT_LEVEL = 0.001
APPEAL_GAIN, LENGTH_EXPONENT = 7.0, 0.7
"""An appeal is worth seven other blocks: it is what misleads, and there is one to some twenty of the others."""

VIEW_SLACK = 1.2
"""How many times the promised loss one way of extracting pages may lose; it is the whole text of pages that does."""

PROBES = (
    ("Support us today.", "Donate now", "The minister said on Monday that prices had risen by 3.5 %."),
    ("Прочитайте також", "Підтримайте редакцію", "Суд у Києві оголосив вирок у справі про підкуп."),
    ("支持我們", "訂閱電子報"),
    ("",),
)


@dataclass(frozen=True, slots=True)
class CrossFitted:
    """Held-out predictions for every block of a table: calibrated ``scores`` ``(n, 3)``, and the calibration used."""

    table: Table
    fold: npt.NDArray[np.int64]
    reader: F32
    logits: F32
    scores: F32
    factor: float
    bias: npt.NDArray[np.float64]

    def rows(self, view: str, read_pages_only: bool = True) -> npt.NDArray[np.bool_]:
        """Tell which labelled blocks belong to a view, of the pages read block by block only unless told otherwise."""
        read = {d.group for d in self.table.documents if d.trusted}
        chosen = [d.view == view and (d.group in read or not read_pages_only) for d in self.table.documents]
        return np.array(chosen, dtype=bool)[self.table.document] & (self.table.labels >= 0)

    def sample(self, rows: npt.NDArray[np.bool_], scores: F32 | None = None) -> Sample:
        """Give some blocks with their held-out margins."""
        scores = self.scores if scores is None else scores
        point = OperatingPoint((1.0,), (0.0,), 1.0, APPEAL_GAIN, LENGTH_EXPONENT)
        site = np.unique([d.site for d in self.table.documents], return_inverse=True)[1][self.table.document][rows]
        margin = point.margin(scores[rows], self.table.evidence.chars[rows]).astype(np.float64)
        number = np.unique(site, return_inverse=True)[1]
        return Sample(margin, scores[rows], self.table.labels[rows], self.table.evidence.chars[rows], number)


def cross_fitted(documents: Sequence[LabelledDocument], settings: FitSettings, n_jobs: int = 2) -> CrossFitted:
    """Predict every document by a model that saw neither its site nor its longer blocks."""
    tables, lexicon = _tables_and_lexicon()
    table = build_table(documents, untrained(tables, lexicon))
    fold = site_folds([d.site for d in documents])
    reader, logits = cross_fit(table, fold, settings, n_jobs)
    result = CrossFitted(table, fold, reader, logits, logits, 1.0, np.zeros(3))
    rows = calibration_rows(result)
    factor, bias = calibration(logits[rows].astype(np.float64), table.labels[rows], np.ones(int(rows.sum())))
    first = judged_together(table, np.ones(len(documents), dtype=bool))
    scores = agreed(softmax((logits * factor + bias).astype(np.float32)), first)
    return CrossFitted(table, fold, reader, logits, scores, factor, bias)


def calibration_rows(result: CrossFitted) -> npt.NDArray[np.bool_]:
    """Give the blocks that calibrate: the read pages as extracted, or all there is where there are none."""
    rows = result.rows("resiliparse")
    return rows if rows.any() else result.table.labels >= 0


def curve(result: CrossFitted, views: Sequence[str]) -> tuple[float, ...]:
    """Give the threshold of each of `LEVELS`: what a corpus of all views together needs to keep its body loss.

    No view may lose more than `VIEW_SLACK` times that.
    """
    parts = [rows for view in views if (rows := result.rows(view)).any()] or [result.table.labels >= 0]
    allowed = [(result.sample(np.any(parts, axis=0)), 1.0), *((result.sample(rows), VIEW_SLACK) for rows in parts)]
    thresholds = []
    for level in LEVELS:
        needed = [
            threshold_at_loss(s.margin, (s.chars * (s.labels == BODY)).astype(np.float64), level * slack)
            for s, slack in allowed
        ]
        thresholds.append(max(needed))
    return tuple(float(np.float32(t)) for t in thresholds)


def build_classifier(
    result: CrossFitted,
    settings: FitSettings,
    n_jobs: int = 2,
    views: Sequence[str] = ("resiliparse", "trafilatura", "whole"),
) -> ParagraphClassifier:
    """Fit on everything, with the calibration and curve of the held-out predictions."""
    tables, lexicon = _tables_and_lexicon()
    fitted = _fit_everything(result.table, result.fold, settings, n_jobs)
    used = fitted.words.used
    point = OperatingPoint(LEVELS, curve(result, views), DEFAULT_LEVEL, APPEAL_GAIN, LENGTH_EXPONENT)
    return ParagraphClassifier.from_arrays(
        slotted(tables, lexicon, result.table.keys[used], fitted.words.weights[used], fitted.words.cue_weights),
        fitted.reader,
        calibrated(fitted.judge, result.factor, result.bias),
        point,
        {},
    )


def model_metadata(
    model: ParagraphClassifier, documents: Sequence[LabelledDocument], name: str, version: str
) -> dict[str, Any]:
    """Describe a model for model.json: what it was trained on and what its probes must give."""
    scores = model.predict_proba([list(probe) for probe in PROBES]).astype(float).round(5).tolist()
    probes = []
    for probe in PROBES:
        probes.append({"blocks": list(probe), "scores": scores[: len(probe)]})
        scores = scores[len(probe) :]
    return {
        "name": name,
        "version": version,
        "training": {
            "documents": len(documents),
            "blocks": sum(int((d.labels >= 0).sum()) for d in documents),
            "sources": sorted({d.source for d in documents}),
            "sha256": data_hash(documents),
        },
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
        "probes": probes,
    }


def data_hash(documents: Sequence[LabelledDocument]) -> str:
    """Give the SHA-256 of all texts, labels, weights and shares, in order."""
    digest = hashlib.sha256()
    for document in documents:
        digest.update("\x00".join((document.id, *document.blocks)).encode("utf-8", "surrogatepass"))
        digest.update(document.labels.tobytes() + document.weights.tobytes())
        digest.update(np.float64(document.judge_share).tobytes())
    return digest.hexdigest()


@cache
def _tables_and_lexicon() -> tuple[Any, Lexicon]:
    tables = build_char_tables()
    return tables, hash_lexicon(tables)


def _fit_everything(table: Table, fold: npt.NDArray[np.int64], settings: FitSettings, n_jobs: int) -> FittedModel:
    left_out: list[list[int]] = [[], *([k] for k in range(N_FOLDS))]
    fitted = Parallel(n_jobs, backend="threading")(
        delayed(fit_words)(table, rows_without(table, np.isin(fold, left)), settings) for left in left_out
    )
    words = {left[0] if left else None: weights for left, weights in zip(left_out, fitted, strict=True)}
    return fit_fold(table, fold, None, lambda k: words[k], settings, n_jobs)
