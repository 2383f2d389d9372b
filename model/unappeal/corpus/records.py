"""Records as they come out of a shard and go back into one, and those that cannot be read."""

import base64
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from unappeal.errors import InputError

MISSING = object()
"""What `locate` gives where a record has no such key."""


class Reason(StrEnum):
    """Why a record was put aside."""

    BROKEN_JSON = "broken JSON"
    INVALID_UTF8 = "invalid UTF-8"
    NOT_AN_OBJECT = "not an object"
    NO_TEXT = "no text"
    TEXT_NOT_A_STRING = "text is not a string"
    TRUNCATED = "truncated"


@dataclass(frozen=True, slots=True)
class Keys:
    """Where a record keeps its text and its id; ``metadata.body`` means a key inside another's object."""

    text: str = "text"
    id: str = "id"


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a shard as bytes; ``line`` is the number of the first, from 1.

    ``damage`` says what is wrong with the file where reading had to stop: ``data`` is then what came of the record
    that was cut off.
    """

    line: int
    data: bytes
    damage: str | None = None


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
        return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


class Records(ABC):
    """The good records of a chunk, in order, and the bad ones apart."""

    texts: list[str]
    bad: list[BadRecord]

    @abstractmethod
    def ids(self) -> list[Any]:
        """Give each record's id; where it has none, where it stands."""

    @abstractmethod
    def with_texts(self, texts: Sequence[str]) -> bytes:
        """Give the records with other texts; a record whose text is the same comes back as the bytes it was."""

    @abstractmethod
    def with_field(self, name: str, values: Sequence[Any]) -> bytes:
        """Give the records, as JSON lines, with one field more."""


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
