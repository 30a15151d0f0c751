"""Checks of notebook 1.2: from a PDF to its text."""

from smollab.lab.checks.exercise import Learner, require
from smollab.lab.checks.exercise import exercise as _exercise

__all__ = ["check_1_2_1", "check_1_2_2", "check_1_2_3", "check_1_2_4"]


@_exercise("1.2.1")
def check_1_2_1(widest_gap: Learner) -> None:
    """The widest empty strip between boxes: where a gutter may be."""
    boxes = [(50, 280), (310, 540), (60, 290), (305, 520)]
    answer = widest_gap(boxes)
    require(
        answer != (280, 310),
        "you compared neighbors in the order of the list; (60, 290) reaches further right than (50, 280). Sort by the "
        "left edge, and remember how far right anything has reached",
    )
    require(
        answer != (0, 50) and answer != (540, 595),
        "that is a margin: a gutter has boxes on both sides",
    )
    require(
        isinstance(answer, tuple) and answer == (290, 305),
        f"between 290 and 305 there is no box: return (290, 305); you returned {answer!r}",
    )
    require(
        widest_gap([(50, 540), (50, 280), (310, 540)]) == (0, 0),
        "a title over both columns covers the gap: without an empty strip return (0, 0)",
    )
    require(widest_gap([(50, 100), (120, 200), (260, 300)]) == (200, 260), "of two strips take the wider one")


@_exercise("1.2.2")
def check_1_2_2(shape: Learner) -> None:
    """What two running titles have in common."""
    first, second = shape("Chapter 3   Methods  17"), shape("Chapter 3 Methods 18")
    require(isinstance(first, str), f"return a string; you returned {type(first).__name__}")
    require(
        first != "Chapter3Methods17",
        "spaces are gone, but 17 and 18 still differ: write a 0 for every number",
    )
    require(
        first == second,
        f"pages 17 and 18 have the same running title, but you return {first!r} and {second!r}; numbers and spaces "
        "must not count",
    )
    require(
        shape("page 9") == shape("page 10"),
        "9 and 10 are one number each: replace a run of digits by a single 0",
    )
    require(shape("Methods") != shape("Results"), "different words are different titles")


@_exercise("1.2.3")
def check_1_2_3(join: Learner) -> None:
    """Two lines of a paragraph, with the hyphen undone or not."""
    known = {"extraction", "well-known", "one", "two", "text"}
    answer = join("text extrac-", "tion one", known)
    require(
        answer != "text extrac-tion one",
        "`extraction` occurs elsewhere in the document, so the hyphen was put in by the line break: take it out",
    )
    require(
        answer != "text extrac- tion one",
        "after a hyphen at the end of a line no space follows",
    )
    require(answer == "text extraction one", f"the line break cut `extraction` in two; you returned {answer!r}")
    require(
        join("a well-", "known text", known) == "a well-known text",
        "the document writes `well-known` with its hyphen: keep it; only the line break goes",
    )
    require(join("one", "two", known) == "one two", "without a hyphen two lines are joined by a space")


@_exercise("1.2.4")
def check_1_2_4(count_routes: Learner) -> None:
    """How many pages go to OCR, and how many of them need not."""
    pages = [(0.95, True), (0.30, True), (0.25, False), (0.20, False), (0.02, False), (0.01, True)]
    answer = count_routes(pages, 0.2)
    require(
        answer != (3, 1),
        "a page of exactly 0.20 goes to OCR as well: at or above the threshold",
    )
    require(
        answer != (4, 1),
        "the second number are pages sent to OCR that are no scans; you counted the scans that were missed",
    )
    require(answer == (4, 2), f"four pages are at or above 0.2, two of them no scans: (4, 2); you returned {answer!r}")
    require(count_routes(pages, 0.5) == (1, 0), "with a threshold of 0.5 one page goes, and it is a scan")
    require(count_routes([], 0.2) == (0, 0), "no pages: (0, 0)")
