"""Predictions for every block by models that never saw its site: what scores, curve and calibration are made of."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed, parallel_config

from unappeal.context import F32, Network, block_features, document_features
from unappeal.evidence import Evidence
from unappeal_training.assemble import merged, with_reader
from unappeal_training.features import Table
from unappeal_training.fit import (
    FitSettings,
    Rows,
    WordWeights,
    blinded,
    fit_network,
    fit_words,
    judge_weights,
    thinned,
    training_rows,
    with_words,
)
from unappeal_training.lexicon import CONCEPTS

N_FOLDS = 5
MANY_BLOCKS = 20_000
"""Fewer are fitted faster than a process starts."""

SHARED_BLOCK_CHARS = 40
"""A training block this long that also stands on a page held out is left out of training."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Word weights and the two networks; the judge is the mean of several, and a share of the reader."""

    words: WordWeights
    reader: Network
    judge: Network


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
    n_jobs: int = 1,
) -> FittedModel:
    """Fit a whole model on all folds but one (None: on all)."""
    inside = np.ones(len(table.documents), dtype=bool) if held_out is None else fold != held_out
    rows = rows_without(table, ~inside)
    block_inside = inside[table.document]
    evidence = _out_of_fold_evidence(table, fold, held_out, words_without)
    evidence = blinded(evidence, _renumbered(table.document[block_inside]), settings.blind_share, settings.seed)
    own = block_features(evidence)
    use, weights = thinned(table, rows, settings)
    use, labels = use[block_inside], table.labels[block_inside]
    shape = (settings.reader_units, settings.reader_epochs, settings.reader_alpha, settings.seed)
    reader = fit_network(own[use], labels[use], weights[block_inside][use], *shape)
    first = _bounds(table, inside)
    features = document_features(evidence, first, own, reader.logits(own), CONCEPTS)[use]
    judged = judge_weights(table, weights, settings)[block_inside][use]
    judge = merged(_members(features, labels[use], judged, settings, n_jobs))
    return FittedModel(words_without(held_out), reader, with_reader(judge, settings.reader_share))


def _members(
    features: F32,
    labels: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float64],
    settings: FitSettings,
    n_jobs: int,
) -> list[Network]:
    """Fit the judge's members, which differ in their seed only; in processes where there is work for them."""
    rest = (settings.judge_units, settings.judge_epochs, settings.judge_alpha)
    seeds = range(settings.seed, settings.seed + settings.members)
    with parallel_config("loky", n_jobs=n_jobs if len(labels) > MANY_BLOCKS else 1, inner_max_num_threads=1):
        return list(Parallel()(delayed(fit_network)(features, labels, weights, *rest, seed) for seed in seeds))


def predict(model: FittedModel, evidence: Evidence, first: npt.NDArray[np.int64]) -> tuple[F32, F32]:
    """Give the reader's and the judge's logits."""
    own = block_features(evidence)
    reader = model.reader.logits(own)
    return reader, model.judge.logits(document_features(evidence, first, own, reader, CONCEPTS))


def cross_fit(
    table: Table,
    fold: npt.NDArray[np.int64],
    settings: FitSettings,
    n_jobs: int = 2,
    folds: Sequence[int] | None = None,
) -> tuple[F32, F32]:
    """Give every block the logits of a model that did not see its site: ``(reader, judge)``, each ``(n_blocks, 3)``."""
    folds = list(range(int(fold.max()) + 1)) if folds is None else list(folds)
    words = words_of_all_pairs(table, fold, folds, settings, n_jobs)
    models = [fit_fold(table, fold, k, lambda *ks: words[frozenset(ks)], settings, n_jobs) for k in folds]
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
    whole = table.evidence
    found = {name: np.zeros_like(getattr(whole, name)) for name in ("sums", "known", "cue_sums")}
    for j in range(int(fold.max()) + 1):
        if j != held_out:
            rows = (fold == j)[table.document]
            part = with_words(table, rows, words_without(j) if held_out is None else words_without(j, held_out))
            for name, values in found.items():
                values[rows] = getattr(part, name)
    return replace(whole, **found).select(fold[table.document] != (-1 if held_out is None else held_out))


def _bounds(table: Table, documents: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(np.diff(table.first)[documents])))


def _renumbered(document: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(document, return_inverse=True)[1]
