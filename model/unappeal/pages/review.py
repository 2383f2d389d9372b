"""The page on which a person corrects labels in a browser; assets/review.js is what it does."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from unappeal.labels import LABELS
from unappeal.pages.documents import JudgedDocument
from unappeal.pages.markup import Html, asset, page
from unappeal.pages.selection import Worth, appraise

SCORE_DIGITS = 4


def review_page(
    documents: Sequence[JudgedDocument], *, title: str, counts: Counter[str] | None = None, model: str = ""
) -> str:
    """Give the page for these documents, in their order.

    ``counts`` are the documents each text stands in (`document_counts`), of the whole corpus where ``documents``
    are a sample. What a person does on the page is kept in the browser under a key made of the documents' ids and
    texts: the page made again, with another model too, goes on where it was left.
    """
    content = [
        _document(document, worths) for document, worths in zip(documents, appraise(documents, counts), strict=True)
    ]
    data = {"title": title, "model": model, "key": _storage_key(documents), "labels": LABELS, "documents": content}
    return page(
        f"Review: {title}",
        asset("review.html"),
        style=asset("base.css") + asset("review.css"),
        script=Html("\n".join(asset(f"review_{part}.js") for part in ("work", "list", "controls"))),
        data=data,
    )


def _document(document: JudgedDocument, worths: Sequence[Worth]) -> dict[str, Any]:
    blocks = []
    for block, removed, worth in zip(document.blocks, document.removed, worths, strict=True):
        scores = [round(score, SCORE_DIGITS) for score in (block.scores or {}).values()]
        blocks.append([block.text, block.label, scores, int(removed), worth.score, worth.reasons, worth.documents])
    known = {"site": document.site, "language": document.language}
    return {"id": document.id, **{key: value for key, value in known.items() if value is not None}, "blocks": blocks}


def _storage_key(documents: Sequence[JudgedDocument]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(json.dumps([document.id, *(block.text for block in document.blocks)]).encode())
    return digest.hexdigest()[:16]
