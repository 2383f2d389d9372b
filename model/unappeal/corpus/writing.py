"""The files of one target, open side by side: output, rejects, bad records and marker."""

from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from unappeal.corpus.compression import member
from unappeal.corpus.formats import compression_of, format_named
from unappeal.corpus.markers import marker_content
from unappeal.corpus.output import AsideFile, StandardOutput, open_output, remove
from unappeal.corpus.plan import Target
from unappeal.corpus.remote import RemoteFile
from unappeal.corpus.tally import Tally
from unappeal.corpus.work import Outcome, Task


class TargetWriter:
    """Takes outcomes in order; `commit` gives the files their names, all other ways out leave nothing."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.tally = Tally()
        self._stack = ExitStack()
        self._output = self._open(target.output)
        self._encoder = format_named(target.format).encoder(self._output, target.compression)
        self._rejects = None if target.rejects is None else self._open(target.rejects)
        self._bad = None if target.bad is None else self._open(target.bad)
        self._bad_compression = compression_of(target.bad or "")
        self._has_bad = False
        self.failed = False

    def add(self, task: Task, outcome: Outcome) -> None:
        """Write what came of a chunk.

        A shard that cannot be read to its end fails a target of its own; among many it counts as a bad record.
        """
        self.failed |= task.failure is not None and self.target.marker is not None
        if outcome.output:
            self._encoder.add(outcome.output, task.as_json)
        if self._rejects is not None and outcome.rejects:
            self._rejects.write(outcome.rejects)
        self.tally.add(outcome.tally)
        if self._bad is not None and outcome.bad:
            self._has_bad = True
            self._bad.write(member(b"".join(record.as_json() for record in outcome.bad), self._bad_compression))

    def commit(self, fingerprint: dict[str, Any] | None) -> None:
        """Finish all files and give them their names: the output's, then the marker's, last."""
        self._encoder.finish()
        whole = self._output.finish()
        if self._rejects is not None:
            self._rejects.commit()
        self._commit_bad()
        if self.target.marker is None or fingerprint is None:
            self._output.commit()
            return
        marker = self._open(self.target.marker)
        marker.write(marker_content(fingerprint, whole, self.tally))
        marker.finish()
        self._output.commit()
        marker.commit()

    def _commit_bad(self) -> None:
        if self._bad is None or self.target.bad is None:
            return
        if self._has_bad or self.target.marker is None:
            self._bad.commit()
        else:  # a folder of shards keeps no empty files
            remove(self.target.bad)

    def _open(self, path: str) -> AsideFile | StandardOutput | RemoteFile:
        file = open_output(path, compression_of(path))
        self._stack.push(file)
        return file

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
