"""The panels of notebook 2.1 in a real JupyterLab: controls are moved as a person does, text and picture answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# A model that is not trained and tokens drawn at random, so that the test starts sooner; the panels are the notebook's.
STAND_IN = """
from pathlib import Path
from tempfile import mkdtemp
from types import SimpleNamespace

import numpy as np

from smollab.lab.architecture import two_documents
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.tokens.shards import write_shard
from smollab.tokens.tokenizer import train_tokenizer

rng, folder = np.random.default_rng(0), Path(mkdtemp())
for part in ("train", "held_out"):
    documents = [(rng.integers(0, 280, size=700).tolist(), 1000) for _ in range(8)]
    write_shard(folder / "tokenize" / "tokens" / part / "web-en", documents, 280, "hash")
config = ModelConfig(
    vocab_size=280, hidden_size=32, intermediate_size=64, num_hidden_layers=4, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, initializer_range=0.3,
)
model = Transformer(config, seed=1).eval()
tokenizer = train_tokenizer(["The installation program asks a few questions. "] * 20, 280)
run = SimpleNamespace(folder=folder, tokenizer=tokenizer, model=model, name="small")
pair_tokens, ids, labels = two_documents(run, 10)
"""


@pytest.fixture(scope="module")
def panels(lab, browser):
    """The notebook's panels, opened and run."""
    cells = ["panel-attention", "panel-architecture"]
    with open_panels(lab, browser, "2_1_architecture", STAND_IN, cells) as opened:
        yield opened


@pytest.mark.timeout(240)
def test_the_attention_map_answers_layer_head_and_mask(panels):
    panel, _ = panels
    before = panel.picture()
    panel.press(0, ["ArrowLeft"], "(RoPE)")
    assert panel.picture() != before
    panel.select(1, "one long text", "read as one long text")
    open_ = panel.picture()
    panel.select(0, "head 2", "read as one long text")
    assert panel.picture() != open_
    panel.screenshot()


@pytest.mark.timeout(240)
def test_choosing_an_architecture_trains_it(panels):
    _, panel = panels
    before = panel.picture()
    panel.select(0, "MHA: 4", "of cache a token")
    assert panel.picture() != before
    panel.select(4, "relu2", "Loss after 16 steps")
    panel.screenshot()
