"""Gold pages, extractors to compare, the panel and the checks of notebook 1.1."""

from collections import Counter

import pytest

from smollab.curate.html import extract_main_text, score_words
from smollab.curate.html.reader import read_page
from smollab.curate.html.thresholds import DEFAULTS
from smollab.lab.checks import extraction
from smollab.lab.extraction import (
    EVIDENCE,
    EXTRACTORS,
    draw_tree,
    extract_without,
    is_gold,
    judge_text,
    load_gold_pages,
    mean_with_interval,
    score_pages,
)
from smollab.lab.panels import ExtractionPanel
from smollab.plots.extraction import FATES


@pytest.fixture(scope="module")
def pages():
    return load_gold_pages()


@pytest.fixture(scope="module")
def panel(pages):
    return ExtractionPanel(pages, "css-modules")


def test_scores_against_a_count_by_hand():
    score = score_words("The boat and the sea", "the boat")
    assert score == pytest.approx((4 / 7, 2 / 5, 1.0))
    assert score_words("", "") == (1, 1, 1) and score_words("a", "b") == (0, 0, 0) == score_words("", "b")
    assert score_words("老城区 Zug", "老城区").precision == pytest.approx(3 / 4)  # a Chinese character is a word


def test_judging_blocks_gives_the_extracted_text(pages):
    page = next(page for page in pages if page.name == "woocommerce")
    _, text = judge_text(read_page(page.html, whole=True), DEFAULTS)
    assert text == extract_main_text(page.html)


def test_gold_blocks_are_found(pages):
    page = next(page for page in pages if page.name == "css-modules")
    gold = [block.text for block in read_page(page.html, whole=True).blocks if is_gold(block, page.text)]
    assert len(gold) == 5 and gold[0] == "Why the city is planting 3,000 oaks"


def test_ours_is_best_and_each_evidence_can_be_taken_away(pages):
    means = {name: mean_with_interval([s.f1 for s in score_pages(f, pages)], 50) for name, f in EXTRACTORS.items()}
    assert max(means, key=lambda name: means[name][0]) == "smollab"
    for mean, low, high in means.values():
        assert low <= mean <= high
    whole = [extract_without(page.html, "") for page in pages]
    for evidence in EVIDENCE:
        assert [extract_without(page.html, evidence) for page in pages] != whole, evidence


def test_the_tree_counts_text_and_links():
    lines = draw_tree("<body><div class='m'><a href='/'>Home</a></div><p>some text</p></body>").splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["body", "12", "4"],
        ["div.m", "4", "4"],
        ["a", "4", "4"],
        ["p", "8", "0"],
    ]


@pytest.mark.parametrize(
    ("name", "value", "page"),
    [
        ("link_density", 0.1, "mediawiki"),
        ("good_characters", 200, "css-modules"),
        ("short_characters", 100, "category-cards"),
        ("main_share", 0.3, "vn-portal"),
        ("label_characters", 0, "wordpress-classic"),
    ],
)
def test_each_slider_changes_the_extraction(panel, name, value, page):
    panel.page.value = page
    before, picture = panel.readout, panel.picture
    default = panel.thresholds[name].value
    panel.thresholds[name].value = value
    assert panel.readout != before and panel.picture != picture
    panel.thresholds[name].value = default
    assert panel.readout == before, "the same setting gives the same"


def test_the_readout_is_the_score_of_the_text(panel, pages):
    panel.page.value = "css-modules"
    page = next(page for page in pages if page.name == "css-modules")
    score = score_words(extract_main_text(page.html), page.text)
    assert f"F1 {score.f1:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f}" in panel.readout
    assert len(panel.picture) < 80_000
    assert set(FATES) == {"kept, rightly", "kept, wrongly", "dropped, wrongly", "dropped, rightly"}


def link_density(pieces):
    total = sum(len(text) for text, _ in pieces)
    return sum(len(text) for text, linked in pieces if linked) / total if total else 0


def good_blocks(blocks, characters, density):
    return [text for text, share in blocks if len(text) >= characters and share <= density]


def f1(text, gold):
    found, wanted = Counter(text.split()), Counter(gold.split())
    common = (found & wanted).total()
    return 2 * common / (found.total() + wanted.total()) if common else 0


def main_container(parents, weights, share):
    total = list(weights)
    for i in range(len(total) - 1, 0, -1):
        total[parents[i]] += total[i]
    best = 0
    for i in range(1, len(total)):
        if parents[i] == best and total[i] >= share * total[0]:
            best = i
    return best


REFERENCES = {
    "1.1.1": (extraction.check_1_1_1, link_density),
    "1.1.2": (extraction.check_1_1_2, good_blocks),
    "1.1.3": (extraction.check_1_1_3, f1),
    "1.1.4": (extraction.check_1_1_4, main_container),
}


def harmonic(p, r):
    return 2 * p * r / (p + r) if p + r else 0


def set_f1(text, gold):
    a, b = set(text.split()), set(gold.split())
    return harmonic(len(a & b) / len(a), len(a & b) / len(b)) if a & b else 0


def precision(text, gold):
    return (Counter(text.split()) & Counter(gold.split())).total() / max(len(text.split()), 1)


def without_children(parents, weights, share):
    best = 0
    for i in range(1, len(weights)):
        if parents[i] == best and weights[i] >= share * sum(weights):
            best = i
    return best


MISTAKES = [
    ("1.1.1", lambda pieces: sum(linked for _, linked in pieces) / max(len(pieces), 1), "Count characters"),
    ("1.1.1", lambda pieces: sum(len(t) for t, k in pieces if k) / max(sum(len(t) for t, k in pieces if not k), 1),
     "divide by all characters"),
    ("1.1.2", lambda blocks, c, d: [t for t, share in blocks if len(t) >= c], "Both conditions"),
    ("1.1.2", lambda blocks, c, d: [t for t, share in blocks if len(t) > c and share < d], "the limits pass"),
    ("1.1.3", set_f1, "sets of words"),
    ("1.1.3", precision, "precision or recall alone"),
    ("1.1.4", lambda parents, weights, share: 0, "go deeper"),
    ("1.1.4", without_children, "go deeper"),
    ("1.1.4", lambda parents, weights, share: 3, "share of 0.9"),
]  # fmt: skip
