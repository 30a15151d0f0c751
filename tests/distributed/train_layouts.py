"""Started by torchrun: train one small model under many layouts, and compare each with a single process.

    torchrun --nproc-per-node 4 train_layouts.py shard=2,tensor=2 pipeline=2,data=2,micro=1

Rank 0 also trains the whole model by itself. Prints one JSON line per layout: the largest differences found.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import distributed
from torch.distributed.tensor import DTensor

from smollab.batch import Batch
from smollab.evaluate.bits_per_byte import summed_loss
from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.objectives import build_objective
from smollab.objectives.next_token import next_token_loss
from smollab.optim import build_optimizers
from smollab.optim.clipping import Clipper
from smollab.recipe import Objective, Optimizer, Parallel, Train
from smollab.tokens.mixture import make_batch
from smollab.train.mesh import build_layout
from smollab.train.parallel import ParallelModel

ROWS, LENGTH, VOCABULARY, STEPS, SEED = 8, 32, 96, 20, 1
SHAPE: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": VOCABULARY,
}
CHOICES: dict[str, dict[str, Any]] = {
    "smollm3": {},
    # also with every multiplier of CompleteP: of embedding, queries, sublayers and hidden states
    "untied": {"tie_word_embeddings": False, "qk_norm": True, "attention_bias": True, "logit_softcap": 20.0}
    | {"parametrization": "completep", "base_hidden_size": 16, "base_head_dim": 4, "base_num_hidden_layers": 2}
    | {"embedding_multiplier": 2.0, "output_multiplier": 2.0},
}
OBJECTIVES = {"smollm3": Objective(chunk_tokens=48), "untied": Objective(chunk_tokens=48, z_loss=1e-3)}
OPTIMIZER = Optimizer(learning_rate=5e-3, embedding_learning_rate=5e-3)


def batches() -> Iterator[Batch]:
    """Random documents of random lengths with a rule in them, so that the loss falls."""
    for step in range(STEPS):
        random = np.random.default_rng(step)
        rows = []
        for _ in range(ROWS):
            tokens = np.cumsum(random.integers(1, 4, LENGTH + 1)) % VOCABULARY
            rows.append((tokens, np.sort(random.integers(0, 3, LENGTH + 1))))
        yield make_batch(rows)


def train_alone(choice: str) -> tuple[list[float], list[dict[str, torch.Tensor]], dict[str, torch.Tensor], float]:
    """Losses, gradients of the first step, final weights and their loss on three rows, of one process."""
    model = Transformer(ModelConfig(**SHAPE, **CHOICES[choice]), SEED)
    optimizers = build_optimizers(model, OPTIMIZER)
    settings, losses, gradients = OBJECTIVES[choice], [], []
    for step, batch in enumerate(batches()):
        hidden = model(batch.tokens, batch.document_ids, batch.positions)
        terms = (settings.chunk_tokens, None, model.config.logit_softcap, settings.z_loss)
        loss = next_token_loss(hidden, model.lm_head.weight, batch.targets, *terms)
        loss.backward()
        losses.append(loss.item())
        if step == 0:
            gradients.append({name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None})
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad()
    evaluation = summed_loss(model, next(batches()).rows(0, 3))
    return losses, gradients, {name: p.detach() for name, p in model.named_parameters()}, evaluation


def train_together(choice: str, parallel: Parallel, train: Train, micro: int) -> dict[str, Any]:
    """The same run under a layout, compared with the run alone."""
    losses, (gradients,), weights, evaluation = ALONE[choice]
    layout = build_layout(parallel, "cpu")
    rows = layout.rows(ROWS)
    config = ModelConfig(**SHAPE, **CHOICES[choice])
    objective = build_objective(OBJECTIVES[choice], config)
    model = ParallelModel(config, parallel, layout, objective, SEED, torch.device("cpu"), train)
    optimizers = build_optimizers(model, OPTIMIZER)
    worst: dict[str, float] = {"loss": 0.0, "gradient": 0.0, "norm": 0.0, "weight": 0.0}
    start = model.checksum()
    for step, batch in enumerate(batches()):
        loss, *_ = model.forward_backward(batch.rows(rows.start, rows.stop), micro or rows.stop - rows.start)
        worst["loss"] = max(worst["loss"], abs(loss.item() - losses[step]))
        if step == 0:
            for name, p in model.named_parameters():
                expected = gradients[_whole_name(name, gradients)]
                assert p.grad is not None, name
                worst["gradient"] = max(worst["gradient"], _difference(_whole(p.grad), expected))
            norm = torch.stack([g.norm() for g in gradients.values()]).norm()
            worst["norm"] = abs(model.gradient_norm().item() / norm.item() - 1)
        Clipper(Optimizer(max_grad_norm=1.0)).clip(model.named_parameters(), model.gradient_norm().item())
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad()
    for name, p in model.named_parameters():
        worst["weight"] = max(worst["weight"], _difference(_whole(p.detach()), weights[_whole_name(name, weights)]))
    worst["evaluation"] = abs(model.summed_loss(next(batches()).rows(0, 3)) / evaluation - 1)
    return worst | {"first": losses[0], "last": losses[-1], "checksums": start}


def _whole(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def _whole_name(name: str, names: dict[str, torch.Tensor]) -> str:
    """The last pipeline rank calls a tied embedding by its other name."""
    return name if name in names else "embed_tokens.weight"


def _difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def from_rank_0(value: Any) -> Any:
    """What rank 0 found, on every rank."""
    box = [value]
    distributed.broadcast_object_list(box)
    return box[0]


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.init_process_group("gloo")
    rank = distributed.get_rank()
    ALONE = {choice: from_rank_0(train_alone(choice) if rank == 0 else None) for choice in CHOICES}
    for argument in sys.argv[1:]:
        sizes = dict(word.split("=") for word in argument.split(","))
        choice, micro = sizes.pop("choice", "smollm3"), int(sizes.pop("micro", 0))
        choices = {key: sizes.pop(key) for key in ("precision", "activation_checkpointing") if key in sizes}
        train = Train(**choices, compile=sizes.pop("compile", "no") == "yes")
        method = sizes.pop("method", "ulysses")
        parallel = Parallel(**{axis: int(size) for axis, size in sizes.items()}, context_method=method)
        result = train_together(choice, parallel, train, micro)
        results: list[Any] = [None] * distributed.get_world_size()
        distributed.all_gather_object(results, result)
        if rank == 0:
            print(json.dumps({"layout": argument, "ranks": results}), flush=True)
    distributed.destroy_process_group()
