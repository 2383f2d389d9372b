"""The quality of what ships, against the pinned floors; see `unappeal_training.gate` for how they are moved."""

import pytest

from unappeal_training.gate import (
    FLOORS,
    PAGES_FILE,
    QUALITY_DIR,
    GateError,
    check,
    current_hashes,
    full_figures,
    quick_figures,
    read_floors,
)


def test_stored_predictions_and_the_shipped_model_hold_the_floors() -> None:
    floors = read_floors(QUALITY_DIR / FLOORS)
    if floors is None:
        pytest.skip("no floors are pinned yet: run python -m unappeal_training.gate --full --update")
    figures, folds = quick_figures(n_bootstrap=2)
    check(floors, figures, current_hashes(folds))
    assert folds.hashes == floors.hashes


@pytest.mark.slow
@pytest.mark.shared
def test_a_new_cross_validation_holds_the_floors(request: pytest.FixtureRequest) -> None:
    if not request.config.getoption("--full-gate"):
        pytest.skip("cross-validates anew, for minutes: give --full-gate")
    if not PAGES_FILE.exists():
        pytest.skip("needs the real pages in ../shared")
    floors = read_floors(QUALITY_DIR / FLOORS)
    if floors is None:
        raise GateError("no floors are pinned yet: run python -m unappeal_training.gate --full --update")
    figures, folds = full_figures(n_bootstrap=2)
    check(floors, figures, folds.hashes)
