"""Time and memory, in this process and in processes of their own.

Processor time stands beside wall time, because other work on the machine stretches the latter only. Contenders take
turns, so that a slow minute of the machine falls on all of them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

Contender = Callable[[], object]

_LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - began
code = os.waitstatus_to_exitcode(status)
print(json.dumps([code, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]), file=sys.stderr)
"""
"""A parent with little memory of its own: the kernel counts a parent's peak into the child's."""


@dataclass(slots=True)
class Timing:
    """Seconds of several runs of one thing; ``peak_mb`` is the most memory a process of its own took."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mb: float = 0.0

    @property
    def seconds(self) -> float:
        """Median processor time."""
        return median(self.cpu)

    @property
    def spread(self) -> float:
        """How far apart the fastest and the slowest run are, as a share of the median."""
        return (max(self.cpu) - min(self.cpu)) / self.seconds if self.seconds else 0.0


def take_turns(contenders: Mapping[str, Contender], repeats: int) -> dict[str, Timing]:
    """Run every contender ``repeats`` times, in rounds, after one round that is not counted."""
    timings = {name: Timing() for name in contenders}
    for repeat in range(repeats + 1):
        for name, contender in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            contender()
            if repeat or not repeats:
                timings[name].cpu.append(time.process_time() - cpu)
                timings[name].wall.append(time.perf_counter() - wall)
    return timings


def take_turns_as_processes(commands: Mapping[str, Sequence[str]], repeats: int) -> dict[str, Timing]:
    """Run every command ``repeats`` times, in rounds, after one round that is not counted."""
    timings = {name: Timing() for name in commands}
    for repeat in range(repeats + 1):
        for name, command in commands.items():
            wall, cpu, peak_mb = run_process(command)
            timings[name].peak_mb = max(timings[name].peak_mb, peak_mb)
            if repeat or not repeats:
                timings[name].wall.append(wall)
                timings[name].cpu.append(cpu)
    return timings


def run_process(command: Sequence[str]) -> tuple[float, float, float]:
    """Give wall seconds, processor seconds (children included) and peak memory in MB of one command.

    Python may keep the bytecode it makes, as it does of what pip installs.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=True,
        env={**environment, "OMP_NUM_THREADS": "1"},
    )
    *said, usage = done.stderr.decode().splitlines()
    code, wall, cpu, peak_mb = json.loads(usage)
    if code:
        raise RuntimeError(f"{' '.join(command)} ended with {code}:\n" + "\n".join(said))
    return wall, cpu, peak_mb
