"""Labelled blocks as people bring them, before they are checked: one row a block, with the place it came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_PLACES = 20
"""How many places a note keeps of each kind; all are counted."""


class Record(NamedTuple):
    """One record of a file: a CSV or Parquet row, a line of JSON or an item of a JSON array; ``line`` is from 1."""

    values: dict[str, Any]
    path: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"


@dataclass(frozen=True, slots=True)
class LabelRow:
    """A block with the label somebody gave it.

    ``label`` is the name as it stands in the file, None where nobody labelled the block: it is context then.
    ``position`` orders the blocks of a document and need not be dense. ``annotator`` tells apart people who labelled
    the same block; None where the file does not say.
    """

    text: str
    label: str | None
    document: str | None
    position: float | None
    site: str | None
    language: str | None
    path: str
    line: int
    annotator: str | None = None

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def key(self) -> tuple[str, float | None, str]:
        """What makes two rows speak of the same block: document and position, or the text where there is none."""
        if self.document is None:
            return "", None, self.text
        return self.document, self.position, self.text if self.position is None else ""


@dataclass(slots=True)
class Notes:
    """What was left out or settled while reading, by reason: how many, and where the first were."""

    counts: dict[str, int] = field(default_factory=dict)
    places: dict[str, list[str]] = field(default_factory=dict)

    def add(self, reason: str, where: str) -> None:
        self.counts[reason] = self.counts.get(reason, 0) + 1
        places = self.places.setdefault(reason, [])
        if len(places) < MAX_PLACES:
            places.append(where)

    def lines(self, n_places: int = 5) -> list[str]:
        result = []
        for reason, count in self.counts.items():
            first = self.places[reason][:n_places]
            more = ", …" if count > len(first) else ""
            result.append(f"{count} × {reason} ({', '.join(first)}{more})")
        return result


def text_or_none(value: object) -> str | None:
    """Give a cell as text; None where it is missing, empty or not a number (as pandas writes a missing cell)."""
    if value is None or value != value:
        return None
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    return text or None


def first_of(record: Mapping[str, Any], *names: str) -> Any:
    """Give the first of some keys that a record has with a value."""
    for name in names:
        if record.get(name) is not None:
            return record[name]
    return None
