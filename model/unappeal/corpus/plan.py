"""From inputs and ``-o`` to targets: which shards go into which file, and what stands in the way."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unappeal.corpus.base import Shard
from unappeal.corpus.compression import Compression
from unappeal.corpus.formats import KNOWN, compression_of, format_named, format_of, renamed
from unappeal.corpus.output import STDOUT, check_writable, is_special
from unappeal.corpus.remote import is_remote
from unappeal.corpus.sources import STDIN
from unappeal.errors import UnappealError

STATE_FOLDER = ".unappeal"
"""Folder below an output folder for done-markers, bad records and the summary."""

RUN_SUMMARY = "run.json"
"""Name of the summary in the state folder."""


class PlanError(UnappealError):
    """Inputs and outputs do not go together."""


@dataclass(frozen=True, slots=True)
class Target:
    """A file to be written and the shards that go into it; paths are None for what is not wanted.

    ``bad`` keeps the bad records' lines, ``marker`` says that the file is done.
    """

    shards: tuple[Shard, ...]
    output: str
    format: str
    rejects: str | None = None
    bad: str | None = None
    marker: str | None = None

    @property
    def compression(self) -> Compression:
        """The compression of the output."""
        return compression_of(self.output)

    def files(self) -> list[str]:
        """Give the files that the target writes."""
        return [path for path in (self.output, self.rejects) if path is not None and path != STDOUT]


def is_folder_run(output: str, inputs: Sequence[str]) -> bool:
    """Tell whether ``-o`` names a folder that takes one shard for each input shard."""
    if output == STDOUT or is_special(Path(output)):
        return False
    if output.endswith(("/", os.sep)) or Path(output).is_dir():
        return True
    return format_of(output) is None and (len(inputs) > 1 or not Path(inputs[0]).is_file())


def plan(
    shards: Sequence[Shard],
    output: str,
    *,
    folder: bool,
    format_name: str | None = None,
    with_fields: bool = False,
    rejects: str | None = None,
    bad: str | None = None,
) -> list[Target]:
    """Say what is to be written; PlanError, before any work, for all that cannot be.

    ``format_name`` overrides the format that the output's suffix tells, or that is kept; ``with_fields`` keeps none
    without fields. ``rejects`` is a file or, with
    ``folder``, a folder; ``bad`` is a file, which with ``folder`` is left to the caller: each target keeps its own.
    """
    if folder:
        targets = [_of_shard(shard, output, format_name or _kept(shard, with_fields), rejects) for shard in shards]
    else:
        targets = [_of_all(tuple(shards), output, format_name, with_fields, rejects, bad)]
    check_no_input([path for each in targets for path in (each.output, each.rejects)], shards)
    _check_apart(targets)
    check_writable([path for target in targets for path in target.files()])
    return targets


def check_no_input(paths: Iterable[str | None], shards: Sequence[Shard]) -> None:
    """Refuse files to be written that are also read."""
    inputs = {os.path.realpath(shard.path) for shard in shards if shard.path != STDIN}
    for path in paths:
        if path is not None and path != STDOUT and os.path.realpath(path) in inputs and not is_special(Path(path)):
            raise PlanError(f"{path}: the output is also an input: give another name or folder")


def joined(folder: str, name: str) -> str:
    """Give the path or address of a name below a folder."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder) / name)


def _kept(shard: Shard, with_fields: bool) -> str:
    kept = format_named(shard.format).written_as
    return "jsonl" if with_fields and kept == "txt" else kept


def _of_shard(shard: Shard, output: str, written_as: str, rejects: str | None) -> Target:
    name = renamed(shard.name, shard.format, written_as)
    state = joined(output, f"{STATE_FOLDER}/{name}")
    return Target(
        (shard,),
        joined(output, name),
        written_as,
        None if rejects is None else joined(rejects, renamed(shard.name, shard.format, "jsonl")),
        f"{state}.bad.jsonl",
        f"{state}.json" if shard.path != STDIN else None,
    )


def _of_all(
    shards: tuple[Shard, ...],
    output: str,
    format_name: str | None,
    with_fields: bool,
    rejects: str | None,
    bad: str | None,
) -> Target:
    several = len(shards) > 1
    kept = _kept(shards[0], with_fields)
    if output == STDOUT or is_special(Path(output)):
        mixed = len({shard.format for shard in shards}) > 1 or (several and kept == "txt")
        written_as = format_name or ("jsonl" if mixed else kept)
    else:
        written_as = format_name or format_of(output) or ""
        if not written_as:
            raise PlanError(f"{output}: its suffix tells no format: known are {KNOWN}; or end it in / for a folder")
    if written_as == "txt" and (several or with_fields or any(shard.format != "txt" for shard in shards)):
        raise PlanError(
            f"{output}: a text file takes one text file's document, nothing else: give a .jsonl file or a folder"
        )
    return Target(shards, output, written_as, rejects, bad)


def _check_apart(targets: Sequence[Target]) -> None:
    writers: dict[str, Shard] = {}
    for target in targets:
        for path in map(os.path.realpath, target.files()):
            for shard in target.shards[:1]:
                if path in writers:
                    raise PlanError(
                        f"{path}: both {writers[path].path} and {shard.path} would be written to it: "
                        "give the folder that holds both, or run them apart"
                    )
                writers[path] = shard
