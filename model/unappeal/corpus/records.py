"""Records as they come out of a shard and go back into one, and those that cannot be read."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from unappeal.errors import InputError

MISSING = object()
"""What `locate` gives where a record has no such key."""


class Reason(StrEnum):
    """Why a record was put aside."""

    BROKEN_JSON = "broken JSON"
    INVALID_UTF8 = "invalid UTF-8"
    BROKEN_ROW = "broken row"
    NOT_AN_OBJECT = "not an object"
    NO_TEXT = "no text"
    TEXT_NOT_A_STRING = "text is not a string"
    DAMAGED = "damaged"
    UNREADABLE = "cannot be read"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a record keeps its text and its id; ``metadata.body`` means a key inside another's object.

    ``extractor`` is what makes text of HTML, where that is read.
    """

    text: str = "text"
    id: str = "id"
    extractor: str = "resiliparse"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a shard as bytes; ``line`` is the number of the first, from 1.

    ``damage`` says what is wrong with the file where reading had to stop: ``data`` is then what came of the record
    that was cut off. ``header`` is what a format needs to read a chunk apart from the others.
    """

    line: int
    data: bytes
    damage: str | None = None
    header: bytes = b""


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was put aside: where it stood, why, and its bytes."""

    path: str
    line: int | None
    reason: Reason
    detail: str
    record: bytes

    def __str__(self) -> str:
        return str(InputError(f"{self.reason}: {self.detail}" if self.detail else self.reason, self.path, self.line))

    def as_json(self) -> bytes:
        """Give the line for the side file: the record as it was, in base64 where it is no UTF-8."""
        content: dict[str, Any] = {"path": self.path, "line": self.line, "reason": self.reason, "detail": self.detail}
        try:
            content["record"] = self.record.decode()
        except UnicodeDecodeError:
            content["record_base64"] = base64.b64encode(self.record).decode()
        return json_line(content)


class Field(NamedTuple):
    """One field more for the records of a chunk; a field of that name is replaced."""

    name: str
    values: Sequence[Any]


class Records(ABC):
    """The good records of a chunk, in order, and the bad ones apart."""

    texts: list[str]
    bad: list[BadRecord]

    @abstractmethod
    def ids(self) -> list[Any]:
        """Give each record's id; where it has none, where it stands."""

    @abstractmethod
    def native(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the records with other texts in their own format; what is not changed stays the bytes it was."""

    @abstractmethod
    def rows(self, texts: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Give the records with other texts as dictionaries, for output in another format."""

    def json_lines(self, texts: Sequence[str], field: Field | None = None) -> bytes:
        """Give the records with other texts as lines of JSON."""
        if field is None:
            return b"".join(map(json_line, self.rows(texts)))
        pairs = zip(self.rows(texts), field.values, strict=True)
        return b"".join(json_line({**row, field.name: value}) for row, value in pairs)


def json_line(row: dict[str, Any]) -> bytes:
    """Write one object as a line; what JSON has no type for (decimals, bytes) becomes a string."""
    import orjson  # 30 ms that plain text does without

    return orjson.dumps(row, default=_as_string, option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS)


def _as_string(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def locate(record: dict[str, Any], key: str) -> tuple[tuple[str, ...], Any]:
    """Give the path to a key and its value, `MISSING` where there is none.

    A key with dots in its name is preferred to a path through objects.

    >>> locate({"metadata": {"body": "A"}}, "metadata.body")
    (('metadata', 'body'), 'A')
    """
    if key in record:
        return (key,), record[key]
    path = tuple(key.split("."))
    value: Any = record
    for part in path:
        if type(value) is not dict or part not in value:
            return path, MISSING
        value = value[part]
    return path, value


def replaced(record: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Give a copy of a record with another value at a path that it has."""
    inner = value if len(path) == 1 else replaced(record[path[0]], path[1:], value)
    return {**record, path[0]: inner}


def kind(value: object) -> str:
    """Name a value's type as JSON does, for messages."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")
