"""What the project promises about its speed, as ratios within one run."""

from collections.abc import Sequence
from dataclasses import dataclass

FILE_TARGETS = {".jsonl": 6.0, ".jsonl.gz": 1.5, ".jsonl.zst": 3.0}
MAX_GROWTH, MAX_PEAK_MB = 1.1, 400.0
MAX_UNEVEN = 1.25
MAX_MODEL_MB = 6.0


@dataclass(frozen=True, slots=True)
class Ratio:
    """A measured figure and its target, one of the two bounds."""

    name: str
    value: float
    at_least: float | None = None
    at_most: float | None = None

    @property
    def met(self) -> bool:
        """Whether the target is met."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return self.at_most is None or self.value <= self.at_most

    def __str__(self) -> str:
        bound = f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"
        return f"{self.name:42s} {self.value:8.2f}   target {bound:8s} {'met' if self.met else 'NOT MET'}"


def report(ratios: Sequence[Ratio]) -> str:
    """Give one line a ratio."""
    return "\n".join(map(str, ratios))
