"""The operating point: from the loss a user allows to a threshold, and from scores to labels."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from unappeal.labels import APPEAL, BODY, RELATED
from unappeal.operating_point import MIN_CHARS, OperatingPoint, label_mask

POINT = OperatingPoint(
    levels=(0.001, 0.002, 0.005), thresholds=(3.0, 2.0, 1.0), default=0.002, appeal_gain=2.0, length_exponent=1.0
)


def scores(*rows: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    return np.array(rows, dtype=np.float32)


@pytest.mark.parametrize(
    ("loss", "threshold"), [(0.001, 3.0), (0.0015, 3.0), (0.002, 2.0), (0.0049, 2.0), (0.005, 1.0), (None, 2.0)]
)
def test_a_loss_is_rounded_down_to_a_level_of_the_curve(loss: float | None, threshold: float) -> None:
    assert POINT.threshold(loss) == threshold


@pytest.mark.parametrize("loss", [0, 0.0009])
def test_below_the_lowest_level_nothing_is_dropped(loss: float) -> None:
    assert POINT.threshold(loss) == float("inf")
    certain = scores((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    assert POINT.decide(certain, np.array([10, 10]), loss).tolist() == [BODY, BODY]


@pytest.mark.parametrize("loss", [-0.001, 0.006, 1, float("nan"), float("inf")])
def test_a_loss_off_the_curve_is_refused_with_the_range(loss: float) -> None:
    with pytest.raises(ValueError, match=f"max_body_loss must lie between 0 and 0.005, not {loss!r}"):
        POINT.threshold(loss)


def test_a_higher_loss_never_keeps_what_a_lower_one_drops() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.dirichlet((0.3, 0.3, 0.3), 500).astype(np.float32)
    chars = rng.integers(1, 2000, 500)
    dropped = [POINT.decide(drawn, chars, loss) != BODY for loss in (0.0, *POINT.levels)]
    for less, more in pairwise(dropped):
        assert not (less & ~more).any()
    assert dropped[-1].sum() > dropped[1].sum() > 0


def test_what_is_dropped_takes_the_likelier_of_the_two_labels() -> None:
    decided = POINT.decide(scores((0.0, 0.6, 0.4), (0.0, 0.4, 0.6), (1.0, 0.0, 0.0)), np.array([10, 10, 10]), None)
    assert decided.tolist() == [APPEAL, RELATED, BODY]


def test_a_longer_block_needs_more_certainty() -> None:
    same = scores((0.01, 0.0, 0.99), (0.01, 0.0, 0.99))
    assert POINT.decide(same, np.array([10, 1000]), None).tolist() == [RELATED, BODY]


def test_the_shortest_blocks_count_alike() -> None:
    same = scores((0.2, 0.4, 0.4), (0.2, 0.4, 0.4), (0.2, 0.4, 0.4))
    margin = POINT.margin(same, np.array([0, 1, MIN_CHARS]))
    assert margin[0] == margin[1] == margin[2]


def test_margins_are_finite_where_a_label_has_no_probability() -> None:
    extreme = scores((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    assert np.isfinite(POINT.margin(extreme, np.array([0, 5, 10_000_000]))).all()


def test_no_blocks_give_no_labels() -> None:
    assert POINT.decide(np.zeros((0, 3), dtype=np.float32), np.zeros(0, dtype=np.int64), None).shape == (0,)


def test_drop_takes_one_label_or_several() -> None:
    assert label_mask("appeal").tolist() == [False, True, False]
    assert label_mask(("appeal", "related")).tolist() == [False, True, True]
    assert label_mask(()).tolist() == [False, False, False]


@pytest.mark.parametrize("drop", ["body", ("related", "body"), "appeals"])
def test_the_story_cannot_be_dropped(drop: str | tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"drop takes 'appeal' and 'related', not '(body|appeals)'"):
        label_mask(drop)
