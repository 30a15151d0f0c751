"""The panels of notebook 2.3 in a real JupyterLab: controls are moved by keyboard, texts and pictures answer."""

import pytest

from .panel import open_panels

pytestmark = pytest.mark.browser

# An untrained model in place of a run's; the panels are the notebook's.
STAND_IN = """
from types import SimpleNamespace

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.tokens.tokenizer import train_tokenizer

smollm3 = ModelConfig()
tokenizer = train_tokenizer(["The installation program asks for a language and a keyboard."] * 3, 280)
small = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
config = ModelConfig(**small, vocab_size=280, max_position_embeddings=128, initializer_range=0.2)
run = SimpleNamespace(model=Transformer(config).eval(), tokenizer=tokenizer)
"""


@pytest.fixture(scope="module")
def panels(lab, browser):
    """The notebook's panels, opened and run."""
    cells = ["panel-costs", "panel-writing"]
    with open_panels(lab, browser, "2_3_memory_flops_and_the_cache", STAND_IN, cells) as panels:
        yield panels


@pytest.mark.timeout(240)
def test_the_calculator_answers_its_sliders_and_lists(panels):
    panel = panels[0]
    before = panel.picture()
    panel.press(0, ["ArrowLeft"] * 2, "a text of 16,384")
    assert panel.picture() != before
    panel.press(1, ["ArrowRight"] * 3, "for 4 (")
    panel.select(0, "16", "288.0 KiB a token")
    panel.select(1, "float32", "576.0 KiB a token")
    panel.screenshot()


@pytest.mark.timeout(240)
def test_the_model_writes_anew_when_a_setting_is_moved(panels):
    panel = panels[1]
    before = panel.picture()
    panel.press(1, ["ArrowRight"] * 3, "3 of ")
    assert panel.picture() != before
    panel.press(0, ["Home"], "1 of ")
    panel.press(4, ["End"], "1 of ")
    panel.screenshot()
