"""What a run costs: parameters against the real model, operations against torch's counter, SmolLM3."""

import pytest
import torch
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.recipe import Optimizer, load_recipe
from smollab.scaling.accountant import count_parameters, estimate, flops_per_token
from smollab.scaling.flops import count_flops, decoding_flops, visible_pairs
from smollab.scaling.parameters import parameters_by_part

CONFIGS = {
    "grouped, tied": {},
    "untied": {"tie_word_embeddings": False},
    "one head each": {"num_key_value_heads": 4},
    "one key-value head": {"num_attention_heads": 8, "num_key_value_heads": 1},
    "head_dim apart": {"head_dim": 24},
    "one layer": {"num_hidden_layers": 1},
    "QK-norm, LayerNorm after": {"qk_norm": True, "norm": "layernorm", "norm_placement": "post"},
    "biases, squared ReLU": {"attention_bias": True, "mlp": "relu2"},
    "BatchNorm, GeGLU": {"norm": "batchnorm", "mlp": "geglu"},
}


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def model(request, make_model):
    return make_model(**request.param)


def test_parameters_are_those_of_the_real_model_part_by_part(model):
    assert count_parameters(model.config) == model.num_parameters() == sum(p.numel() for p in model.parameters())
    named, parts = list(model.named_parameters()), parameters_by_part(model.config)
    count = lambda belongs: sum(p.numel() for name, p in named if belongs(name, p))
    assert parts.embedding == count(lambda name, p: "embed_tokens" in name)
    assert parts.unembedding == count(lambda name, p: "lm_head" in name)
    assert parts.attention == count(lambda name, p: "self_attn" in name and p.ndim == 2)
    assert parts.mlp == count(lambda name, p: "mlp" in name)
    assert parts.small == count(lambda name, p: p.ndim == 1)


def test_operations_are_those_torch_counts(model):
    """Forward and backward; attention step by step, as torch counts no fused attention on a CPU.

    Torch counts all pairs of a query and a key. We count the causal half, which is all that a fused kernel computes.
    """
    tokens, lengths = torch.randint(97, (2, 64)), [64, 40, 24]  # the second row holds two documents
    ids = torch.zeros_like(tokens)
    ids[1, 40:] = 1
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        logits = model.logits(model(tokens, ids))
        forward = operations(counter)
        F.cross_entropy(logits.flatten(0, 1), tokens.flatten()).backward()
    flops = count_flops(model.config, lengths)
    assert forward.keys() == operations(counter).keys() <= {"aten.mm", "aten.addmm", "aten.bmm"}
    assert flops.attention == forward.pop("aten.bmm") / 2
    assert flops.matrices + flops.unembedding == sum(forward.values())
    assert flops.training == sum(count / (2 if "bmm" in name else 1) for name, count in operations(counter).items())


def operations(counter):
    return {str(operation): count for operation, count in counter.get_flop_counts()["Global"].items()}


def test_a_window_counts_what_it_lets_be_seen():
    """The diagonal counts half, so the exact number is larger by half of the tokens that see a growing past."""
    for length, window in ((64, 10), (64, 64), (7, 1), (9, 100)):
        place = torch.arange(length)
        exact = int(((place[:, None] >= place) & (place[:, None] - place < window)).sum())
        assert visible_pairs(length, window) + min(length, window) / 2 == exact


def test_decoding_all_tokens_costs_what_reading_them_at_once_does(make_model):
    for changes in ({}, {"sliding_window": 8}):
        config = make_model(**changes).config
        steps = sum(decoding_flops(config, context).forward for context in range(1, 41))
        at_once = count_flops(config, [40])
        assert steps == pytest.approx(at_once.forward, rel=0.01)
        assert steps > at_once.forward, "the diagonal is counted whole"


def test_recomputing_costs_a_third_more_at_most(make_model):
    flops = count_flops(make_model().config, [64])
    assert flops.training < flops.training_recomputed < flops.training * 4 / 3


def test_attention_grows_with_the_length_and_matrices_do_not(make_model):
    config = make_model().config
    per_length = [flops_per_token(config, length) for length in (1, 101, 201)]
    assert per_length[2] - per_length[1] == pytest.approx(per_length[1] - per_length[0])
    assert per_length[1] > per_length[0]


def test_smollm3_has_its_published_size_steps_and_tokens():
    cost = estimate(load_recipe("smollm3-3b"))
    assert cost.parameters == 3_075_098_624
    assert cost.embedding_parameters / cost.parameters == pytest.approx(0.085, abs=5e-4)
    assert cost.steps == 4_720_000 + 42_000
    assert cost.tokens / 1e12 == pytest.approx(11.136 + 0.099, abs=1e-3)  # pretraining, and long context
    assert cost.devices == 384


def test_smollm3_fits_an_h100_and_takes_the_time_it_took():
    cost = estimate(load_recipe("smollm3-3b"))
    needed = cost.state_bytes_per_device + cost.activation_bytes_per_device + cost.logit_bytes_per_device
    assert needed < 80e9
    seconds = 24 * 86400
    utilization = cost.total_flops / (384 * seconds * 989e12)
    assert utilization == pytest.approx(0.287, abs=0.01)  # published: 24 days; derived: 28.7 % with causal attention


def test_the_state_of_one_process_is_what_its_tensors_hold(make_model):
    recipe = load_recipe("laptop", {"optimizer.name": "adamw"})
    model = Transformer(ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size))
    (optimizer,) = build_optimizers(model, Optimizer(name="adamw"))
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    tensors = [t for p in model.parameters() for t in (p, p.grad, *optimizer.state[p].values())]
    held = sum(t.numel() * t.element_size() for t in tensors if t.ndim)  # without AdamW's step counters
    assert estimate(recipe).state_bytes_per_device == held


def test_tensor_parallelism_divides_and_data_parallelism_does_not():
    cost = lambda **parallel: estimate(load_recipe("smollm3-3b", {f"parallel.{k}": v for k, v in parallel.items()}))
    two, four = (cost(data=4, tensor=ranks).state_bytes_per_device for ranks in (2, 4))
    assert four * 2 == pytest.approx(two, rel=2e-4)  # all but the norms, which are whole on each rank
    assert cost(data=8, tensor=2).state_bytes_per_device == cost(data=4, tensor=2).state_bytes_per_device
    assert cost(data=8, tensor=2).devices == 16
