"""How a check speaks: not attempted yet, wrong and why, or passed."""

import functools
from collections.abc import Callable
from typing import Any

Learner = Callable[..., Any]


class WrongAnswer(AssertionError):
    """What the learner's function does differently, and what may be the cause."""


class _NotAttempted(Exception):
    """The stub still returns nothing."""


def exercise(number: str) -> Callable[[Callable[[Learner], None]], Learner]:
    """Turn a function that raises `WrongAnswer` into a check that also reports.

    Args:
        number: of the exercise, such as `0.1.2`.
    """

    def decorate(check: Callable[[Learner], None]) -> Learner:
        @functools.wraps(check)
        def run(function: Learner) -> None:
            try:
                check(_guard(function))
            except _NotAttempted:
                print(f"{number}: not attempted yet (the function returned None)")
            except WrongAnswer as wrong:
                raise WrongAnswer(f"{number}: {wrong}") from None
            else:
                print(f"{number}: passed")

        return run

    return decorate


def require(condition: bool, message: str) -> None:
    """Raise `WrongAnswer` unless the condition holds."""
    if not condition:
        raise WrongAnswer(message)


def is_close(value: Any, expected: float, tolerance: float = 1e-6) -> bool:
    """Whether a learner's value is a number near the expected one, relative to its size."""
    try:
        return abs(float(value) - expected) <= tolerance * max(1.0, abs(expected))
    except (TypeError, ValueError):
        return False


def _guard(function: Learner) -> Learner:
    """The learner's function; None is no answer, and an exception in it is told as such."""

    @functools.wraps(function)
    def call(*arguments: Any) -> Any:
        try:
            answer = function(*arguments)
        except Exception as error:
            raise WrongAnswer(
                f"your function raised {type(error).__name__} for the arguments {arguments}: {error}"
            ) from error
        if answer is None:
            raise _NotAttempted
        return answer

    return call
