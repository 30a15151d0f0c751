"""Planted examples are found word for word and edited, not translated; clean documents stay."""

import json
import random
from pathlib import Path

import pytest

from smollab.curate import make_step
from smollab.curate.decontaminate import ExampleIndex, count_in_window, decontaminate, find_contamination
from smollab.curate.errors import CurationError
from smollab.curate.evaluation_sets import Example, read_examples, split_words
from smollab.documents import Document, Drop
from smollab.recipe import Curate, Decontaminate

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
QUESTION = (
    "A farmer has seventeen sheep and all but nine of them run away during a storm, so how many sheep does the farmer "
    "have left in the morning when the storm is over?"
)
FRENCH = (
    "Un fermier a dix-sept moutons et tous sauf neuf s'enfuient pendant un orage, alors combien de moutons reste-t-il "
    "au fermier le matin quand l'orage est passé ?"
)
FILLER = (SAMPLES / "text" / "jargon" / "001.txt").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path):
    rows = [
        {
            "id": "sheep",
            "question": QUESTION,
            "choices": ["nine", "eight sheep and one lamb that came back in the rain"],
        },
        {"question": "Which planet of the solar system has the shortest year, and how long does that year take there?"},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    return Decontaminate(evaluations={str(path): ("question", "choices")})


def plant(text):
    return Document("id", f"{FILLER[:3000]}\n{text}\n{FILLER[3000:6000]}", "web", "en")


def test_a_copy_goes_and_is_named(settings):
    verdict = decontaminate(settings)(plant(QUESTION.upper().replace(",", " --")))
    assert isinstance(verdict, Drop)
    assert verdict.reason == "decontaminate: n-grams of an example"
    words = len(split_words(QUESTION))
    assert verdict.detail == f"{words - 13 + 1} > 0: questions.jsonl:sheep/question"
    values = decontaminate(settings).measure(plant(QUESTION))[1]
    assert values == {
        "n_grams": words - 12, "similarity": 1.0, "longest_match": 1.0, "example": "questions.jsonl:sheep/question",
    }  # fmt: skip


def test_thirteen_words_are_enough_and_twelve_are_not(settings):
    words = QUESTION.split()
    step = decontaminate(settings)
    assert isinstance(step(plant(" ".join(words[4:17]))), Drop)
    assert isinstance(step(plant(" ".join(words[4:16]))), Document)
    assert step.measure(plant(" ".join(words[4:17])))[1]["longest_match"] == round(13 / len(words), 4)


@pytest.mark.parametrize("seed", range(5))
def test_a_copy_with_three_changed_words_goes(settings, seed):
    generator = random.Random(seed)
    words = QUESTION.split()
    for place in (7, 18, 28):  # no thirteen words in a row are left
        words[place - generator.randrange(2)] = "something"
    verdict = decontaminate(settings)(plant(" ".join(words)))
    assert isinstance(verdict, Drop) and verdict.reason == "decontaminate: nearly an example"
    assert verdict.detail.endswith("questions.jsonl:sheep/question")


def test_a_translation_and_a_paraphrase_pass(settings):
    """The known limit of comparing words."""
    step = decontaminate(settings)
    for text in (FRENCH, "Of 17 sheep, 9 do not run away when a storm comes. What number remains the next day?"):
        assert isinstance(step(plant(text)), Document)


def test_scattered_triples_do_not_add_up(settings):
    words = QUESTION.split()
    scattered = f"\n{FILLER[:500]}\n".join(" ".join(words[i : i + 3]) for i in range(0, len(words), 3))
    values = decontaminate(settings).measure(plant(scattered))[1]
    assert values["similarity"] < 0.5


def test_short_examples_must_occur_whole(settings):
    step = decontaminate(settings)
    assert isinstance(step(plant("Eight sheep and one lamb that came back in the rain.")), Drop)
    assert isinstance(step(plant("Eight sheep and one lamb that came back in the snow.")), Document)
    assert isinstance(step(plant("nine")), Document)  # one word is no example


def test_thresholds_can_be_moved_later(settings):
    values = decontaminate(settings).measure(plant(QUESTION))[1]
    lenient = Decontaminate(evaluations=settings.evaluations, maximum_n_grams=1000, maximum_similarity=1.0)
    assert decontaminate(settings).judge(values).detail.endswith("questions.jsonl:sheep/question")
    assert decontaminate(lenient).judge(values) is None


def test_index_against_a_plain_search():
    """The n-gram counts are those of comparing tuples of words."""
    generator = random.Random(1)
    word = lambda: generator.choice(["ab", "cd", "ef", "gh", "ij"])
    examples = [Example(str(i), " ".join(word() for _ in range(generator.randrange(4, 12)))) for i in range(40)]
    index = ExampleIndex(examples, n_gram=5, minimum_words=4)
    for _ in range(60):
        words = [word() for _ in range(30)]
        expected = {}
        for example in examples:
            own = example.text.split()
            n = min(5, len(own))
            runs = {tuple(own[i : i + n]) for i in range(len(own) - n + 1)}
            expected[example.id] = len(runs & {tuple(words[i : i + n]) for i in range(len(words) - n + 1)})
        found = index.find(" ".join(words))
        assert found.n_grams == max(expected.values())
        assert found.n_grams == expected.get(found.example, 0)


def test_window_against_a_plain_count():
    generator = random.Random(2)
    for _ in range(100):
        found = sorted((generator.randrange(60), generator.randrange(8)) for _ in range(30))
        width = generator.randrange(1, 20)
        expected = max(len({row for at, row in found if start <= at < start + width}) for start in range(60))
        assert count_in_window(found, width) == expected


def test_our_evaluation_sets_against_our_pages():
    """The gold texts are found in the pages that they were taken from, and the Jargon File is clean."""
    gold = SAMPLES / "evaluation" / "extraction_gold.jsonl"
    settings = Decontaminate(
        evaluations={str(gold): ("text",), str(SAMPLES / "evaluation" / "minimal_pairs.jsonl"): ("good", "bad")}
    )
    rows = [json.loads(line) for line in gold.read_text(encoding="utf-8").splitlines()]
    pages = [Document(row["uri"], "Home\n" + row["text"][:1500] + "\nContact", "web") for row in rows]
    jargon = [
        Document(path.name, path.read_text(encoding="utf-8"), "text")
        for path in sorted((SAMPLES / "text" / "jargon").glob("*.txt"))
    ]
    found = {document.id: match.example for document, match in find_contamination(pages + jargon, settings)}
    assert found == {row["uri"]: f"extraction_gold.jsonl:{i}/text" for i, row in enumerate(rows, start=1)}


@pytest.mark.parametrize("text", ["", "\x00 \ud800", "word " * 200_000, QUESTION[:-1] * 3000, "的" * 100_000])
def test_odd_texts(settings, text):
    values = decontaminate(settings).measure(Document("id", text, "web"))[1]
    assert 0 <= values["similarity"] <= 1 and values["n_grams"] >= 0


@pytest.mark.parametrize(
    ("line", "message"),
    [("nonsense", "not JSON"), ('{"answer": 1}', "none of the fields question; the row has answer"), ("[1]", "list")],
)
def test_bad_evaluation_sets_are_named(tmp_path, line, message):
    (tmp_path / "set.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(CurationError, match=rf"set\.jsonl:1: .*{message}"):
        list(read_examples({str(tmp_path / "set.jsonl"): ("question",)}))


def test_no_set_and_no_file():
    with pytest.raises(CurationError, match="evaluations"):
        make_step("decontaminate", Curate())
    with pytest.raises(CurationError, match=r"none\.jsonl"):
        decontaminate(Decontaminate(evaluations={"none.jsonl": ("question",)}))
