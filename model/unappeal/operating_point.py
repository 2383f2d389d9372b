"""From the story text a user is willing to lose to what is dropped.

A block is dropped when the noise it would remove is worth more than the story it may cost::

    log(P(related) + gain * P(appeal)) - log(P(body)) - exponent * log(characters) > threshold

or, what is the same but for rounding, and cheaper to ask often::

    P(related) + gain * P(appeal) > P(body) * limit,  where limit = exp(threshold) * characters ** exponent

The threshold is read off a curve that was measured on held-out sites. The length stands in it because the bound is
on characters: for the same bound, dropping what costs least removes the most (Neyman-Pearson).
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unappeal.labels import APPEAL, BODY, LABELS, RELATED

MIN_CHARS = 10
"""Shorter blocks count as this long: what stands in one line is lost as one line."""

_TINY = np.float32(1e-7)


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The curve of a model: body loss to threshold.

    ``levels`` are ascending body losses (shares of characters), ``thresholds`` belong to them; ``default`` is the
    level used unless a user sets one; ``appeal_gain`` and ``length_exponent`` stand in the rule of this module.
    """

    levels: tuple[float, ...]
    thresholds: tuple[float, ...]
    default: float
    appeal_gain: float
    length_exponent: float

    def threshold(self, max_body_loss: float | None) -> float:
        """Give the threshold of the highest level not above ``max_body_loss``; infinity where there is none."""
        level = self.level_index(max_body_loss)
        return float("inf") if level is None else self.thresholds[level]

    def level_index(self, max_body_loss: float | None) -> int | None:
        """Give the number of the highest level not above ``max_body_loss``, None where there is none."""
        loss = self.default if max_body_loss is None else max_body_loss
        if not 0 <= loss <= self.levels[-1]:
            raise ValueError(f"max_body_loss must lie between 0 and {self.levels[-1]}, not {loss!r}")
        n_allowed = sum(level <= loss * (1 + 1e-9) for level in self.levels)
        return n_allowed - 1 if n_allowed else None

    def margin(self, scores: npt.NDArray[np.float32], chars: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Give the left side of the rule for every block, shape ``(n_blocks,)``."""
        margin: npt.NDArray[np.float32] = np.log(self._gain(scores)) - np.log(scores[:, BODY] + _TINY)
        return margin - self._cost_of_length(chars)

    def limits(self, chars: npt.NDArray[np.int64], max_body_loss: float | None) -> npt.NDArray[np.float32]:
        """Give how many times its cost a block's gain must be for it to go, shape ``(n_blocks,)``."""
        limits: npt.NDArray[np.float32] = np.exp(
            self._cost_of_length(chars) + np.float32(self.threshold(max_body_loss))
        )
        return limits

    def decide(
        self, scores: npt.NDArray[np.float32], chars: npt.NDArray[np.int64], max_body_loss: float | None
    ) -> npt.NDArray[np.int8]:
        """Give every block's label at the operating point, as column numbers."""
        noise = self._gain(scores) > (scores[:, BODY] + _TINY) * self.limits(chars, max_body_loss)
        kind = np.where(scores[:, APPEAL] > scores[:, RELATED], APPEAL, RELATED)
        return np.where(noise, kind, BODY).astype(np.int8)

    def _gain(self, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        gain: npt.NDArray[np.float32] = scores[:, RELATED] + np.float32(self.appeal_gain) * scores[:, APPEAL] + _TINY
        return gain

    def _cost_of_length(self, chars: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        return np.float32(self.length_exponent) * np.log(np.maximum(chars, MIN_CHARS).astype(np.float32))


def label_mask(drop: Collection[str]) -> npt.NDArray[np.bool_]:
    """Tell for each column of `LABELS` whether its blocks are dropped; ValueError for anything else."""
    names = [drop] if isinstance(drop, str) else list(drop)
    unknown = [name for name in names if name not in (LABELS[APPEAL], LABELS[RELATED])]
    if unknown:
        raise ValueError(f"drop takes 'appeal' and 'related', not {unknown[0]!r}")
    return np.array([label in names for label in LABELS], dtype=bool)
