"""What starting costs: NumPy, the package (its names load on first use), its model, one document from the shell."""

import sys
from pathlib import Path

from tests.benchmarks.measuring import Timing, take_turns_as_processes

NUMPY, PACKAGE, DOCUMENT = "import numpy", "import unappeal", "filter one document"
MODEL = "import unappeal, load its model"

PAGE = """Council backs new bridge by nine votes to four

The council met on Monday and voted for the bridge over the river, which will cost 3 million and open in two years.

Independent news needs you. Donate today.
"""


def start_timings(folder: Path, repeats: int) -> dict[str, Timing]:
    """Measure each as a process of its own, in turns."""
    page = folder / "page.txt"
    page.write_text(PAGE, encoding="utf-8")
    commands = {
        NUMPY: [sys.executable, "-c", NUMPY],
        PACKAGE: [sys.executable, "-c", PACKAGE],
        MODEL: [sys.executable, "-c", "import unappeal; unappeal.load_model()"],
        DOCUMENT: [sys.executable, "-m", "unappeal", "filter", str(page), "-o", str(folder / "cleaned.txt")],
    }
    return take_turns_as_processes(commands, repeats)
