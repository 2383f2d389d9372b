"""The fits: word weights, reader and judge; each only ever sees out-of-fold results of the one before."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from unappeal.context import F32, Network
from unappeal.evidence import FIXED_POINT, Evidence
from unappeal.labels import APPEAL, BODY, LABELS
from unappeal_training.features import Table

Rows = npt.NDArray[np.bool_]

NO_SUCH_LABEL = -12.0
"""Logit of a label that the blocks of a fit do not have."""

BATCHES, LEAST_BATCH, MOST_BATCH = 64, 32, 512
"""In how many batches a network is taught an epoch, and how many blocks one of them has: few pages are few steps."""

LOOKS = 8
"""How often an epoch a network is looked at for the mean."""


@dataclass(frozen=True, slots=True)
class FitSettings:
    """What a user of `train` may turn; the defaults are measured (model/README.md).

    Four judges of 46 units, with the six for the reader's share, fill 190 of 192 places in `unappeal.kernels.networks`,
    four readers of 36 fill 144; one unit more takes room for 48.
    """

    min_sites: int = 3
    word_alpha: float = 1.5e-6
    word_epochs: int = 12
    min_cue_sites: int = 5
    cue_alpha: float = 3e-6
    cue_epochs: int = 10
    appeal_weight: float = 4.0
    reader_units: int = 36
    reader_epochs: int = 12
    reader_alpha: float = 0.02
    judge_units: int = 46
    judge_epochs: int = 12
    judge_alpha: float = 0.05
    members: int = 4
    reader_share: float = 0.15
    blind_share: float = 0.3
    whole_share: float = 0.35
    page_appeal_weight: float = 8.0
    hard_negative_weight: float = 12.0
    blind_hard_negative_weight: float = 4.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class WordWeights:
    """Weights for noise and appeal of hashed features ``(n_features, 2)``, which of them are in use, and of cues.

    ``cue_weights`` ``(n_cue_features, 2)`` are those of `unappeal.evidence.cue_features`.
    """

    weights: npt.NDArray[np.float32]
    used: npt.NDArray[np.bool_]
    cue_weights: npt.NDArray[np.float32]


def training_rows(table: Table) -> Rows:
    """Give the blocks that have a label and a weight."""
    return (table.labels >= 0) & (table.weights > 0)


def block_weights(table: Table) -> npt.NDArray[np.float64]:
    """Weigh a block by its trust, shared among the views of the same page that repeat it."""
    group = np.unique([d.group for d in table.documents], return_inverse=True)[1][table.document]
    key = table.evidence.key ^ (group.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
    return table.weights / np.sqrt(counts[inverse])


def thinned(
    table: Table, rows: Rows, weights: npt.NDArray[np.float64], share: float, seed: int
) -> tuple[Rows, npt.NDArray[np.float64]]:
    """Take a share of the blocks of whole pages, each for several; returns what is left and all blocks' weights then.

    Menus make up most of a whole page, and one is much like another; the networks learn no less from a third of them.
    """
    view = np.array([d.view for d in table.documents])[table.document]
    drawn = np.random.default_rng(seed).random(len(view)) < share
    whole = view == "whole"
    return rows & (drawn | ~whole), weights * np.where(whole, 1 / share, 1.0)


def judge_weights(
    table: Table, weights: npt.NDArray[np.float64], blind: npt.NDArray[np.bool_], settings: FitSettings
) -> npt.NDArray[np.float64]:
    """Make up for how few appeals real pages have, and for how few stories tempt to a false drop.

    Documents written for training have many appeals; a false drop in a story about donations costs more than a miss
    elsewhere. Where a document stands for a new language, ``blind`` ``(n_blocks,)``, what is left says too little to
    insist on it. Documents that are there for the reader above all count less.
    """
    weights = weights * np.array([d.judge_share for d in table.documents])[table.document]
    written = np.array([d.source == "authored" for d in table.documents])[table.document]
    hard = np.array([d.hard_negative for d in table.documents])[table.document]
    weights = weights * np.where(~written & (table.labels == APPEAL), settings.page_appeal_weight, 1.0)
    insisted = np.where(blind, settings.blind_hard_negative_weight, settings.hard_negative_weight)
    return weights * np.where(hard & (table.labels == BODY), insisted, 1.0)


def fit_words(table: Table, rows: Rows, settings: FitSettings) -> WordWeights:
    """Fit the linear weights of hashed features, and of cues in order, that enough sites have."""
    index = np.flatnonzero(rows)
    evidence = table.evidence
    words = (settings.min_sites, settings.word_alpha, settings.word_epochs, settings)
    cues = (settings.min_cue_sites, settings.cue_alpha, settings.cue_epochs, settings)
    weights, used = _linear(table, index, table.counts[index], evidence.words[index], *words)
    cue_weights, _ = _linear(table, index, table.cues[index], evidence.cue_words[index], *cues)
    return WordWeights(weights, used, cue_weights)


def _linear(
    table: Table,
    index: npt.NDArray[np.int64],
    counts: sparse.csr_matrix,
    length: npt.NDArray[np.int64],
    min_sites: int,
    alpha: float,
    epochs: int,
    settings: FitSettings,
) -> tuple[F32, npt.NDArray[np.bool_]]:
    """Fit weights for noise and appeal of the features that enough sites have; a block counts less the longer it is."""
    sites = np.unique([d.site for d in table.documents], return_inverse=True)[1][table.document[index]]
    used = _sites_per_feature(counts, sites) >= min_sites
    matrix = counts[:, np.flatnonzero(used)]
    matrix = sparse.diags((1 / np.sqrt(length + 1)).astype(np.float32)) @ matrix
    weight = block_weights(table)[index]
    label = table.labels[index]
    result = np.zeros((len(used), 2), dtype=np.float32)
    if not used.any():
        return result, used
    appeal = label == APPEAL
    targets = ((label != BODY, np.where(appeal, settings.appeal_weight, 1.0)), (appeal, np.where(appeal, 8.0, 1.0)))
    for column, (target, factor) in enumerate(targets):
        model = SGDClassifier(
            loss="log_loss", alpha=alpha, max_iter=epochs, tol=None, average=True, random_state=settings.seed
        )
        model.fit(matrix, target, sample_weight=weight * factor)
        result[used, column] = model.coef_[0]
    return np.clip(result, -7.9, 7.9), used


def with_words(table: Table, rows: Rows, words: WordWeights) -> Evidence:
    """Give the evidence of some blocks under these word weights (``rows`` must be whole documents)."""
    index = np.flatnonzero(rows)
    evidence = table.evidence.select(rows)
    every = np.concatenate((words.weights, np.maximum(words.weights, 0)), axis=1)
    sums = np.rint((table.counts[index] @ every) * FIXED_POINT).astype(np.int64)
    cue_sums = np.rint((table.cues[index] @ words.cue_weights) * FIXED_POINT).astype(np.int64)
    known = np.rint(table.words[index] @ words.used.astype(np.float32)).astype(np.int64)
    return replace(evidence, sums=sums, cue_sums=cue_sums, known=known)


def fit_network(
    features: F32,
    labels: npt.NDArray[np.int8],
    weights: npt.NDArray[np.float64],
    units: int,
    epochs: int,
    alpha: float,
    seed: int,
) -> Network:
    """Fit a network with one hidden layer and export it: the mean of what it was in the second half of its epochs.

    Its steps are as long at the end as at the beginning, so that where it stops is chance; the mean of where it was is
    not (Polyak and Juditsky 1992, "Acceleration of stochastic approximation by averaging").
    """
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    scale = np.maximum(features.std(axis=0, dtype=np.float64), 0.02).astype(np.float32)
    standard = np.subtract(features, mean)
    standard /= scale
    weights = (weights / weights.mean()).astype(np.float32)
    batch = min(len(features), max(LEAST_BATCH, min(MOST_BATCH, len(features) // BATCHES)))
    model = MLPClassifier(
        (units,),
        alpha=alpha,
        batch_size=batch,
        learning_rate_init=2e-3,
        random_state=seed,
        shuffle=False,  # done here
    )
    draw, classes, n_parts = np.random.default_rng(seed), np.unique(labels), min(LOOKS, len(features) // batch)
    sums, n_summed = [np.zeros(())] * 4, 0
    for epoch in range(epochs):
        for part in np.array_split(draw.permutation(len(features)), n_parts):
            model.partial_fit(standard[part], labels[part], sample_weight=weights[part], classes=classes)
            if 2 * (epoch + 1) > epochs:
                sums = [total + array for total, array in zip(sums, _parameters(model), strict=True)]
                n_summed += 1
    hidden, out, hidden_bias, out_bias = ((total / n_summed).astype(np.float32) for total in sums)
    return Network(mean, scale, np.ascontiguousarray(hidden), hidden_bias, *_all_labels(model.classes_, out, out_bias))


def _parameters(model: MLPClassifier) -> list[npt.NDArray[np.float64]]:
    return [array.astype(np.float64) for array in (*model.coefs_, *model.intercepts_)]


def _all_labels(classes: npt.NDArray[np.int8], out: F32, bias: F32) -> tuple[F32, F32]:
    """Give the last layer with a column for every label; one that no block of the fit had is never likely."""
    if len(classes) == 2:  # of two labels scikit-learn fits the second's log-odds only
        out, bias = np.column_stack((np.zeros_like(out), out)), np.append(np.float32(0), bias)
    every_out = np.zeros((len(out), len(LABELS)), dtype=np.float32)
    every_bias = np.full(len(LABELS), NO_SUCH_LABEL, dtype=np.float32)
    every_out[:, classes], every_bias[classes] = out, bias
    return every_out, every_bias


def drawn_blind(n_documents: int, share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Draw a share of the documents."""
    return np.random.default_rng(seed).random(n_documents) < share


def blinded(evidence: Evidence, blind: npt.NDArray[np.bool_]) -> Evidence:
    """Take the word weights from some blocks ``(n_blocks,)``, as if their language were new to the model."""
    return replace(evidence, sums=np.where(blind[:, None], 0, evidence.sums), known=np.where(blind, 0, evidence.known))


def _sites_per_feature(counts: sparse.csr_matrix, sites: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Count on how many sites each feature stands."""
    n_sites = int(sites.max()) + 1
    member = sparse.csr_matrix(
        (np.ones(len(sites), dtype=np.float32), (sites, np.arange(len(sites)))), shape=(n_sites, len(sites))
    )
    per_site = (member @ counts).tocsr()
    return np.bincount(per_site.indices, minlength=counts.shape[1])
