"""Tasks through workers, results in the order of the tasks, a bounded number of them in flight."""

import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable

from unappeal.corpus.work import Job, Outcome, Task, work
from unappeal.errors import UnappealError

IN_FLIGHT_PER_WORKER = 3
"""Tasks handed out or waiting to be collected: enough that no worker waits, few enough for memory to stay flat."""


class WorkerError(UnappealError):
    """A worker process is gone."""


def results(job: Job, tasks: Iterable[Task], workers: int) -> Generator[tuple[Task, Outcome]]:
    """Give each task with its outcome, in order.

    One worker is this process; more are processes of their own, each with its own copy of the job. Raises
    WorkerError where one of them dies.
    """
    if workers == 1:
        return ((task, work(job, task)) for task in tasks)
    return _from_processes(job, tasks, workers)


def _from_processes(job: Job, tasks: Iterable[Task], workers: int) -> Generator[tuple[Task, Outcome]]:
    from concurrent.futures import Future, ProcessPoolExecutor  # 40 ms
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    executor = ProcessPoolExecutor(workers, get_context("spawn"), _start, (job,))

    def collect(task: Task, future: Future[Outcome] | None) -> tuple[Task, Outcome]:
        return task, work(job, task) if future is None else future.result()

    waiting: deque[tuple[Task, Future[Outcome] | None]] = deque()
    try:
        for task in tasks:
            waiting.append((task, None if task.chunk is None else executor.submit(_work, task)))
            while len(waiting) > IN_FLIGHT_PER_WORKER * workers:
                yield collect(*waiting.popleft())
        while waiting:
            yield collect(*waiting.popleft())
    except BrokenProcessPool as exc:
        raise WorkerError(
            "a worker process died (killed, or out of memory): finished shards stand, run the command again to go on"
        ) from exc
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


_job: Job | None = None


def _start(job: Job) -> None:
    """Keep the job, leave Ctrl-C to the parent, and end with it however it ends."""
    global _job
    _job = job
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _work(task: Task) -> Outcome:
    assert _job is not None
    return work(_job, task)
