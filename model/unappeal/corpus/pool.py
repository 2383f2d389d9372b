"""Tasks through workers, results in the order of the tasks, a bounded number of them in flight."""

import os
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from mmap import mmap
from typing import TYPE_CHECKING, Any, cast

from unappeal.corpus.work import Job, Outcome, Task, work
from unappeal.errors import UnappealError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from queue import SimpleQueue

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
    crew = _Crew(job, workers)
    waiting: deque[_Handed] = deque()
    try:
        for task in tasks:
            waiting.append(_Handed(task, work(job, task)) if task.chunk is None else crew.hand_out(task))
            while len(waiting) > IN_FLIGHT_PER_WORKER * workers:
                yield crew.finished(waiting.popleft())
        while waiting:
            yield crew.finished(waiting.popleft())
    finally:
        crew.end()


@dataclass(slots=True)
class _Handed:
    """A task that was handed out, and what came of it once that is there."""

    task: Task
    reply: Outcome | Exception | None = None


class _End:
    """One end of a pipe; bytes go through memory that both ends share, where there is some and they have room there.

    Each end answers before the other sends again, so that one piece of memory does for both ways.
    """

    def __init__(self, pipe: "Connection", shared: mmap | None) -> None:
        self.pipe = pipe
        self._shared = shared

    def send(self, message: Any, content: bytes) -> None:
        if self._shared is None or len(content) > SHARED_BYTES:
            self.pipe.send((message, content))
        else:
            self._shared[: len(content)] = content
            self.pipe.send((message, len(content)))

    def recv(self) -> tuple[Any, bytes | int]:
        """Give a message and its content, or how much of that there is in the memory: see `content`."""
        message, content = self.pipe.recv()
        return message, content

    def content(self, received: bytes | int) -> bytes:
        """Give the content that came with the last message."""
        if isinstance(received, bytes):
            return received
        assert self._shared is not None
        return self._shared[:received]

    def close(self) -> None:
        self.pipe.close()


class _Crew:
    """Worker processes, each at the other end of pipes of its own.

    The workers of a `ProcessPoolExecutor` share one pipe for what they give back: one that is killed while it writes
    keeps the lock on it, and the run waits for ever.
    """

    def __init__(self, job: Job, workers: int) -> None:
        from multiprocessing import get_context

        context = get_context("fork") if _may_fork() else get_context("spawn")
        self._busy: dict[Connection, tuple[_End, _Handed]] = {}
        self._processes = []
        ends: list[list[_End]] = []
        for _ in range(workers):
            pipes = [_pipe(context) for _ in range(PIPES_PER_WORKER)]
            process = context.Process(target=_serve, args=([theirs for _, theirs in pipes], job), daemon=True)
            process.start()
            self._processes.append(process)
            for _, theirs in pipes:
                theirs.close()  # so that the pipe ends with the worker
            ends.append([ours for ours, _ in pipes])
        self._idle = deque(end for of_each in zip(*ends, strict=True) for end in of_each)

    def hand_out(self, task: Task) -> _Handed:
        """Let the worker that has waited longest do a task; wait for one that takes it."""
        self._receive(0)
        while not self._idle:
            self._receive(None)
        end, handed = self._idle.popleft(), _Handed(task)
        self._busy[end.pipe] = end, handed
        with _naming_death():
            _send_task(end, task)
        return handed

    def finished(self, handed: _Handed) -> tuple[Task, Outcome]:
        """Wait for what comes of a task, and give both."""
        while handed.reply is None:
            self._receive(None)
        if isinstance(handed.reply, Exception):
            raise handed.reply
        return handed.task, handed.reply

    def _receive(self, timeout: float | None) -> None:
        """Take what the workers have done; wait so many seconds for it, None: until there is some."""
        from multiprocessing import connection

        for ready in connection.wait(self._busy, timeout):
            end, handed = self._busy.pop(cast("Connection", ready))
            with _naming_death():
                handed.reply = _received_reply(end)
            self._idle.append(end)

    def end(self) -> None:
        """End the workers, whatever they do."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.join()


@contextmanager
def _naming_death() -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError) as exc:
        raise WorkerError(
            "a worker process died (killed, or out of memory): finished shards stand, run the command again to go on"
        ) from exc


def _pipe(context: Any) -> tuple[_End, _End]:
    """Make a pipe; the memory beside it is anonymous, so that only a copy of this process can have it."""
    shared = mmap(-1, SHARED_BYTES) if context.get_start_method() == "fork" else None
    ours, theirs = context.Pipe()
    return _End(ours, shared), _End(theirs, shared)


def _send_task(worker: _End, task: Task) -> None:
    assert task.chunk is not None
    worker.send(task._replace(chunk=replace(task.chunk, data=b"")), task.chunk.data)


def _task_with(task: Task, data: bytes) -> Task:
    assert task.chunk is not None
    return task._replace(chunk=replace(task.chunk, data=data))


def _send_reply(parent: _End, reply: Outcome | Exception) -> None:
    if isinstance(reply, Exception):
        parent.send(reply, b"")
    else:
        parent.send(replace(reply, output=b""), reply.output)


def _received_reply(worker: _End) -> Outcome | Exception:
    reply: Outcome | Exception
    reply, output = worker.recv()
    return reply if isinstance(reply, Exception) else replace(reply, output=worker.content(output))


def _may_fork() -> bool:
    """Tell whether workers may be copies of this process, which start 0.3 s sooner than new ones and share its model.

    Not where another thread may hold a lock that the copy would wait for, nor beside Arrow, which has its own threads.
    """
    return sys.platform == "linux" and threading.active_count() == 1 and "pyarrow" not in sys.modules


def _serve(pipes: Sequence[_End], job: Job) -> None:
    """Do what comes in, one task at a time; leave Ctrl-C to the parent, and end with it however it ends.

    Each pipe is read by a thread of its own, so that the parent, which is one thread, can always send. The work is done
    by this thread: what others free goes back to the system each time.
    """
    from queue import SimpleQueue

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    received: SimpleQueue[tuple[_End, Task, bytes | int] | None] = SimpleQueue()
    for pipe in pipes:
        threading.Thread(target=_receive_tasks, args=(pipe, received), daemon=True).start()
    with suppress(OSError):  # the parent has gone
        while (found := received.get()) is not None:
            parent, task, data = found
            try:
                reply: Outcome | Exception = work(job, _task_with(task, parent.content(data)))
            except Exception as exc:
                exc.add_note(traceback.format_exc())
                reply = exc
            _send_reply(parent, reply)


def _receive_tasks(parent: _End, received: "SimpleQueue[tuple[_End, Task, bytes | int] | None]") -> None:
    with suppress(EOFError, OSError):
        while True:
            received.put((parent, *parent.recv()))
    received.put(None)


def _end_with_parent() -> None:
    from multiprocessing import connection, parent_process

    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
