"""Temperature and top-p over a model's real distribution of the next token, with a continuation drawn from it."""

from typing import TYPE_CHECKING

import torch

from smollab.lab.next_tokens import describe_next_token, next_logits
from smollab.lab.panels.panel import Panel, int_slider, slider
from smollab.model.generate import generate, room
from smollab.model.sampling import Sampling
from smollab.model.transformer import Transformer
from smollab.plots.tokens import plot_next_token

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tokenizers import Tokenizer

CONTINUATION_TOKENS = 24


class SamplingPanel(Panel):
    """How a token is drawn, and what text comes of it.

    Args:
        model: trained.
        tokenizer: its tokenizer.
        prompt: the beginning of a text.
    """

    def __init__(self, model: Transformer, tokenizer: "Tokenizer", prompt: str) -> None:
        self.model, self.tokenizer, self.prompt = model, tokenizer, prompt
        self._tokens = torch.tensor(tokenizer.encode(prompt).ids)
        self._logits = next_logits(model, self._tokens)
        self.temperature = slider("temperature", 1.0, 0.0, 3.0, 0.05, ".2f", live=False)
        self.top_p = slider("top-p", 1.0, 0.05, 1.0, 0.05, ".2f", live=False)
        self.seed = int_slider("seed of the draws", 0, 0, 20, live=False)
        super().__init__(self.temperature, self.top_p, self.seed)

    def compute(self) -> "tuple[Figure, str]":
        """Shape the distribution and continue the prompt with it."""
        temperature, top_p = self.temperature.value, self.top_p.value
        described = describe_next_token(self._logits, self.tokenizer, temperature, top_p)
        figure = plot_next_token(
            described.labels, described.model.tolist(), described.drawn.tolist(), f"after “{self.prompt}”"
        )
        count = min(CONTINUATION_TOKENS, room(self.model, len(self._tokens)))
        new = generate(self.model, self._tokens, count, Sampling(temperature, top_p), seed=self.seed.value)
        text = self.tokenizer.decode(list(new)).replace("\n", " ⏎ ")
        text = "".join(character if character.isprintable() else "\ufffd" for character in text)
        return figure, (
            f"{described.allowed:,} of {len(self._logits):,} tokens can be drawn; "
            f"the choice holds {described.entropy_bits:.2f} bits.\n"
            f"{self.prompt} … {text}"
        )
