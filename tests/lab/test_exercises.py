"""What all exercises promise: a right answer passes, an untouched one is reported, a wrong one is explained.

The answers, right and wrong, stand in the tests of each topic as REFERENCES (number -> check, answer) and MISTAKES
(what is wrong -> check, answer, part of the explanation; or a list of number, answer, parts separated by `|`).
"""

import re
from collections import Counter

import pytest

from smollab.lab.checks.exercise import WrongAnswer

from . import (
    test_architecture,
    test_checks,
    test_deduplication,
    test_extraction,
    test_filter_checks,
    test_memory,
    test_mixture,
    test_pdf,
    test_positions,
    test_quality,
    test_transfer,
)

TOPICS = (
    test_checks,
    test_extraction,
    test_pdf,
    test_filter_checks,
    test_quality,
    test_deduplication,
    test_mixture,
    test_architecture,
    test_positions,
    test_memory,
    test_transfer,
)
REFERENCES = {number: pair for topic in TOPICS for number, pair in topic.REFERENCES.items()}


def mistakes_of(topic):
    """Yield (check, wrong answer, parts of the explanation of which one is to be given)."""
    if isinstance(topic.MISTAKES, dict):
        return [(check, wrong, [message]) for check, wrong, message in topic.MISTAKES.values()]
    return [(REFERENCES[number][0], wrong, message.split("|")) for number, wrong, message in topic.MISTAKES]


MISTAKES = [mistake for topic in TOPICS for mistake in mistakes_of(topic)]


@pytest.mark.parametrize("number", REFERENCES)
def test_reference_passes(number, capsys):
    check, reference = REFERENCES[number]
    check(reference)
    assert capsys.readouterr().out == f"{number}: passed\n"


@pytest.mark.parametrize("number", REFERENCES)
def test_untouched_stub_is_reported_and_does_not_fail(number, capsys):
    check, _ = REFERENCES[number]
    check(lambda *arguments: None)
    assert capsys.readouterr().out == f"{number}: not attempted yet (the function returned None)\n"


@pytest.mark.parametrize(
    ("check", "wrong", "parts"), MISTAKES, ids=[f"{check.__name__}-{parts[0][:30]}" for check, _, parts in MISTAKES]
)
def test_typical_mistake_is_explained(check, wrong, parts, capsys):
    with pytest.raises(WrongAnswer) as raised:
        check(wrong)
    assert re.match(r"\d\.\d\.\d: ", str(raised.value))
    assert any(part in str(raised.value) for part in parts), raised.value
    assert "passed" not in capsys.readouterr().out


@pytest.mark.parametrize("number", REFERENCES)
def test_error_in_the_answer_is_told_with_its_arguments(number):
    check, _ = REFERENCES[number]

    def broken(*arguments):
        raise KeyError("no such thing")

    with pytest.raises(WrongAnswer, match="your function raised KeyError for the arguments"):
        check(broken)


def test_every_exercise_knows_two_mistakes():
    known = Counter(check for check, _, _ in MISTAKES)
    assert [number for number, (check, _) in REFERENCES.items() if known[check] < 2] == []
