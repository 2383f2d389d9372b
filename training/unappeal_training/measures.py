"""What is measured: noise removed at a fixed body loss, F1 by label, calibration; each with a ± over sites."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unappeal.labels import APPEAL, BODY, LABELS

LOSSES = (0.001, 0.002, 0.005, 0.01)
N_BOOTSTRAP = 200
N_BINS = 15

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled blocks with predictions: ``margin`` ``(n,)``, ``scores`` ``(n, 3)``, labels, lengths, site numbers."""

    margin: F64
    scores: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int8]
    chars: I64
    site: I64

    def part(self, rows: Flags) -> "Sample":
        """Give some of the blocks."""
        return Sample(self.margin[rows], self.scores[rows], self.labels[rows], self.chars[rows], self.site[rows])

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its bootstrap standard deviation over sites; prints as ``75.3 ± 1.2``."""

    value: float
    deviation: float

    def __str__(self) -> str:
        return f"{100 * self.value:.1f} ± {100 * self.deviation:.1f}"


@dataclass(frozen=True, slots=True)
class Measures:
    """Figures of one sample: shares of noise blocks and of appeals removed at each of `LOSSES`, F1 by label."""

    n_blocks: int
    n_noise: int
    n_appeals: int
    noise: list[Estimate]
    appeals: list[Estimate]
    f1: list[Estimate]


def threshold_at_loss(margin: F64, body_chars: F64, loss: float) -> float:
    """Give the lowest threshold at which ``margin > threshold`` loses at most ``loss`` of the body's characters."""
    order = np.argsort(-margin, kind="stable")
    lost = np.cumsum(body_chars[order])
    n = int(np.searchsorted(lost, loss * max(float(lost[-1]), 1e-9) * (1 + 1e-12), side="right"))
    return float(margin[order[n]]) if n < len(order) else float(margin.min()) - 1


def measure(sample: Sample, n_bootstrap: int = N_BOOTSTRAP, seed: int = 1) -> Measures:
    """Measure a sample; ± by drawing its sites anew, thresholds found anew each time."""
    draws = [np.ones(len(sample))]
    generator = np.random.default_rng(seed)
    n_sites = int(sample.site.max()) + 1
    for _ in range(n_bootstrap):
        draws.append(
            np.bincount(generator.integers(0, n_sites, n_sites), minlength=n_sites)[sample.site].astype(np.float64)
        )
    order = np.argsort(-sample.margin, kind="stable")
    removed = np.array([_removed(sample, order, weight) for weight in draws])
    f1 = np.array([_f1(sample, weight) for weight in draws])
    labels = sample.labels

    def estimates(values: F64) -> list[Estimate]:
        return [Estimate(float(v), float(d)) for v, d in zip(values[0], np.nanstd(values[1:], axis=0), strict=True)]

    return Measures(
        len(sample),
        int((labels != BODY).sum()),
        int((labels == APPEAL).sum()),
        estimates(removed[:, :, 0]),
        estimates(removed[:, :, 1]),
        estimates(f1),
    )


def body_loss(sample: Sample, threshold: float) -> float:
    """Give the share of the body's characters that a threshold drops."""
    body = sample.chars * (sample.labels == BODY)
    return float(body[sample.margin > threshold].sum() / max(body.sum(), 1))


def body_loss_bound(sample: Sample, threshold: float, n_bootstrap: int = N_BOOTSTRAP, quantile: float = 0.95) -> float:
    """Give an upper confidence bound of `body_loss`, by drawing sites anew."""
    generator = np.random.default_rng(2)
    body = (sample.chars * (sample.labels == BODY)).astype(np.float64)
    n_sites = int(sample.site.max()) + 1
    lost = np.bincount(sample.site, weights=body * (sample.margin > threshold), minlength=n_sites)
    total = np.bincount(sample.site, weights=body, minlength=n_sites)
    draws = [np.bincount(generator.integers(0, n_sites, n_sites), minlength=n_sites) for _ in range(n_bootstrap)]
    return float(np.quantile([float(lost @ d) / max(float(total @ d), 1.0) for d in draws], quantile))


def calibration_error(sample: Sample) -> tuple[float, list[tuple[float, float, int]]]:
    """Give the expected calibration error of P(body), and ``(mean predicted, observed, blocks)`` by bin."""
    predicted = sample.scores[:, BODY].astype(np.float64)
    observed = sample.labels == BODY
    bins = np.minimum((predicted * N_BINS).astype(np.int64), N_BINS - 1)
    rows = []
    for b in range(N_BINS):
        inside = bins == b
        if inside.any():
            rows.append((float(predicted[inside].mean()), float(observed[inside].mean()), int(inside.sum())))
    error = sum(n * abs(p - o) for p, o, n in rows) / max(len(sample), 1)
    return error, rows


def confusion(labels: npt.NDArray[np.int8], decided: npt.NDArray[np.int8]) -> I64:
    """Count blocks by true label (rows) and decision (columns), shape ``(3, 3)``."""
    return np.bincount(labels.astype(np.int64) * len(LABELS) + decided, minlength=len(LABELS) ** 2).reshape(3, 3)


def _removed(sample: Sample, order: I64, weight: F64) -> F64:
    """Give the shares of noise and appeals removed at each of `LOSSES`, shape ``(n_losses, 2)``."""
    labels, weight = sample.labels[order], weight[order]
    lost = np.cumsum(sample.chars[order] * (labels == BODY) * weight)
    result = np.full((len(LOSSES), 2), np.nan)
    for column, wanted in ((0, labels != BODY), (1, labels == APPEAL)):
        gained = np.cumsum(wanted * weight)
        for row, loss in enumerate(LOSSES):
            n = int(np.searchsorted(lost, loss * lost[-1] * (1 + 1e-12), side="right"))
            if gained[-1] > 0:
                result[row, column] = (gained[n - 1] if n else 0.0) / gained[-1]
    return result


def _f1(sample: Sample, weight: F64) -> F64:
    decided = sample.scores.argmax(axis=1)
    table = np.zeros((3, 3))
    np.add.at(table, (sample.labels, decided), weight)
    hits = np.diag(table)
    result: F64 = 2 * hits / np.maximum(table.sum(axis=0) + table.sum(axis=1), 1e-9)
    return result
