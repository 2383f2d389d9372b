"""What a run tells people while it goes and at its end: bad records, a progress bar, a summary."""

import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from unappeal.cli import say
from unappeal.corpus.base import Shard
from unappeal.corpus.plan import Target
from unappeal.corpus.records import BadRecord
from unappeal.corpus.tally import Tally

MAX_BAD_SHOWN = 20
"""Bad records told one by one, and shards that had some before; the rest are counted, and kept in side files."""


class Progress:
    """Observes a run (`unappeal.corpus.run.Observer`); the bar is there on a terminal only."""

    def __init__(self, total_bytes: int, quiet: bool = False) -> None:
        self.started = time.monotonic()
        self.total = Tally()
        self._n_bad = 0
        self._stack = ExitStack()
        self._bar: Any = None
        if sys.stderr.isatty() and not quiet:
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # beside a thread of its own, workers could not be forked
            bar = tqdm(total=total_bytes or None, unit="B", unit_scale=True, file=sys.stderr, dynamic_ncols=True)
            self._bar = self._stack.enter_context(bar)

    def read(self, n_bytes: int) -> None:
        """Move the bar."""
        if self._bar is not None:
            self._bar.update(n_bytes)

    def bad(self, record: BadRecord) -> None:
        """Tell a bad record, up to `MAX_BAD_SHOWN` of them."""
        self._say_bad(str(record))

    def empty(self, shard: Shard) -> None:
        """Tell a shard without records."""
        self._say(f"{shard.path}: no records")

    def skipped(self, target: Target, tally: Tally) -> None:
        """Tell the bad records of a shard that is done, so that nobody has to guess what the exit code means."""
        if n_bad := tally.bad.total():
            plural = "" if n_bad == 1 else "s"
            self._say_bad(f"{target.shards[0].path}: done before, with {n_bad:,} bad record{plural}: see {target.bad}")

    def counted(self, total: Tally) -> None:
        """Show documents a second and the share removed."""
        self.total = total
        if self._bar is not None:
            rate = total.documents / max(1e-3, self.seconds)
            self._bar.set_postfix_str(f"{rate:,.0f} documents/s, {100 * total.removed_share():.1f} % removed", False)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.started

    def _say_bad(self, line: str) -> None:
        self._n_bad += 1
        if self._n_bad <= MAX_BAD_SHOWN:
            self._say(line)
        elif self._n_bad == MAX_BAD_SHOWN + 1:
            self._say("more bad records are counted, not shown: --bad-records FILE keeps them all")

    def _say(self, line: str) -> None:
        if self._bar is None:
            say(line)
        else:
            self._bar.write(line, file=sys.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
