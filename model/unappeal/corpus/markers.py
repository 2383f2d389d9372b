"""Done-markers: what a second run may skip, because input, model and options are the same and the output stands.

A marker is written aside before the output gets its name and gets its own name after it. A run that was killed in
between finds the marker still aside with the output it speaks of in place, and takes it for done.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unappeal.corpus.base import Shard
from unappeal.corpus.output import aside_path, content_of, state_of
from unappeal.corpus.plan import Target
from unappeal.corpus.remote import is_remote
from unappeal.corpus.sources import companion_path
from unappeal.corpus.tally import Tally

MARKER_FORMAT = 2


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a shard's output depends on, apart from the shard: model, options, and a file read along with it."""

    model: str
    options: dict[str, Any]
    companion: str | None = None

    def of(self, shard: Shard) -> dict[str, Any]:
        """Give it together with the shard's size and time."""
        return {
            "marker_format": MARKER_FORMAT,
            "input": {"name": shard.name, "size": shard.size, "mtime_ns": shard.mtime_ns},
            "model": self.model,
            "options": self.options,
            "companion": self.companion and state_of(companion_path(self.companion, shard)),
        }


def tally_if_done(target: Target, expected: dict[str, Any]) -> Tally | None:
    """Give the counts of a target that is done, None for one that has to be done (again)."""
    if target.marker is None or (target.rejects is not None and state_of(target.rejects) is None):
        return None
    places = [target.marker] if is_remote(target.marker) else [target.marker, str(aside_path(Path(target.marker)))]
    for path in places:
        content = _read(path)
        if content is None or content.get("output") != state_of(target.output):
            continue
        if all(content.get(name) == value for name, value in expected.items()):
            if path != target.marker:
                Path(path).replace(target.marker)
            return Tally.from_dict(content["tally"])
    return None


def marker_content(expected: dict[str, Any], output: str, tally: Tally) -> bytes:
    """Give a marker for an output that is whole, under ``output``'s name aside."""
    content = {**expected, "output": state_of(output), "tally": tally.as_dict()}
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _read(path: str) -> dict[str, Any] | None:
    try:
        content = json.loads(content_of(path) or b"")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None
