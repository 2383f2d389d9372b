"""Counting what happened to a shard or a run."""

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import Any, Self

SCORE_DIGITS = 4
"""Decimal places of scores that are kept; counted scores are rounded to them first, so that both tell the same."""

SCORE_BINS = 20


@dataclass(slots=True)
class Tally:
    """Counts of documents, of blocks and their characters by label, and of bad records by reason.

    ``documents`` are the good records, ``changed`` those that lost a block, ``flagged`` those left whole by the
    guard. Characters are code points. ``scores`` counts blocks by label and by the lower edge of the twentieth of 0 to
    1 that the label's score is in: ``body 0.95``.
    """

    documents: int = 0
    changed: int = 0
    flagged: int = 0
    blocks: Counter[str] = field(default_factory=Counter)
    characters: Counter[str] = field(default_factory=Counter)
    removed_blocks: Counter[str] = field(default_factory=Counter)
    removed_characters: Counter[str] = field(default_factory=Counter)
    scores: Counter[str] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Count another tally's things too."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def as_dict(self) -> dict[str, Any]:
        """Give what goes into JSON; `from_dict` reads it."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value if isinstance(value, int) else dict(sorted(value.items())) for name, value in values.items()
        }

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> Self:
        """Read what `as_dict` gave."""
        counts: dict[str, Any] = {name: n if isinstance(n, int) else Counter(n) for name, n in content.items()}
        return cls(**counts)

    def removed_share(self) -> float:
        """Give the share of the blocks' characters that was removed."""
        return sum(self.removed_characters.values()) / max(1, sum(self.characters.values()))

    def lines(self) -> list[str]:
        """Describe the counts for people."""
        counts = (
            ("documents", f"{self.documents:,}", f"changed {self.changed:,}, flagged and left whole {self.flagged:,}"),
            ("blocks", f"{sum(self.blocks.values()):,}", _by_label(self.blocks)),
            ("characters", f"{sum(self.characters.values()):,}", _by_label(self.characters)),
            ("removed blocks", f"{sum(self.removed_blocks.values()):,}", _by_label(self.removed_blocks)),
            ("removed chars", f"{sum(self.removed_characters.values()):,}", _by_label(self.removed_characters)),
            ("bad records", f"{sum(self.bad.values()):,}", _by_label(self.bad)),
        )
        return [f"{name:<15}{count:>15}   {detail}".rstrip() for name, count, detail in counts]


def _by_label(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
