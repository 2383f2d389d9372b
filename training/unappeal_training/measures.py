"""What is measured: noise removed at a fixed body loss, F1 by label, calibration; each with a bootstrap ±."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from unappeal.labels import APPEAL, BODY

LOSSES = (0.001, 0.002, 0.005, 0.01)
N_BOOTSTRAP = 200

F64 = npt.NDArray[np.float64]


def threshold_at_loss(margin: F64, is_body: npt.NDArray[np.bool_], chars: npt.NDArray[np.int64], loss: float) -> float:
    """Give the lowest threshold at which dropping ``margin > threshold`` loses at most ``loss`` of the body's characters."""
    order = np.argsort(-margin, kind="stable")
    lost = np.cumsum((chars * is_body)[order])
    allowed = loss * max(int((chars * is_body).sum()), 1)
    n = int(np.searchsorted(lost, allowed, side="right"))
    return float(margin[order[n]]) if n < len(order) else float("-inf")


def removed_at_losses(
    margin: F64, labels: npt.NDArray[np.int8], chars: npt.NDArray[np.int64], losses: Sequence[float] = LOSSES
) -> F64:
    """Give the shares of noise blocks and of appeals removed at each body loss, shape ``(n_losses, 2)``."""
    known = labels >= 0
    margin, labels, chars = margin[known], labels[known], chars[known]
    rows = []
    for loss in losses:
        dropped = margin > threshold_at_loss(margin, labels == BODY, chars, loss)
        rows.append((dropped[labels != BODY].mean() if (labels != BODY).any() else np.nan,
                     dropped[labels == APPEAL].mean() if (labels == APPEAL).any() else np.nan))
    return np.array(rows)
