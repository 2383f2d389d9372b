"""Importing loads NumPy and nothing heavier; what is heavier comes when it is asked for."""

import subprocess
import sys

import pytest

HEAVY = ("sklearn", "scipy", "pandas", "pyarrow", "matplotlib", "unappeal_training", "torch", "datatrove", "pyspark")


def loaded_by(code: str) -> list[str]:
    tail = f"\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code + tail], capture_output=True, text=True, check=True)
    names: list[str] = eval(done.stdout.splitlines()[-1])
    return names


@pytest.mark.parametrize(
    "code",
    [
        "import unappeal",
        "import unappeal; unappeal.filter_text('Donate now\\n\\nThe mayor spoke on Monday.')",
        "from unappeal.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass",
        "from unappeal.cli import main\ntry: main(['filter', '--help'])\nexcept SystemExit: pass",
    ],
    ids=["import", "filter one text", "--help", "filter --help"],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded_by(code) == []


def test_the_package_says_its_version() -> None:
    from importlib.metadata import version

    import unappeal

    assert unappeal.__version__ == version("unappeal")
    assert set(unappeal.__all__) <= set(dir(unappeal))
