"""The built package: what is in it, that it installs alone, and that the installed copy filters."""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from unappeal.artefact import DEFAULT_MODEL
from unappeal_training.lexicon import read_cues

ROOT = Path(__file__).resolve().parents[1]

COMPILED = "unappeal/kernels/kernels.lib"
"""Is in a wheel that was built where there is a compiler."""

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path | None = None) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel built from it, as an index would get them."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that has the wheel, what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel)
    return folder / "bin"


def tracked(*folders: str) -> set[str]:
    """Files of the working tree that git would take, those of the shipped model included."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *folders, cwd=ROOT).splitlines()
    return {name for name in listed if (ROOT / name).is_file()}


def test_the_wheel_holds_both_packages_whole_the_shipped_model_and_the_data_of_training(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    expected = {name.split("/", 1)[1] for name in tracked("model/unappeal", "training/unappeal_training")}
    expected |= {f"unappeal_training/{name}" for name in tracked("data/authored", "data/lexicon")}
    model = f"unappeal/artefacts/{DEFAULT_MODEL}"
    assert {f"{model}/weights.npz", f"{model}/model.json", "unappeal/py.typed"} <= held
    rest = held - expected
    assert expected - held == set()
    assert len({name.split("/")[0] for name in rest - {COMPILED}}) == 1
    assert all(".dist-info/" in name for name in rest - {COMPILED})


def test_the_wheel_holds_no_other_data_no_tests_and_no_leftovers(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = archive.namelist()
        size = sum(entry.compress_size for entry in archive.infolist())
    assert not [name for name in held if name.endswith((".pyc", ".tmp", ".pkl"))]
    jsonl = [name for name in held if name.endswith(".jsonl")]
    assert {name.rsplit("/", 1)[0] for name in jsonl} == {"unappeal_training/data/authored"}
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == {"unappeal", "unappeal_training"}
    assert size < 12e6  # the model 4 MB, the documents 4, the cues 2


def test_the_wheel_says_what_it_needs_as_ranges(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(name).decode("utf-8").split("\n\n")[0].splitlines()
        assert any(name.endswith(".dist-info/licenses/LICENSE") for name in archive.namelist())
    needed = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist")]
    assert needed
    assert not [line for line in needed if "==" in line.split(";")[0]]
    base = {line.split(">")[0] for line in needed if "extra ==" not in line}
    assert not base & {"pandas", "scikit-learn", "scipy", "pyarrow", "pyspark", "datatrove"}


def test_the_source_archive_holds_what_the_tests_and_training_need(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        held = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "data/README.md", "tests/conftest.py"} <= held
    assert tracked("data", "tests", "model", "training") <= held
    assert not [name for name in held if name.startswith((".git/", ".venv", "shared"))]


def test_the_installed_copy_filters_a_document(installed: Path, tmp_path: Path) -> None:
    page = (ROOT / "data" / "example" / "ferry.txt").read_text(encoding="utf-8")
    (tmp_path / "page.txt").write_text(page, encoding="utf-8")
    shown = run(installed / "unappeal", "filter", "--quiet", "page.txt", cwd=tmp_path)
    assert "The last ferry to Skarn" in shown
    assert "Become a member" not in shown
    code = "import unappeal, sys; print(unappeal.__file__); print(unappeal.load_model().name)"
    where, name = run(installed / "python", "-c", code, cwd=tmp_path).splitlines()
    assert Path(where).is_relative_to(installed.parent)
    assert name == DEFAULT_MODEL


def test_the_installed_copy_reads_the_data_of_training(installed: Path, tmp_path: Path) -> None:
    code = (
        "from unappeal_training.base import base_documents\n"
        "from unappeal_training.lexicon import read_cues\n"
        "documents, sentence = base_documents()\n"
        "print(len(documents), len(list(read_cues())), sentence)"
    )
    n_documents, n_cues, sentence = run(installed / "python", "-c", code, cwd=tmp_path).strip().split(" ", 2)
    authored = (ROOT / "data" / "authored").glob("*.jsonl")
    assert int(n_documents) == sum(len(path.read_text(encoding="utf-8").splitlines()) for path in authored)
    assert int(n_cues) == len(list(read_cues()))
    assert str(Path("unappeal_training", "data", "authored")) in sentence
    assert "real pages are absent: make them" in sentence


def test_the_base_install_brings_nothing_heavy(installed: Path) -> None:
    shown = run(installed / "python", "-m", "pip", "list", "--format=freeze", "--disable-pip-version-check")
    names = {line.split("==")[0].lower() for line in shown.splitlines()}
    assert not names & {"pandas", "scikit-learn", "scipy", "pyarrow", "pyspark", "torch"}


def test_the_installed_training_says_which_extra_it_needs(installed: Path, tmp_path: Path) -> None:
    labels = ROOT / "data" / "authored" / "en.jsonl"
    done = subprocess.run(
        [installed / "unappeal", "train", labels, "-o", tmp_path / "model"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "unappeal[train]" in done.stderr
    assert "Traceback" not in done.stderr
