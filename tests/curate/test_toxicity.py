"""Adult and abusive pages go; pages about health, law, language and literature stay."""

import json
import re
from pathlib import Path

import pytest

from smollab.curate.toxicity import ListedWords, toxicity
from smollab.curate.toxicity_words import LISTS
from smollab.documents import Document, Drop
from smollab.recipe import Toxicity

SAMPLES = Path(__file__).resolve().parents[2] / "data_samples"
LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "vi")
PROSE = {
    "en": "the weather was fine and people walked along the river with their children while music was played",
    "fr": "le temps était beau et les gens marchaient le long de la rivière avec leurs enfants en musique",
    "es": "hacía buen tiempo y la gente paseaba junto al río con los niños mientras sonaba la música",
    "de": "das Wetter war schön und die Leute gingen mit ihren Kindern am Fluss entlang und hörten Musik",
    "it": "il tempo era bello e la gente camminava lungo il fiume con i bambini mentre suonava la musica",
    "pt": "o tempo estava bom e as pessoas passeavam junto ao rio com as crianças enquanto tocava música",
    "vi": "hôm nay trời đẹp và mọi người đi dạo dọc bờ sông cùng trẻ em trong khi nhạc vang lên",
}
HEALTH = (
    "Breast cancer is the most common cancer of women. A lump in the breast, a change of the nipple or of the "
    "skin should be seen by a doctor. Sexually transmitted infections such as syphilis are found by a test of "
    "blood or urine; the penis, the vagina, the anus and the mouth may be infected. Condoms protect during sexual "
    "intercourse. Pregnant women are tested for syphilis, because it harms the child. Menstruation, masturbation "
    "and puberty are topics of sex education at school; rape and abuse of children are crimes."
)


def page(text, language="en"):
    return Document("id", text, "web", language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("name", "reason"), [("adult", "adult words"), ("abusive", "abusive words")])
def test_pages_full_of_listed_words_go(language, name, reason):
    words = sorted(LISTS[name][language])[:6]
    text = " ".join(f"{PROSE[language]} {word}." for word in words)
    verdict = toxicity(Toxicity())(page(text, language))
    assert isinstance(verdict, Drop) and verdict.reason.startswith("toxicity: ")
    values = toxicity(Toxicity()).measure(page(text, language))[1]
    assert values[f"{name}_words"] > 0.01, reason
    assert values["any_listed_word"] is True


@pytest.mark.parametrize("language", LANGUAGES)
def test_prose_stays(language):
    document = page(PROSE[language], language)
    assert toxicity(Toxicity(drop_any_word=True))(document) is document


def test_health_stays_even_under_the_one_word_rule():
    for settings in (Toxicity(), Toxicity(drop_any_word=True)):
        assert isinstance(toxicity(settings)(page(HEALTH)), Document)


def test_a_page_about_one_word_stays_unless_one_is_enough():
    text = "The word slut is an insult. In Middle English slut meant an untidy person. A slut was slovenly."
    assert isinstance(toxicity(Toxicity())(page(text)), Document)
    verdict = toxicity(Toxicity(drop_any_word=True))(page(text))
    assert isinstance(verdict, Drop) and verdict.reason == "toxicity: a listed word"
    assert isinstance(toxicity(Toxicity(minimum_different_words=1))(page(text)), Drop)


def test_share_is_counted_by_hand():
    listed = ListedWords("Porn here, PORN there: xxx and milfs.", "en", minimum_different=3)
    assert listed.found("adult") == ["milfs", "porn", "xxx"]
    assert listed.share("adult") == 4 / 10  # of ten words and signs
    assert ListedWords("Porn, PORN, xxx", "en", minimum_different=3).share("adult") == 0.0
    assert ListedWords("", "en").share("adult") == 0.0


def test_words_of_one_language_are_none_of_another():
    assert ListedWords("la bite", "fr").found("adult") == ["bite"]
    assert ListedWords("a bite", "en").found("adult") == []
    assert ListedWords("porno", "nl").found("adult") == ["porno"]


def test_real_samples_stay():
    """655 excerpts of documentation, lessons, history, politics, jargon in seven languages: not one goes."""
    step = toxicity(Toxicity())
    lines = (SAMPLES / "quality" / "educational_scores.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        assert isinstance(step(page(row["text"], row["language"])), Document), row["id"]
    for path in (SAMPLES / "text" / "jargon").glob("*.txt"):
        assert isinstance(step(page(path.read_text(encoding="utf-8"))), Document), path.name


def test_lists_are_lower_case_words_and_leave_medicine_out():
    for name, lists in LISTS.items():
        assert set(lists) == {"", *LANGUAGES}, name
        for words in lists.values():
            assert all(word == word.lower() and re.fullmatch(r"[\w-]+", word) for word in words)
            assert not words & {"sex", "breast", "penis", "vagina", "anal", "gay", "lesbian", "rape", "sperm", "nipple"}
