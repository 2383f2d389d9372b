"""Threads that begin at once: one model, and what each thread gets alone.

In processes of their own, since only what is done first can go wrong.
"""

import os
import subprocess
import sys

import pytest

N_THREADS = 4

FIRST_USE = f"""
import sys, threading
sys.setswitchinterval(1e-6)  # seconds: threads take turns as often as they can

import unappeal
import unappeal.evidence

unappeal.evidence.MEMO_BITS = 4  # words that must share a place

def text(i):
    plea = f"Support our newsroom {{i}}! Donate {{i}} euros today, become member {{i}} of the Harbour Light."
    return "\\n\\n".join([*(f"The council{{i}} voted on bridge{{k}} and market{{i * k}}." for k in range(40)), plea])

barrier = threading.Barrier({N_THREADS})
models, found, errors = [], {{}}, []

def go(i):
    try:
        barrier.wait()
        models.append(unappeal.load_model())
        found[i] = [unappeal.classify(text(4 * n + i)) for n in range(20)]
    except Exception as exc:
        errors.append(repr(exc))

threads = [threading.Thread(target=go, args=(i,)) for i in range({N_THREADS})]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not errors, errors
assert len(set(map(id, models))) == 1, "the same path gives the same model"
for i, blocks in found.items():
    assert blocks == [unappeal.classify(text(4 * n + i)) for n in range(20)], i
"""

POWERS = f"""
import sys, threading
sys.setswitchinterval(1e-6)
from unappeal import evidence

errors = []
for _ in range(100):
    evidence._POWERS.clear()
    barrier = threading.Barrier({N_THREADS})

    def go():
        barrier.wait()
        try:
            assert all(len(table) >= 300 for table in evidence.powers(300))
        except Exception as exc:
            errors.append(repr(exc))

    threads = [threading.Thread(target=go) for _ in range({N_THREADS})]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
assert not errors, errors
"""


@pytest.mark.parametrize(
    ("script", "pure"), [(FIRST_USE, "0"), (FIRST_USE, "1"), (POWERS, "1")], ids=["first use", "in NumPy", "powers"]
)
def test_threads_that_begin_at_once_get_what_they_get_alone(script: str, pure: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, "UNAPPEAL_PURE": pure}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
