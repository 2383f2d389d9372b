"""Running a job over targets: read, hand out, write in order, commit what is whole, count."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Protocol

from unappeal.corpus.base import Shard
from unappeal.corpus.compression import Compression
from unappeal.corpus.formats import compression_of, format_named
from unappeal.corpus.markers import Fingerprint, tally_if_done
from unappeal.corpus.plan import Target
from unappeal.corpus.pool import results
from unappeal.corpus.records import BadRecord, Chunk
from unappeal.corpus.sources import open_shard
from unappeal.corpus.tally import Tally
from unappeal.corpus.work import Job, Outcome, Task
from unappeal.corpus.writing import TargetWriter
from unappeal.errors import InputError, UnappealError


class TooManyBadError(UnappealError):
    """More bad records than ``--max-bad`` allows."""


class Observer(Protocol):
    """Is told what happens while it happens."""

    def read(self, n_bytes: int) -> None:
        """So many bytes of input were read, or are skipped because they are done."""

    def bad(self, record: BadRecord) -> None:
        """A record was put aside."""

    def empty(self, shard: Shard) -> None:
        """A shard has no records."""

    def skipped(self, target: Target, tally: Tally) -> None:
        """A target is done; its bad records, if any, were put aside then."""

    def counted(self, tally: Tally) -> None:
        """A chunk was counted; these are the totals so far."""


@dataclass(frozen=True, slots=True)
class TargetReport:
    """What became of a target: ``status`` is done, skipped or, where its shard could not be read to the end, failed."""

    target: Target
    status: str
    tally: Tally


def run(
    targets: Sequence[Target],
    job: Job,
    observer: Observer,
    *,
    workers: int = 1,
    fingerprint: Fingerprint | None = None,
    max_bad: int | None = None,
) -> Iterator[TargetReport]:
    """Run a job over targets; gives a report for each one as it is committed, in order.

    With a ``fingerprint``, targets that have a marker are skipped where it still holds. Raises `TooManyBadError`
    when more than ``max_bad`` records are bad; then, and whenever the iteration ends early, the target at hand is left
    as it was before.
    """
    return _Runner(targets, job, observer, workers, fingerprint, max_bad).reports()


@dataclass(slots=True)
class _Runner:
    targets: Sequence[Target]
    job: Job
    observer: Observer
    workers: int
    fingerprint: Fingerprint | None
    max_bad: int | None
    total: Tally = field(default_factory=Tally)

    def reports(self) -> Iterator[TargetReport]:
        todo: list[tuple[Target, dict[str, Any] | None]] = []
        for target in self.targets:
            expected = self._expected(target)
            tally = None if expected is None else tally_if_done(target, expected)
            if tally is None:
                todo.append((target, expected))
            else:
                self.observer.skipped(target, tally)
                self._count(tally)
                self.observer.read(sum(max(0, shard.size) for shard in target.shards))
                yield TargetReport(target, "skipped", tally)
        yield from self._work_on(todo)

    def _expected(self, target: Target) -> dict[str, Any] | None:
        if self.fingerprint is None or target.marker is None:
            return None
        return self.fingerprint.of(target.shards[0])

    def _work_on(self, todo: Sequence[tuple[Target, dict[str, Any] | None]]) -> Iterator[TargetReport]:
        with closing(results(self.job, self._tasks([target for target, _ in todo]), self.workers)) as outcomes:
            for target, expected in todo:
                with TargetWriter(target) as writer:
                    for shard in target.shards:
                        self._write_shard(shard, outcomes, writer)
                    if not writer.failed:
                        writer.commit(expected)
                yield TargetReport(target, "failed" if writer.failed else "done", writer.tally)

    def _write_shard(self, shard: Shard, outcomes: Iterator[tuple[Task, Outcome]], writer: TargetWriter) -> None:
        n_records = 0
        for task, outcome in outcomes:
            for record in outcome.bad:
                self.observer.bad(record)
            writer.add(task, outcome)
            self._count(outcome.tally)
            n_records += outcome.tally.documents + outcome.tally.bad.total()
            if task.chunk is None:
                break
        if not n_records:
            self.observer.empty(shard)

    def _count(self, tally: Tally) -> None:
        self.total.add(tally)
        n_bad = self.total.bad.total()
        if self.max_bad is not None and n_bad > self.max_bad:
            raise TooManyBadError(f"stopped after {n_bad} bad records: --max-bad allows {self.max_bad}")
        self.observer.counted(self.total)

    def _tasks(self, targets: Sequence[Target]) -> Iterator[Task]:
        for target in targets:
            rejects_compression = "" if target.rejects is None else compression_of(target.rejects)
            for shard in target.shards:
                task = Task(shard, None, *_encoding(target, shard), rejects_compression)
                try:
                    for chunk in self._chunks(shard):
                        yield task._replace(chunk=chunk)
                except OSError as exc:
                    yield task._replace(failure=exc.strerror or str(exc))
                except InputError as exc:
                    yield task._replace(failure=exc.message)
                else:
                    yield task

    def _chunks(self, shard: Shard) -> Iterator[Chunk]:
        with open_shard(shard) as stream:
            read = 0
            for chunk in format_named(shard.format).chunks(shard, stream):
                yield chunk
                if shard.size > 0 and stream.tell() > read:
                    self.observer.read(stream.tell() - read)
                    read = stream.tell()
            self.observer.read(max(0, shard.size - read))


def _encoding(target: Target, shard: Shard) -> tuple[bool, Compression]:
    """Tell whether workers are to give lines of JSON, and how to compress what they give.

    A table of several shards has one header, so that its rows come as JSON; what the encoder has to turn into
    another format cannot be compressed before.
    """
    as_json = target.format != shard.format or (len(target.shards) > 1 and target.format in ("csv", "tsv"))
    return as_json, "" if as_json and target.format != "jsonl" else target.compression
