"""Checks of notebook 1.3: rules, thresholds, and what a ledger tells."""

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_1_3_1", "check_1_3_2", "check_1_3_3", "check_1_3_4", "check_1_3_5"]

SONG = "Row the boat\nRow the boat\nRow the boat\nDown the stream"
THE = frozenset({"the", "of", "and", "to", "with", "that"})
DER = frozenset({"der", "die", "und", "mit", "von"})
RULES = [
    ("words", "minimum", 50),
    ("letters", "minimum", 0.8),
    ("stop words", "minimum", 2),
    ("short", "maximum", 0.67),
]


@_exercise("1.3.1")
def check_1_3_1(duplicate_line_share: Learner) -> None:
    """The share of a text's lines that repeat an earlier line."""
    answer = duplicate_line_share(SONG)
    require(
        not is_close(answer, 3 / 4),
        "the same line three times and another: you counted all three copies. The first repeats nothing before it",
    )
    require(
        not is_close(answer, 1 / 4),
        "the same line three times and another: two lines repeat an earlier one. You counted the distinct lines that "
        "occur more than once",
    )
    require(
        not is_close(answer, 2),
        "you returned how many lines repeat; the rule asks for their share of all lines",
    )
    require(
        not is_close(answer, 1 / 2) or is_close(duplicate_line_share("a\nb\nc\na"), 1 / 4),
        "in a, b, c, a the last line repeats an earlier one, though not its neighbor: remember all lines seen so far",
    )
    require(
        is_close(answer, 1 / 2),
        f"two of four lines repeat an earlier one, so the share is 0.5; you returned {answer!r}",
    )
    require(
        is_close(duplicate_line_share("One\n\n\nTwo\n\nThree"), 0),
        "empty lines between paragraphs are no repetition: Gopher's rule splits at runs of line breaks",
    )
    require(is_close(duplicate_line_share("A single line"), 0), "one line repeats nothing: the share is 0")


@_exercise("1.3.2")
def check_1_3_2(enough_stop_words: Learner) -> None:
    """Whether at least so many different stop words of a language occur among the words of a page."""
    require(
        enough_stop_words(["the", "price", "of", "lamps"], THE, 2) is True,
        "`the` and `of` are two different stop words, and two were asked for: return True",
    )
    require(
        enough_stop_words(["the", "lamp", "the", "desk", "the"], THE, 2) is False,
        "`the` three times is one stop word: the rule counts different ones, so that repeating one is not enough",
    )
    require(
        enough_stop_words(["android", "theory", "tooth", "withered"], THE, 1) is False,
        "`theory` is not `the`: compare whole words, do not look for the letters inside them",
    )
    german = ["der", "Preis", "der", "Lampen", "und", "Tische"]
    require(
        enough_stop_words(german, DER, 2) is True,
        "`der` and `und` are two stop words of German: take the words from the list that is given, not from English",
    )
    require(
        enough_stop_words(german, THE, 2) is False,
        "a German page has none of the English stop words: take the words from the list that is given",
    )
    require(enough_stop_words(["lamp"], THE, 0) is True, "none were asked for, so none suffice: the bound is inclusive")


@_exercise("1.3.3")
def check_1_3_3(first_failing_rule: Learner) -> None:
    """The name of the first rule that a page fails, from its values alone; empty if it passes all."""
    passing = {"words": 300, "letters": 0.9, "stop words": 5, "short": 0.2}
    require(first_failing_rule(passing, RULES) == "", "a page that passes all rules gets an empty string")
    edge = {"words": 50, "letters": 0.8, "stop words": 2, "short": 0.67}
    require(first_failing_rule(edge, RULES) == "", "a value equal to its threshold passes: bounds are inclusive")
    several = {**passing, "words": 20, "short": 0.9}
    require(
        first_failing_rule(several, RULES) != "short",
        "20 words fail, and so do 90 % short lines; the reason is the first in the order of the rules, not the last",
    )
    require(
        first_failing_rule(several, RULES) == "words",
        f"20 words are fewer than 50, so the reason is 'words'; you returned {first_failing_rule(several, RULES)!r}",
    )
    require(
        first_failing_rule({**passing, "short": 0.9}, RULES) == "short",
        "0.9 is above a maximum of 0.67: that page fails. Do you treat a maximum like a minimum?",
    )
    unknown = {**passing, "stop words": None}
    require(
        first_failing_rule(unknown, RULES) == "",
        "None means that the rule has nothing to say, as for a language whose stop words are not known: it passes",
    )


@_exercise("1.3.4")
def check_1_3_4(minimum_that_keeps: Learner) -> None:
    """The highest threshold of a minimum rule that keeps at least a share of good pages."""
    values = [0.5, 0.9, 0.7, 0.8, 0.6, 1.0, 0.75, 0.85, 0.95, 0.65]
    answer = minimum_that_keeps(values, 0.8)
    require(
        not is_close(answer, 0.9) and not is_close(answer, 0.95),
        "that threshold keeps only the best fifth: a minimum keeps what lies above it, so look near the low end",
    )
    require(
        not is_close(answer, 0.5),
        "0.5 keeps all ten pages; a higher threshold still keeps eight, and drops more of the bad ones",
    )
    require(
        not is_close(answer, 0.75) and not is_close(answer, 0.6),
        f"{answer} keeps {sum(v >= float(answer) for v in values)} of ten pages; 80 % are eight. A page equal to the "
        "threshold is kept",
    )
    require(
        is_close(answer, 0.65),
        f"eight of ten values are at least 0.65, and only seven at any higher threshold; you returned {answer!r}",
    )
    require(
        is_close(minimum_that_keeps(values, 1.0), 0.5), "to keep all pages the threshold is the smallest value, 0.5"
    )
    require(
        is_close(minimum_that_keeps([0.2, 0.4, 0.6], 0.5), 0.4),
        "half of three pages is one and a half, so two have to stay: round the number of pages up, not down",
    )


@_exercise("1.3.5")
def check_1_3_5(most_decisive_rule: Learner) -> None:
    """The rule without which most more pages would be kept, from the rules that each page fails."""
    failing = [["a", "b"], ["a", "b"], ["a", "c"], ["b", "a"], ["c"], ["c"], ["b"], []]
    answer = most_decisive_rule(failing)
    require(
        answer != "a",
        "four pages fail a, three of them first, but each fails another rule as well: without a, all four would "
        "still be dropped",
    )
    require(answer != "b", "four pages fail b, but only one fails nothing else: without b, one more page would be kept")
    require(
        answer == "c",
        f"without c two more pages would be kept, without b one, without a none; you returned {answer!r}",
    )
    require(
        most_decisive_rule([["x"], ["y", "x"], ["y", "x"], ["y"], ["y"]]) == "y",
        "two pages fail y alone, one fails x alone: the answer is y",
    )
