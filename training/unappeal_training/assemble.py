"""Put fitted parts together as a classifier: hashed tables, one network of several, calibrated probabilities."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from unappeal.context import F32, Network
from unappeal.evidence import FIXED_POINT, U64, CharTables, EvidenceWeights, n_cue_features, slot_of
from unappeal_training.lexicon import CONCEPTS, Lexicon

SLOT_BITS = 20


def untrained(tables: CharTables, lexicon: Lexicon) -> EvidenceWeights:
    """Give evidence weights that know the cues and no trained words."""
    no_keys, no_weights = np.zeros(0, dtype=np.uint64), np.zeros((0, 2), dtype=np.float32)
    return slotted(tables, lexicon, no_keys, no_weights, np.zeros((n_cue_features(len(CONCEPTS)), 2), dtype=np.float32))


def slotted(tables: CharTables, lexicon: Lexicon, keys: U64, weights: F32, cue_weights: F32) -> EvidenceWeights:
    """Put trained features and cues into the hashed table; where two want one slot, cues, then large weights win."""
    slots = np.zeros((1 << SLOT_BITS, 4), dtype=np.int16)
    order = np.argsort(np.abs(weights).max(axis=1, initial=0), kind="stable")
    index, tag = slot_of(keys[order], len(slots))
    slots[index, 0] = tag
    slots[index, 1:3] = np.rint(weights[order] * FIXED_POINT)
    trained = slots.copy()
    index, tag = slot_of(lexicon.slot_keys, len(slots))
    same = trained[index, 0] == tag
    slots[index, 0] = tag
    slots[index, 1:3] = np.where(same[:, None], trained[index, 1:3], 0)
    slots[index, 3] = lexicon.slot_cues
    ordered = np.rint(cue_weights * FIXED_POINT).astype(np.int16)
    return EvidenceWeights(tables, slots, lexicon.words, ordered, tuple(CONCEPTS))


def merged(networks: Sequence[Network]) -> Network:
    """Give one network whose logits are the mean of several with the same inputs."""
    first = networks[0]
    hidden = [n.hidden / n.scale[:, None] * first.scale[:, None] for n in networks]
    bias = [n.hidden_bias + ((first.mean - n.mean) / n.scale) @ n.hidden for n in networks]
    return Network(
        first.mean,
        first.scale,
        np.concatenate(hidden, axis=1).astype(np.float32),
        np.concatenate(bias).astype(np.float32),
        (np.concatenate([n.out for n in networks]) / len(networks)).astype(np.float32),
        np.mean([n.out_bias for n in networks], axis=0, dtype=np.float32),
    )


def with_reader(judge: Network, share: float) -> Network:
    """Add a share of the reader's logits, a judge's first features, to the judge's own.

    Regularised as it must be, a judge makes too little of a block that speaks for itself. Two rectified units give a
    logit as it is, so that the result is a network like any other.
    """
    n_labels = judge.out.shape[1]
    itself = np.zeros((len(judge.hidden), n_labels), dtype=np.float32)
    itself[:n_labels] = np.diag(judge.scale[:n_labels])
    weights = np.eye(n_labels, dtype=np.float32) * np.float32(share)
    return Network(
        judge.mean,
        judge.scale,
        np.concatenate((judge.hidden, itself, -itself), axis=1),
        np.concatenate((judge.hidden_bias, judge.mean[:n_labels], -judge.mean[:n_labels])),
        np.concatenate((judge.out, weights, -weights)),
        judge.out_bias,
    )


def calibration(
    logits: F32, labels: npt.NDArray[np.int8], weights: npt.NDArray[np.float64]
) -> tuple[float, npt.NDArray[np.float64]]:
    """Fit one temperature and a bias by label on held-out logits (Guo et al. 2017); returns ``(factor, bias)``."""
    target = np.eye(3)[labels]
    weight = weights / weights.sum()

    def loss(parameters: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        factor, bias = parameters[0], np.append(0.0, parameters[1:])
        z = logits * factor + bias
        z -= z.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(z).sum(axis=1))
        error = np.exp(z - log_sum[:, None]) - target
        gradient = (error * weight[:, None]).sum(axis=0)
        slope = float((error * logits * weight[:, None]).sum())
        return float((weight * (log_sum - (z * target).sum(axis=1))).sum()), np.append(slope, gradient[1:])

    found = minimize(loss, np.array([1.0, 0.0, 0.0]), jac=True, method="L-BFGS-B")
    return float(found.x[0]), np.append(0.0, found.x[1:])


def calibrated(network: Network, factor: float, bias: npt.NDArray[np.float64]) -> Network:
    """Fold a calibration into a network's last layer."""
    return Network(
        network.mean,
        network.scale,
        network.hidden,
        network.hidden_bias,
        (network.out * factor).astype(np.float32),
        (network.out_bias * factor + bias).astype(np.float32),
    )
