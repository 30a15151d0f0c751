import pytest
from hypothesis import given
from hypothesis import strategies as st

from smollab.curate.dedup.pieces import PieceDedup, split_pieces
from smollab.documents import Document, Drop
from smollab.recipe import RepeatedPieces

from ..making import prose
from .comparing import outcomes

ANY_LENGTH = RepeatedPieces(minimum_words=0)


def texts_after(step, folder, *texts):
    documents = [Document(str(i), text, "web") for i, text in enumerate(texts)]
    return [after.text if isinstance(after, Document) else after for _, after in outcomes(step, folder, documents)]


@given(st.text("ab \n\t", max_size=40), st.sampled_from(["paragraph", "line"]))
def test_pieces_with_their_white_space_are_the_text(text, grain):
    assert "".join(piece + space for piece, space in split_pieces(text, grain)) == text


def test_paragraphs_end_at_blank_lines():
    text = "one\ntwo\n\nthree\n \n\nfour"
    assert [piece for piece, _ in split_pieces(text, "paragraph")] == ["one\ntwo", "three", "four"]
    assert [piece for piece, _ in split_pieces(text, "line") if piece.strip()] == ["one", "two", "three", "four"]


def test_a_line_seen_before_is_cut_and_the_first_stays(tmp_path):
    step = PieceDedup("line", ANY_LENGTH)
    a, b = "We use cookies.\nAll about boats.\nWe use cookies.", "All about trees.\nWE USE COOKIES!\n\nThe end of it."
    assert texts_after(step, tmp_path, a, b) == [
        "We use cookies.\nAll about boats.",
        "All about trees.\n\nThe end of it.",
    ]


def test_a_paragraph_is_cut_as_a_whole_only(tmp_path):
    step = PieceDedup("paragraph", ANY_LENGTH)
    a = "Home\nNews\n\nAll about boats."
    b = "home\nnews\n\nAll about trees.\n\nHome\nShop"
    assert texts_after(step, tmp_path, a, b) == [a, "All about trees.\n\nHome\nShop"]


def test_what_holds_no_words_is_never_a_repetition(tmp_path):
    text = "* * *\n\n---\n\n* * *\n\n!!!\n\n---"
    for grain in ("line", "paragraph"):
        assert texts_after(PieceDedup(grain, ANY_LENGTH), tmp_path / grain, text, text) == [text, text]


def test_short_pieces_are_spared(tmp_path):
    step = PieceDedup("line", RepeatedPieces(minimum_piece_words=3, minimum_words=0))
    text = "Yes.\nYes.\nNo, not at all.\nNo, not at all."
    assert texts_after(step, tmp_path, text) == ["Yes.\nYes.\nNo, not at all."]


def test_a_document_with_too_little_left_is_dropped_with_the_numbers(tmp_path):
    first = prose(1, 10)
    second = first + "\n\nBut this is new."
    step = PieceDedup("paragraph", RepeatedPieces())
    kept, dropped = texts_after(step, tmp_path, first, second)
    assert kept == first
    assert dropped == Drop("paragraph_dedup: too little left", "4 words < 50; 1 of 2 paragraphs seen before")


def test_a_short_document_that_was_not_cut_stays(tmp_path):
    assert texts_after(PieceDedup("line", RepeatedPieces()), tmp_path, "four words are few", "") == [
        "four words are few",
        "",
    ]


@pytest.mark.parametrize("grain", ["line", "paragraph"])
def test_shards_are_compared_and_verdicts_meet_their_documents(tmp_path, grain):
    """Against a set of everything seen, over shards of odd sizes with many pieces."""
    space = "\n" if grain == "line" else "\n\n"
    documents = [
        Document(str(i), space.join(f"sentence {chr(97 + (i * k) % 23)} here" for k in range(1, 1 + i % 7)), "web")
        for i in range(200)
    ]
    seen, expected = set(), []
    for document in documents:
        left = []
        for piece in document.text.split(space):
            if piece not in seen:
                left.append(piece)
            if piece:
                seen.add(piece)
        expected.append(space.join(left))
    shards = [documents[:1], [], documents[1:90], documents[90:]]
    results = outcomes(PieceDedup(grain, ANY_LENGTH), tmp_path, *shards)
    assert [after.text for _, after in results] == expected
    assert [before.id for before, _ in results] == [document.id for document in documents]
