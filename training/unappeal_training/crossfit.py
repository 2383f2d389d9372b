"""Predictions for every block by models that never saw its site: what scores, curve and calibration are made of."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed, parallel_config

from unappeal.context import F32, Network, block_features, document_features, segment_bounds
from unappeal.evidence import Evidence
from unappeal_training.assemble import merged, with_reader
from unappeal_training.features import Table
from unappeal_training.fit import (
    FitSettings,
    Rows,
    WordWeights,
    blinded,
    block_weights,
    drawn_blind,
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

SEED_STEP = 1000
"""Parts the seeds of the members' draws, which thus are those of no other seed one is likely to try."""

DOCUMENTS_AT_A_TIME = 512
"""Features are computed for so many together: of most blocks they are not needed."""

SHARED_BLOCK_CHARS = 40
"""A training block this long that also stands on a page held out is left out of training."""


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Word weights and the two networks; the judge's logits contain a share of the reader's."""

    words: WordWeights
    reader: Network
    judge: Network


def site_folds(sites: Sequence[str], n_folds: int = N_FOLDS) -> npt.NDArray[np.int64]:
    """Give each document the fold of its site: sites in the order of their hash, cut into equal parts.

    Nearly every site stays in its fold where others are added: one fit's figures can be held against the next's.
    """
    unique = sorted(set(sites), key=lambda site: hashlib.sha256(site.encode()).digest())
    fold = {site: i * n_folds // len(unique) for i, site in enumerate(unique)}
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
    evidence = _out_of_fold_evidence(table, fold, held_out, words_without)
    rows = rows_without(table, ~inside)
    lessons = Lessons(table, inside, rows, block_weights(table), evidence, settings, n_jobs)
    reader = lessons.reader()
    return FittedModel(words_without(held_out), reader, with_reader(lessons.judge(reader), settings.reader_share))


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the networks of one fit are taught with.

    Of reader and judge alike several are fitted, their members. Each sees other documents without their words, other
    blocks of whole pages, and begins at other weights; their mean errs less than any of them.
    """

    table: Table
    inside: npt.NDArray[np.bool_]
    rows: Rows
    weights: npt.NDArray[np.float64]
    evidence: Evidence
    settings: FitSettings
    n_jobs: int

    def reader(self) -> Network:
        """Fit the reader."""
        s = self.settings
        return self._fitted(None, s.reader_units, s.reader_epochs, s.reader_alpha)

    def judge(self, reader: Network) -> Network:
        """Fit the judge."""
        s = self.settings
        return self._fitted(reader, s.judge_units, s.judge_epochs, s.judge_alpha)

    def _fitted(self, reader: Network | None, units: int, epochs: int, alpha: float) -> Network:
        n_jobs = self.n_jobs if int(self.rows.sum()) > MANY_BLOCKS else 1
        with parallel_config("loky", n_jobs=n_jobs, inner_max_num_threads=1):
            fitted = Parallel(pre_dispatch=n_jobs)(
                delayed(fit_network)(*self.drawn(member, reader), units, epochs, alpha, self.settings.seed + member)
                for member in range(self.settings.members)
            )
        return merged(list(fitted))

    def drawn(self, member: int, reader: Network | None) -> tuple[F32, npt.NDArray[np.int8], npt.NDArray[np.float64]]:
        """Draw what one member sees: features, labels and weights, for the reader where there is none yet."""
        seed = self.settings.seed + SEED_STEP * member
        blocks = self.inside[self.table.document]
        blind = np.zeros(len(self.inside), dtype=bool)
        blind[self.inside] = drawn_blind(int(self.inside.sum()), self.settings.blind_share, seed)
        blind = blind[self.table.document]
        evidence = blinded(self.evidence, blind[blocks])
        use, weights = thinned(self.table, self.rows, self.weights, self.settings.whole_share, seed)
        if reader is not None:
            weights = judge_weights(self.table, weights, blind, self.settings)
        chosen = np.flatnonzero(use[blocks])
        first = judged_together(self.table, self.inside)
        features, at = np.zeros((0, 0), dtype=np.float32), 0
        for begin in range(0, len(first) - 1, DOCUMENTS_AT_A_TIME):
            bounds = first[begin : begin + DOCUMENTS_AT_A_TIME + 1]
            mask = np.zeros(len(evidence), dtype=bool)
            mask[bounds[0] : bounds[-1]] = True
            part, wanted = evidence.select(mask), use[blocks][mask]
            own = block_features(part)
            if reader is not None:
                own = document_features(part, bounds - bounds[0], own, reader.logits(own), CONCEPTS)
            if not at:
                features = np.empty((len(chosen), own.shape[1]), dtype=np.float32)
            n_wanted = int(wanted.sum())
            features[at : at + n_wanted] = own[wanted]
            at += n_wanted
        return features, self.table.labels[blocks][chosen], weights[blocks][chosen]


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
        first = judged_together(table, fold == k)
        reader[rows], judge[rows] = predict(model, with_words(table, rows, model.words), first)
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


def judged_together(table: Table, documents: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Give the bounds of what is judged together, among the blocks of some documents ``(n_docs,)``."""
    rows = documents[table.document]
    first = np.concatenate(([0], np.cumsum(np.diff(table.first)[documents])))
    return segment_bounds(table.evidence.key[rows], table.evidence.chars[rows], first)
