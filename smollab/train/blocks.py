"""What is done to the blocks of a model before it trains: compiled, computed again, or multiplied in float8.

Activation checkpointing trades operations for memory. A block keeps for its backward pass

    none        all that its operations need
    selective   its input and what its matrix products and attention gave; the cheap rest is computed again
    full        its input; everything is computed again, a third more operations

torch.compile fuses the operations between the matrix products of a block. Each block is compiled by itself: all have
the same code, so one compilation serves them all, and FSDP can gather and free their weights between them. Attention
runs as it is: its documents' lengths are others in every batch, and each would be compiled anew. The choices change
speed and memory, not what is computed, up to rounding.

Source: Chen et al. 2016 (checkpointing); Korthikanti et al. 2022 (selective); Liang et al. 2024 (torchtitan: a block
each).
"""

import shutil
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import CheckpointPolicy, checkpoint, create_selective_checkpoint_contexts

from smollab.model.attention import Attention
from smollab.model.transformer import Block, Transformer
from smollab.recipe import Parallel, RecipeError, Train

_ATEN = torch.ops.aten
SAVED_OPERATIONS = frozenset(
    {
        _ATEN.mm.default,
        _ATEN.addmm.default,
        _ATEN.bmm.default,
        _ATEN._scaled_dot_product_flash_attention_for_cpu.default,
        _ATEN._scaled_dot_product_flash_attention.default,
        _ATEN._scaled_dot_product_efficient_attention.default,
        _ATEN._scaled_dot_product_cudnn_attention.default,
        torch.ops.higher_order.flex_attention,
    }
)
"""What selective checkpointing keeps: the results that take the operations."""


def prepare_blocks(model: Transformer, train: Train) -> None:
    """Change the blocks' forward passes in place; the names of parameters stay.

    Raises:
        RecipeError: there is no compiler, or the settings exclude each other.
    """
    check_blocks(train)
    if train.precision == "float8":
        _convert_to_float8(model)
    for block in model.layers:
        if not isinstance(block, Block):
            continue  # of another pipeline rank
        eager = block.forward
        trained: Callable[..., Tensor] = _compiled(eager) if train.compile else eager
        if train.activation_checkpointing != "none":
            trained = _recomputing(trained, train.activation_checkpointing)
        if trained is not eager:
            # Evaluation keeps nothing anyway, and its shapes differ from call to call.
            block.forward = partial(_either, trained, eager)  # type: ignore[method-assign]


def check_blocks(train: Train, parallel: Parallel | None = None) -> None:
    """Refuse, before anything is built, what cannot run.

    Raises:
        RecipeError: naming the setting and the way out.
    """
    if not train.compile:
        return
    if train.activation_checkpointing == "selective":
        raise RecipeError(
            'train.compile chooses itself what to keep, so it excludes train.activation_checkpointing = "selective"; '
            'take "none" or "full" with it'
        )
    if parallel is not None and max(parallel.tensor, parallel.context) > 1:
        raise RecipeError(
            "train.compile works with the axes data, shard and pipeline; with parallel.tensor or parallel.context "
            "above 1 set train.compile = false"
        )
    if not torch.cuda.is_available() and not any(shutil.which(name) for name in ("g++", "clang++", "cl")):
        raise RecipeError(
            "train.compile needs a C++ compiler, and none is installed (Debian: apt-get install g++; macOS: "
            "xcode-select --install); set train.compile = false to train without"
        )


def _either(trained: Callable[..., Tensor], eager: Callable[..., Tensor], *inputs: Any) -> Tensor:
    return trained(*inputs) if torch.is_grad_enabled() else eager(*inputs)


def _compiled(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
    _leave_attention_alone()
    compiled: Callable[..., Tensor] = torch.compile(forward)
    return compiled


@cache
def _leave_attention_alone() -> None:
    """Keep the compiler out of attention; set once for the class, so that all blocks share one compilation."""
    Attention.attend = torch.compiler.disable(Attention.attend)  # type: ignore[method-assign]


def _recomputing(forward: Callable[..., Tensor], mode: str) -> Callable[..., Tensor]:
    options: dict[str, Any] = {"use_reentrant": False, "preserve_rng_state": False}  # nothing is drawn in a block
    if mode == "selective":
        options["context_fn"] = partial(create_selective_checkpoint_contexts, _policy)
    return partial(checkpoint, forward, **options)


def _policy(_: Any, operation: Any, *inputs: Any, **options: Any) -> CheckpointPolicy:
    saved = operation in SAVED_OPERATIONS
    return CheckpointPolicy.MUST_SAVE if saved else CheckpointPolicy.PREFER_RECOMPUTE


def _convert_to_float8(model: Transformer, **options: Any) -> None:
    """Let torchao multiply the blocks' matrices in float8, scaled by their largest entries; float32 stays underneath.

    Matrices whose sides are no multiples of 16, and the unembedding, stay in bfloat16.
    """
    from torchao.float8 import Float8LinearConfig, convert_to_float8_training

    def is_meant(module: nn.Module, name: str) -> bool:
        fits = isinstance(module, nn.Linear) and module.in_features % 16 == 0 and module.out_features % 16 == 0
        return fits and "lm_head" not in name

    convert_to_float8_training(model, config=Float8LinearConfig(**options), module_filter_fn=is_meant)
