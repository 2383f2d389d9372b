"""`ParagraphClassifier.fit`: documents and labels in memory to a fitted classifier, and a scorer for the bound."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np

from unappeal.blocks import Document, split_batch
from unappeal.classifier import ParagraphClassifier
from unappeal.estimator import DocumentLabels, flat_labels
from unappeal.labels import APPEAL, BODY
from unappeal_training.base import base_documents
from unappeal_training.build import build_classifier
from unappeal_training.checks import check_folds
from unappeal_training.compare import sample_of
from unappeal_training.dataset import LabelledDocument
from unappeal_training.fit import FitSettings
from unappeal_training.labelled import VIEW
from unappeal_training.measures import threshold_at_loss
from unappeal_training.retrain import cross_fitted_quietly, quiet


def fitted(
    documents: Sequence[Document],
    labels: Sequence[DocumentLabels],
    groups: Sequence[Any] | None,
    base: str,
    seed: int,
    n_jobs: int,
    settings: Mapping[str, Any] | None,
) -> ParagraphClassifier:
    """Fit a classifier; see `ParagraphClassifier.fit`. ValueError for a setting that does not exist."""
    chosen = _settings(settings or {}, seed)
    labelled = labelled_documents(documents, labels, groups) + base_documents(base)[0]
    check_folds(labelled)
    result = cross_fitted_quietly(labelled, chosen, n_jobs)
    with quiet():
        return build_classifier(result, chosen, n_jobs)


def labelled_documents(
    documents: Sequence[Document], labels: Sequence[DocumentLabels], groups: Sequence[Any] | None = None
) -> list[LabelledDocument]:
    """Put documents and labels into the form that training reads; ValueError where they do not fit."""
    if groups is not None and len(groups) != len(documents):
        raise ValueError(f"{len(documents)} documents need as many groups, not {len(groups)}")
    flat = flat_labels(documents, labels)
    batch = split_batch(list(documents))
    starts = (batch.start - batch.doc_start[batch.document_of_block()]).tolist()
    lengths = (batch.end - batch.start).tolist()
    result = []
    for i, text in enumerate(batch.texts):
        part = slice(int(batch.first[i]), int(batch.first[i + 1]))
        blocks = tuple(text[s : s + n] for s, n in zip(starts[part], lengths[part], strict=True))
        name = f"{VIEW}/{i}"
        site = name if groups is None else f"{VIEW}:{groups[i]}"
        weights = np.ones(len(blocks), dtype=np.float32)
        result.append(LabelledDocument(name, name, site, "und", "fit", VIEW, blocks, flat[part], weights, True))
    return result


def removed_scorer(
    kind: Literal["noise", "appeals"] = "noise", body_loss: float = 0.005
) -> Callable[[ParagraphClassifier, Sequence[Document], Sequence[DocumentLabels]], float]:
    """Make a scorer for ``cross_validate(scoring=…)``: the share removed at a body loss, the project's own measure."""

    def score(model: ParagraphClassifier, documents: Sequence[Document], labels: Sequence[DocumentLabels]) -> float:
        sample = sample_of(model, labelled_documents(documents, labels))
        body = (sample.chars * (sample.labels == BODY)).astype(np.float64)
        wanted = sample.labels == APPEAL if kind == "appeals" else sample.labels != BODY
        gone = sample.margin > threshold_at_loss(sample.margin, body, body_loss)
        return float(gone[wanted].mean()) if wanted.any() else float("nan")

    return score


def _settings(changes: Mapping[str, Any], seed: int) -> FitSettings:
    known = {f.name for f in fields(FitSettings)} - {"seed"}
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise ValueError(f"no setting {unknown[0]!r}: there are {', '.join(sorted(known))}")
    return FitSettings(**{**changes, "seed": seed})
