"""Fold the multipliers of muP and CompleteP into the weights, so that the model is a plain SmolLM3 again.

Each factor has a weight that can take it: the embedding, the queries' projection (or their norm), the matrices that
write to the residual stream, and the final norm for the hidden states. If embedding and unembedding are one matrix, the
final norm also undoes what the unembedding took from the embedding. What the model computes stays the same up to
rounding; how it would train further does not, since rates and deviations went with the multipliers.
"""

from collections.abc import Iterator
from dataclasses import replace

import torch

from smollab.model.config import ModelConfig
from smollab.model.parametrization import multipliers
from smollab.model.transformer import Transformer


@torch.no_grad()
def fold_multipliers(model: Transformer) -> Transformer:
    """The same function as a model of the standard parametrization; a model that is one already is returned itself."""
    config = model.config
    plain = replace(config, parametrization="standard", base_hidden_size=None, base_head_dim=None,
                    base_num_hidden_layers=None, depth_alpha=1.0, embedding_multiplier=1.0,
                    output_multiplier=1.0)  # fmt: skip
    if plain == config:
        return model
    with torch.device("meta"):  # shapes without memory
        folded = Transformer(plain)
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for name, factor in weight_factors(config):
        if name in weights:
            weights[name] *= factor
    if config.tie_word_embeddings:
        weights["lm_head.weight"] = weights["embed_tokens.weight"]
    folded.load_state_dict(weights, assign=True)
    if config.tie_word_embeddings:
        folded.lm_head.weight = folded.embed_tokens.weight
    return folded.train(model.training)


def weight_factors(config: ModelConfig) -> Iterator[tuple[str, float]]:
    """Names of weights, of which a model may lack some, and what each is multiplied by."""
    factors = multipliers(config)
    yield "embed_tokens.weight", factors.embedding
    hidden = factors.hidden / factors.embedding if config.tie_word_embeddings else factors.hidden
    for ending in ("weight", "bias"):
        yield f"norm.{ending}", hidden
        for layer in range(config.num_hidden_layers):
            query = "q_norm" if config.qk_norm else "q_proj"
            yield f"layers.{layer}.self_attn.{query}.{ending}", factors.query
            yield f"layers.{layer}.self_attn.o_proj.{ending}", factors.residual
            yield f"layers.{layer}.mlp.down_proj.{ending}", factors.residual
