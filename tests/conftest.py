"""Fixtures for all tests: a small trained model, the real pages where they are, and tools that may be missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from unappeal.classifier import ParagraphClassifier

ROOT = Path(__file__).resolve().parents[1]
TINY_LANGUAGES = ("en", "de", "ru", "ar", "ja", "th")
TINY_SIZE = 24

settings.register_profile(
    "unappeal", deadline=None, max_examples=60, derandomize=True, suppress_health_check=list(HealthCheck)
)
settings.register_profile("long", parent=settings.get_profile("unappeal"), max_examples=2000, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "unappeal"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--move-known-failures",
        action="store_true",
        help="rewrite tests/cases: move cases the shipped model gets wrong to known_failures.jsonl, and back",
    )
    parser.addoption("--full-gate", action="store_true", help="cross-validate anew in tests/quality, for minutes")
    parser.addoption(
        "--update-readme", action="store_true", help="write the section on commands in README.md from their parsers"
    )


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real pages and examples; skips where it is not beside the repository."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the real pages in ../shared")
    return folder


@pytest.fixture(scope="session")
def tiny_documents() -> list[Any]:
    """A few authored documents, in scripts that are read differently, labels included."""
    from unappeal_training.dataset import read_authored

    chosen: list[Any] = []
    documents = read_authored()
    for language in TINY_LANGUAGES:
        chosen += [d for d in documents if d.lang == language][: TINY_SIZE if language == "en" else 5]
    return chosen


@pytest.fixture(scope="session")
def tiny_settings() -> Any:
    """Settings of a fit that takes seconds."""
    from unappeal_training.fit import FitSettings

    return FitSettings(min_sites=2, word_epochs=3, reader_epochs=3, judge_epochs=3, members=1)


@pytest.fixture(scope="session")
def tiny_folds(tiny_documents: list[Any], tiny_settings: Any) -> Any:
    """A cross-validation of the few documents."""
    from unappeal_training.build import cross_fitted

    return cross_fitted(tiny_documents, tiny_settings, 1)


@pytest.fixture(scope="session")
def tiny_model(tiny_folds: Any, tiny_settings: Any) -> ParagraphClassifier:
    """A model trained in seconds; right about little, but with all the parts of a real one."""
    from unappeal_training.build import build_classifier

    return build_classifier(tiny_folds, tiny_settings, 1)


@pytest.fixture(scope="session")
def tiny_folder(tiny_model: ParagraphClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small model, saved."""
    from unappeal.artefact import save_model

    folder = tmp_path_factory.mktemp("models") / "tiny"
    probes = [{"blocks": ["Support us.", "Prices rose."], "scores": []}]
    probes[0]["scores"] = tiny_model.predict_proba([["Support us.", "Prices rose."]]).tolist()
    save_model(tiny_model, folder, {"name": "tiny", "version": "0", "probes": probes})
    return folder


@pytest.fixture(scope="session")
def cli() -> Callable[..., "subprocess.CompletedProcess[bytes]"]:
    """Runs ``unappeal ARGUMENT…`` as a process of its own, with ``stdin=`` given to it and ``env=`` added."""

    def run(*arguments: object, stdin: bytes = b"", **options: Any) -> "subprocess.CompletedProcess[bytes]":
        environment = {**os.environ, **options.pop("env", {})}
        command = [sys.executable, "-m", "unappeal", *map(str, arguments)]
        return subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment, **options)

    return run


@pytest.fixture(scope="session")
def page() -> str:
    """A short news page, written for the tests, with a plea, a link and a sign-up under the story."""
    return (ROOT / "tests" / "cases" / "page.txt").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def chromium() -> Iterator[str]:
    """Path of a Chromium; skips where there is none, fails in CI, which installs it."""
    yield _tool("chromium")


@pytest.fixture(scope="session")
def java() -> Iterator[str]:
    """Path of a Java runtime; skips where there is none, fails in CI, which installs it."""
    yield _tool("java")


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None and "UNAPPEAL_CI" in os.environ:
        pytest.fail(f"{name} is missing, .ci/run should have installed it")
    if path is None:
        pytest.skip(f"needs {name} on the PATH")
    return path
