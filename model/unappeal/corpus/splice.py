r"""Put another string into a line of JSON and leave every other byte as it was.

Parsing and writing the whole record again would keep its meaning only nearly: integers above 64 bits would turn
into floats, ``1.10`` into ``1.1``, ``\u00e9`` into ``é``, and of two equal keys one would go.

>>> splice(b'{"n": 1.10, "text": "A\\nB"}', ("text",), "A\nB", "A")
b'{"n": 1.10, "text": "A"}'
"""

import json
import re

import orjson

_DECODE = json.JSONDecoder(strict=False, parse_int=str, parse_float=str).raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")
_MAX_SPACE_BYTES = 8


def splice(line: bytes, path: tuple[str, ...], old: str, new: str) -> bytes:
    r"""Give the line with ``new`` where the value at ``path`` is ``old``.

    ``line`` must hold one JSON object that has a string at ``path``. The new string is written with ``\u`` escapes
    where the old one was.
    """
    span = _quick_span(line, path[-1], orjson.dumps(old))
    if span:
        return line[: span[0]] + orjson.dumps(new) + line[span[1] :]
    source = line.decode()
    start, end = _exact_span(source, path)
    escaped = source[start:end].isascii() and not old.isascii()
    return (source[:start] + json.dumps(new, ensure_ascii=escaped) + source[end:]).encode()


def _quick_span(line: bytes, key: str, token: bytes) -> tuple[int, int] | None:
    """Find the string where it can be only one: written as orjson does, once, after a key that stands once."""
    start = line.find(token)
    name = orjson.dumps(key)
    if start < 0 or line.find(token, start + 1) >= 0 or line.count(name) != 1:
        return None
    before = line[max(0, start - len(name) - _MAX_SPACE_BYTES) : start].rstrip()
    if not before.endswith(b":") or not before[:-1].rstrip().endswith(name):
        return None
    return start, start + len(token)


def _exact_span(source: str, path: tuple[str, ...]) -> tuple[int, int]:
    at = _skip(source, 0)
    for key in path:
        at = _value_start(source, at, key)
    return at, _DECODE(source, at)[1]


def _value_start(source: str, at: int, key: str) -> int:
    """Walk the object that opens at ``at``; of equal keys the last counts, as for every parser."""
    found = -1
    at = _skip(source, at + 1)
    while source[at] != "}":
        name, at = _DECODE(source, at)
        at = _skip(source, _skip(source, at) + 1)
        if name == key:
            found = at
        at = _skip(source, _DECODE(source, at)[1])
        if source[at] == ",":
            at = _skip(source, at + 1)
    return found


def _skip(source: str, at: int) -> int:
    return _SPACE.match(source, at).end()  # type: ignore[union-attr]  # it matches the empty string
