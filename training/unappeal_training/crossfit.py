"""Predictions for every block by models that never saw its site: what scores, curve and calibration are made of."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from unappeal.context import F32, Network, block_features, document_features
from unappeal.evidence import Evidence
from unappeal_training.features import Table
from unappeal_training.fit import (
    FitSettings,
    Rows,
    WordWeights,
    blinded,
    block_weights,
    fit_network,
    fit_words,
    training_rows,
    with_words,
)

N_FOLDS = 5
SHARED_BLOCK_CHARS = 40
"""A training block this long that also stands on a page held out is left out of training."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Word weights and the two networks (each a list of members whose logits are averaged)."""

    words: WordWeights
    reader: list[Network]
    judge: list[Network]


def site_folds(sites: Sequence[str], n_folds: int = N_FOLDS) -> npt.NDArray[np.int64]:
    """Give each document the fold of its site: sites in the order of their hash, dealt out in turn."""
    unique = sorted(set(sites), key=lambda site: hashlib.sha256(site.encode()).digest())
    fold = {site: i % n_folds for i, site in enumerate(unique)}
    return np.array([fold[site] for site in sites], dtype=np.int64)


def rows_without(table: Table, held_out: npt.NDArray[np.bool_]) -> Rows:
    """Give the training blocks of the documents not held out, less those that repeat a held-out block."""
    out = held_out[table.document]
    keys = np.unique(table.evidence.key[out & (table.evidence.chars >= SHARED_BLOCK_CHARS)])
    repeated = np.isin(table.evidence.key, keys) & (table.evidence.chars >= SHARED_BLOCK_CHARS)
    return training_rows(table) & ~out & ~repeated


def fit_fold(
    table: Table,
    fold: npt.NDArray[np.int64],
    held_out: int | None,
    words_without: Callable[..., WordWeights],
    settings: FitSettings,
) -> FittedModel:
    """Fit a whole model on all folds but one (None: on all)."""
    inside = np.ones(len(table.documents), dtype=bool) if held_out is None else fold != held_out
    rows = rows_without(table, ~inside)
    block_inside = inside[table.document]
    evidence = _out_of_fold_evidence(table, fold, held_out, words_without)
    evidence = blinded(evidence, _renumbered(table.document[block_inside]), settings.blind_share, settings.seed)
    own = block_features(evidence)
    use = rows[block_inside]
    labels = table.labels[block_inside][use]
    weights = block_weights(table)[block_inside][use]
    reader = [
        fit_network(own[use], labels, weights, settings.reader_units, settings.reader_epochs, 1e-3, settings.seed + i)
        for i in range(1)
    ]
    first = _bounds(table, inside)
    features = document_features(evidence, first, own, mean_logits(reader, own))
    view = np.array([d.view for d in table.documents])[table.document][block_inside][use]
    judge = [
        fit_network(
            features[use],
            labels,
            weights,
            settings.judge_units,
            settings.judge_epochs,
            settings.judge_alpha,
            settings.seed + i,
        )
        for i in range(settings.members)
    ]
    return FittedModel(words_without(held_out), reader, judge)


def predict(model: FittedModel, evidence: Evidence, first: npt.NDArray[np.int64]) -> tuple[F32, F32]:
    """Give the reader's and the judge's logits."""
    own = block_features(evidence)
    reader = mean_logits(model.reader, own)
    return reader, mean_logits(model.judge, document_features(evidence, first, own, reader))


def mean_logits(networks: Sequence[Network], features: F32) -> F32:
    """Average the logits of several networks."""
    return np.mean([network.logits(features) for network in networks], axis=0, dtype=np.float32)


def cross_fit(
    table: Table,
    fold: npt.NDArray[np.int64],
    settings: FitSettings,
    n_jobs: int = 2,
    folds: Sequence[int] | None = None,
) -> tuple[F32, F32]:
    """Give every block the logits of the model that did not see its site: ``(reader, judge)``, ``(n_blocks, 3)`` each."""
    folds = list(range(int(fold.max()) + 1)) if folds is None else list(folds)
    words = words_of_all_pairs(table, fold, folds, settings, n_jobs)
    models = Parallel(n_jobs, backend="threading")(
        delayed(fit_fold)(table, fold, k, lambda *ks: words[frozenset(ks)], settings) for k in folds
    )
    reader = np.zeros((len(table.labels), 3), dtype=np.float32)
    judge = np.zeros((len(table.labels), 3), dtype=np.float32)
    for k, model in zip(folds, models, strict=True):
        rows = (fold == k)[table.document]
        reader[rows], judge[rows] = predict(model, with_words(table, rows, model.words), _bounds(table, fold == k))
    return reader, judge


def words_of_all_pairs(
    table: Table, fold: npt.NDArray[np.int64], folds: Sequence[int], settings: FitSettings, n_jobs: int
) -> dict[frozenset[int], WordWeights]:
    """Fit word weights without each fold, and without each two, which is all that nested folds need."""
    everything = range(int(fold.max()) + 1)
    left_out = sorted({frozenset((j, k)) for j in everything for k in folds}, key=sorted)
    fitted = Parallel(n_jobs, backend="threading")(
        delayed(fit_words)(table, rows_without(table, np.isin(fold, list(pair))), settings) for pair in left_out
    )
    return dict(zip(left_out, fitted, strict=True))


def _out_of_fold_evidence(
    table: Table, fold: npt.NDArray[np.int64], held_out: int | None, words_without: Callable[..., WordWeights]
) -> Evidence:
    """Give the evidence of all documents not held out, each from words fitted without its fold."""
    inside = fold[table.document] != (-1 if held_out is None else held_out)
    sums = np.zeros((len(table.labels), 2), dtype=np.int64)
    known = np.zeros(len(table.labels), dtype=np.int64)
    for j in range(int(fold.max()) + 1):
        if j != held_out:
            rows = (fold == j)[table.document]
            part = with_words(table, rows, words_without(j) if held_out is None else words_without(j, held_out))
            sums[rows], known[rows] = part.sums, part.known
    evidence = table.evidence.select(inside)
    return type(evidence)(
        **{
            **{n: getattr(evidence, n) for n in evidence.__dataclass_fields__},
            "sums": sums[inside],
            "known": known[inside],
        }
    )


def _bounds(table: Table, documents: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(np.diff(table.first)[documents])))


def _renumbered(document: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(document, return_inverse=True)[1]
