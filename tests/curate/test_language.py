import pytest

from smollab.curate.language import detect, identify_language
from smollab.documents import Document, Drop
from smollab.recipe import Language

SENTENCES = {
    "en": "The weather was bad, so we stayed at home and read the newspaper until it became dark outside.",
    "fr": "Il faisait mauvais temps, alors nous sommes restés à la maison à lire le journal jusqu'au soir.",
    "es": "Hacía mal tiempo, así que nos quedamos en casa leyendo el periódico hasta que se hizo de noche.",
    "de": "Das Wetter war schlecht, also blieben wir zu Hause und lasen Zeitung, bis es draußen dunkel wurde.",
    "it": "Il tempo era brutto, così siamo rimasti a casa a leggere il giornale finché non si è fatto buio.",
    "pt": "O tempo estava ruim, então ficamos em casa lendo o jornal até que escureceu lá fora.",
    "vi": "Thời tiết xấu nên chúng tôi ở nhà đọc báo cho đến khi trời tối hẳn bên ngoài cửa sổ.",
    "nl": "Het weer was slecht, dus bleven we thuis en lazen we de krant tot het buiten donker werd.",
    "ru": "Погода была плохая, поэтому мы остались дома и читали газету, пока не стемнело.",
}


@pytest.mark.parametrize("language", SENTENCES)
def test_detects(language):
    found, score = detect(SENTENCES[language])
    assert found == language
    assert 0.5 < score <= 1


def test_keeps_ours_with_score_and_drops_others():
    kept = identify_language(Language())(Document("id", SENTENCES["fr"] * 3, "web"))
    assert kept.language == "fr"
    assert kept.metadata["language_score"] >= 0.65
    dropped = identify_language(Language())(Document("id", SENTENCES["nl"] * 3, "web"))
    assert isinstance(dropped, Drop)
    assert dropped.reason == "language: not one of ours"
    assert dropped.detail.startswith("nl")


def test_uncertain_text_is_dropped_with_value_and_threshold():
    drop = identify_language(Language(minimum_score=1.0))(Document("id", SENTENCES["en"], "web"))
    assert isinstance(drop, Drop) and drop.reason == "language: uncertain"
    assert drop.detail.endswith("< 1.0")


def test_nothing_to_go_by():
    assert detect("") == ("und", 0.0)
    assert isinstance(identify_language(Language())(Document("id", "12 34 !?", "web")), Drop)


def test_a_long_text_is_judged_by_its_beginning_middle_and_end():
    mixed = SENTENCES["en"] * 100 + SENTENCES["de"] * 5
    assert detect(mixed)[0] == "en"


def test_the_rest_may_be_kept_as_other_with_its_score():
    step = identify_language(Language(languages=("en", "other")))
    dutch = step(Document("id", SENTENCES["nl"] * 3, "web"))
    assert (dutch.language, dutch.metadata["language_found"]) == ("other", "nl")
    assert dutch.metadata["language_score"] >= 0.65
    assert step(Document("id", SENTENCES["en"] * 3, "web")).language == "en"


@pytest.mark.parametrize("language", SENTENCES)
def test_the_other_identifier_agrees(language):
    assert detect(SENTENCES[language], "py3langid")[0] == language
