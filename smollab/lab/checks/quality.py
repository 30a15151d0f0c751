"""Checks of notebook 1.4: agreement, a linear score, folds by site, precision and recall, a budget."""

from typing import Any

from smollab.lab.checks.exercise import Learner, WrongAnswer, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_1_4_1", "check_1_4_2", "check_1_4_3", "check_1_4_4", "check_1_4_5"]

SITES = ["a", "b", "a", "c", "d", "b", "e", "c", "f", "a"]


@_exercise("1.4.1")
def check_1_4_1(weighted_kappa: Learner) -> None:
    """Cohen's kappa with quadratic weights for scores from 0 to 5."""
    same = weighted_kappa([0, 1, 2, 5], [0, 1, 2, 5])
    require(is_close(same, 1), f"two equal lists agree fully: kappa is 1; you returned {same!r}")
    # By hand: squared differences 0, 1, 0, 0, mean 1/4. By chance: pairs of {0, 1, 3, 3} and {0, 2, 3, 3}, mean 52/16.
    answer = weighted_kappa([0, 1, 3, 3], [0, 2, 3, 3])
    require(
        not is_close(answer, 3 / 4),
        "that is the share of equal scores. Chance alone makes some scores equal, and a near miss should cost less "
        "than a far one",
    )
    require(
        not is_close(answer, 1 - (1 / 4) / (22 / 16)),
        "you did not square the differences: with quadratic weights a miss by 2 costs four times a miss by 1",
    )
    require(
        not is_close(answer, 1 / 4),
        "that is the mean squared difference; divide it by the one expected by chance, and subtract from 1",
    )
    require(
        is_close(answer, 1 - (1 / 4) / (52 / 16), 1e-6),
        f"for [0, 1, 3, 3] and [0, 2, 3, 3] kappa is 1 - (1/4) / (52/16) = 0.923; you returned {answer!r}. Chance: the "
        "mean squared difference over all pairs of one score of the first list and one of the second",
    )
    require(
        is_close(weighted_kappa([0, 5], [5, 0]), -1),
        "the scores 0, 5 against 5, 0 disagree more than chance would: kappa is -1, not 0",
    )


@_exercise("1.4.2")
def check_1_4_2(linear_score: Learner) -> None:
    """Score of a text by word weights: an intercept, and tf-idf of length one times weights."""
    weights, idf = {"star": 3.0, "buy": -2.0}, {"star": 2.0, "buy": 1.0}
    require(
        is_close(linear_score([], weights, idf, 1.0), 1.0),
        "a text without known words has the intercept as its score",
    )
    one = linear_score(["star"], weights, idf, 1.0)
    require(
        not is_close(one, 1.0 + 2.0 * 3.0),
        "divide by the length of the tf-idf vector: otherwise long texts would score high for being long",
    )
    require(is_close(one, 4.0), f"a text of one known word scores 1 + 3 = 4, whatever its idf; you returned {one!r}")
    many = linear_score(["star"] * 8 + ["the", "buy"], weights, idf, 1.0)
    # tf-idf: star (1 + ln 8) * 2 = 6.158883, buy 1; length 6.239538
    require(
        not is_close(many, 1 + (16 * 3 - 2) / (16**2 + 1) ** 0.5),
        "you counted the eight stars as eight: dampen counts to 1 + ln(count), so that repeating a word buys little",
    )
    require(
        is_close(many, 1 + (6.158883083 * 3 - 2) / 6.239538511, 1e-6),
        f"eight times star, once the, once buy: 1 + (6.1589 * 3 - 1 * 2) / 6.2395 = 3.6407; you returned {many!r}. "
        "Words without a weight are left out, also of the length",
    )


@_exercise("1.4.3")
def check_1_4_3(folds_by_site: Learner) -> None:
    """A fold for each excerpt, so that no site is in two folds."""
    folds = _folds(folds_by_site(SITES, 3), len(SITES))
    split = sorted({site for site, fold in zip(SITES, folds, strict=True) if fold != folds[SITES.index(site)]})
    require(
        not split,
        f"site {split[0] if split else ''!r} is in two folds: the model that predicts one of its excerpts has seen "
        "another. Give folds to sites, not to excerpts",
    )
    require(
        set(folds) == {0, 1, 2}, f"three folds are numbered 0, 1, 2 and none is empty; you used {sorted(set(folds))}"
    )
    many = _folds(folds_by_site([f"site {i % 20}" for i in range(200)], 4), 200)
    largest = max(many.count(fold) for fold in range(4))
    require(
        largest <= 100,
        f"of 20 equal sites with 200 excerpts one fold of four has {largest}: spread the sites evenly",
    )


@_exercise("1.4.4")
def check_1_4_4(precision_and_recall: Learner) -> None:
    """Precision and recall of a threshold on predicted scores; good is an annotated score of 3 or more."""
    predicted, true = [0.5, 1.5, 2.5, 3.5, 1.4], [3, 0, 2, 5, 4]
    precision, recall = _pair(precision_and_recall(predicted, true, 1.5))
    require(
        not (is_close(precision, 1 / 2) and is_close(recall, 1 / 3)),
        "a text whose predicted score equals the threshold is kept",
    )
    require(
        not (is_close(precision, 1 / 3) and is_close(recall, 1 / 2)) and not is_close(recall, 1 / 5),
        "recall is the share of the three good texts that are kept",
    )
    require(
        is_close(precision, 1 / 3),
        "three texts are kept and one of them is good, annotated 3 or more: precision is 1/3; "
        f"you returned {precision!r}",
    )
    require(is_close(recall, 1 / 3), f"one of three good texts is kept: recall is 1/3; you returned {recall!r}")
    precision, recall = _pair(precision_and_recall([0.1, 0.2, 0.3], [5, 3, 0], 0.2))
    require(
        is_close(precision, 1 / 2) and is_close(recall, 1 / 2),
        "in a second example one of two kept is good, and one of two good is kept; a score of exactly 3 is good",
    )


@_exercise("1.4.5")
def check_1_4_5(threshold_for_budget: Learner) -> None:
    """The lowest threshold at which the kept texts have at most a budget of tokens."""
    scores, tokens = [0.2, 3.0, 1.0, 2.0], [100, 10, 50, 20]
    answer = threshold_for_budget(scores, tokens, 40)
    require(
        not is_close(answer, 1.0),
        "at 1.0 three texts with 80 tokens stay, more than the budget of 40: stop before it is exceeded",
    )
    require(
        not is_close(answer, 3.0),
        "at 3.0 only 10 of 40 tokens are used, and the next best text would still fit: go as low as the budget allows",
    )
    require(
        is_close(answer, 2.0),
        f"the two best texts have 30 tokens, the third would make 80: the threshold is 2.0; you returned {answer!r}",
    )
    require(
        is_close(threshold_for_budget(scores, tokens, 1000), 0.2),
        "with a budget for everything the threshold is the lowest score, 0.2",
    )
    tied = threshold_for_budget([1.0, 2.0, 2.0], [5, 30, 30], 45)
    require(
        not is_close(tied, 2.0),
        "two texts share the score 2.0 and have 60 tokens together, more than 45: a threshold cannot keep one of them. "
        "Return infinity, which keeps nothing",
    )
    require(
        tied == float("inf"),
        f"where even the best score has too many tokens, return math.inf; you returned {tied!r}",
    )


def _pair(answer: Any) -> tuple[Any, Any]:
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise WrongAnswer(f"return two numbers, precision and recall; you returned {answer!r}")
    return answer[0], answer[1]


def _folds(answer: Any, count: int) -> list[int]:
    try:
        folds = [int(fold) for fold in answer]
    except (TypeError, ValueError):
        raise WrongAnswer(f"return the number of a fold for each excerpt, as a list; you returned {answer!r}") from None
    require(len(folds) == count, f"{count} excerpts need {count} numbers; you returned {len(folds)}")
    return folds
