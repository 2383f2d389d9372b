"""Reports as sections, each a table: printed as Markdown, which reads as text, or written as JSON."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unappeal.errors import InputError
from unappeal_training.measures import Estimate

FORMATS = (".md", ".json")


@dataclass(frozen=True, slots=True)
class Share:
    """A share that is printed in per cent."""

    value: float

    def __str__(self) -> str:
        return "–" if self.value != self.value else f"{100 * self.value:.2f} %"


@dataclass(frozen=True, slots=True)
class Section:
    """A table with a title; cells are texts, numbers, `Share` or `Estimate`, each row as long as ``columns``."""

    title: str
    columns: tuple[str, ...]
    rows: list[list[Any]]
    note: str = ""


def markdown(sections: Sequence[Section]) -> str:
    return "\n".join(line for section in sections for line in _lines(section))


def as_json(sections: Sequence[Section]) -> str:
    """Give the sections with unrounded figures: an `Estimate` is ``{"value", "deviation"}``."""
    content = [
        {
            "title": s.title,
            "note": s.note,
            "rows": [dict(zip(s.columns, map(_plain, row), strict=True)) for row in s.rows],
        }
        for s in sections
    ]
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def write(sections: Sequence[Section], path: Path) -> None:
    """Write a report in the format of its suffix; InputError for any other, or where it cannot be written."""
    if path.suffix not in FORMATS:
        raise InputError(
            f"a report is written as {' or '.join(FORMATS)}, not {path.suffix or 'without a suffix'!r}", path
        )
    aside = path.with_name(path.name + ".tmp")
    try:
        aside.write_text(markdown(sections) if path.suffix == ".md" else as_json(sections), encoding="utf-8")
        aside.replace(path)
    except OSError as exc:
        raise InputError(f"cannot be written: {exc.strerror}", path) from exc


def _lines(section: Section) -> list[str]:
    table = [list(section.columns), *([_text(cell) for cell in row] for row in section.rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(section.columns))]
    head, *body = [
        "| "
        + " | ".join(_aligned(cell, width, i) for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in table
    ]
    rule = "|" + "|".join("-" * (w + 1) + ("-" if i == 0 else ":") for i, w in enumerate(widths)) + "|"
    return [f"## {section.title}", "", head, rule, *body, "", *([section.note, ""] if section.note else [])]


def _aligned(cell: str, width: int, column: int) -> str:
    return cell.ljust(width) if column == 0 else cell.rjust(width)


def _text(cell: Any) -> str:
    if isinstance(cell, Estimate) and cell.value != cell.value:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return str(cell).replace("|", "\\|").replace("\n", " ")


def _plain(cell: Any) -> Any:
    if isinstance(cell, Estimate):
        return {"value": _number(cell.value), "deviation": _number(cell.deviation)}
    if isinstance(cell, Share):
        return _number(cell.value)
    return _number(cell) if isinstance(cell, float) else cell


def _number(value: float) -> float | None:
    return None if value != value else value
