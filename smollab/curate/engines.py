"""Where shards are mapped: in this process, in a pool of processes on this machine, or on a Ray cluster.

An engine does one thing: call a function on every task whose output does not exist yet. The function writes
its output last and atomically, so that whatever ends a run (Ctrl-C, `kill -9`, a full disk), the next one
goes on with the tasks that are unfinished.
"""

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import wait as wait_for_objects
from pathlib import Path
from typing import Any, Protocol, TypeVar

from smollab.curate.errors import CurationError
from smollab.recipe import Curate

TERMINATION_S = 5.0
"""That a worker has to end when asked, before it is killed."""
POLL_S = 0.2
"""Between two looks at the counter of documents."""


class Task(Protocol):
    """What an engine needs to know of a task."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def output(self) -> Path:
        """Exists when, and only when, the task is done."""
        ...


T = TypeVar("T", bound=Task)
Tick = Callable[[int], None]
"""Called by a task's function with the number of documents since the last call."""


class Engine(Protocol):
    """What a run needs of an engine."""

    def map_shards(
        self,
        function: Callable[[T, Tick], None],
        tasks: Sequence[T],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Call a function on every task that is not done yet."""
        ...


def make_engine(settings: Curate) -> AbstractContextManager[Engine]:
    """Return the engine that a recipe names, to be used in a `with` statement.

    Raises:
        CurationError: it is not installed.
    """
    if settings.engine == "ray":
        from smollab.curate.ray_engine import RayEngine

        return RayEngine(settings.workers, settings.ray_address)
    return ProcessEngine(settings.workers)


class ProcessEngine:
    """Maps functions over shards in processes of this machine; a context manager that ends them.

    Example:
        >>> with ProcessEngine(workers=2) as engine:  # doctest: +SKIP
        ...     engine.map_shards(run_local, tasks)
    """

    def __init__(self, workers: int | None = None):
        """Prepare, but start no process yet.

        Args:
            workers: processes; 1 works in this process; None: one per core.
        """
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        # Forking a process that has threads (torch, rich) can hang, so workers are spawned.
        self._context = multiprocessing.get_context("spawn")
        self._counter = self._context.Value("Q", 0)

    def __enter__(self) -> "ProcessEngine":
        return self

    def __exit__(self, *error: object) -> None:
        self._end()

    def map_shards(
        self,
        function: Callable[[T, Tick], None],
        tasks: Sequence[T],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Call a function on every task that is not done yet.

        Args:
            function: a function of a module (it is sent to the workers by name) that takes a task and a `tick`.
            tasks: each names its output file.
            on_progress: called with (tasks done, documents seen in this call).

        Raises:
            CurationError: a worker process died.
        """
        todo = [task for task in tasks if not task.output.exists()]
        done = len(tasks) - len(todo)
        report = on_progress or (lambda tasks_done, documents: None)
        report(done, 0)
        if self._workers == 1 or len(todo) <= 1:
            _map_here(function, todo, done, report)
        else:
            self._map_in_pool(function, todo, done, report)

    def _map_in_pool(
        self,
        function: Callable[[T, Tick], None],
        todo: Sequence[T],
        done: int,
        report: Callable[[int, int], None],
    ) -> None:
        waiting = list(reversed(todo))
        running: dict[Future[None], T] = {}
        counter = self._counter.get_obj()  # read without the lock: a worker may be killed while it holds it
        seen_before = counter.value
        try:
            while waiting or running:
                # No more tasks than workers are handed out, so that a death can be blamed on few.
                while waiting and len(running) < self._workers:
                    task = waiting.pop()
                    running[self._submit(function, task)] = task
                finished, _ = wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    del running[future]
                    done += 1
                report(done, counter.value - seen_before)
        except BrokenProcessPool:
            suspects = " or ".join(task.name for task in running.values())
            raise CurationError(
                f"a worker process was killed (out of memory?) while it worked on {suspects}; "
                "what is done is kept: run again with fewer workers (--set curate.workers=1)"
            ) from None

    def _submit(self, function: Callable[[T, Tick], None], task: T) -> Future[None]:
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, self._context, initializer=_start_worker, initargs=(self._counter,)
            )
        with _without_main():  # the first tasks start the processes
            return self._pool.submit(_call, function, task)

    def _end(self) -> None:
        """End the workers at once; after an error they may be in the middle of a shard."""
        if self._pool is None:
            return
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(TERMINATION_S)
            if process.is_alive():
                process.kill()
                process.join()
        self._pool = None


def _map_here(
    function: Callable[[T, Tick], None], todo: Sequence[T], done: int, report: Callable[[int, int], None]
) -> None:
    documents = 0

    def tick(count: int) -> None:
        nonlocal documents
        documents += count
        report(done, documents)

    for task in todo:
        function(task, tick)
        done += 1
        report(done, documents)


@contextmanager
def _without_main() -> Iterator[None]:
    """Start workers without importing the user's script again.

    A spawned process imports the main module of its parent, which fails in a script without an
    `if __name__ == "__main__"` guard. Our functions never live there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


_counter: Any = None


def _start_worker(counter: Any) -> None:
    global _counter
    _counter = counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, who ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A parent that was killed cannot end its workers; they notice themselves."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_objects([parent.sentinel])
        os._exit(1)


def _call(function: Callable[[Any, Tick], None], task: Any) -> None:
    function(task, _tick)


def _tick(count: int) -> None:
    with _counter.get_lock():
        _counter.value += count
