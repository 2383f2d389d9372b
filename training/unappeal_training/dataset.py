"""Labelled documents: the pages of ../shared/real, the authored ones, and what users bring.

Sources of labels differ in trust. Every block carries a weight for training; only blocks of pages read block by
block are ``trusted``, and scores are reported on those first.
"""

import gzip
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.errors import InputError
from unappeal.labels import LABELS

VIEWS = ("resiliparse", "trafilatura", "whole")
UNLABELLED = -1
LABEL_OF_CODE = {"b": 0, "a": 1, "r": 2, "?": UNLABELLED}
CODES = {"body": "b", "appeal": "a", "related": "r"}
KEY_CHARS = 10

REPOSITORY = Path(__file__).resolve().parents[2]
IN_CLONE = (REPOSITORY / "training" / "unappeal_training").is_dir()
DATA_DIR = REPOSITORY / "data" if IN_CLONE else Path(__file__).with_name("data")
"""Authored documents and cue words come with the package; stand-off labels stand only in a clone of the repository."""

SHARED_DIR = REPOSITORY.parent / "shared"

VIEW_WEIGHT = {"resiliparse": 1.0, "trafilatura": 0.7, "whole": 0.3}
READ_WEIGHT = 4.0
"""Blocks of a view that was read block by block count so many times those of one whose labels were aligned."""

ALIGNED_RELATED_WEIGHT = 0.4
"""About one aligned ``related`` in eight within extracted text is a headline, caption or credit of the story."""


FILE_WEIGHT = {"exile-pleas": 24.0}
"""Authored documents that count several times: pleas around a story as this project was begun for, and no page has."""

JUDGE_SHARE = {"news-noise": 0.3, "unusual-asks-english": 0.3, "unusual-asks-german": 0.3, "unusual-asks-romance": 0.3}
"""What authored documents count for the judge, where that is not 1: the reader learns the words of asks that in
many blocks read as a story does; a judge taught as much by them takes more of any story for an ask (data/README.md)."""


@dataclass(frozen=True, slots=True)
class LabelledDocument:
    """A document with labels.

    ``labels`` ``(n_blocks,)`` are column numbers of `LABELS` or `UNLABELLED`; ``weights`` ``(n_blocks,)`` say how far
    each is trusted in training, ``judge_share`` how many times that the judge's trust is. ``group`` names the page,
    whatever the view; ``trusted`` is true where every block was read by a person or model.
    """

    id: str
    group: str
    site: str
    lang: str
    source: str
    view: str
    blocks: tuple[str, ...]
    labels: npt.NDArray[np.int8]
    weights: npt.NDArray[np.float32]
    trusted: bool
    hard_negative: bool = False
    judge_share: float = 1.0


def block_key(text: str) -> str:
    """Give the stand-off key of a block: 10 hex digits of the SHA-256 of its words (data/README.md)."""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())
    return hashlib.sha256(" ".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:10]


def annotation_files(folder: Path | None = None) -> dict[str, Path]:
    """Give the files of stand-off labels by source."""
    folder = folder or DATA_DIR / "annotations"
    return {path.stem: path for path in sorted(folder.glob("*.jsonl")) if path.stem != "overrides"}


def keys_of(annotation: Mapping[str, Any]) -> dict[str, str]:
    """Give the label code of every key of a page's annotation."""
    found = {}
    for label, code in CODES.items():
        joined = annotation.get(label, "")
        for i in range(0, len(joined), KEY_CHARS):
            found[joined[i : i + KEY_CHARS]] = code
    return found


def stand_off_keys() -> set[str]:
    """Give the keys of all blocks of real pages that the project has labels for; their text need not be at hand."""
    annotations = (record for path in annotation_files().values() for record in read_records(path))
    return {key for annotation in annotations for key in keys_of(annotation)}


def read_authored(folder: Path | None = None) -> list[LabelledDocument]:
    """Read the documents written for the project."""
    documents: list[LabelledDocument] = []
    for path in sorted((folder or DATA_DIR / "authored").glob("*.jsonl")):
        documents.extend(_authored_document(record, path.stem) for record in read_records(path))
    return documents


def read_pages(path: Path | None = None, overrides: Path | None = None) -> list[LabelledDocument]:
    """Read the real pages, one document a view, with the corrections of the overrides file applied."""
    path = path or SHARED_DIR / "real" / "pages.jsonl.gz"
    corrections = read_overrides(overrides or DATA_DIR / "annotations" / "overrides.jsonl")
    documents = []
    for page in read_records(path):
        fixes = corrections.get((page["source"], page["page"]), {})
        for view in VIEWS:
            if view in page["views"]:
                documents.append(_page_document(page, view, fixes))
    return documents


def read_overrides(path: Path) -> dict[tuple[str, str], dict[str, int]]:
    """Read corrected labels: ``{(source, page): {key of block: label or UNLABELLED}}``."""
    corrections: dict[tuple[str, str], dict[str, int]] = {}
    if path.exists():
        for record in read_records(path):
            page = corrections.setdefault((record["source"], record["page"]), {})
            page[record["key"]] = LABEL_OF_CODE["?" if record["label"] is None else record["label"][0]]
    return corrections


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """Read a JSONL file, plain or gzip; InputError names the line that is not JSON."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as exc:
                raise InputError(f"not JSON: {exc}", path, number) from exc


def select(documents: Iterable[LabelledDocument], **wanted: object) -> list[LabelledDocument]:
    """Give the documents whose attributes have these values."""
    return [d for d in documents if all(getattr(d, name) == value for name, value in wanted.items())]


def without_view(documents: Sequence[LabelledDocument], view: str) -> list[LabelledDocument]:
    """Give all documents but those of one view."""
    return [d for d in documents if d.view != view]


def as_one_document(document: LabelledDocument, rows: npt.NDArray[np.bool_]) -> LabelledDocument:
    """Give the document with some of its blocks only."""
    chosen = tuple(block for block, keep in zip(document.blocks, rows, strict=True) if keep)
    return replace(document, blocks=chosen, labels=document.labels[rows], weights=document.weights[rows])


def _authored_document(record: dict[str, Any], source: str) -> LabelledDocument:
    labels = np.array([LABELS.index(block["label"]) for block in record["blocks"]], dtype=np.int8)
    name = f"authored/{record['id']}"
    return LabelledDocument(
        id=name,
        group=name,
        site=name,
        lang=record["lang"],
        source="authored",
        view="authored",
        blocks=tuple(block["text"] for block in record["blocks"]),
        labels=labels,
        weights=np.full(len(labels), FILE_WEIGHT.get(source, 1.0), dtype=np.float32),
        trusted=True,
        hard_negative=bool(record["hard_negative"]),
        judge_share=JUDGE_SHARE.get(source, 1.0),
    )


def _page_document(page: dict[str, Any], view: str, fixes: dict[str, int]) -> LabelledDocument:
    content = page["views"][view]
    labels = np.array([LABEL_OF_CODE[code] for code in content["labels"]], dtype=np.int8)
    by_reading = content["by"] == "reading"
    trust = VIEW_WEIGHT[view] * (READ_WEIGHT if by_reading else 1.0)
    weights = np.full(len(labels), trust, dtype=np.float32)
    if not by_reading and view != "whole":
        weights[labels == 2] *= ALIGNED_RELATED_WEIGHT
    if fixes:
        for i, block in enumerate(content["blocks"]):
            if (fixed := fixes.get(block_key(block))) is not None:
                labels[i] = fixed
                weights[i] = trust
    return LabelledDocument(
        id=f"{page['source']}/{page['page']}#{view}",
        group=f"{page['source']}/{page['page']}",
        site=page["site"],
        lang=page["lang"],
        source=page["source"],
        view=view,
        blocks=tuple(content["blocks"]),
        labels=labels,
        weights=weights,
        trusted=by_reading,
    )
