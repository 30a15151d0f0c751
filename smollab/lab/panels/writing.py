"""A model writes while one looks on: the text streams, and every setting of the sampler can be moved."""

from typing import TYPE_CHECKING

import torch

from smollab.lab.next_tokens import entropy_bits, next_logits, token_label
from smollab.lab.panels.panel import Panel, int_slider, slider
from smollab.model.generate import room
from smollab.model.sampling import FREE, Sampling, shape_distribution
from smollab.model.text_stream import printable, stream_text
from smollab.model.transformer import Transformer
from smollab.plots.tokens import plot_next_token

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from tokenizers import Tokenizer

SHOWN = 12
"""Likeliest tokens in the picture."""


class WritingPanel(Panel):
    """The distribution of the next token as it is drawn from, and the text that comes of it, piece by piece.

    Args:
        model: trained.
        tokenizer: its tokenizer.
        prompt: the beginning of a text.
        new_tokens: at most so many are written.
    """

    def __init__(self, model: Transformer, tokenizer: "Tokenizer", prompt: str, new_tokens: int = 48) -> None:
        self.model, self.tokenizer, self.prompt = model, tokenizer, prompt
        self._tokens = torch.tensor(tokenizer.encode(prompt).ids)
        self._logits = next_logits(model, self._tokens)[None]
        self._seen = torch.zeros_like(self._logits, dtype=torch.bool).index_fill(1, self._tokens, True)
        self.new_tokens = min(new_tokens, room(model, len(self._tokens)))
        self.temperature = slider("temperature", 1.0, 0.0, 2.0, 0.1, ".1f", live=False)
        self.top_k = int_slider("top-k (0: all)", 0, 0, 50, live=False)
        self.top_p = slider("top-p", 1.0, 0.05, 1.0, 0.05, ".2f", live=False)
        self.min_p = slider("min-p", 0.0, 0.0, 1.0, 0.05, ".2f", live=False)
        self.penalty = slider("repetition penalty", 1.0, 1.0, 2.0, 0.1, ".1f", live=False)
        self.seed = int_slider("seed of the draws", 0, 0, 20, live=False)
        super().__init__(self.temperature, self.top_k, self.top_p, self.min_p, self.penalty, self.seed)

    @property
    def sampling(self) -> Sampling:
        """What the controls say."""
        return Sampling(
            self.temperature.value, self.top_p.value, self.top_k.value, self.min_p.value, self.penalty.value
        )

    def compute(self) -> "tuple[Figure, str]":
        """Shape the distribution, and write."""
        plain = shape_distribution(self._logits, FREE)[0]
        drawn = shape_distribution(self._logits, self.sampling, self._seen)[0]
        likeliest = plain.topk(SHOWN).indices
        labels = [token_label(self.tokenizer, int(token)) for token in likeliest]
        figure = plot_next_token(labels, plain[likeliest].tolist(), drawn[likeliest].tolist(), f"after “{self.prompt}”")
        allowed = int((drawn > 0).sum())
        readout = (
            f"{allowed:,} of {len(drawn):,} tokens can be drawn first; the choice holds {entropy_bits(drawn):.2f} bits."
        )
        text = self.prompt
        for piece in stream_text(
            self.model, self.tokenizer, self.prompt, self.new_tokens, self.sampling, seed=self.seed.value
        ):
            text += printable(piece).replace("\n", " ⏎ ")
            self.tell(f"{readout}\n{text}")
        return figure, f"{readout}\n{text}"
