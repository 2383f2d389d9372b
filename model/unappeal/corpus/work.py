"""The unit of work: a chunk goes to a worker, bytes come back."""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from unappeal.corpus.base import Shard
from unappeal.corpus.compression import Compression, member
from unappeal.corpus.formats import format_named
from unappeal.corpus.records import BadRecord, Chunk, Keys, Reason, Records
from unappeal.corpus.tally import Tally


class Task(NamedTuple):
    """A chunk of a shard and how what comes of it is to be written.

    ``chunk`` is None at the end of a shard; ``failure`` then says why it could not be read to its end, and ``last`` is
    true for the last shard of a target.
    """

    shard: Shard
    chunk: Chunk | None
    as_json: bool = False
    compression: Compression = ""
    rejects_compression: Compression = ""
    failure: str | None = None
    last: bool = False


@dataclass(slots=True)
class Outcome:
    """What a job made of a chunk: bytes for the output and for the file of rejects, and the counts."""

    output: bytes = b""
    rejects: bytes = b""
    bad: list[BadRecord] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


class Job(Protocol):
    """What is done to the records of a chunk; it is sent to every worker once."""

    @property
    def keys(self) -> Keys:
        """Where records keep text and id."""

    def __call__(self, records: Records, task: Task) -> Outcome:
        """Do it; bad records are counted elsewhere."""


def work(job: Job, task: Task) -> Outcome:
    """Parse a task's chunk, do the job, compress what can be compressed apart."""
    if task.chunk is None:
        return _end_of_shard(task)
    records = format_named(task.shard.format).parse(task.shard, task.chunk, job.keys)
    nothing = (
        b"" if records.texts or task.as_json else records.native([])
    )  # or the header or schema, where there is one
    outcome = job(records, task) if records.texts else Outcome(nothing)
    _put_aside(outcome, records.bad)
    outcome.output = member(outcome.output, task.compression)
    outcome.rejects = member(outcome.rejects, task.rejects_compression)
    return outcome


def _end_of_shard(task: Task) -> Outcome:
    outcome = Outcome()
    if task.failure is not None:
        _put_aside(outcome, [BadRecord(task.shard.path, None, Reason.UNREADABLE, task.failure, b"")])
    return outcome


def _put_aside(outcome: Outcome, bad: list[BadRecord]) -> None:
    outcome.bad = bad
    outcome.tally.bad.update(str(record.reason) for record in bad)
