"""Error classes: what a caller can catch, and how they print."""

import copy
import pickle
from pathlib import Path

import pytest

from unappeal import InputError, ModelError, UnappealError


@pytest.mark.parametrize("kind", [ModelError, InputError])
def test_every_error_of_ours_can_be_caught_by_its_base(kind: type[UnappealError]) -> None:
    with pytest.raises(UnappealError, match="broken"):
        raise kind("broken")


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (InputError("no text"), "no text"),
        (InputError("no text", "a.jsonl"), "a.jsonl: no text"),
        (InputError("no text", "a.jsonl", 7), "a.jsonl:7: no text"),
        (InputError("no text", Path("in/a.jsonl"), 7), "in/a.jsonl:7: no text"),
    ],
)
def test_an_input_error_prints_as_path_line_message(error: InputError, shown: str) -> None:
    assert str(error) == shown


def test_an_input_error_keeps_its_parts() -> None:
    error = InputError("no text", Path("a.jsonl"), 7)
    assert (error.message, error.path, error.line) == ("no text", "a.jsonl", 7)


def test_an_input_error_survives_the_way_back_from_a_worker() -> None:
    error = InputError("no text", "a.jsonl", 7)
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert isinstance(copied, InputError)
        assert str(copied) == str(error)
