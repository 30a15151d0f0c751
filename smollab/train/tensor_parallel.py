"""Tensor and sequence parallelism: every matrix over several ranks, and the tokens between the matrices too.

A block's first matrices (queries, keys, values, gate, up) are split by outputs, its last ones (output, down) by
inputs, so that each rank computes whole heads and whole channels of the MLP and only the results must be summed.
Between blocks each rank holds a slice of the tokens: the sum becomes a reduce-scatter, and an all-gather brings
the tokens together again before the next matrix. Norms then work on a slice of the tokens each (sequence parallel).
Embedding and unembedding are split by vocabulary entries; see `objectives/vocab_parallel.py` for the loss.

Source: Shoeybi et al. 2019 (Megatron-LM), section 3; the sequence part: Korthikanti et al. 2022, section 4.2.
Carried out by PyTorch's DTensor.
"""

import copy
from typing import Any

from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard, distribute_tensor
from torch.distributed.tensor.parallel import ColwiseParallel, ParallelStyle, RowwiseParallel, parallelize_module
from torch.func import functional_call

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer

TOKENS = 0
"""The dimension of tokens: the model works on flattened batches, (tokens, hidden)."""


class ReplicatedWeights(ParallelStyle):
    """A module whose weights are the same on all ranks while each works on other tokens or other heads.

    It computes on plain tensors; of its weights' gradients each rank has a part, and these are summed.
    """

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        for name, parameter in list(module.named_parameters(recurse=False)):
            value = distribute_tensor(parameter.data, device_mesh, [Replicate()], src_data_rank=None)
            module.register_parameter(name, nn.Parameter(value))
        plain = copy.copy(module)  # the same weights, but its own forward
        module.forward = lambda *inputs: functional_call(plain, _local_weights(module), inputs)  # type: ignore[method-assign]
        return module


def _local_weights(module: nn.Module) -> dict[str, Tensor]:
    return {
        name: weight.to_local(grad_placements=[Partial()])
        for name, weight in module.named_parameters(recurse=False)
        if isinstance(weight, DTensor)
    }


class GatheredTokens(ParallelStyle):
    """A module whose first input is a slice of the tokens on each rank, and that needs them all."""

    def _apply(self, module: nn.Module, device_mesh: DeviceMesh) -> nn.Module:
        def gather(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
            tokens = DTensor.from_local(inputs[0], device_mesh, [Shard(TOKENS)], run_check=False)
            return (tokens.redistribute(placements=[Replicate()]), *inputs[1:])

        module.register_forward_pre_hook(gather)
        return module


def apply_tensor_parallel(model: Transformer, mesh: DeviceMesh) -> None:
    """Split a model's weights over the ranks of a mesh with one axis.

    Afterwards the model's output is a slice of the tokens, (tokens / ranks, hidden), on each rank.
    """
    plan: dict[str, ParallelStyle] = {}
    for name, module in model.named_modules():
        last = name.rpartition(".")[2]
        if next(module.parameters(), None) is None:
            continue  # of another pipeline rank
        if last in ("self_attn", "mlp"):
            plan[name] = GatheredTokens()
        elif last in ("q_proj", "k_proj", "v_proj", "gate_proj", "up_proj", "lm_head"):
            plan[name] = ColwiseParallel()
        elif last in ("o_proj", "down_proj"):
            plan[name] = RowwiseParallel(output_layouts=Shard(TOKENS))
        elif last == "embed_tokens":
            plan[name] = RowwiseParallel(input_layouts=Replicate(), output_layouts=Shard(TOKENS))
        elif last.endswith("norm"):
            plan[name] = ReplicatedWeights()
    parallelize_module(model, mesh, plan)
    tied = model.config.tie_word_embeddings
    if tied and isinstance(model.embed_tokens, nn.Embedding) and isinstance(model.lm_head, nn.Linear):
        model.lm_head.weight = model.embed_tokens.weight


def check_tensor_parallel(config: ModelConfig, ranks: int) -> None:
    """Refuse a model that cannot be split into equal parts.

    Raises:
        ValueError: naming the setting.
    """
    sizes = {
        "model.num_attention_heads": config.num_attention_heads,
        "model.num_key_value_heads": config.num_key_value_heads,
        "model.intermediate_size": config.mlp_width,
        "the vocabulary": config.vocab_size,
    }
    for name, size in sizes.items():
        if size % ranks:
            raise ValueError(f"parallel.tensor = {ranks} does not divide {name} ({size}); choose a divisor of it")
