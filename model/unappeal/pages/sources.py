"""Reading the documents that a page is made of."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from unappeal.corpus.base import Shard
from unappeal.corpus.formats import format_named
from unappeal.corpus.records import BadRecord, Keys
from unappeal.corpus.sources import find_shards, open_shard
from unappeal.pages.documents import SourceDocument, describe


class Record(NamedTuple):
    """A record as it was read: ``row`` has all its fields."""

    shard: Shard
    id: str
    text: str
    row: dict[str, Any]


def read_documents(
    inputs: Sequence[str], keys: Keys, bad: list[BadRecord], input_format: str | None = None
) -> Iterator[SourceDocument]:
    """Read documents; parameters as for `read_records`."""
    for record in read_records(inputs, keys, bad, input_format):
        yield SourceDocument(record.id, record.text, path=record.shard.path, **describe(record.row))


def read_records(
    inputs: Sequence[str], keys: Keys, bad: list[BadRecord], input_format: str | None = None
) -> Iterator[Record]:
    """Read records from files, folders, globs and standard input, in order; what cannot be read goes to ``bad``.

    Raises InputError for an input that is not there.
    """
    for shard in find_shards(inputs, input_format):
        kind = format_named(shard.format)
        with open_shard(shard) as stream:
            for chunk in kind.chunks(shard, stream):
                records = kind.parse(shard, chunk, keys)
                bad.extend(records.bad)
                rows = records.rows(records.texts)
                for name, text, row in zip(records.ids(), records.texts, rows, strict=True):
                    yield Record(shard, str(name), text, row)
