"""The documents that are measured on: real pages where they are, else pages put together from authored blocks."""

import gzip
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import zstandard

from unappeal.blocks import split_batch

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT.parent / "shared" / "examples" / "corpus.jsonl.gz"
FORMATS = (".jsonl", ".jsonl.gz", ".jsonl.zst")
GENERATED_DOCUMENTS = 1500
SEED = 7


@dataclass(frozen=True, slots=True)
class Corpus:
    """Documents as lines of JSON, as texts and as blocks."""

    name: str
    lines: list[bytes]
    texts: list[str]
    blocks: list[str]

    @property
    def megabytes(self) -> float:
        """Size of the texts as UTF-8."""
        return sum(len(text.encode("utf-8", "surrogatepass")) for text in self.texts) / 1e6


def load_corpus(path: Path | None, max_documents: int | None = None, generated: bool = False) -> Corpus:
    """Read a .jsonl or .jsonl.gz file; without one, the example corpus or, where that is absent, generated pages."""
    path = path or (EXAMPLES if EXAMPLES.exists() else None)
    if path is None or generated:
        name, lines = "generated from data/authored", generated_lines(max_documents or GENERATED_DOCUMENTS)
    else:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        name, lines = path.name, data.splitlines()[:max_documents]
    texts = [orjson.loads(line)["text"] for line in lines]
    return Corpus(name, lines, texts, blocks_of(texts))


def generated_lines(n_documents: int) -> list[bytes]:
    """Put pages together: each is two authored documents of a language in a row."""
    records = [
        orjson.loads(line)
        for path in sorted((ROOT / "data" / "authored").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]
    by_language: dict[str, list[list[str]]] = {}
    for record in records:
        by_language.setdefault(record["lang"], []).append([block["text"] for block in record["blocks"]])
    chance = random.Random(SEED)
    lines = []
    for number in range(n_documents):
        language = chance.choice(sorted(by_language))
        blocks = [block for _ in range(2) for block in chance.choice(by_language[language])]
        record = {"id": f"page-{number}", "text": "\n\n".join(blocks), "metadata": {"language": language}}
        lines.append(orjson.dumps(record))
    return lines


def blocks_of(texts: Sequence[str]) -> list[str]:
    """Give the texts of all blocks, on one line each."""
    blocks: list[str] = []
    for text in texts:
        batch = split_batch([text])
        spans = zip(batch.start.tolist(), batch.end.tolist(), strict=True)
        blocks.extend(" ".join(text[start:end].split()) for start, end in spans)
    return blocks


def write_corpus(lines: Iterable[bytes], path: Path, times: int = 1) -> Path:
    """Write the documents, several times over, as the file's suffix says."""
    data = b"".join(line + b"\n" for line in lines) * times
    if path.suffix == ".gz":
        data = gzip.compress(data, 6, mtime=0)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor(level=3).compress(data)
    path.write_bytes(data)
    return path
