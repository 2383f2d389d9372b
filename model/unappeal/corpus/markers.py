"""Done-markers: what a second run may skip, because input, model and options are the same and the output stands.

A marker is written aside before the output gets its name and gets its own name after it. A run that was killed in
between finds the marker still aside with the output it speaks of in place, and takes it for done.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unappeal.corpus.base import Shard
from unappeal.corpus.output import AsideFile, aside_path
from unappeal.corpus.plan import Target
from unappeal.corpus.sources import companion_path
from unappeal.corpus.tally import Tally

MARKER_FORMAT = 1


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
            "companion": self.companion and output_state(Path(companion_path(self.companion, shard))),
        }


def tally_if_done(target: Target, expected: dict[str, Any]) -> Tally | None:
    """Give the counts of a target that is done, None for one that has to be done (again)."""
    if target.marker is None or (target.rejects is not None and not Path(target.rejects).exists()):
        return None
    aside = aside_path(target.marker)
    for path in (target.marker, aside):
        content = _read(path)
        if content is None or content.get("output") != output_state(Path(target.output)):
            continue
        if all(content.get(name) == value for name, value in expected.items()):
            if path == aside:
                aside.replace(target.marker)
            return Tally.from_dict(content["tally"])
    return None


def write_marker(file: AsideFile, expected: dict[str, Any], output: Path, tally: Tally) -> None:
    """Write a marker's content for an output that is whole, under ``output``'s name aside."""
    content = {**expected, "output": output_state(output), "tally": tally.as_dict()}
    file.write(json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n")


def output_state(path: Path) -> dict[str, int] | None:
    """Give an output's size and time; renaming does not change them."""
    try:
        status = path.stat()
    except OSError:
        return None
    return {"size": status.st_size, "mtime_ns": status.st_mtime_ns}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
