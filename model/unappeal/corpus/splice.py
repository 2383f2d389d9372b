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
_COLON = re.compile(rb'[ \t]*:[ \t]*"')
_BACKSLASH = ord("\\")


def splice(line: bytes, path: tuple[str, ...], old: str, new: str) -> bytes:
    r"""Give the line with ``new`` where the value at ``path`` is ``old``.

    ``line`` must hold one JSON object that has a string at ``path``. The new string is written with ``\u`` escapes
    where the old one was.
    """
    span = _quick_span(line, path[-1], old)
    if span:
        return line[: span[0]] + orjson.dumps(new) + line[span[1] :]
    source = line.decode()
    start, end = _exact_span(source, path)
    escaped = source[start:end].isascii() and not old.isascii()
    return (source[:start] + json.dumps(new, ensure_ascii=escaped) + source[end:]).encode()


def _quick_span(line: bytes, key: str, old: str) -> tuple[int, int] | None:
    """Find the string where it can be only one: the key before it stands once, no key is written in escapes."""
    name = orjson.dumps(key)
    at = line.find(name)
    if at < 0 or line.find(name, at + 1) >= 0:
        return None
    value = _COLON.match(line, at + len(name))
    if value is None:
        return None
    start = value.end() - 1
    end = line.find(b'"', start + 1)
    while end > 0 and _is_escaped(line, end):
        end = line.find(b'"', end + 1)
    if end < 0:
        return None
    if not old.isascii() and line[start : end + 1].isascii():
        return None
    if line.find(b"\\u", 0, start) < 0 and line.find(b"\\u", end) < 0:
        return start, end + 1
    # A key may be written in escapes, and so be found elsewhere only; then its value is there a second time.
    token = line[start : end + 1]
    if orjson.loads(token) != old:
        return None
    return (start, end + 1) if line.find(token) == start and line.find(token, end) < 0 else None


def _is_escaped(line: bytes, at: int) -> bool:
    """Tell whether an odd number of backslashes stands before a place."""
    begin = at
    while line[begin - 1] == _BACKSLASH:
        begin -= 1
    return (at - begin) % 2 == 1


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
