"""One training step of smollab against transformers and litgpt: the same architecture, batch, precision and optimizer.

A step is forward, loss, backward, gradient clipping, fused AdamW. The three models have the same shape (litgpt has no
NoPE layers, so it rotates every fourth layer's queries and keys too) and read the same tokens, one document a row.
CPU time on one thread, since a shared machine says little about wall time.

    python benchmarks/training_step.py --size laptop --rounds 9
    python benchmarks/training_step.py --memory

`make bench` runs it in an environment of its own: litgpt asks for an older huggingface-hub than transformers 5 does.
Beside transformers 5 it works as well, without what it asks for:

    pip install --no-deps litgpt lightning pytorch-lightning lightning-utilities torchmetrics jsonargparse \\
        docstring_parser typeshed_client
"""

import argparse
import multiprocessing
import resource
import sys
from collections.abc import Callable
from dataclasses import replace

import torch
from harness import compare, print_table, save_json
from torch import nn

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.model.huggingface import write_config
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import next_token_loss
from smollab.optim import build_optimizers
from smollab.recipe import Recipe, load_recipe
from smollab.train.step import train_step

SHAPE = {"model.num_attention_heads": 6, "model.num_key_value_heads": 2, "train.sequence_length": 512}
SHAPE |= {"model.max_position_embeddings": 512}
SIZES = {
    "tiny": SHAPE | {"model.hidden_size": 96, "model.intermediate_size": 256, "model.num_hidden_layers": 4},
    "laptop": {},
    "wide": SHAPE | {"model.hidden_size": 384, "model.intermediate_size": 1024, "tokenizer.vocab_size": 16384},
}
"""Changes to the recipe `laptop`."""

DOCUMENTS_PER_ROW = 4
"""In the row that shows what masking costs."""


def make_recipe(size: str) -> Recipe:
    """The recipe `laptop` with SmolLM3's optimizer, one micro-batch a step."""
    recipe = load_recipe("laptop", SIZES[size] | {"optimizer.name": "adamw"})
    sequences = recipe.train.micro_batch_sequences
    return replace(recipe, train=replace(recipe.train, batch_sequences=sequences))


def make_batch(recipe: Recipe, documents_per_row: int) -> Batch:
    """Random tokens; every row holds documents of equal length."""
    rows, length = recipe.train.batch_sequences, recipe.train.sequence_length
    tokens = torch.randint(recipe.tokenizer.vocab_size, (rows, length + 1), generator=torch.Generator().manual_seed(0))
    document = torch.arange(length) // -(-length // documents_per_row)
    positions = torch.arange(length) - document * -(-length // documents_per_row)
    targets = tokens[:, 1:].clone()
    targets[:, :-1][:, document[1:] != document[:-1]] = -100
    return Batch(tokens[:, :-1].contiguous(), targets, positions.expand(rows, -1), document.expand(rows, -1))


def ours(recipe: Recipe, batch: Batch) -> Callable[[], float]:
    """The step of `smollab pretrain`."""
    model = Transformer(ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size), recipe.train.seed)
    optimizers = build_optimizers(model, recipe.optimizer)
    return lambda: train_step(model, optimizers, batch, recipe)[0]


def theirs(recipe: Recipe, model: nn.Module, loss: Callable[[], torch.Tensor]) -> Callable[[], float]:
    """The step that a user of another model writes: loss, backward, clip, fused AdamW."""
    settings = recipe.optimizer
    optimizer = torch.optim.AdamW(
        model.parameters(), settings.learning_rate, settings.betas, settings.eps, settings.weight_decay, fused=True
    )

    def step() -> float:
        value = loss()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), settings.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return value.item()

    return step


def transformers_step(recipe: Recipe, batch: Batch) -> Callable[[], float]:
    """SmolLM3ForCausalLM with the loss it computes itself."""
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    model = SmolLM3ForCausalLM(SmolLM3Config(**write_config(config, bos_token_id=0, eos_token_id=1)))
    return theirs(recipe, model, lambda: model(input_ids=batch.tokens, labels=batch.tokens, use_cache=False).loss)


def litgpt_step(recipe: Recipe, batch: Batch) -> Callable[[], float]:
    """litgpt's GPT in the shape of a Llama, with the loss of its pretraining script."""
    from litgpt import GPT, Config
    from litgpt.utils import chunked_cross_entropy

    shape, vocab_size = recipe.model, recipe.tokenizer.vocab_size
    config = Config(
        block_size=recipe.train.sequence_length,
        vocab_size=vocab_size,
        padded_vocab_size=vocab_size,
        n_layer=shape.num_hidden_layers,
        n_embd=shape.hidden_size,
        n_head=shape.num_attention_heads,
        n_query_groups=shape.num_key_value_heads,
        intermediate_size=shape.intermediate_size,
        rotary_percentage=1.0,
        rope_base=int(shape.rope_theta),
        parallel_residual=False,
        bias=False,
        norm_class_name="RMSNorm",
        norm_eps=shape.rms_norm_eps,
        mlp_class_name="LLaMAMLP",
    )
    model = GPT(config)
    model.apply(model._init_weights)
    model.lm_head.weight = model.transformer.wte.weight  # its pretraining script ties them in the same way
    return theirs(recipe, model, lambda: chunked_cross_entropy(model(batch.tokens), batch.targets))


def compare_steps(size: str, rounds: int) -> None:
    """Print and save the table of tokens per second."""
    torch.set_num_threads(1)
    recipe = make_recipe(size)
    whole = make_batch(recipe, 1)
    contenders = {"smollab": ours(recipe, whole), "transformers": transformers_step(recipe, whole)}
    try:
        contenders["litgpt"] = litgpt_step(recipe, whole)
    except ImportError as error:
        print(f"litgpt is left out ({error}); `make bench` installs it", file=sys.stderr)
    masked = f"smollab, {DOCUMENTS_PER_ROW} documents a row"
    contenders[masked] = ours(recipe, make_batch(recipe, DOCUMENTS_PER_ROW))
    rows = compare(contenders, rounds=rounds, warmup=2, unit="tokens", amount=whole.tokens.numel())
    print_table(f"Training step, {size}", rows)
    print(save_json(f"training_step_{size}", rows, size=size, threads=1))


def full_loss(hidden: torch.Tensor, unembedding: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """The loss over all logits at once."""
    return nn.functional.cross_entropy((hidden @ unembedding.T).flatten(0, 1).float(), targets.flatten())


def peak_mib(loss: Callable[..., torch.Tensor], vocab_size: int, tokens: int, width: int, answer: object) -> None:
    """Send by how much forward and backward of a loss raise this process's peak memory; MiB."""
    hidden = torch.randn(1, tokens, width, requires_grad=True)
    unembedding = torch.randn(vocab_size, width, requires_grad=True)
    targets = torch.randint(vocab_size, (1, tokens))
    next_token_loss(hidden[:, :1], unembedding[:10], targets[:, :1] % 10).backward()  # load all libraries
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loss(hidden, unembedding, targets).backward()
    answer.send((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)


def compare_memory(tokens: int = 4096, width: int = 192) -> None:
    """Print the memory that the loss needs with all logits and in chunks, each in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    for vocab_size in (4096, 32768, 128256):
        sizes = []
        for loss in (full_loss, next_token_loss):
            receiver, sender = spawn.Pipe(duplex=False)
            process = spawn.Process(target=peak_mib, args=(loss, vocab_size, tokens, width, sender))
            process.start()
            sizes.append(receiver.recv())
            process.join()
        print(
            f"vocabulary {vocab_size:>7,}, {tokens:,} tokens: all logits {sizes[0]:,.0f} MiB, "
            f"chunked {sizes[1]:,.0f} MiB, {sizes[0] / sizes[1]:.1f} times less"
        )


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="laptop", help="of the model (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (%(default)s)")
    parser.add_argument("--memory", action="store_true", help="compare the peak memory of the loss instead")
    options = parser.parse_args()
    if options.memory:
        compare_memory()
    else:
        compare_steps(options.size, options.rounds)


if __name__ == "__main__":
    main()
