"""Peak memory of training: of the loss, of transformers' loss, of activation checkpointing, and as the accountant says.

Each measurement is a process of its own, which reports by how much its resident memory rises at most while it works:
everything is built and run once on a small input before, so that libraries and their buffers are not counted.

    python benchmarks/memory.py
    python benchmarks/memory.py --vocabulary 131072

"loss": forward and backward from hidden states to the gradients of hidden states and unembedding: over all logits as
transformers computes it (float32 logits, shifted, cross-entropy), and in chunks as smollab does. "step": forward and
backward of a whole model with either. "accountant": what `smollab cost` predicts of a model's gradients, activations
and logits, against what is measured, without and with activation checkpointing.
"""

import argparse
import json
import multiprocessing
import resource
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from harness import RESULTS, machine

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.model.huggingface import write_config
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import next_token_loss
from smollab.recipe import Recipe, load_recipe
from smollab.scaling.memory import activation_bytes
from smollab.train.blocks import prepare_blocks
from smollab.train.step import forward_backward

MIB = 2**20
TOKENS, LENGTH, WIDTH = 4096, 512, 192


def peak() -> int:
    """The most bytes this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def rise(work: Callable[[], Any]) -> int:
    """By how many bytes the peak rises while some work is done."""
    before = peak()
    work()
    return peak() - before


def loss_alone(vocab_size: int, chunked: bool) -> int:
    """Forward and backward of a loss."""
    hidden = torch.randn(TOKENS // LENGTH, LENGTH, WIDTH, requires_grad=True)
    unembedding = torch.randn(vocab_size, WIDTH, requires_grad=True)
    targets = torch.randint(vocab_size, hidden.shape[:2])

    def loss(states: torch.Tensor, weight: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if chunked:
            return next_token_loss(states, weight, labels)
        from transformers.loss.loss_utils import ForCausalLMLoss

        return ForCausalLMLoss(states @ weight.T, labels, weight.shape[0])

    loss(hidden[:1, :4], unembedding[:10], targets[:1, :4] % 10).backward()
    hidden.grad = unembedding.grad = None
    return rise(lambda: loss(hidden, unembedding, targets).backward())


def make_recipe(vocab_size: int) -> Recipe:
    """A small SmolLM3 of this vocabulary, one micro-batch of `TOKENS`."""
    shape = {"hidden_size": WIDTH, "intermediate_size": 512, "num_hidden_layers": 6, "num_attention_heads": 3}
    shape |= {"num_key_value_heads": 1, "max_position_embeddings": LENGTH}
    train = {"sequence_length": LENGTH, "batch_sequences": TOKENS // LENGTH, "micro_batch_sequences": TOKENS // LENGTH}
    changes = {f"model.{key}": value for key, value in shape.items()} | {f"train.{key}": v for key, v in train.items()}
    return load_recipe("laptop", changes | {"tokenizer.vocab_size": vocab_size})


def make_batch(vocab_size: int, rows: int, length: int) -> Batch:
    """Random tokens, one document a row."""
    tokens = torch.randint(vocab_size, (rows, length + 1))
    positions, documents = torch.arange(length).expand(rows, -1), torch.zeros(rows, length, dtype=torch.int64)
    return Batch(tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous(), positions, documents)


def step_of_smollab(vocab_size: int, checkpointing: str) -> int:
    """Forward and backward of a model of ours."""
    recipe = make_recipe(vocab_size)
    model = Transformer(ModelConfig.from_recipe(recipe.model, vocab_size))
    prepare_blocks(model, replace(recipe.train, activation_checkpointing=checkpointing))
    rows = recipe.train.batch_sequences
    forward_backward(model, make_batch(vocab_size, 1, 8), recipe, 1)
    model.zero_grad()
    batch = make_batch(vocab_size, rows, LENGTH)
    return rise(lambda: forward_backward(model, batch, recipe, rows))


def step_of_transformers(vocab_size: int) -> int:
    """Forward and backward of transformers' model of that shape."""
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    recipe = make_recipe(vocab_size)
    config = ModelConfig.from_recipe(recipe.model, vocab_size)
    model = SmolLM3ForCausalLM(SmolLM3Config(**write_config(config, bos_token_id=0, eos_token_id=1)))
    small = torch.randint(vocab_size, (1, 8))
    model(input_ids=small, labels=small, use_cache=False).loss.backward()
    model.zero_grad()
    tokens = make_batch(vocab_size, recipe.train.batch_sequences, LENGTH).tokens
    return rise(lambda: model(input_ids=tokens, labels=tokens, use_cache=False).loss.backward())


def predicted(vocab_size: int, checkpointing: str) -> int:
    """What `smollab cost` says of gradients, activations and logits."""
    recipe = make_recipe(vocab_size)
    config = ModelConfig.from_recipe(recipe.model, vocab_size)
    with torch.device("meta"):
        gradients = 4 * Transformer(config).num_parameters()
    logits = 4 * recipe.objective.chunk_tokens * vocab_size
    return gradients + activation_bytes(config, TOKENS, recompute=checkpointing == "full") + logits


def _send(answer: Any, measure: Callable[..., int], *arguments: Any) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    answer.send(measure(*arguments))


def apart(measure: Callable[..., int], *arguments: Any) -> float:
    """What a measurement gives in a new process, in MiB."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(sender, measure, *arguments))
    process.start()
    sender.close()
    found: int = receiver.recv()
    process.join()
    return found / MIB


def main() -> None:
    """Read the options, measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=32_768, help="of the model (%(default)s)")
    vocab_size = parser.parse_args().vocabulary
    losses = {
        "transformers": apart(loss_alone, vocab_size, False),
        "smollab, chunked": apart(loss_alone, vocab_size, True),
    }
    steps = {"transformers": apart(step_of_transformers, vocab_size)}
    for mode in ("none", "selective", "full"):
        steps[f"smollab, {mode}"] = apart(step_of_smollab, vocab_size, mode)
    print(f"vocabulary {vocab_size:,}, {TOKENS:,} tokens, hidden size {WIDTH}, 6 layers; peak memory above the weights")
    for title, found in (("loss", losses), ("step", steps)):
        for name, size in found.items():
            share = size / found["transformers"]
            print(f"  {title}: {name:<22} {size:>7,.0f} MiB   {share:.2f} of transformers'")
    account = {}
    for mode in ("none", "full"):
        expected, measured = predicted(vocab_size, mode) / MIB, steps[f"smollab, {mode}"]
        account[mode] = {"predicted_mib": expected, "measured_mib": measured}
        ratio = measured / expected
        print(f"  accountant, checkpointing {mode:<9} {expected:>7,.0f} MiB predicted, {ratio:.2f} of it measured")
    report = {"machine": machine(), "vocabulary": vocab_size, "tokens": TOKENS, "loss_mib": losses, "step_mib": steps}
    path = RESULTS / "memory.json"
    path.write_text(json.dumps(report | {"accountant": account}, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
