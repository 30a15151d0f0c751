from smollab.curate.dedup import ExactDedup
from smollab.documents import Document


def originals(texts):
    dedup = ExactDedup()
    return dedup.find_originals(dedup.describe(Document(str(i), t, "web") for i, t in enumerate(texts))).tolist()


def test_the_first_of_equal_texts_is_kept():
    assert originals(["one", "two", "one", "three", "two", "one"]) == [0, 1, 0, 3, 1, 0]


def test_case_and_white_space_do_not_matter_but_words_do():
    assert originals(["One  two\nthree", "one two three", "one two four", "onetwo three"]) == [0, 0, 2, 0]


def test_no_documents_and_odd_characters():
    assert originals([]) == []
    assert originals(["\ud800", "\ud800", ""]) == [0, 0, 2]
