"""How many numbers a model learns, by part."""

from dataclasses import dataclass

from smollab.model.config import ModelConfig
from smollab.recipe.model import GATED_MLPS


@dataclass(frozen=True)
class Parameters:
    """Learned numbers of each part of a model; tied matrices count once."""

    embedding: int
    """A vector of each entry of the vocabulary."""
    unembedding: int
    """The same again where it is not tied."""
    attention: int
    """Matrices of queries, keys, values and output, of all layers."""
    mlp: int
    """Matrices of all layers."""
    small: int
    """Norms and biases, of all layers, and the final norm."""

    @property
    def matrices(self) -> int:
        """Inside the blocks: what is multiplied by, and what Muon trains."""
        return self.attention + self.mlp

    @property
    def total(self) -> int:
        """All."""
        return self.embedding + self.unembedding + self.attention + self.mlp + self.small


def parameters_by_part(config: ModelConfig) -> Parameters:
    """Count the parameters of a model of any architecture."""
    width, layers, heads = config.hidden_size, config.num_hidden_layers, config.num_attention_heads
    query, key = heads * config.head_width, config.num_key_value_heads * config.head_width
    table = config.vocab_size * width
    norm = width if config.norm == "rmsnorm" else 2 * width  # LayerNorm and BatchNorm have a bias
    biases = query + 2 * key + width if config.attention_bias else 0
    head_norms = 2 * config.head_width if config.qk_norm else 0
    return Parameters(
        embedding=table,
        unembedding=0 if config.tie_word_embeddings else table,
        attention=layers * width * (2 * query + 2 * key),
        mlp=layers * width * config.mlp_width * (3 if config.mlp in GATED_MLPS else 2),
        small=layers * (2 * norm + biases + head_norms) + norm,
    )


def count_parameters(config: ModelConfig) -> int:
    """Learned numbers of a model; tied matrices count once."""
    return parameters_by_part(config).total
