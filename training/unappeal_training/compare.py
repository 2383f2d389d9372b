"""Is one model better than another on the same blocks? Paired bootstrap over sites, one plain sentence."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from unappeal.classifier import ParagraphClassifier
from unappeal.labels import APPEAL, BODY, LABELS
from unappeal_training.dataset import LabelledDocument
from unappeal_training.measures import LOSSES, Estimate, Measures, Sample, measure

COMPARED_LOSSES = LOSSES[:3]
"""Body losses at which two models are compared: 0.1, 0.2 and 0.5 %."""

SURE = 0.8
"""A block counts as contradicted where the other model is surer than this of another label, and the new one agrees."""

MAX_CONTRADICTED = 0.1
MIN_CONTRADICTED = 10
"""Labels of which more are contradicted are wrong: of right ones it is 0 to 7 %, with 30 % shuffled 14 to 27 %."""

N_BOOTSTRAP = 200
CONFIDENCE = 0.95

Verdict = Literal["better", "worse", "not distinguishable"]
VERDICT_WORD: dict[Verdict, str] = {"better": " than", "worse": " than", "not distinguishable": " from"}


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more one model removes than another; ``low`` and ``high`` bound it with `CONFIDENCE`."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> Verdict:
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "not distinguishable"

    def __str__(self) -> str:
        return f"{100 * self.value:+.1f} ({100 * self.low:+.1f} to {100 * self.high:+.1f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on the same blocks.

    ``noise`` and ``appeals`` have one difference for each of `COMPARED_LOSSES`; ``overall`` is the mean over these of
    both (of noise alone where there are no appeals). ``f1`` is the difference of the mean F1 of the labels: where
    labels are wrong, a few of them use up the body loss and no model removes anything, but F1 still tells models apart.
    """

    new: Measures
    old: Measures
    noise: list[Difference]
    appeals: list[Difference]
    overall: Difference
    f1: Difference

    @property
    def verdict(self) -> Verdict:
        """Follow what is removed; where that cannot tell, a worse F1 is worse."""
        if self.overall.verdict == "not distinguishable" and self.f1.verdict == "worse":
            return "worse"
        return self.overall.verdict


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Blocks to whose label two models object, though one of them saw the labels of the other blocks.

    ``rows`` are their places in the sample, ``said`` what the models say; ``share`` is of all blocks on which the
    models agree and the other one is sure.
    """

    rows: npt.NDArray[np.int64]
    said: npt.NDArray[np.int64]
    share: float

    @property
    def too_many(self) -> bool:
        """Whether the labels must be wrong: then neither model can be judged by them."""
        return self.share > MAX_CONTRADICTED and len(self.rows) >= MIN_CONTRADICTED


def contradiction(new: Sample, old: Sample) -> Contradiction:
    """Find the blocks to whose label both models object; ``new`` are held-out predictions for the same blocks."""
    said = old.scores.argmax(axis=1)
    agreed = (new.scores.argmax(axis=1) == said) & (old.scores.max(axis=1) > SURE)
    rows = np.flatnonzero(agreed & (said != old.labels))
    return Contradiction(rows, said[rows], len(rows) / max(int(agreed.sum()), 1))


def sample_of(model: ParagraphClassifier, documents: Sequence[LabelledDocument]) -> Sample:
    """Give the labelled blocks of documents with a model's predictions."""
    scores = model.predict_proba([list(d.blocks) for d in documents])
    labels = np.concatenate([d.labels for d in documents])
    chars = np.array([len(block) for d in documents for block in d.blocks], dtype=np.int64)
    rows = labels >= 0
    margin = model.operating_point_.margin(scores[rows], chars[rows]).astype(np.float64)
    site = np.repeat(_numbers([d.site for d in documents]), [len(d.blocks) for d in documents])[rows]
    return Sample(margin, scores[rows], labels[rows], chars[rows], np.unique(site, return_inverse=True)[1])


def compare(new: Sample, old: Sample, n_bootstrap: int = N_BOOTSTRAP, seed: int = 1) -> Comparison | None:
    """Compare predictions for the same blocks in the same order; None where they hold no story or no noise.

    Every draw of sites is measured for both, thresholds found anew.
    """
    if len(new) != len(old) or not (new.labels == old.labels).all():
        raise ValueError(f"the samples must hold the same blocks: {len(new)} and {len(old)} are not")
    if not (new.labels == BODY).any() or not (new.labels != BODY).any():
        return None
    present = np.array([(new.labels == number).any() for number in range(len(LABELS))])
    draws = [np.arange(len(new)), *_draws(new, n_bootstrap, seed)]
    table = np.array([_figures(new, rows, present) - _figures(old, rows, present) for rows in draws])
    n = len(COMPARED_LOSSES)
    noise, appeals = ([_difference(table[:, k + i]) for i in range(n)] for k in (0, n))
    kinds = 2 * n if (new.labels == APPEAL).any() else n
    overall, f1 = _difference(np.nanmean(table[:, :kinds], axis=1)), _difference(table[:, -1])
    return Comparison(measured_quietly(new), measured_quietly(old), noise, appeals, overall, f1)


def unpaired(new: Sequence[Estimate], old: Sequence[Estimate]) -> Difference:
    """Compare figures measured apart, their deviations taken as independent, by the mean over the figures."""
    value = float(np.mean([n.value - o.value for n, o in zip(new, old, strict=True)]))
    deviation = float(np.mean([np.hypot(n.deviation, o.deviation) for n, o in zip(new, old, strict=True)]))
    return Difference(value, value - 1.96 * deviation, value + 1.96 * deviation)


def measured_quietly(sample: Sample, n_bootstrap: int = N_BOOTSTRAP) -> Measures:
    """Measure a sample that may hold no appeals; their shares are NaN then."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return measure(sample, n_bootstrap)


def _draws(sample: Sample, n: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Draw sites anew; draws without a block of the story or of noise say nothing and are drawn again."""
    generator = np.random.default_rng(seed)
    n_sites = int(sample.site.max()) + 1
    rows_of = [np.flatnonzero(sample.site == k) for k in range(n_sites)]
    draws: list[npt.NDArray[np.int64]] = []
    while len(draws) < n:
        rows = np.concatenate([rows_of[k] for k in generator.integers(0, n_sites, n_sites)])
        body = sample.labels[rows] == BODY
        if body.any() and not body.all():
            draws.append(rows)
    return draws


def _figures(sample: Sample, rows: npt.NDArray[np.int64], present: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Give noise and appeals removed at each of `COMPARED_LOSSES`, then the mean F1 of the labels that are present."""
    fields = (sample.margin, sample.scores, sample.labels, sample.chars, sample.site)
    measured = measured_quietly(Sample(*(field[rows] for field in fields)), 1)  # type: ignore[arg-type]
    n = len(COMPARED_LOSSES)
    removed = [e.value for e in (*measured.noise[:n], *measured.appeals[:n])]
    return np.array([*removed, np.mean([e.value for e in measured.f1], where=present)])


def _difference(values: npt.NDArray[np.float64]) -> Difference:
    """Read value (first) and interval (the rest) of a column; all NaN gives NaN."""
    drawn = values[1:][~np.isnan(values[1:])]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail]) if len(drawn) else (np.nan, np.nan)
    return Difference(float(values[0]), float(low), float(high))


def _numbers(names: Sequence[str]) -> npt.NDArray[np.int64]:
    numbers: npt.NDArray[np.int64] = np.unique(list(names), return_inverse=True)[1]
    return numbers
