"""Notebook 1.6: its checks tell typical mistakes apart, its panel answers every control, its small ablation runs."""

import math
import re

import pytest

from smollab.lab.checks import mixture
from smollab.lab.panels import MixturePanel


def mixture_weights(sizes, temperature):
    raised = [(size / max(sizes)) ** (1 / temperature) for size in sizes]
    return [value / sum(raised) for value in raised]


def num_epochs(weight, budget, tokens):
    return weight * budget / tokens


def effective_tokens(unique, read):
    if read <= unique:
        return read
    repetitions = read / unique - 1
    return unique + unique * 15.39 * (1 - math.exp(-repetitions / 15.39))


def overlap(text, test, n):
    grams = lambda words: [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    words = lambda string: re.findall(r"\w+", string.lower())
    mine, known = grams(words(text)), set(grams(words(test)))
    return sum(gram in known for gram in mine) / len(mine) if mine else 0.0


def difference(first, second, t):
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n, mean = len(differences), sum(differences) / len(differences)
    deviation = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1))
    return mean, t * deviation / math.sqrt(n)


REFERENCES = {
    "1.6.1": (mixture.check_1_6_1, mixture_weights),
    "1.6.2": (mixture.check_1_6_2, num_epochs),
    "1.6.3": (mixture.check_1_6_3, effective_tokens),
    "1.6.4": (mixture.check_1_6_4, overlap),
    "1.6.5": (mixture.check_1_6_5, difference),
}


def _normalized(values):
    return [value / sum(values) for value in values]


def _of_words(text, test, n):
    return sum(word in test.split() for word in text.split()) / max(len(text.split()), 1)


def _per_test_gram(text, test, n):
    words = len(test.split()) - n + 1
    return overlap(text, test, n) * (len(text.split()) - n + 1) / words


def _case_sensitive(text, test, n):
    grams = lambda words: [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]
    known = set(grams(test.split()))
    mine = grams(text.split())
    return sum(gram in known for gram in mine) / len(mine) if mine else 0.0


def _biased(first, second, t):
    mean, half = difference(first, second, t)
    return mean, half * math.sqrt((len(first) - 1) / len(first))


def _unpaired(first, second, t):
    mean = sum(first) / 3 - sum(second) / 3
    variance = lambda values: sum((v - sum(values) / 3) ** 2 for v in values) / 2
    return mean, t * math.sqrt(variance(first) / 3 + variance(second) / 3)


MISTAKES = [
    ("1.6.1", lambda sizes, t: _normalized([s ** (1 / t) for s in sizes])[:1], "sum to one"),
    ("1.6.1", lambda sizes, t: _normalized([s**t for s in sizes]), "exponent is 1 / temperature"),
    ("1.6.1", lambda sizes, t: _normalized(sizes), "same as temperature 1"),
    ("1.6.1", lambda sizes, t: 0.5, "one weight for each size"),
    ("1.6.2", lambda weight, budget, tokens: budget / tokens, "only its weight"),
    ("1.6.2", lambda weight, budget, tokens: tokens / (weight * budget), "wrong way round"),
    ("1.6.2", lambda weight, budget, tokens: round(weight * budget / tokens), "not rounded"),
    ("1.6.3", lambda unique, read: unique * (1 + 15.39 * (1 - math.exp(-(read / unique - 1) / 15.39))), "first epoch"),
    ("1.6.3", lambda unique, read: read, "worth less"),
    (
        "1.6.3",
        lambda u, read: read if read <= u else u + u * 15.39 * (1 - math.exp(-read / u / 15.39)),
        "minus one",
    ),
    ("1.6.4", _of_words, "single words"),
    ("1.6.4", _per_test_gram, "denominator|overlaps fully"),
    ("1.6.4", _case_sensitive, "Lower the case"),
    ("1.6.4", lambda text, test, n: 1 / 0, "ZeroDivisionError"),
    ("1.6.5", _biased, "n - 1"),
    ("1.6.5", _unpaired, "unpaired"),
    ("1.6.5", lambda a, b, t: (difference(a, b, t)[0], difference(a, b, t)[1] * math.sqrt(3)), "square root of n"),
    ("1.6.5", lambda a, b, t: difference(b, a, t), "mean 0.1333"),
    ("1.6.5", lambda a, b, t: 0.1, "two numbers"),
]


TOKENS = {"en": 4_000_000, "fr": 800_000, "vi": 50_000}


@pytest.mark.parametrize(("control", "value"), [("temperature", 5.0), ("passes", 12.0), ("boost", 8.0), ("name", "fr")])
def test_control_changes_readout_and_picture(control, value):
    panel = MixturePanel(TOKENS)
    panel.boost.value = 2.0  # with a boost of one it does not matter which language has it
    readout, picture = panel.readout, panel.picture
    before = getattr(panel, control).value
    getattr(panel, control).value = value
    assert panel.readout != readout
    assert panel.picture != picture
    getattr(panel, control).value = before
    assert (panel.readout, panel.picture) == (readout, picture)


def test_panel_numbers_by_hand():
    panel = MixturePanel(TOKENS)
    assert "4.85 million tokens are read" in panel.readout
    assert "Everything is read 1.00 times." in panel.readout
    assert "Not read to the end" not in panel.readout
    assert "new ones, 100%" in panel.readout
    panel.temperature.value = 10.0
    # (50/4000)^(1/10) = 0.6452, (800/4000)^(1/10) = 0.8513; of 2.4965, times 4.85 million over 50,000
    assert "vi is read 25.07 times, en" in panel.readout
    assert "Repeated more than 4 times: vi" in panel.readout
    assert "Not read to the end: en" in panel.readout
    panel.boost.value = 0.0
    assert "vi 0.00 times" in panel.readout


def test_small_ablation_is_made_and_reused(tmp_path, monkeypatch):
    from smollab.lab import ablation

    monkeypatch.setenv("SMOLLAB_RUNS", str(tmp_path))
    monkeypatch.setattr(ablation, "SMALL_STEPS", 4)
    monkeypatch.setitem(ablation.SMALL, "data.sources.web.limit", 60)
    monkeypatch.setitem(ablation.SMALL, "curate.workers", 1)
    results, comparison = ablation.small_ablation(["raw", "extracted"], (1,))
    assert comparison.variants == ["raw", "extracted"]
    assert results["tokens_read"] == 4 * 8 * 128
    again, _ = ablation.small_ablation(["raw", "extracted"], (1,))
    assert again == results


def test_committed_results_are_whole():
    from smollab.experiments import VARIANTS
    from smollab.experiments.data_ablation import load_comparison
    from smollab.lab.ablation import load_results

    results = load_results()
    comparison = load_comparison(results)
    assert comparison.variants == list(VARIANTS) == list(results["variants"])
    assert len(comparison.seeds) >= 3
    for rows in comparison.scores.values():
        assert {len(values) for values in rows.values()} == {len(comparison.seeds)}
        assert len({value for values in rows.values() for value in values}) > 1


def test_committed_results_of_the_pdf_ablation_are_whole():
    from smollab.experiments.data_ablation import load_comparison
    from smollab.experiments.pdf_ablation import RATIOS, name_of
    from smollab.lab.ablation import load_results

    results = load_results("ablation-pdf")
    comparison = load_comparison(results)
    assert comparison.variants == [name_of(ratio) for ratio in RATIOS] and len(comparison.seeds) >= 3
    assert set(comparison.scores) == {"web", "pdf", "guide", "jargon", "minimal pairs"}
    assert results["note"]
