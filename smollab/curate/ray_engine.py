"""Map functions over shards on a Ray cluster: the same contract as the processes of one machine.

A task of ours is one Ray task; nothing travels through Ray but the name of the function and the description of the
shard, for all machines read and write the same file system. Ray sends objects between its processes by pickle; no file
is ever unpickled.

Every machine needs the same version of smollab, and the output folder under the same path.
"""

import os
import socket
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from smollab.curate.engines import POLL_S, T, Tick
from smollab.curate.errors import CurationError

__all__ = ["RayEngine"]

TASKS_PER_CPU = 2
"""Handed to Ray at a time, so that no CPU waits and the end of a run comes soon after an error."""
CONNECT_S = 10.0
"""Longest wait for the head of a cluster; seconds."""
OBJECT_STORE_BYTES = 100 * 2**20
"""Of a Ray that we start; nothing of size goes through it."""


class RayEngine:
    """Maps functions over shards on a Ray cluster; a context manager that leaves it.

    Example:
        >>> with RayEngine(workers=2) as engine:  # doctest: +SKIP
        ...     engine.map_shards(run_local, tasks)
    """

    def __init__(self, workers: int | None = None, address: str = ""):
        """Prepare, but connect to nothing yet.

        Args:
            workers: tasks at a time; None: one per CPU of the cluster.
            address: of the cluster, `HOST:6379` or `auto`; empty: a Ray on this machine, ended afterwards. Ray that
                this process has started already is used as it is.

        Raises:
            CurationError: Ray is not installed.
        """
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # before the import: nothing is reported to anyone
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        try:
            import ray
        except ImportError:
            raise CurationError('curate.engine = "ray" needs Ray: pip install "smollab[ray]"') from None
        self._ray: Any = ray
        self._workers = workers
        self._address = address
        self._ours = False
        self._counter: Any = None

    def __enter__(self) -> "RayEngine":
        return self

    def __exit__(self, *error: object) -> None:
        if self._ours:
            self._ray.shutdown()

    def map_shards(
        self,
        function: Callable[[T, Tick], None],
        tasks: Sequence[T],
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Call a function on every task that is not done yet.

        Args:
            function: a function of a module that every machine can import; takes a task and a `tick`.
            tasks: each names its output file.
            on_progress: called with (tasks done, documents seen in this call).

        Raises:
            CurationError: the cluster cannot be reached, a worker died, or the machines do not share their files.
        """
        todo = [task for task in tasks if not task.output.exists()]
        done = len(tasks) - len(todo)
        report = on_progress or (lambda tasks_done, documents: None)
        report(done, 0)
        if todo:
            self._connect()
            self._map(function, todo, done, report)

    def _connect(self) -> None:
        if self._counter is not None:
            return
        ray = self._ray
        if not ray.is_initialized():
            options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "include_dashboard": False}
            if self._address:
                options = {"address": self._address, "log_to_driver": False, "logging_level": "ERROR"}
            else:
                # "local", or else the environment variable RAY_ADDRESS would lead to some cluster.
                options |= {"address": "local", "object_store_memory": OBJECT_STORE_BYTES}
                options["num_cpus"] = self._workers or os.cpu_count() or 1
            try:
                if self._address not in ("", "auto"):
                    _check_answers(self._address)
                ray.init(**options)
            except Exception as error:  # Ray raises many kinds, for a wrong address, version or port
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                where = self._address or "on this machine"
                raise CurationError(
                    f"curate.ray_address: Ray {where} cannot be used: {reason}; start it with `ray start --head`, "
                    "correct the address, or leave it out"
                ) from None
            self._ours = True
        self._counter = ray.remote(num_cpus=0)(_Counter).remote()
        if self._workers is None:
            self._workers = max(1, int(ray.cluster_resources().get("CPU", 1)))

    def _map(
        self, function: Callable[[T, Tick], None], todo: Sequence[T], done: int, report: Callable[[int, int], None]
    ) -> None:
        ray = self._ray
        # A task whose machine is lost is tried once more elsewhere: what it had written is gone on with.
        remote = ray.remote(num_cpus=1, max_retries=1)(_call)
        slots = self._slots()
        waiting = list(reversed(todo))
        running: dict[Any, T] = {}
        seen_before = ray.get(self._counter.total.remote())
        try:
            while waiting or running:
                while waiting and len(running) < slots:
                    task = waiting.pop()
                    running[remote.remote(function, task, self._counter)] = task
                finished, _ = ray.wait(list(running), num_returns=1, timeout=POLL_S)
                for reference in finished:
                    self._finish(reference, running[reference])
                    del running[reference]
                    done += 1
                report(done, ray.get(self._counter.total.remote()) - seen_before)
        except ray.exceptions.RayError as error:
            suspects = " or ".join(sorted(task.name for task in running.values())[:3])
            reason = (str(error).splitlines() or [""])[0]
            raise CurationError(
                f"the Ray cluster failed ({type(error).__name__}: {reason}) while it worked on {suspects}; "
                "what is done is kept: run again"
            ) from None
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def _slots(self) -> int:
        assert self._workers is not None
        cpus = int(self._ray.cluster_resources().get("CPU", 1))
        return self._workers if self._workers < cpus else TASKS_PER_CPU * self._workers

    def _finish(self, reference: Any, task: T) -> None:
        """Take the end of a task.

        Raises:
            CurationError: its worker died, or its output is nowhere to be seen.
        """
        exceptions = self._ray.exceptions
        try:
            self._ray.get(reference)
        except exceptions.RayTaskError as error:
            if isinstance(error.cause, ImportError):
                raise CurationError(
                    f"a machine of the Ray cluster cannot import smollab: {error.cause}; install the same version there"
                ) from None
            raise (error.cause or error) from None
        except exceptions.RaySystemError as error:
            if "No module named" not in str(error):
                raise
            raise CurationError(
                f"a machine of the Ray cluster cannot run our code: {str(error).splitlines()[0]}; install smollab there"
            ) from None
        except (exceptions.WorkerCrashedError, exceptions.OutOfMemoryError, exceptions.NodeDiedError):
            raise CurationError(
                f"a worker process was killed (out of memory?) while it worked on {task.name}; "
                "what is done is kept: run again with fewer workers (--set curate.workers=1)"
            ) from None
        if not task.output.exists():
            raise CurationError(
                f"{task.name} was done on another machine, but {task.output} is not to be seen here; the run's folder "
                "must be on a file system that all machines of the cluster share, under the same path"
            )


def _check_answers(address: str) -> None:
    """Knock at the door: Ray itself would try for minutes.

    Raises:
        OSError: nobody is there.
        ValueError: this is no address.
    """
    place = urlsplit(address if "://" in address else f"//{address}")
    if not place.hostname or not place.port:
        raise ValueError("no address of the form HOST:PORT")
    socket.create_connection((place.hostname, place.port), timeout=CONNECT_S).close()


class _Counter:
    """Counts documents for all workers."""

    def __init__(self) -> None:
        self._total = 0

    def add(self, count: int) -> None:
        self._total += count

    def total(self) -> int:
        return self._total


def _call(function: Callable[[Any, Tick], None], task: Any, counter: Any) -> None:
    function(task, counter.add.remote)
