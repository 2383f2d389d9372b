"""A trained model on disk: ``weights.npz`` and ``model.json``, no pickle; checked when it is loaded."""

import hashlib
import json
import os
import threading
import zipfile
import zlib
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from unappeal.classifier import ParagraphClassifier
from unappeal.context import Network, check_networks
from unappeal.errors import ModelError
from unappeal.evidence import CUE_PLACE_BITS, CharTables, CueWords, EvidenceWeights
from unappeal.labels import LABELS
from unappeal.operating_point import OperatingPoint

FORMAT = 6
OLDEST_FORMAT = 6
"""Number of the artefact's layout, and the lowest that is read; others are refused."""

ARTEFACTS_DIR = Path(__file__).parent / "artefacts"
DEFAULT_MODEL = "news-1"
PROBE_TOLERANCE = 1e-3

_NETWORK_PARTS = ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias")
_TABLE_PARTS = ("fold", "spaceless", "shape", "edge")


def load_model(path_or_name: str | os.PathLike[str] | None = None) -> ParagraphClassifier:
    """Load a model; the same path gives the same object.

    ``path_or_name`` is a folder, or the name of a model that ships; None is the default one. Raises ModelError where
    it is missing, damaged, not a model of ours, or in a newer format.
    """
    with _LOADING:
        return _loaded(str(_folder(path_or_name)))


def save_model(model: ParagraphClassifier, folder: str | os.PathLike[str], metadata: dict[str, Any]) -> None:
    """Write a fitted model; ``metadata`` is added to model.json. The same model gives the same bytes.

    Both files are written aside and renamed, the JSON with the checksums last.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = _arrays(model)
    point = model.operating_point_
    description = {
        "format": FORMAT,
        "labels": [str(label) for label in LABELS],
        "concepts": list(model.evidence_.concepts),
        "languages": list(model.evidence_.cues.languages),
        "operating_point": {name: getattr(point, name) for name in OperatingPoint.__dataclass_fields__},
        "arrays_sha256": _checksum(arrays),
        **metadata,
    }
    weights = folder / "weights.npz.tmp"
    _write_arrays(weights, arrays)
    weights.replace(folder / "weights.npz")
    text = folder / "model.json.tmp"
    text.write_text(json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    text.replace(folder / "model.json")


def _write_arrays(path: Path, arrays: dict[str, npt.NDArray[Any]]) -> None:
    """Write what `np.load` reads, compressing only what that halves: the rest would cost every start 20 ms."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            stream = BytesIO()
            np.lib.format.write_array(stream, array, allow_pickle=False)
            plain = stream.getvalue()
            halved = len(zlib.compress(plain)) <= len(plain) / 2
            kind = zipfile.ZIP_DEFLATED if halved else zipfile.ZIP_STORED
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), plain, kind)


def _folder(path_or_name: str | os.PathLike[str] | None) -> Path:
    if path_or_name is None:
        return ARTEFACTS_DIR / DEFAULT_MODEL
    named = ARTEFACTS_DIR / str(path_or_name)
    path = Path(path_or_name)
    if not path.exists() and len(path.parts) == 1 and named.is_dir():
        return named
    if not path.is_dir():
        shipped = ", ".join(sorted(p.name for p in ARTEFACTS_DIR.iterdir() if p.is_dir()))
        raise ModelError(f"no model at {path}: give a folder made by 'unappeal train', or one of: {shipped}")
    return path.resolve()


_LOADING = threading.Lock()
"""Threads that ask for a model at once get the same one."""


@lru_cache(maxsize=8)
def _loaded(folder: str) -> ParagraphClassifier:
    path = Path(folder)
    description = _description(path)
    arrays = _read_arrays(path / "weights.npz")
    if _checksum(arrays) != description.get("arrays_sha256"):
        raise ModelError(f"{path / 'weights.npz'} is damaged: its arrays do not match the checksum in model.json")
    try:
        model = _built(description, arrays)
        agrees = _agrees_with_probes(model, description.get("probes", []))
    except (KeyError, TypeError, ValueError, IndexError, MemoryError) as exc:
        raise ModelError(f"{path / 'model.json'} is damaged: {exc!r}") from exc
    if not agrees:
        raise ModelError(f"{path} does not give the probabilities it was saved with: reinstall it, or report a bug")
    return model


def _description(path: Path) -> dict[str, Any]:
    try:
        description = json.loads((path / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError as exc:
        raise ModelError(f"{path} is not a model: it has no model.json") from exc
    except (OSError, ValueError) as exc:
        raise ModelError(f"{path / 'model.json'} is damaged: {exc}") from exc
    if not isinstance(description, dict) or "format" not in description or "arrays_sha256" not in description:
        raise ModelError(f"{path / 'model.json'} is not a model of unappeal")
    number = description["format"]
    if type(number) is not int or not OLDEST_FORMAT <= number <= FORMAT:
        remedy = "train it again" if type(number) is int and number < OLDEST_FORMAT else "upgrade unappeal"
        raise ModelError(f"{path} has format {number!r}, this release reads {OLDEST_FORMAT} to {FORMAT}: {remedy}")
    if description.get("labels") != [str(label) for label in LABELS]:
        raise ModelError(f"{path} has labels {description.get('labels')}, not {[str(label) for label in LABELS]}")
    return description


def _read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    try:
        # np.load given a path leaves the file open when it is no archive.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError as exc:
        raise ModelError(f"{path.parent} is not a whole model: it has no {path.name}") from exc
    except Exception as exc:  # zipfile, zlib and numpy each raise their own
        raise ModelError(f"{path} is damaged: {exc}") from exc


def _arrays(model: ParagraphClassifier) -> dict[str, npt.NDArray[Any]]:
    evidence = model.evidence_
    arrays: dict[str, npt.NDArray[Any]] = {
        **_stored_slots(evidence.slots),
        **_stored_cues(evidence.cues),
        "cue_weights": evidence.cue_weights,
    }
    arrays.update({f"tables_{part}": getattr(evidence.tables, part) for part in _TABLE_PARTS})
    for name, network in (("reader", model.reader_), ("judge", model.judge_)):
        arrays.update({f"{name}_{part}": getattr(network, part) for part in _NETWORK_PARTS})
    return {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}


def _stored_slots(slots: npt.NDArray[np.int16]) -> dict[str, npt.NDArray[Any]]:
    """Give which slots are in use as bits, and the parts of these, each part by itself: a third of the table."""
    used = slots.any(axis=1)
    return {"slots_used": np.packbits(used), "slots": slots[used].T}


def _slots(arrays: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.int16]:
    used = np.flatnonzero(np.unpackbits(arrays["slots_used"]))
    slots = np.zeros((8 * len(arrays["slots_used"]), 4), dtype=np.int16)
    slots[used] = arrays["slots"].T
    return slots


def _stored_cues(cues: CueWords) -> dict[str, npt.NDArray[Any]]:
    """Give the lowest 32 bits of sorted keys, and how many have each of the highest `CUE_PLACE_BITS`; then how many
    entries each key has, and these, each part by itself.
    """
    places = (cues.keys >> np.uint64(32)).astype(np.int64)
    return {
        "cue_keys": cues.keys.astype(np.uint32),
        "cue_places": np.bincount(places, minlength=1 << CUE_PLACE_BITS).astype(np.uint16),
        "cue_entry_counts": np.diff(cues.first).astype(np.uint8),
        "cue_entries": cues.entries.T,
    }


def _cues(arrays: dict[str, npt.NDArray[Any]], languages: list[str]) -> CueWords:
    if not all(isinstance(language, str) for language in languages) or len(set(languages)) < len(languages):
        raise ValueError("its languages are no names")
    places = np.repeat(np.arange(1 << CUE_PLACE_BITS, dtype=np.uint64), arrays["cue_places"])
    first = np.zeros(len(arrays["cue_keys"]) + 1, dtype=np.int32)
    np.cumsum(arrays["cue_entry_counts"], out=first[1:])
    entries = np.ascontiguousarray(arrays["cue_entries"].T)
    return CueWords((places << np.uint64(32)) | arrays["cue_keys"], first, entries, tuple(languages))


def _checksum(arrays: dict[str, npt.NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape};".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _built(description: dict[str, Any], arrays: dict[str, npt.NDArray[Any]]) -> ParagraphClassifier:
    tables = CharTables(**{part: arrays[f"tables_{part}"] for part in _TABLE_PARTS})
    evidence = EvidenceWeights(
        tables,
        _slots(arrays),
        _cues(arrays, description["languages"]),
        arrays["cue_weights"],
        tuple(description["concepts"]),
    )
    reader, judge = (
        Network(**{part: arrays[f"{name}_{part}"] for part in _NETWORK_PARTS}) for name in ("reader", "judge")
    )
    check_networks(reader, judge, evidence.concepts)
    settings = description["operating_point"]
    point = OperatingPoint(
        tuple(settings["levels"]),
        tuple(settings["thresholds"]),
        settings["default"],
        settings["appeal_gain"],
        settings["length_exponent"],
    )
    return ParagraphClassifier.from_arrays(evidence, reader, judge, point, description)


def _agrees_with_probes(model: ParagraphClassifier, probes: list[dict[str, Any]]) -> bool:
    """Compare the probabilities of a few texts with those noted when the model was made."""
    if not probes:
        return True
    scores = model.predict_proba([probe["blocks"] for probe in probes])
    expected = np.array([row for probe in probes for row in probe["scores"]], dtype=np.float32)
    # Written so that NaN on either side does not pass.
    return scores.shape == expected.shape and bool((np.abs(scores - expected) <= PROBE_TOLERANCE).all())
