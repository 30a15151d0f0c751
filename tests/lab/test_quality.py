"""Notebook 1.4: checks that explain, a panel whose controls all count, predictions that are honest or not."""

import math
from collections import Counter

import numpy as np
import pytest

from smollab.curate.quality import QualityModel, Scored
from smollab.documents import Document
from smollab.lab.checks import quality
from smollab.lab.educational import JUDGES, compare_folds, compare_translations, predict, worst_excerpts
from smollab.lab.pages import Page
from smollab.lab.panels import QualityPanel


def weighted_kappa(first, second):
    observed = sum((a - b) ** 2 for a, b in zip(first, second, strict=True)) / len(first)
    chance = sum((a - b) ** 2 for a in first for b in second) / len(first) ** 2
    return 1 - observed / chance


def linear_score(words, weights, idf, intercept):
    counts = Counter(word for word in words if word in weights)
    vector = {word: (1 + math.log(count)) * idf[word] for word, count in counts.items()}
    length = math.sqrt(sum(value**2 for value in vector.values())) or 1
    return intercept + sum(value / length * weights[word] for word, value in vector.items())


def folds_by_site(sites, folds):
    number = {site: i % folds for i, site in enumerate(sorted(set(sites)))}
    return [number[site] for site in sites]


def precision_and_recall(predicted, true, threshold):
    kept = [t for p, t in zip(predicted, true, strict=True) if p >= threshold]
    hits = sum(t >= 3 for t in kept)
    return hits / len(kept), hits / sum(t >= 3 for t in true)


def threshold_for_budget(scores, tokens, budget):
    threshold = math.inf
    for candidate in sorted(set(scores), reverse=True):
        if sum(t for s, t in zip(scores, tokens, strict=True) if s >= candidate) > budget:
            break
        threshold = candidate
    return threshold


REFERENCES = {
    "1.4.1": (quality.check_1_4_1, weighted_kappa),
    "1.4.2": (quality.check_1_4_2, linear_score),
    "1.4.3": (quality.check_1_4_3, folds_by_site),
    "1.4.4": (quality.check_1_4_4, precision_and_recall),
    "1.4.5": (quality.check_1_4_5, threshold_for_budget),
}


def _linear_kappa(first, second):
    observed = sum(abs(a - b) for a, b in zip(first, second, strict=True)) / len(first)
    return 1 - observed / (sum(abs(a - b) for a in first for b in second) / len(first) ** 2)


def _no_norm(words, weights, idf, intercept):
    counts = Counter(word for word in words if word in weights)
    return intercept + sum((1 + math.log(count)) * idf[word] * weights[word] for word, count in counts.items())


def _raw_counts(words, weights, idf, intercept):
    vector = {word: count * idf[word] for word, count in Counter(w for w in words if w in weights).items()}
    length = math.sqrt(sum(value**2 for value in vector.values())) or 1
    return intercept + sum(value / length * weights[word] for word, value in vector.items())


def _greedy(scores, tokens, budget):
    used = 0
    for score, size in sorted(zip(scores, tokens, strict=True), reverse=True):
        used += size
        if used > budget:
            return score
    return min(scores)


def _swapped(predicted, true, threshold):
    return precision_and_recall(predicted, true, threshold)[::-1]


MISTAKES = {
    "share of equal scores": (
        quality.check_1_4_1,
        lambda a, b: sum(x == y for x, y in zip(a, b, strict=True)) / len(a),
        "Chance alone",
    ),
    "linear weights": (quality.check_1_4_1, _linear_kappa, "did not square"),
    "not of chance": (
        quality.check_1_4_1,
        lambda a, b: 1.0 if a == b else sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) / len(a),
        "expected by chance",
    ),
    "no length": (quality.check_1_4_2, _no_norm, "divide by the length"),
    "raw counts": (quality.check_1_4_2, _raw_counts, "dampen counts"),
    "no intercept": (quality.check_1_4_2, lambda w, weights, idf, b: linear_score(w, weights, idf, 0.0), "intercept"),
    "folds for excerpts": (
        quality.check_1_4_3,
        lambda sites, folds: [i % folds for i in range(len(sites))],
        "is in two folds",
    ),
    "one fold": (quality.check_1_4_3, lambda sites, folds: [0] * len(sites), "none is empty"),
    "crowded fold": (
        quality.check_1_4_3,
        lambda sites, folds: [min(sorted(set(sites)).index(site), folds - 1) for site in sites],
        "spread the sites",
    ),
    "too few folds": (quality.check_1_4_3, lambda sites, folds: folds_by_site(sites, folds)[1:], "need 10"),
    "strictly above": (
        quality.check_1_4_4,
        lambda p, t, at: precision_and_recall(p, t, at + 1e-9),
        "equals the threshold",
    ),
    "recall of all": (
        quality.check_1_4_4,
        lambda p, t, at: (precision_and_recall(p, t, at)[0], 1 / len(p)),
        "share of the three good",
    ),
    "one number": (quality.check_1_4_4, lambda p, t, at: 0.5, "return two numbers"),
    "exceeds the budget": (quality.check_1_4_5, _greedy, "more than the budget"),
    "too careful": (quality.check_1_4_5, lambda s, t, b: max(s), "would still fit"),
    "ignores ties": (
        quality.check_1_4_5,
        lambda s, t, b: threshold_for_budget(s, t, b) if len(set(s)) == len(s) else 2.0,
        "cannot keep one",
    ),
}


def excerpt(number, language="en"):
    score = number % 6
    text = " ".join(["the star turns around"] * score + ["buy cheap lamps"] * (6 - score) + [f"number {number}"])
    return Scored(f"id {number}", language, f"site {number % 9}", text, score)


@pytest.fixture(scope="module")
def excerpts():
    return [excerpt(i, ("en", "fr", "vi")[i % 3]) for i in range(54)]


@pytest.fixture
def panel(excerpts):
    true = np.array([e.score for e in excerpts])
    return QualityPanel(excerpts, {"noisy": true * 0.3 + 0.7 * (np.arange(54) % 5), "perfect": true * 1.0})


@pytest.mark.parametrize(
    ("control", "value"),
    [("threshold", 2.5), ("good_from", 4), ("judge", "perfect"), ("language", "vi")],
)
def test_every_control_changes_readout_and_picture(panel, control, value):
    readout, picture = panel.readout, panel.picture
    getattr(panel, control).value = value
    assert panel.readout != readout
    assert panel.picture != picture


def test_readout_is_true(panel):
    panel.judge.value = "perfect"
    panel.threshold.value = 3.0
    assert (
        "27 of 54 texts stay at 3: precision 100% (27 of 27 are good), recall 100% (27 of 27 good ones)"
        in panel.readout
    )
    assert "Against 1.5: 0 enter, 9 leave." in panel.readout
    assert "annotated 2, leaves" in panel.readout
    first = panel.readout
    panel.place.value = 2
    assert panel.readout != first
    panel.threshold.value = 1.5
    assert "No text changes sides" in panel.readout
    assert panel.place.disabled


def test_predictions_become_better_the_more_the_model_has_seen(excerpts):
    true = np.array([e.score for e in excerpts])
    errors = [np.abs(predict(excerpts, judge) - true).mean() for judge in JUDGES]
    assert errors[2] < errors[0]
    results = compare_folds(excerpts, [predict(excerpts, JUDGES[0], seed) for seed in range(2)], 2.5)
    assert set(results) == {"precision", "recall", "F1", "mean absolute error"}
    assert all(low <= mean <= high for mean, low, high in results.values())


def test_worst_excerpts_are_the_worst_of_their_sites(excerpts):
    predicted = np.array([e.score for e in excerpts], dtype=float)
    predicted[[5, 14, 23]] += (3, 2, 2.5)  # 5, 14 and 23 are of one site
    predicted[7] += 1
    predicted[40] -= 2
    over, under = worst_excerpts(excerpts, predicted, 2)
    assert over == [5, 7]
    assert under[0] == 40


def test_translations_are_compared_with_their_original():
    class Length(QualityModel):
        def score(self, text):
            return float(len(text))

    model = object.__new__(Length)
    page = lambda topic, language, text: Page(Document(f"{topic}.{language}", text, "web", language), {}, "real", topic)
    pages = [page("a", "en", "1234"), page("a", "de", "123456"), page("b", "en", "1"), page("b", "de", "1"),
             page("c", "de", "12345678"), page("a", "fr", "1")]  # fmt: skip
    found = compare_translations(pages, model)
    assert found["de"][:2] == (2, 1.0)  # c has no English original
    assert found["fr"] == (1, -3.0, -3.0, -3.0)
