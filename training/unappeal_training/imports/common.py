"""What the imports share: options, and the place of a task in its document."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from unappeal.blocks import Block, split
from unappeal.errors import InputError
from unappeal_training.rows import LabelRow, Notes, Record, text_or_none

COLUMNS = ("text", "label", "document", "position", "site", "language")
"""What a row says; in a file each may have another name."""

Uncovered = Literal["body", "unlabelled"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to read files.

    ``columns`` gives other names for `COLUMNS`. ``question`` is the control or question whose answers are the labels,
    where a tool's project has several. ``uncovered`` says what a block is that no span touches. ``documents`` are
    texts by id, for labels that do not carry the text of their document.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    question: str | None = None
    uncovered: Uncovered = "body"
    documents: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> str:
        return self.columns.get(name, name)

    @property
    def uncovered_label(self) -> str | None:
        return "body" if self.uncovered == "body" else None


class Importer(Protocol):
    """A module that reads one tool's exports."""

    NAME: str

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Tell from a record whether the file is one of this tool's."""

    def rows(self, records: Iterable[Record], options: ImportOptions, notes: Notes) -> Iterator[LabelRow]:
        """Give the labelled blocks; what cannot be used is noted."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task's text belongs, as its other fields say."""

    document: str | None
    position: float | None
    site: str | None
    language: str | None
    path: str
    line: int

    def row(self, text: str, label: str | None, annotator: str | None) -> LabelRow:
        return LabelRow(
            text, label, self.document, self.position, self.site, self.language, self.path, self.line, annotator
        )

    def block_rows(
        self, blocks: Iterable[tuple[Block, str | None]], task: str, annotator: str | None
    ) -> Iterator[LabelRow]:
        """Give the rows of a text of several blocks; its document is the task where no other is named."""
        document = self.document or task
        for i, (block, label) in enumerate(blocks):
            yield LabelRow(
                block.text, label, document, float(i), self.site, self.language, self.path, self.line, annotator
            )


def place_of(record: Record, fields: Mapping[str, Any], options: ImportOptions) -> Place:
    """Read document, position, site and language from a task's fields."""
    return Place(
        text_or_none(fields.get(options.column("document"))),
        position_of(fields.get(options.column("position")), record),
        text_or_none(fields.get(options.column("site"))),
        text_or_none(fields.get(options.column("language"))),
        record.path,
        record.line,
    )


def position_of(value: object, record: Record) -> float | None:
    text = text_or_none(value)
    if text is None:
        return None
    try:
        return float(text)
    except ValueError as exc:
        raise InputError(f"position {text!r} is not a number", record.path, record.line) from exc


def text_of(fields: Mapping[str, Any], record: Record, options: ImportOptions) -> str:
    """Give a task's text; InputError where it has none, or it is no string."""
    name = options.column("text")
    text = fields.get(name)
    if not isinstance(text, str):
        have = ", ".join(sorted(map(str, fields))) or "nothing"
        problem = "no" if name not in fields else f"no string as ({type(text).__name__})"
        raise InputError(
            f"{problem} {name!r}: the fields are {have}; name the text with --column text=FIELD",
            record.path,
            record.line,
        )
    return text


def chosen_rows(place: Place, text: str, label: str, task: str, annotator: str | None) -> Iterator[LabelRow]:
    """Give the rows of a text with one label: one block, or all its blocks where it has several."""
    blocks = split(text)
    if len(blocks) <= 1:
        yield place.row(text.strip() or text, label, annotator)
    else:
        yield from place.block_rows(((block, label) for block in blocks), task, annotator)


def one_label(labels: list[str], notes: Notes, where: str) -> str | None:
    """Give the only label of an answer; none and several are noted."""
    if len(labels) == 1:
        return labels[0]
    notes.add("answer with several labels: left out" if labels else "answer without a label: left out", where)
    return None
