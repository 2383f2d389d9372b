"""Artefacts: what is saved comes back to the bit, and everything that is not a whole model of ours is refused."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unappeal import ModelError, ParagraphClassifier, load_model
from unappeal.artefact import ARTEFACTS_DIR, DEFAULT_MODEL, FORMAT, OLDEST_FORMAT, save_model

DOCUMENTS = ["Support us!\n\nThe council met on Monday.\n\nRead more", "支持我們\n市長表示", ""]


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small model, to be damaged."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "model.json"
    description = json.loads(path.read_text(encoding="utf-8"))
    change(description)
    path.write_text(json.dumps(description), encoding="utf-8")


def test_a_saved_model_gives_the_same_probabilities_to_the_bit(
    tiny_model: ParagraphClassifier, tiny_folder: Path
) -> None:
    loaded = load_model(tiny_folder)
    assert np.array_equal(loaded.predict_proba(DOCUMENTS), tiny_model.predict_proba(DOCUMENTS))
    assert loaded.operating_point_ == tiny_model.operating_point_


def test_saving_twice_gives_the_same_bytes(tiny_folder: Path, tmp_path: Path) -> None:
    model = load_model(tiny_folder)
    extra = {name: model.metadata_[name] for name in ("name", "version", "probes")}
    save_model(model, tmp_path / "again", extra)
    for name in ("weights.npz", "model.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tiny_folder / name).read_bytes()


def test_arrays_in_fortran_order_come_back_the_same(tiny_model: ParagraphClassifier, tmp_path: Path) -> None:
    judge = tiny_model.judge_
    turned = type(judge)(
        judge.mean, judge.scale, np.asfortranarray(judge.hidden), judge.hidden_bias, judge.out, judge.out_bias
    )
    other = ParagraphClassifier.from_arrays(
        tiny_model.evidence_, tiny_model.reader_, turned, tiny_model.operating_point_, {}
    )
    save_model(other, tmp_path / "m", {})
    assert np.array_equal(load_model(tmp_path / "m").judge_.hidden, judge.hidden)


def test_saving_leaves_only_the_two_files(tiny_folder: Path) -> None:
    assert sorted(path.name for path in tiny_folder.iterdir()) == ["model.json", "weights.npz"]


def test_the_arrays_hold_no_pickle(tiny_folder: Path) -> None:
    for folder in (tiny_folder, ARTEFACTS_DIR / DEFAULT_MODEL):
        with zipfile.ZipFile(folder / "weights.npz") as stored:
            for name in stored.namelist():
                with stored.open(name) as stream:
                    version = np.lib.format.read_magic(stream)
                    assert version == (1, 0)
                    assert not np.lib.format.read_array_header_1_0(stream)[2].hasobject


def test_a_model_is_loaded_once(tiny_folder: Path) -> None:
    assert load_model(tiny_folder) is load_model(str(tiny_folder))
    assert load_model() is load_model(DEFAULT_MODEL)


def test_the_shipped_model_passes_its_probes_and_says_what_it_is() -> None:
    model = load_model()
    assert model.metadata_["probes"]
    assert model.metadata_["format"] <= FORMAT
    assert model.name == DEFAULT_MODEL or model.name
    assert model.levels == tuple(sorted(model.levels))
    assert model.operating_point_.default in model.levels


def test_the_shipped_model_is_small_enough() -> None:
    assert sum(path.stat().st_size for path in (ARTEFACTS_DIR / DEFAULT_MODEL).iterdir()) < 6e6


def test_a_missing_model_is_named_with_those_that_ship(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=rf"no model at .*nowhere: give a folder .*{DEFAULT_MODEL}"):
        load_model(tmp_path / "nowhere")
    with pytest.raises(ModelError, match=r"no model at news-99"):
        load_model("news-99")


def test_a_folder_without_model_json_is_not_a_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a model: it has no model\.json"):
        load_model(tmp_path)


def test_a_model_without_arrays_is_not_whole(folder: Path) -> None:
    (folder / "weights.npz").unlink()
    with pytest.raises(ModelError, match=r"is not a whole model: it has no weights\.npz"):
        load_model(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"nonsense"])
def test_a_broken_model_json_is_damaged(folder: Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json is damaged: "):
        load_model(folder)


@pytest.mark.parametrize("content", [b"[]", b"{}", b'"text"', b'{"format": 1}', b"null"])
def test_json_of_something_else_is_foreign(folder: Path, content: bytes) -> None:
    (folder / "model.json").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.json is not a model of unappeal"):
        load_model(folder)


@pytest.mark.parametrize("number", [FORMAT + 1, 99])
def test_a_newer_format_asks_for_an_upgrade(folder: Path, number: int) -> None:
    edit(folder, lambda d: d.update(format=number))
    reads = f"this release reads {OLDEST_FORMAT} to {FORMAT}"
    with pytest.raises(ModelError, match=rf"has format {number}, {reads}: upgrade unappeal"):
        load_model(folder)


def test_an_older_format_asks_for_training_anew(folder: Path) -> None:
    edit(folder, lambda d: d.update(format=OLDEST_FORMAT - 1))
    with pytest.raises(ModelError, match=rf"has format {OLDEST_FORMAT - 1}, this release reads .*: train it again"):
        load_model(folder)


@pytest.mark.parametrize("number", ["1", None, 1.5, 0, -1, True])
def test_a_format_that_is_no_number_of_ours_is_refused(folder: Path, number: object) -> None:
    edit(folder, lambda d: d.update(format=number))
    with pytest.raises(ModelError, match=r"has format .*, this release reads"):
        load_model(folder)


@pytest.mark.parametrize(
    "change", [list.pop, list.clear, lambda names: names.append(names[0]), lambda names: names.append(1)]
)
def test_languages_that_do_not_fit_the_cue_words_are_refused(
    folder: Path, change: Callable[[list[Any]], object]
) -> None:
    edit(folder, lambda d: change(d["languages"]))
    with pytest.raises(ModelError, match=r"model\.json is damaged: .*language"):
        load_model(folder)


def test_other_labels_are_refused(folder: Path) -> None:
    edit(folder, lambda d: d.update(labels=["spam", "ham"]))
    with pytest.raises(ModelError, match=r"has labels \['spam', 'ham'\], not \['body', 'appeal', 'related'\]"):
        load_model(folder)


@pytest.mark.parametrize("name", ["concepts", "operating_point"])
def test_a_missing_setting_is_damage(folder: Path, name: str) -> None:
    edit(folder, lambda d: d.pop(name))
    with pytest.raises(ModelError, match=rf"model\.json is damaged: KeyError\('{name}'\)"):
        load_model(folder)


def test_a_truncated_array_file_is_damaged(folder: Path) -> None:
    content = (folder / "weights.npz").read_bytes()
    (folder / "weights.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"weights\.npz is damaged: "):
        load_model(folder)


def test_every_flipped_byte_is_noticed(folder: Path) -> None:
    content = bytearray((folder / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / "weights.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.npz is damaged: "):
        load_model(folder)


def test_arrays_of_another_model_do_not_match_the_checksum(folder: Path) -> None:
    shutil.copy(ARTEFACTS_DIR / DEFAULT_MODEL / "weights.npz", folder / "weights.npz")
    with pytest.raises(ModelError, match=r"its arrays do not match the checksum"):
        load_model(folder)


def test_a_pickle_in_place_of_the_arrays_is_not_opened(folder: Path) -> None:
    np.savez(folder / "weights.npz", trap=np.array([object()], dtype=object))
    with pytest.raises(ModelError, match=r"weights\.npz is damaged: Object arrays cannot be loaded"):
        load_model(folder)


@pytest.mark.parametrize(
    "probes",
    [
        [{"blocks": ["Prices rose."], "scores": [[0.0, 0.0, 1.0]]}],
        [{"blocks": ["Prices rose."], "scores": [[0.2, 0.8]]}],
        [{"blocks": ["Prices rose."], "scores": []}],
        [{"blocks": ["Prices rose."], "scores": [[float("nan")] * 3]}],
    ],
)
def test_a_model_that_gives_other_probabilities_than_noted_is_refused(
    folder: Path, probes: list[dict[str, Any]]
) -> None:
    edit(folder, lambda d: d.update(probes=probes))
    with pytest.raises(ModelError, match=r"does not give the probabilities it was saved with"):
        load_model(folder)


@pytest.mark.parametrize("probes", [[{"blocks": ["a"]}], [3], {"blocks": []}, [{"blocks": 3, "scores": []}], 7])
def test_malformed_probes_are_damage(folder: Path, probes: object) -> None:
    edit(folder, lambda d: d.update(probes=probes))
    with pytest.raises(ModelError, match=r"model\.json is damaged: "):
        load_model(folder)
