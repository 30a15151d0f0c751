"""The small quality model: held against scikit-learn, stored safely, explained exactly."""

import time
from pathlib import Path

import numpy as np
import pytest

from smollab.curate.errors import CurationError
from smollab.curate.quality import SHAPES, describe_shape, fit, load_model, read_scored, save_model, tokenize
from smollab.curate.quality.features import split_text
from smollab.curate.quality.model import BUILT_IN
from smollab.curate.quality.training import ALPHA, MINIMUM_EXCERPTS, SHAPE_SCALE

SCORES = Path(__file__).resolve().parents[3] / "data_samples" / "quality" / "educational_scores.jsonl"
LESSON = "The sun warms the sea and some of the water evaporates. High above, the vapor condenses into drops."
SPAM = "cheap shoes best price buy online cheap shoes top 10 discount best price near you"


@pytest.fixture(scope="module")
def excerpts():
    return read_scored(SCORES)


def test_scores_are_scikit_learn_s(excerpts):
    """The same fit by scikit-learn's own pipeline gives the same predictions, on texts it saw and on others."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import FeatureUnion, make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    some = excerpts[::4]
    texts = [e.text for e in some]
    shape = make_pipeline(
        FunctionTransformer(lambda texts: np.array([describe_shape(t) for t in texts])),
        StandardScaler(),
        FunctionTransformer(lambda x: SHAPE_SCALE * x),
    )
    words = TfidfVectorizer(analyzer=lambda t: list(split_text(t)), sublinear_tf=True, min_df=MINIMUM_EXCERPTS)
    peer = make_pipeline(FeatureUnion([("words", words), ("shape", shape)]), Ridge(alpha=ALPHA))
    peer.fit(texts, [e.score for e in some])
    ours = fit(some)
    others = [e.text for e in excerpts[1::9]] + [LESSON, SPAM]
    expected = np.clip(peer.predict(texts + others), 0, 5)
    assert np.abs(expected - [ours.score(text) for text in texts + others]).max() < 2e-3  # ours are 32-bit numbers


def test_the_model_in_the_package_is_fitted_to_the_scores_in_the_repository(excerpts):
    fresh, stored = fit(excerpts), load_model()
    assert fresh.vocabulary == stored.vocabulary
    np.testing.assert_allclose(fresh.weights, stored.weights, atol=1e-3)
    assert BUILT_IN.stat().st_size < 1_000_000


def test_round_trip_without_pickle(tmp_path, excerpts):
    model = fit(excerpts[:80])
    save_model(model, tmp_path / "m.npz")
    again = load_model(tmp_path / "m.npz")
    assert [again.score(t) for t in (LESSON, SPAM, "", "物理")] == [model.score(t) for t in (LESSON, SPAM, "", "物理")]
    assert again.vocabulary == model.vocabulary
    with np.load(tmp_path / "m.npz", allow_pickle=False) as archive:
        assert all(archive[name].dtype != object for name in archive.files)


def test_a_pickle_is_refused(tmp_path):
    np.savez(tmp_path / "evil.npz", features=np.array([{"a": 1}], dtype=object))
    with pytest.raises(CurationError, match="make quality"):
        load_model(tmp_path / "evil.npz")


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut off"])
def test_damaged_files_are_named(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(CurationError, match=r"bad\.npz"):
        load_model(tmp_path / "bad.npz")
    with pytest.raises(CurationError, match=r"none\.npz"):
        load_model(tmp_path / "none.npz")


def test_lessons_above_spam_and_every_score_in_range():
    model = load_model()
    assert model.score(LESSON) > 2.5 > 1 > model.score(SPAM)
    for text in ("", " \n ", "\x00", "a" * 100_000, "€" * 5000, "\ud800 lone"):
        assert 0 <= model.score(text) <= 5


def test_explanation_adds_up_to_the_score():
    model = load_model()
    up, down = model.explain(LESSON, count=10_000)
    total = model.intercept + sum(part for _, part in up + down)
    assert model.score(LESSON) == pytest.approx(total, abs=1e-4)
    assert all(part > 0 for _, part in up) and all(part < 0 for _, part in down)
    assert up == sorted(up, key=lambda item: -item[1])
    assert {name.strip("[]") for name, _ in up + down if name.startswith("[")} <= set(SHAPES)


def test_tokens_and_features():
    assert tokenize("Über 12345 Äpfel, 3.5!") == ["über", "0000", "äpfel", ",", "0", ".", "0", "!"]
    assert list(split_text("Star!")) == [" star ", " sta", "star", "tar ", " ! "]
    assert list(split_text("ab")) == [" ab "]
    lines = describe_shape("One two three. Four five?\n- no end")
    assert lines == pytest.approx((1.0, 10 / 2, 0.5, np.log1p((25 + 8) / 2), 0.5))


def test_long_texts_cost_no_more_than_their_beginning():
    model = load_model()
    beginning = "The earth turns around its axis once a day. " * 60
    assert model.score(beginning + "x" * 5_000_000) == model.score(beginning)
    start = time.process_time()
    for _ in range(100):
        model.score(beginning)
    assert time.process_time() - start < 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"id": 1}', "language"),
        ("nonsense", "not a scored excerpt"),
        ('{"id": "a", "language": "en", "site": "s", "text": "t", "score": 6}', "0 to 5"),
    ],
)
def test_bad_scores_are_named(tmp_path, line, message):
    (tmp_path / "scores.jsonl").write_text(line, encoding="utf-8")
    with pytest.raises(CurationError, match=message):
        read_scored(tmp_path / "scores.jsonl")
    with pytest.raises(CurationError, match="missing"):
        read_scored(tmp_path / "missing.jsonl")
