"""Proportions against closed forms and against the endless stream that training reads."""

import math

import pytest

from smollab.tokens.proportions import DECAY_EPOCHS, FREE_EPOCHS, effective_tokens, epochs, temperature_weights

SIZES = {"en": 1000.0, "fr": 100.0, "vi": 10.0}


def test_temperature_one_gives_natural_proportions():
    assert temperature_weights(SIZES, 1) == pytest.approx({"en": 1000 / 1110, "fr": 100 / 1110, "vi": 10 / 1110})


def test_temperature_is_the_root_of_the_size():
    weights = temperature_weights(SIZES, 2)
    assert weights["en"] / weights["vi"] == pytest.approx(10)  # the square root of 100
    assert temperature_weights(SIZES, 1 / 0.3)["en"] / temperature_weights(SIZES, 1 / 0.3)["fr"] == pytest.approx(
        10**0.3
    )


def test_high_temperatures_make_all_alike_and_low_ones_leave_the_largest():
    assert temperature_weights(SIZES, 1e9) == pytest.approx(dict.fromkeys(SIZES, 1 / 3), rel=1e-6)
    assert temperature_weights(SIZES, 0.05)["en"] == pytest.approx(1)


def test_what_is_not_there_gets_no_weight():
    assert temperature_weights({"en": 5, "de": 0}, 1e9) == {"en": 1.0, "de": 0.0}


@pytest.mark.parametrize(("sizes", "temperature"), [(SIZES, 0), (SIZES, -1), ({"en": 0}, 1), ({"en": -1}, 1), ({}, 1)])
def test_nonsense_is_refused(sizes, temperature):
    with pytest.raises(ValueError):
        temperature_weights(sizes, temperature)


def test_epochs_by_hand():
    assert epochs({"en": 0.5, "vi": 0.5}, SIZES, 400) == {"en": 0.2, "vi": 20.0}
    assert epochs({"en": 3, "vi": 1, "fr": 0}, SIZES, 400) == {"en": 0.3, "vi": 10.0}, "weights need not sum to one"
    with pytest.raises(ValueError, match="no text of that name"):
        epochs({"ja": 1.0}, SIZES, 400)
    with pytest.raises(ValueError, match="some must be positive"):
        epochs({"en": 0.0}, SIZES, 400)


def test_natural_proportions_read_everything_equally_often():
    found = epochs(temperature_weights(SIZES, 1), SIZES, 2220)
    assert list(found.values()) == pytest.approx([2, 2, 2])


def test_effective_tokens():
    assert effective_tokens(100, 60) == 60
    assert effective_tokens(100, 100) == 100
    four = effective_tokens(100, 100 * FREE_EPOCHS)
    assert 360 < four < 400, "up to four epochs cost little"
    assert effective_tokens(100, 1e9) == pytest.approx(100 * (1 + DECAY_EPOCHS)), (
        "and no repetition brings more than this"
    )
    slope = effective_tokens(100, 201) - effective_tokens(100, 200)
    assert slope == pytest.approx(math.exp(-1 / DECAY_EPOCHS), rel=1e-2), "of the token after one repetition"
