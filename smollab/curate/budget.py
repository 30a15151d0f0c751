"""A limit on the CPU time of one document, so that no page can hold up a shard.

The time counted is the CPU's, not the clock's: a busy machine gives the same corpus as an idle one. (A limit on
the clock's time does not: with datatrove's default of one second, the pages that are lost depend on the load.)

**Fails when**: a single call into C never returns to Python; the sizes of what is given to such calls are bounded
instead. Only the main thread of a process can be interrupted; elsewhere there is no limit.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["CpuTimeExceeded", "limit_cpu_time"]


class CpuTimeExceeded(Exception):
    """The work took more CPU time than it may."""


@contextmanager
def limit_cpu_time(seconds: float) -> Iterator[None]:
    """Raise `CpuTimeExceeded` in the body when it has used so much CPU time; 0: no limit."""
    possible = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if not seconds or not possible:
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise CpuTimeExceeded(f"{seconds:g} s of CPU time")

    before = signal.signal(signal.SIGPROF, stop)
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
