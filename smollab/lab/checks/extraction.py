"""Checks of notebook 1.1: from a page to its text."""

from smollab.lab.checks.exercise import Learner, is_close, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_1_1_1", "check_1_1_2", "check_1_1_3", "check_1_1_4"]

BLOCKS = [
    ("Home", 1.0),
    ("A heading", 0.0),
    ("The first sentence of the article, which is long enough to be prose by anybody's count.", 0.05),
    ("short", 0.0),
    ("The second sentence of it, with a link to somewhere, is as long as the first one was.", 0.3),
    ("Ten things you did not know about your fridge, and three that you would rather not know.", 1.0),
]


@_exercise("1.1.1")
def check_1_1_1(link_density: Learner) -> None:
    """The share of a block's characters that are inside links."""
    answer = link_density([("See ", False), ("the other page", True), (" too", False)])
    require(
        not is_close(answer, 1 / 3),
        "you counted pieces; a link of one word and one of forty would weigh the same. Count characters",
    )
    require(
        not is_close(answer, 14 / 8),
        "14 characters are inside links and 8 are not; divide by all characters, not by the others",
    )
    require(is_close(answer, 14 / 22), f"14 of 22 characters are inside links: {14 / 22:.3f}; you returned {answer!r}")
    require(is_close(link_density([("Home", True)]), 1), "a block that is one link has density 1")
    require(is_close(link_density([]), 0), "a block without text has no links: return 0, do not divide by it")


@_exercise("1.1.2")
def check_1_1_2(good_blocks: Learner) -> None:
    """The texts of the blocks that are long enough and hold few enough links."""
    answer = good_blocks(BLOCKS, 80, 1 / 3)
    require(isinstance(answer, list), f"return a list of texts; you returned {type(answer).__name__}")
    require(
        BLOCKS[5][0] not in answer,
        "the headline about the fridge is long, but it is a link: a teaser. Both conditions have to hold",
    )
    require(
        BLOCKS[4][0] in answer,
        "a block with three tenths of its characters in a link passes a limit of one third",
    )
    require(answer == [BLOCKS[2][0], BLOCKS[4][0]], f"two blocks are prose by these limits; you returned {answer}")
    edge = [("x" * 80, 1 / 3)]
    require(good_blocks(edge, 80, 1 / 3) == ["x" * 80], "at least 80 characters and at most a third: the limits pass")


@_exercise("1.1.3")
def check_1_1_3(f1: Learner) -> None:
    """F1 over words, each counted as often as it occurs."""
    answer = f1("the boat and the sea", "the boat")
    require(
        not is_close(answer, 2 / 3),
        "you compared sets of words: `the` occurs twice in the extraction and once in the gold text: one is too many",
    )
    require(
        not is_close(answer, 0.4) and not is_close(answer, 1.0),
        "this is precision or recall alone; F1 is 2PR / (P + R)",
    )
    require(
        not is_close(answer, 0.7),
        "this is the arithmetic mean of precision and recall; F1 is the harmonic one, 2PR / (P + R)",
    )
    require(
        is_close(answer, 4 / 7),
        f"2 of 5 words are right and 2 of 2 are found: F1 is {4 / 7:.3f}; you returned {answer!r}",
    )
    require(is_close(f1("a b", "c d"), 0), "nothing in common: 0, without a division by zero")
    require(is_close(f1("", "c d"), 0), "nothing extracted: 0, without a division by zero")
    require(is_close(f1("b a", "a b"), 1), "the order of words does not count")


@_exercise("1.1.4")
def check_1_1_4(main_container: Learner) -> None:
    """The deepest element that still holds a share of the good text."""
    #         0 body   1 menu  2 page  3 article  4 sidebar
    parents = [-1, 0, 0, 2, 2]
    weights = [0, 0, 100, 900, 60]
    answer = main_container(parents, weights, 0.8)
    require(
        answer != 0,
        "the body holds everything, but the article inside it still holds 900 of 1060 characters: go deeper",
    )
    require(
        answer != 2,
        "element 2 holds 1060 with what is inside it, and its child 3 alone still has 900 of them, 85 %: go deeper",
    )
    require(answer == 3, f"element 3 holds 85 % of the good text and nothing inside it does; you returned {answer!r}")
    require(
        main_container(parents, weights, 0.9) == 2,
        "with a share of 0.9 the article is not enough (85 %): element 2, which holds it and the sidebar, is. "
        "Remember to add to each element what is inside it",
    )
    require(
        main_container([-1, 0, 0], [0, 50, 50], 0.8) == 0,
        "two halves: no element inside the body holds 80 %, so the body is the answer",
    )
