"""Prefetching: the same items, errors in their place, and a thread that ends however the block is left."""

import itertools
import threading

import pytest

from smollab.tokens.prefetch import Prefetched


def running() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "smollab-prefetch"]


def test_items_are_the_same_in_the_same_order():
    with Prefetched(iter(range(100)), depth=3) as ahead:
        assert list(ahead) == list(range(100))
        assert list(ahead) == []  # and it stays at its end
    assert not running()


def test_items_are_made_ahead_but_not_without_end():
    made, second = [], threading.Event()

    def items():
        for i in itertools.count():
            made.append(i)
            if i == 2:
                second.set()
            yield i

    with Prefetched(items(), depth=2) as ahead:
        assert second.wait(60)  # nothing was asked for yet
        assert next(ahead) == 0
    assert len(made) <= 5
    assert not running()


def test_an_error_comes_where_the_item_would_have_come():
    def items():
        yield 1
        raise ValueError("torn shard")

    with pytest.raises(ValueError, match="torn shard"), Prefetched(items()) as ahead:
        assert next(ahead) == 1
        next(ahead)
    assert not running()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_thread_ends_when_the_block_is_left_by_an_error(error):
    with pytest.raises(error), Prefetched(itertools.count()) as ahead:
        next(ahead)
        raise error
    assert not running()


def test_waiting_is_measured():
    go = threading.Event()

    def items():
        go.wait(60)
        yield 1

    with Prefetched(items()) as ahead:
        threading.Timer(0.2, go.set).start()
        next(ahead)
        assert ahead.waited > 0.05
