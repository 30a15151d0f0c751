"""Prefetching: a thread reads the next batches while the present step computes."""

import queue
import threading
import time
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Prefetched(Generic[T]):
    """The items of an iterator, some of them made ahead in a thread; the same items in the same order.

        with Prefetched(batches) as ahead:
            for batch in ahead:
                ...

    What the iterator raises is raised where the item would have come. Leaving the block, however it is left, ends the
    thread: an item that is being made is finished and thrown away.

    Args:
        items: made in the thread, so nothing else may touch what it reads from.
        depth: items made ahead.
    """

    def __init__(self, items: Iterator[T], depth: int = 2) -> None:
        self.waited = 0.0
        """Seconds for which the last item was waited for."""
        self._items = items
        self._ready: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(depth)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, name="smollab-prefetch", daemon=True)

    def __enter__(self) -> "Prefetched[T]":
        """Start making items."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End the thread."""
        self.close()

    def close(self) -> None:
        """End the thread; what it has made ahead is thrown away."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._ready.get_nowait()  # it may be waiting for room
            except queue.Empty:
                self._thread.join(0.01)

    def __iter__(self) -> Iterator[T]:
        """Items in order."""
        return self

    def __next__(self) -> T:
        """The next item; waits for it if it is not ready."""
        began = time.perf_counter()
        item, error = self._ready.get()
        self.waited = time.perf_counter() - began
        if error is not None:
            self._ready.put((None, error))  # whoever asks again gets the same answer
            raise error
        return item  # type: ignore[return-value]

    def _make(self) -> None:
        try:
            for item in self._items:
                self._ready.put((item, None))
                if self._stop.is_set():
                    return
            self._ready.put((None, StopIteration()))
        except BaseException as error:
            self._ready.put((None, error))
