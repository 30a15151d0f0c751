"""The decoder: embedding, blocks, final norm. From token ids to hidden states.

    x = x + attention(norm(x));  x = x + mlp(norm(x))

Every choice of the recipe's section `[model]` is one class or function, looked up by name where a block is built.

It stops at the hidden states on purpose: the objective owns the unembedding, so that the logits of a whole batch
(tokens * vocab_size numbers, the largest thing in training a small model) never need to exist.

Source: SmolLM3 (Hugging Face, 2025). State-dict names are those of `transformers.SmolLM3Model`.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from smollab.model.attention import Attention
from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.document_attention import document_lengths
from smollab.model.flex_attention import FlexDocuments
from smollab.model.initialization import INITIALIZATIONS
from smollab.model.mlp import MLPS
from smollab.model.norms import NORMS
from smollab.model.parametrization import deviation_factor, multipliers
from smollab.model.residual import NORM_PLACEMENTS
from smollab.model.rope import rope_cos_sin
from smollab.model.softcap import softcap


class Block(nn.Module):
    """One layer: attention and MLP, each normalized and added to the residual stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        norm = NORMS[config.norm]
        self.input_layernorm = norm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = norm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLPS[config.mlp](config)
        self.add = NORM_PLACEMENTS[config.norm_placement]
        self.multiplier = multipliers(config).residual

    def forward(
        self,
        x: Tensor,
        cos_sin: tuple[Tensor, Tensor],
        lengths: list[int] | FlexDocuments,
        cache: KVCache | None = None,
    ) -> Tensor:
        """Map (tokens, hidden) to the same shape."""
        attend = lambda normed: self.self_attn(normed, cos_sin, lengths, cache)
        x = self.add(x, attend, self.input_layernorm, self.multiplier)
        return self.add(x, self.mlp, self.post_attention_layernorm, self.multiplier)


class Transformer(nn.Module):
    """A SmolLM3-architecture language model.

    Args:
        config: its shape.
        seed: of the initial weights.
    """

    def __init__(self, config: ModelConfig, seed: int = 0) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = NORMS[config.norm](config.hidden_size, config.rms_norm_eps)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.lm_head.weight = self.embed_tokens.weight
        if not self.embed_tokens.weight.is_meta:  # shapes only, for weights that come from elsewhere
            self.initialize(seed)

    @torch.no_grad()
    def initialize(self, seed: int) -> None:
        """Draw all weights from normal distributions; the same seed gives the same weights."""
        parameters = dict(self.named_parameters())
        for name, value in initial_values(self, seed, self.embed_tokens.weight.device):
            parameters[name].copy_(value)

    def forward(
        self,
        tokens: Tensor,
        document_ids: Tensor | None = None,
        positions: Tensor | None = None,
        cache: KVCache | None = None,
        row_lengths: Sequence[int] | None = None,
    ) -> Tensor:
        """Hidden states after the final norm.

        Args:
            tokens: (batch, seq) token ids.
            document_ids: (batch, seq); a token sees only equal ids. Left out: each row is one document.
            positions: (batch, seq) for the rotary embedding. Left out: counted from 0, or from a cache row's end.
            cache: earlier tokens, all of which the new ones of the same row see; it is extended.
            row_lengths: with a cache, whose rows take different numbers of new tokens: how many each takes of `tokens`,
                in which they lie one after the other, as (1, tokens). Left out: `seq` each.

        Returns:
            (batch, seq, hidden)

        Raises:
            ValueError: shapes that do not fit each other; document ids together with a cache; a cache that is too
                small or made for another model; a token outside the vocabulary; a document longer than
                `max_position_embeddings`. On an accelerator neither tokens nor document ids are looked at, since that
                would wait for it.
        """
        if tokens.ndim != 2 or not tokens.numel():
            raise ValueError(f"tokens must be (batch, seq), at least one token; their shape is {tuple(tokens.shape)}")
        batch, length = tokens.shape
        for name, given in (("document_ids", document_ids), ("positions", positions)):
            if given is not None and given.shape != tokens.shape:
                raise ValueError(f"{name} have shape {tuple(given.shape)}, the tokens {tuple(tokens.shape)}")
        if row_lengths is not None and cache is None:
            raise ValueError("row_lengths are those of a cache's rows; without one, give document_ids")
        if cache is not None and document_ids is not None:
            raise ValueError("a cache holds one document per row: document_ids cannot be given with it")
        rows = [length] * batch if row_lengths is None else list(row_lengths)
        lengths: list[int] | FlexDocuments = rows
        if document_ids is not None:
            lengths = divide_documents(document_ids)
        longest = max(lengths, default=0) if isinstance(lengths, list) else 0
        if cache is not None:
            cache.check_model(self.config)
            longest = cache.check(rows, tokens.numel())
        self._check(tokens, longest)
        if positions is None and cache is not None:
            positions = cache.positions(rows)
        elif positions is None:
            positions = torch.arange(length, device=tokens.device).expand(batch, length)
        x = self.run_layers(self.embed(tokens), positions, lengths, cache)
        if cache is not None:
            cache.advance(rows)
        return self.finish(x).view(batch, length, -1)

    def embed(self, tokens: Tensor) -> Tensor:
        """The residual stream before the first block, (tokens, hidden)."""
        x, factor = self.embed_tokens(tokens.flatten()), multipliers(self.config).embedding
        return x if factor == 1 else x * factor

    def finish(self, x: Tensor) -> Tensor:
        """The hidden states that the unembedding takes, from the residual stream after the last block."""
        x, factor = self.norm(x), multipliers(self.config).hidden
        return x if factor == 1 else x * factor

    def run_layers(
        self, x: Tensor, positions: Tensor, lengths: list[int] | FlexDocuments, cache: KVCache | None = None
    ) -> Tensor:
        """All blocks, one after the other, from (tokens, hidden) to the same shape; `lengths` as in `Attention`."""
        config = self.config
        cos_sin = rope_cos_sin(positions.flatten(), config.head_width, config.rope_theta, config.rope_scaling)
        for layer in self.layers:
            x = layer(x, cos_sin, lengths, cache)
        return x

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of every next token, (..., vocab_size) from (..., hidden)."""
        return softcap(F.linear(hidden, self.lm_head.weight), self.config.logit_softcap)

    def num_parameters(self) -> int:
        """Numbers learned; tied matrices count once."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _check(self, tokens: Tensor, length: int) -> None:
        """Refuse input that the model has no rows or no positions for, before anything is computed."""
        maximum, vocab_size = self.config.max_position_embeddings, self.config.vocab_size
        if length > maximum:
            raise ValueError(
                f"a document of {length} tokens exceeds max_position_embeddings ({maximum}); shorten it, or build the "
                "model with a larger one (and a larger rope_theta, for which it should be trained)"
            )
        if tokens.device.type == "cpu" and tokens.numel():
            smallest, largest = (int(extreme) for extreme in tokens.aminmax())
            if smallest < 0 or largest >= vocab_size:
                wrong = smallest if smallest < 0 else largest
                raise ValueError(f"token {wrong} is outside the vocabulary of {vocab_size}: was the text encoded by "
                                 "this model's tokenizer?")  # fmt: skip


def divide_documents(document_ids: Tensor) -> list[int] | FlexDocuments:
    """Which tokens see each other, in the form that attention takes on this kind of device."""
    return FlexDocuments(document_ids) if document_ids.is_cuda else document_lengths(document_ids)


def initial_values(model: Transformer, seed: int, device: torch.device) -> Iterator[tuple[str, Tensor]]:
    """Name and initial value of every parameter, one at a time, so that a large model never exists twice."""
    generator = torch.Generator(device=device).manual_seed(seed)
    deviation = INITIALIZATIONS[model.config.initialization]
    for name, parameter in model.named_parameters():
        value = torch.empty(parameter.shape, device=device)
        if parameter.ndim >= 2:
            factor = deviation_factor(model.config, name)
            yield name, value.normal_(0.0, factor * deviation(model.config, name), generator=generator)
        else:  # norms start at one, biases at zero
            yield name, value.fill_(0.0 if name.endswith(".bias") else 1.0)
