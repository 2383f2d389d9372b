"""Tasks through workers, results in the order of the tasks, a bounded number of them in flight."""

import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from mmap import mmap
from typing import TYPE_CHECKING, Any

from unappeal.corpus.work import Job, Outcome, Task, work
from unappeal.errors import UnappealError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PIPES_PER_WORKER = 2
"""While a worker is at one task, the next comes in by the other pipe, or the last goes out."""

IN_FLIGHT_PER_WORKER = 4
"""Tasks handed out or waiting to be collected: enough that no worker waits, few enough for memory to stay flat."""

SHARED_BYTES = 1 << 22
"""Memory beside each pipe, room for nearly every chunk: a megabyte through the pipe itself costs six times as much."""


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
    from concurrent.futures import Future, ThreadPoolExecutor  # 20 ms

    crew = _Crew(job, workers)
    threads = ThreadPoolExecutor(PIPES_PER_WORKER * workers)

    def collect(task: Task, future: Future[Outcome] | None) -> tuple[Task, Outcome]:
        return task, work(job, task) if future is None else future.result()

    waiting: deque[tuple[Task, Future[Outcome] | None]] = deque()
    try:
        for task in tasks:
            waiting.append((task, None if task.chunk is None else threads.submit(crew.work, task)))
            while len(waiting) > IN_FLIGHT_PER_WORKER * workers:
                yield collect(*waiting.popleft())
        while waiting:
            yield collect(*waiting.popleft())
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        crew.end()
        threads.shutdown()


class _End:
    """One end of a pipe; bytes go through memory that both ends share, where there is some and they have room there.

    Each end answers before the other sends again, so that one piece of memory does for both ways.
    """

    def __init__(self, pipe: "Connection", shared: mmap | None) -> None:
        self._pipe = pipe
        self._shared = shared

    def send(self, message: Any, content: bytes) -> None:
        if self._shared is None or len(content) > SHARED_BYTES:
            self._pipe.send((message, content))
        else:
            self._shared[: len(content)] = content
            self._pipe.send((message, len(content)))

    def recv(self) -> tuple[Any, bytes]:
        message, content = self._pipe.recv()
        return message, content if self._shared is None or isinstance(content, bytes) else self._shared[:content]

    def close(self) -> None:
        self._pipe.close()


class _Crew:
    """Worker processes, each at the other end of pipes of its own.

    The workers of a `ProcessPoolExecutor` share one pipe for what they give back: one that is killed while it writes
    keeps the lock on it, and the run waits for ever.
    """

    def __init__(self, job: Job, workers: int) -> None:
        from multiprocessing import get_context
        from queue import SimpleQueue

        context = get_context("fork") if _may_fork() else get_context("spawn")
        self._idle: SimpleQueue[_End] = SimpleQueue()
        self._processes = []
        for _ in range(workers):
            pipes = [_pipe(context) for _ in range(PIPES_PER_WORKER)]
            process = context.Process(target=_serve, args=([theirs for _, theirs in pipes], job), daemon=True)
            process.start()
            self._processes.append(process)
            for ours, theirs in pipes:
                theirs.close()  # so that the pipe ends with the worker
                self._idle.put(ours)

    def work(self, task: Task) -> Outcome:
        """Let a worker do a task; wait for one that takes it, and for the outcome."""
        worker = self._idle.get()
        try:
            _send_task(worker, task)
            reply = _received_reply(worker)
        except (EOFError, OSError) as exc:
            raise WorkerError(
                "a worker process died (killed, or out of memory): finished shards stand, run the command again to "
                "go on"
            ) from exc
        finally:
            self._idle.put(worker)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def end(self) -> None:
        """End the workers, whatever they do."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()


def _pipe(context: Any) -> tuple[_End, _End]:
    """Make a pipe; the memory beside it is anonymous, so that only a copy of this process can have it."""
    shared = mmap(-1, SHARED_BYTES) if context.get_start_method() == "fork" else None
    ours, theirs = context.Pipe()
    return _End(ours, shared), _End(theirs, shared)


def _send_task(worker: _End, task: Task) -> None:
    assert task.chunk is not None
    worker.send(task._replace(chunk=replace(task.chunk, data=b"")), task.chunk.data)


def _received_task(parent: _End) -> Task:
    task, data = parent.recv()
    received: Task = task._replace(chunk=replace(task.chunk, data=data))
    return received


def _send_reply(parent: _End, reply: Outcome | Exception) -> None:
    if isinstance(reply, Exception):
        parent.send(reply, b"")
    else:
        parent.send(replace(reply, output=b""), reply.output)


def _received_reply(worker: _End) -> Outcome | Exception:
    reply: Outcome | Exception
    reply, output = worker.recv()
    return reply if isinstance(reply, Exception) else replace(reply, output=output)


def _may_fork() -> bool:
    """Tell whether workers may be copies of this process, which start 0.3 s sooner than new ones and share its model.

    Not where another thread may hold a lock that the copy would wait for, nor beside Arrow, which has its own threads.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and "pyarrow" not in sys.modules


def _serve(pipes: Sequence[_End], job: Job) -> None:
    """Do what comes in, one task at a time; leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    turn = threading.Lock()
    servers = [threading.Thread(target=_serve_pipe, args=(pipe, job, turn)) for pipe in pipes]
    for server in servers:
        server.start()
    for server in servers:
        server.join()


def _serve_pipe(parent: _End, job: Job, turn: threading.Lock) -> None:
    with suppress(EOFError, OSError):  # the parent has gone
        while True:
            task = _received_task(parent)
            try:
                with turn:
                    reply: Outcome | Exception = work(job, task)
            except Exception as exc:
                exc.add_note(traceback.format_exc())
                reply = exc
            _send_reply(parent, reply)


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
