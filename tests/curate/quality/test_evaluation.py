"""Precision, kappa, calibration and intervals against hand-made and independent values; folds that keep sites apart."""

from pathlib import Path

import numpy as np
import pytest

import smollab.curate.quality.training as training
from smollab.curate.quality import (
    Scored,
    bootstrap_interval,
    calibrate,
    cross_validate,
    mean_absolute_error,
    read_scored,
    select,
    weighted_kappa,
)

SCORES = Path(__file__).resolve().parents[3] / "data_samples" / "quality" / "educational_scores.jsonl"


def test_selection_by_hand():
    found = select([0.5, 1.5, 2.5, 3.0], [3, 0, 4, 5], threshold=1.5)
    assert (found.kept, found.good, found.hits) == (3, 3, 2)
    assert (found.precision, found.recall, found.f1) == (2 / 3, 2 / 3, 2 / 3)
    nothing = select([0.0], [0], threshold=9)
    assert (nothing.precision, nothing.recall, nothing.f1) == (1.0, 1.0, 1.0)


def test_selection_and_kappa_are_scikit_learn_s():
    from sklearn.metrics import cohen_kappa_score, f1_score, precision_score, recall_score

    generator = np.random.default_rng(3)
    predicted, true = generator.random(200) * 5, generator.integers(0, 6, 200)
    found = select(predicted, true, 2.2)
    kept, good = predicted >= 2.2, true >= 3
    assert found.f1 == pytest.approx(f1_score(good, kept))
    assert found.precision == pytest.approx(precision_score(good, kept))
    assert found.recall == pytest.approx(recall_score(good, kept))
    other = np.clip(true + generator.integers(-1, 2, 200), 0, 5)
    expected = cohen_kappa_score(true, other, weights="quadratic", labels=range(6))
    assert weighted_kappa(true.tolist(), other.tolist()) == pytest.approx(expected)


def test_kappa_of_equal_and_of_opposite_scores():
    assert weighted_kappa([0, 1, 5], [0, 1, 5]) == 1.0
    assert weighted_kappa([0, 5], [5, 0]) == -1.0
    assert weighted_kappa([2, 2], [2, 2]) == 1.0


def test_calibration_bins_go_from_low_to_high_and_hold_all():
    bins = calibrate([3, 1, 2, 0, 5, 4], [5, 1, 2, 0, 5, 5], bins=3)
    assert bins == [(0.5, 0.5, 2), (2.5, 3.5, 2), (4.5, 5.0, 2)]
    assert mean_absolute_error([1, 2], [0, 4]) == 1.5


def test_an_interval_over_groups_is_wider_than_one_over_rows():
    generator = np.random.default_rng(0)
    site = np.repeat(np.arange(12), 20)
    values = generator.normal(size=12)[site] + 0.1 * generator.normal(size=240)
    mean = lambda rows: float(values[rows].mean())
    grouped = bootstrap_interval(mean, [str(s) for s in site])
    single = bootstrap_interval(mean, [str(i) for i in range(240)])
    assert grouped[0] < values.mean() < grouped[1]
    assert grouped[1] - grouped[0] > 2 * (single[1] - single[0])
    assert grouped == bootstrap_interval(mean, [str(s) for s in site])


def test_no_excerpt_is_predicted_by_a_model_that_saw_its_site(monkeypatch):
    excerpts = [Scored(f"{s}-{i}", "en", f"site {s}", f"word{s} same again", s % 6) for s in range(8) for i in range(6)]
    trained: list[set[str]] = []
    honest = training.fit
    monkeypatch.setattr(training, "fit", lambda some: (trained.append({e.site for e in some}), honest(some))[1])
    predicted = cross_validate(excerpts, folds=4)
    assert len(trained) == 4
    assert all(len(sites) == 6 for sites in trained)  # two of eight sites are held out each time
    assert set.union(*({e.site for e in excerpts} - sites for sites in trained)) == {e.site for e in excerpts}
    assert np.isfinite(predicted).all()


def test_honest_figures_of_the_built_in_model():
    """What the notebook and the data card say, within the noise of the folds; ordinary folds flatter by far."""
    excerpts = read_scored(SCORES)
    true = [e.score for e in excerpts]
    grouped = cross_validate(excerpts, folds=5)
    ordinary = cross_validate(excerpts, folds=5, group=lambda e: e.id)
    at = lambda predicted: select(predicted, true, 1.5).f1
    assert 0.36 < at(grouped) < 0.55
    assert at(ordinary) > at(grouped) + 0.08
    assert mean_absolute_error(grouped, true) < mean_absolute_error(np.full(len(true), np.mean(true)), true)
    assert mean_absolute_error(grouped, true) > 0.7


def test_two_passes_agree_as_the_card_says():
    both = [(e.score, e.second_score) for e in read_scored(SCORES) if e.second_score is not None]
    assert len(both) == 120
    assert weighted_kappa(*zip(*both, strict=True)) == pytest.approx(0.945, abs=0.001)
