"""The step edu_quality with the built-in model and with a transformers classifier made on the spot."""

import pickle
import subprocess
import sys

import pytest

from smollab.curate import make_step
from smollab.curate.errors import CurationError
from smollab.curate.quality import edu_quality
from smollab.curate.quality.transformer import TransformerScorer
from smollab.documents import Document, Drop
from smollab.recipe import Curate, EduQuality

LESSON = Document(
    "lesson", "The earth turns around its axis once a day, so the sun seems to rise and to set.", "web", "en"
)
SPAM = Document(
    "spam", "cheap shoes best price buy online cheap shoes top 10 discount best price near you", "web", "en"
)


def test_keeps_lessons_with_their_score_and_drops_spam():
    step = make_step("edu_quality", Curate())
    kept, dropped = step(LESSON), step(SPAM)
    assert isinstance(kept, Document) and kept.metadata["quality_score"] > 1.5
    assert isinstance(dropped, Drop)
    assert dropped.reason == "edu_quality: little educational value"
    assert dropped.detail.endswith("< 1.5")


def test_values_are_judged_again_without_the_text():
    step = edu_quality(EduQuality())
    _, values = step.measure(LESSON)
    strict = edu_quality(EduQuality(minimum_score=4.9))
    assert step.judge(values, "en") is None
    assert strict.judge(values, "en").detail == f"{values['score']:.4g} < 4.9"
    lenient = edu_quality(EduQuality(minimum_score=4.9), {"en": {"edu_quality.minimum_score": 0.1}})
    assert lenient.judge(values, "en") is None


@pytest.fixture(scope="module", params=[1, 6])
def classifier(request, tmp_path_factory):
    """A folder with a tiny BERT of random weights, as `save_pretrained` writes it; one output, or six."""
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    folder = tmp_path_factory.mktemp("classifier")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "earth", "sun", "price", "shoes", "cheap"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24,
        num_labels=request.param, max_position_embeddings=512, initializer_range=1.0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_classifier_by_name_scores_as_transformers_does(classifier):
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model, tokenizer = (c.from_pretrained(classifier) for c in (AutoModelForSequenceClassification, AutoTokenizer))
    step = edu_quality(EduQuality(model=str(classifier), minimum_score=-100))
    scores = []
    for text in ("the earth the sun", "cheap shoes price", "the " * 2000):
        logits = model.eval()(**tokenizer(text, truncation=True, max_length=512, return_tensors="pt")).logits[0]
        expected = logits.item() if len(logits) == 1 else (logits.softmax(0) * torch.arange(6)).sum().item()
        _, values = step.measure(Document("id", text, "web", "en"))
        assert values["score"] == pytest.approx(expected, abs=1e-3)
        scores.append(values["score"])
    assert len(set(scores)) == 3
    assert edu_quality(EduQuality(model=str(classifier))).settings.minimum_score == 2.5


def test_a_loaded_classifier_travels_to_a_worker(classifier):
    scorer = TransformerScorer(str(classifier))
    before = scorer.score("the sun")
    assert pickle.loads(pickle.dumps(scorer)).score("the sun") == before


def test_a_classifier_that_is_not_there(tmp_path):
    step = edu_quality(EduQuality(model=str(tmp_path)))
    with pytest.raises(CurationError, match="built-in"):
        step(LESSON)


def test_the_built_in_model_needs_neither_torch_nor_scikit_learn():
    code = (
        "import sys; from smollab.curate.quality import load_model; load_model().score('the sun');"
        "print(sorted({'torch', 'transformers', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
