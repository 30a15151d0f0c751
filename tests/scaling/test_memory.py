"""Bytes predicted from shapes, against what autograd saves, optimizers allocate and caches hold."""

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.recipe import Optimizer, load_recipe
from smollab.scaling.layout import rank_memory, rank_parameters
from smollab.scaling.memory import activation_bytes, kv_cache_bytes, optimizer_bytes
from smollab.scaling.parameters import parameters_by_part

SWITCHES = {
    "SmolLM3": {},
    "untied, one head each": {"tie_word_embeddings": False, "num_key_value_heads": 4},
    "no rotation anywhere": {"no_rope_layer_interval": 1},
    "QK-norm, biases": {"qk_norm": True, "attention_bias": True, "no_rope_layer_interval": 0},
    "LayerNorm": {"norm": "layernorm"},
    "after the sum": {"norm_placement": "post"},
    "GeGLU": {"mlp": "geglu"},
    "GELU": {"mlp": "gelu"},
    "ReLU": {"mlp": "relu"},
    "squared ReLU": {"mlp": "relu2"},
}


def saved_bytes(model, *inputs):
    """Bytes of all memory that autograd keeps for the backward pass, the parameters aside."""
    own, kept, alive = {p.untyped_storage().data_ptr() for p in model.parameters()}, {}, []

    def pack(tensor):
        alive.append(tensor)  # so that no address is used twice
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model(*inputs)
    return sum(size for address, size in kept.items() if address not in own)


@pytest.mark.parametrize("changes", SWITCHES.values(), ids=SWITCHES)
def test_activations_are_byte_for_byte_what_autograd_saves(make_model, random_tokens, changes):
    model = make_model(**changes).train()
    assert activation_bytes(model.config, 3 * 64) == saved_bytes(model, random_tokens(3, 64))


def test_activations_of_the_laptop_model():
    recipe = load_recipe("laptop")
    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    tokens = torch.zeros(2, recipe.train.sequence_length, dtype=torch.int64)
    assert activation_bytes(config, tokens.numel()) == saved_bytes(Transformer(config), tokens)


def test_documents_of_unequal_lengths_keep_attentions_output_twice(make_model, random_tokens):
    model, tokens = make_model().train(), random_tokens(1, 64)
    ids = (torch.arange(64) >= 40).long()[None]
    twice = 64 * 4 * 8 * 4 * 5  # tokens, heads, channels, bytes, layers
    assert saved_bytes(model, tokens, ids) == activation_bytes(model.config, 64) + twice


@pytest.mark.parametrize("changes", [{"sliding_window": 16}, {"norm": "batchnorm"}], ids=["window", "BatchNorm"])
def test_what_is_not_exact_is_near(make_model, random_tokens, changes):
    model = make_model(**changes).train()
    assert activation_bytes(model.config, 3 * 64) == pytest.approx(saved_bytes(model, random_tokens(3, 64)), rel=0.2)


def test_checkpointing_keeps_a_blocks_input_and_one_block(make_model, random_tokens):
    """Against `torch.utils.checkpoint`, which measures what is kept between the passes: all but the one block."""
    model, tokens = make_model().train(), random_tokens(3, 64)
    for layer in model.layers:
        layer.forward = lambda *inputs, run=layer.forward: checkpoint(run, *inputs, use_reentrant=False)
    one_block = activation_bytes(model.config, 192, layers=1) - activation_bytes(model.config, 192, layers=0)
    predicted = activation_bytes(model.config, 192, recompute=True) - one_block
    angles = 192 * 8 * 4  # inputs of every block, held by the forward pass rather than by autograd
    assert saved_bytes(model, tokens) == predicted - angles


@pytest.mark.parametrize("name", ["adamw", "muon"])
@pytest.mark.parametrize(
    "changes", [{}, {"tie_word_embeddings": False, "qk_norm": True}], ids=["tied", "untied, QK-norm"]
)
def test_optimizers_hold_what_is_predicted(make_model, name, changes):
    model = make_model(**changes)
    optimizers = build_optimizers(model, Optimizer(name=name))
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    for optimizer in optimizers:
        optimizer.step()
    states = [tensor for o in optimizers for state in o.state.values() for tensor in state.values()]
    held = sum(t.numel() * t.element_size() for t in states if torch.is_tensor(t) and t.ndim)  # without step counters
    assert optimizer_bytes(parameters_by_part(model.config), name) == held


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_cache_has_the_predicted_bytes(make_model, dtype):
    config = make_model(num_key_value_heads=1, head_dim=24).config
    assert kv_cache_bytes(config, 50, dtype.itemsize, rows=3) == KVCache(config, 3, 50, dtype).bytes


def test_smollm3_has_the_published_cache():
    """36 layers, 4 key-value heads of 128 channels: 72 KiB a token in bfloat16, 4.5 GiB at 65,536 tokens."""
    config = ModelConfig()
    assert kv_cache_bytes(config, 1) == 72 * 1024
    assert kv_cache_bytes(config, 65_536) == 4.5 * 2**30


def smollm3_memory(**parallel):
    recipe = load_recipe("smollm3-3b", {f"parallel.{name}": size for name, size in parallel.items()})
    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    return rank_memory(recipe, config, 4096, 3)


def test_layouts_divide_what_they_are_meant_to_divide():
    whole = smollm3_memory(data=4, tensor=1)
    assert whole.weights == 4 * 3_075_098_624
    sharded = smollm3_memory(data=1, tensor=1, shard=4)
    assert (sharded.weights * 4, sharded.optimizer * 4) == (whole.weights, whole.optimizer)
    assert sharded.activations == whole.activations
    assert sharded.copies < whole.copies / 10, "one block at a time"
    split = smollm3_memory(data=1, tensor=4)
    assert split.weights * 4 == pytest.approx(whole.weights, rel=2e-4)  # the norms are whole on each
    assert split.activations * 4 == whole.activations
    assert smollm3_memory(data=1, tensor=1, context=4).activations * 4 == whole.activations
    piped = smollm3_memory(data=1, tensor=1, pipeline=4)
    assert piped.activations == pytest.approx(whole.activations, rel=0.05), "as many micro-batches wait as it has ranks"
    assert piped.weights < whole.weights / 3


def test_a_pipeline_rank_holds_its_layers_and_an_embedding():
    parallel, config = load_recipe("laptop", {"parallel.pipeline": 3}).parallel, ModelConfig(num_hidden_layers=6)
    two_layers = parameters_by_part(ModelConfig(num_hidden_layers=2))
    assert rank_parameters(config, parallel) == two_layers
