"""Pages judged from a ledger: the small crawl, rule counts, and the panel of notebook 1.3."""

import base64
from dataclasses import replace

import pytest

from smollab.curate import make_step
from smollab.curate.ledger import read_ledger
from smollab.curate.rules import Filter
from smollab.documents import Document, Drop
from smollab.lab.ledger import (
    FILTERS,
    LANGUAGES,
    curate_sample,
    fineweb2_thresholds,
    fineweb_thresholds,
    read_pages,
    topic_of,
)
from smollab.lab.pages import find_rule, judge, make_filter, measure, threshold_of, with_thresholds
from smollab.lab.panels.thresholds import CONTROLS, ThresholdPanel
from smollab.lab.rule_counts import count_rules, failing_rules, failure_rates, read_as, share_with_interval

SENTENCES = (
    "The cat of the old house looked at the rain and went back to sleep.",
    "In spring, three farmers and their children planted a row of apple trees along that road.",
    "Nobody knew why the clock in the tower had been stopped at noon for so long.",
    "When they have time, my neighbors talk with each other across the garden fence.",
    "A good knife needs to be sharpened often, on a wet stone and without any hurry.",
    "Her letters came from cities that we only knew from maps in school.",
    "To bake this bread you need flour, water, some salt and a warm evening.",
)
GOOD = "\n".join(SENTENCES)
NUMBERS = GOOD + "\nThe rooms 11, 12, 17, 18, 21, 25, 27, 31, 36, 38, 42, 44, 47, 51, 53, 58, 61, 66 and 72 are free."
SHORT = "Home of the lamps. We sell lamps and that is all."
ENTRIES = "Paris Rome Oslo Cairo Lima Quito Delhi Tokyo Hanoi Accra Dakar Tunis Sofia Minsk Riga Vilnius Tallinn"
MENU = GOOD + "\n" + "\n".join(f"Hotels of {city}" for city in ENTRIES.split())
GUIDE = GOOD + "\n" + "\n".join(f"Hotels of {city}" for city in ENTRIES.split()[:5])
REST = "\n".join((*SENTENCES[2:], "We walked home along the river that evening, tired and with wet shoes."))
TWICE = GOOD + "\n" + SENTENCES[5]
UNFINISHED = "\n".join(line.removesuffix(".") for line in (*SENTENCES[1:], "And that was it"))


def page(name, text, kind="real", language="en", topic=""):
    document = Document(f"https://{name}.example/", text, "web", language)
    return replace(measure(document, FILTERS), kind=kind, topic=topic or name, record=name)


@pytest.fixture(scope="module")
def pages():
    texts = {
        "good": GOOD,
        "guide": GUIDE,
        "rest": REST,
        "numbers": NUMBERS,
        "menu": MENU,
        "twice": TWICE,
        "unfinished": UNFINISHED,
    }
    return [*(page(name, text) for name, text in texts.items()), page("short", SHORT, "junk")]


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    return curate_sample(tmp_path_factory.mktemp("runs") / "filters")


@pytest.fixture
def panel(pages):
    return ThresholdPanel(pages, fineweb_thresholds())


def verdicts(pages, **thresholds):
    keys = {key.replace("__", "."): value for key, value in thresholds.items()}
    return [drop.reason if drop else "" for drop in judge(pages, with_thresholds(fineweb_thresholds(), keys), FILTERS)]


# the small crawl


def test_crawl_holds_translations_of_the_same_topics_and_junk(output):
    found = read_pages(output)
    real = [page for page in found if page.kind == "real"]
    languages = {language: {p.topic for p in real if p.document.language == language} for language in LANGUAGES}
    assert all(len(topics) > 50 for topics in languages.values())
    assert len(languages["de"] & languages["en"]) > 100
    assert sum(page.kind == "junk" for page in found) > 25


def test_verdicts_from_values_are_those_of_the_run(output):
    found = {page.record: page for page in read_pages(output)}
    rows = [row for file in sorted((output / "ledger").glob("*.parquet")) for row in read_ledger(file)]
    judged = dict(zip(found, judge(list(found.values()), fineweb_thresholds(), FILTERS), strict=True))
    compared = 0
    for row in rows:
        if row.record in judged:
            drop = judged[row.record]
            assert (drop.reason, drop.detail) if drop else (row.reason, row.detail) == ("", "")
            assert (drop.reason if drop else "") == row.reason
            compared += 1
    assert compared == len(found) > 800


def test_other_thresholds_from_values_are_those_of_the_steps_run_anew(output):
    found = [page for page in read_pages(output) if page.kind == "junk" or page.record.startswith("vi/")]
    settings = with_thresholds(
        fineweb_thresholds(),
        {"gopher_quality.minimum_alphabetic_words": 0.9, "fineweb_quality.maximum_short_lines": 0.2},
    )
    for page_, judged in zip(found, judge(found, settings, FILTERS), strict=True):
        document = page_.document
        for step in FILTERS:
            result = make_step(step, settings)(document)
            if isinstance(result, Drop):
                break
            document = result
        assert (result.reason if isinstance(result, Drop) else "") == (judged.reason if judged else ""), page_.record


def test_second_call_takes_the_ledger_up_again(output):
    files = sorted((output / "ledger").glob("*.parquet"))
    before = [file.read_bytes() for file in files]
    assert curate_sample(output.parent) == output
    assert [file.read_bytes() for file in files] == before


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("https://www.debian.org/a/apb.de.html", "https://www.debian.org/a/apb.en.html"),
        ("https://help.gnome.org/a/slow.html.fr", "https://help.gnome.org/a/slow.html.en"),
        ("https://debian-handbook.info/browse/pt-BR/stable/apt.html", "https://debian-handbook.info/browse/en-US/stable/apt.html"),
        ("https://help.libreoffice.org/7.4/vi/text/x.html", "https://help.libreoffice.org/7.4/en-US/text/x.html"),
    ],
)  # fmt: skip
def test_translations_share_their_topic(first, second):
    assert topic_of(first) == topic_of(second)
    assert topic_of(first) != topic_of(second.replace("html", "htm"))


# thresholds by name


def test_thresholds_are_found_and_changed_by_name():
    fineweb = fineweb_thresholds()
    assert threshold_of(fineweb, "gopher_repetition.top_n_grams.2") == 0.2
    changed = with_thresholds(fineweb, {"gopher_repetition.top_n_grams.2": 0.5, "language.minimum_score": 0.1})
    assert threshold_of(changed, "gopher_repetition.top_n_grams.2") == 0.5
    assert threshold_of(changed, "gopher_repetition.top_n_grams.3") == 0.18
    assert threshold_of(fineweb, "gopher_repetition.top_n_grams.2") == 0.2, "the published settings are untouched"
    with pytest.raises(KeyError, match="no rule of gopher_quality looks at 'minimum_wrods'"):
        with_thresholds(fineweb, {"gopher_quality.minimum_wrods": 1})
    with pytest.raises(TypeError, match="'pii' does not consist of rules"):
        make_filter("pii", fineweb)


def test_fineweb2_changes_thresholds_of_languages_but_not_their_scores():
    per_language = fineweb2_thresholds()
    quality = make_filter("gopher_quality", per_language)
    rule = find_rule("gopher_quality.minimum_alphabetic_words")
    assert [quality.threshold(rule, language) for language in ("de", "es", "en")] == [0.774, 0.825, 0.8]
    language = make_filter("language", per_language)
    assert language.threshold(find_rule("language.minimum_score"), "de") == 0.65


# counts


def test_counts_of_rules_by_hand(pages):
    failing = failing_rules(pages, fineweb_thresholds())
    by_name = {page.record: reasons for page, reasons in zip(pages, failing, strict=True)}
    assert by_name["good"] == []
    assert by_name["numbers"] == ["gopher_quality: words without letters"]
    assert by_name["twice"] == ["fineweb_quality: characters in duplicate lines"]
    assert by_name["short"][0].startswith("gopher") and len(by_name["short"]) > 1
    counts = {count.name: count for count in count_rules(pages, fineweb_thresholds())}
    letters = counts["gopher_quality: words without letters"]
    assert (letters.fails, letters.first, letters.alone) == (1, 1, 1)
    few = counts["gopher_quality: too few words"]
    assert few.fails == 1 and few.alone == 0, "the short page fails other rules as well"
    assert sum(count.first for count in counts.values()) == sum(drop != "" for drop in verdicts(pages))


def test_failure_rates_and_intervals(pages):
    rates = failure_rates(pages, fineweb_thresholds())
    mean, low, high = rates["gopher_quality: words without letters"]
    assert mean == pytest.approx(1 / 8)
    assert 0 <= low <= mean <= high < 1


def test_pages_of_one_topic_are_drawn_together():
    alone = [page(str(i), GOOD) for i in range(8)]
    together = [replace(p, topic=str(i // 4)) for i, p in enumerate(alone)]
    half = lambda index: index < 4
    width = lambda group: (lambda mean, low, high: high - low)(*share_with_interval(group, half))
    assert width(together) == 1.0, "two topics: none, one or two of them are of the first half"
    assert width(alone) < 0.8


def test_page_read_as_another_language_meets_its_stop_words():
    german = page("haus", "Der Hund und die Katze sind in dem Haus mit der Tür. " * 3, language="de")
    assert german.values["gopher_quality"]["stop_words"] >= 2
    assert read_as(german, "en").values["gopher_quality"]["stop_words"] == 0
    assert read_as(german, "en").values["fineweb_quality"] == german.values["fineweb_quality"]


# the panel


CHANGES = {
    "gopher_quality.minimum_words": 300,
    "gopher_quality.minimum_alphabetic_words": 0.5,
    "fineweb_quality.minimum_punctuated_lines": 0.9,
    "fineweb_quality.maximum_short_lines": 0.3,
    "fineweb_quality.maximum_duplicate_line_characters": 0.3,
    "gopher_repetition.top_n_grams.2": 0.01,
    "language.minimum_score": 1.0,
}


@pytest.mark.parametrize("key", CHANGES)
def test_every_threshold_changes_readout_and_picture_and_goes_back(panel, key):
    panel.shown.value = key
    readout, picture = panel.readout, panel.picture
    slider = panel.thresholds[key]
    before = slider.value
    slider.value = CHANGES[key]
    assert panel.readout != readout and "Page 1 of" in panel.readout
    assert panel.picture != picture
    slider.value = before
    assert (panel.readout, panel.picture) == (readout, picture)


def test_panel_says_what_enters_and_why_it_was_dropped(panel):
    assert "3 of 7 real pages stay (published thresholds: 3)" in panel.readout
    assert "No page changes sides" in panel.readout
    panel.thresholds["fineweb_quality.maximum_duplicate_line_characters"].value = 0.3
    assert "4 of 7 real pages stay (published thresholds: 3): 1 enter, 0 leave" in panel.readout
    assert "Page 1 of 1 enters: https://twice.example/ (was dropped by fineweb_quality: characters" in panel.readout
    assert "“The cat of the old house" in panel.readout


def test_picker_steps_through_the_pages_that_change_sides(panel):
    panel.thresholds["gopher_quality.minimum_words"].value = 400
    assert panel.place.max >= 3
    readout, picture = panel.readout, panel.picture
    panel.place.value = 2
    assert "Page 2 of" in panel.readout
    assert panel.readout.splitlines()[:2] == readout.splitlines()[:2]
    assert panel.picture == picture
    panel.thresholds["gopher_quality.minimum_words"].value = 50
    assert panel.place.max == 1 and panel.place.value == 1 and panel.place.disabled


def test_values_shown_follow_the_slider_and_can_be_chosen(panel):
    panel.thresholds["fineweb_quality.maximum_short_lines"].value = 0.5
    assert panel.shown.value == "fineweb_quality.maximum_short_lines"
    readout, picture = panel.readout, panel.picture
    panel.shown.value = "gopher_quality.minimum_words"
    assert panel.readout == readout
    assert panel.picture != picture


def test_language_narrows_the_pages(pages):
    german = page("haus", "Der Hund und die Katze sind in dem Haus mit der Tür. " * 9, language="de")
    panel = ThresholdPanel([*pages, german], fineweb_thresholds())
    panel.language.value = "de"
    assert " of 1 real pages stay" in panel.readout
    assert "0 of 0 pages of junk" in panel.readout


def test_each_move_computes_once(panel, monkeypatch):
    computed = []
    original = panel.compute
    monkeypatch.setattr(panel, "compute", lambda: computed.append(1) or original())
    panel.thresholds["gopher_quality.minimum_words"].value = 60  # also moves the choice of values, and the picker
    assert len(computed) == 1


def test_controls_are_described_and_the_panel_reads_without_a_kernel(panel):
    assert len(panel.controls) == len(CONTROLS) + 3
    assert all(control.description.strip() for control in panel.controls)
    assert panel.widget.children[0].children == panel.controls
    bundle, metadata = panel._repr_mimebundle_()
    assert base64.b64decode(bundle["image/png"]) == panel.picture
    assert bundle["text/plain"] == panel.readout
    assert metadata["image/png"]["width"] == 900
    assert all(isinstance(make_filter(c.key.partition(".")[0], fineweb_thresholds()), Filter) for c in CONTROLS)
