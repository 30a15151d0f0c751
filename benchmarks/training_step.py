"""One training step of smollab against transformers, litgpt and a GPT-2 like nanoGPT's: same size, batch, optimizer.

A step is forward, loss, backward, gradient clipping, fused AdamW, in float32. transformers' SmolLM3 and litgpt have the
very shape of ours (litgpt has no NoPE layers, so it rotates every fourth layer's queries and keys too). nanoGPT is no
package; its step is written here from its description: GPT-2 with LayerNorm, a GELU MLP, learned positions, as many
parameters, and a loss over all logits. Beside it stands smollab with those choices, so that like is compared with like.
All read the same tokens, one document a row. CPU time on one thread: a shared machine says little about wall time.

    python benchmarks/training_step.py --size laptop --rounds 9
    python benchmarks/training_step.py --compile     smollab and transformers, each compiled and not; needs a compiler
    python benchmarks/training_step.py --logging     what measuring and logging adds to a step

`make bench` runs it in an environment of its own: litgpt asks for an older huggingface-hub than transformers 5 does.
Beside transformers 5 it works as well, without what it asks for:

    pip install --no-deps litgpt lightning pytorch-lightning lightning-utilities torchmetrics jsonargparse \\
        docstring_parser typeshed_client
"""

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from harness import compare, print_table, save_json
from torch import nn

from smollab.batch import Batch
from smollab.model.config import ModelConfig
from smollab.model.huggingface import write_config
from smollab.model.transformer import Transformer
from smollab.optim import build_optimizers
from smollab.recipe import Recipe, load_recipe, plan_stages
from smollab.train.blocks import prepare_blocks
from smollab.train.details import Details, learning_rates
from smollab.train.metrics import MetricsLog
from smollab.train.speed import Speed
from smollab.train.step import train_step
from smollab.train.trackers import open_trackers

SHAPE = {"model.num_attention_heads": 6, "model.num_key_value_heads": 2, "train.sequence_length": 512}
SHAPE |= {"model.max_position_embeddings": 512}
SIZES = {
    "tiny": SHAPE | {"model.hidden_size": 96, "model.intermediate_size": 256, "model.num_hidden_layers": 4},
    "laptop": {},
    "wide": SHAPE | {"model.hidden_size": 384, "model.intermediate_size": 1024, "tokenizer.vocab_size": 16384},
}
"""Changes to the recipe `laptop`."""

ROWS_WRITTEN = 200
"""To time the writing of one."""
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


def build(recipe: Recipe) -> tuple[Transformer, list[torch.optim.Optimizer]]:
    """The model and its optimizers."""
    model = Transformer(ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size), recipe.train.seed)
    return model, build_optimizers(model, recipe.optimizer)


def ours(recipe: Recipe, batch: Batch, compiles: bool = False) -> Callable[[], float]:
    """The step of `smollab pretrain`."""
    model, optimizers = build(recipe)
    prepare_blocks(model, replace(recipe.train, compile=compiles))
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


def transformers_step(recipe: Recipe, batch: Batch, compiles: bool = False) -> Callable[[], float]:
    """SmolLM3ForCausalLM with the loss it computes itself."""
    from transformers import SmolLM3Config, SmolLM3ForCausalLM

    config = ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)
    model = SmolLM3ForCausalLM(SmolLM3Config(**write_config(config, bos_token_id=0, eos_token_id=1)))
    run = torch.compile(model) if compiles else model
    return theirs(recipe, model, lambda: run(input_ids=batch.tokens, labels=batch.tokens, use_cache=False).loss)


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


class PlainBlock(nn.Module):
    """A block of GPT-2: LayerNorm, attention of all heads, LayerNorm, a GELU MLP; no biases, no dropout."""

    def __init__(self, width: int, heads: int, mlp_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_1, self.norm_2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.project_in, self.project_out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, mlp_width, bias=False), nn.Linear(mlp_width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map (batch, seq, width) to the same shape."""
        rows, length, width = x.shape
        pieces = self.project_in(self.norm_1(x)).split(width, dim=2)
        query, key, value = (piece.view(rows, length, self.heads, -1).transpose(1, 2) for piece in pieces)
        attended = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.project_out(attended.transpose(1, 2).reshape(rows, length, width))
        return x + self.down(nn.functional.gelu(self.up(self.norm_2(x))))


def nanogpt_style_step(recipe: Recipe, batch: Batch) -> Callable[[], float]:
    """A GPT-2 of the same width, depth, heads and parameters of the MLP, with the loss over all logits at once."""
    shape, vocab_size = recipe.model, recipe.tokenizer.vocab_size
    width = shape.hidden_size
    tokens, positions = nn.Embedding(vocab_size, width), nn.Embedding(recipe.train.sequence_length, width)
    blocks = [
        PlainBlock(width, shape.num_attention_heads, shape.intermediate_size * 3 // 2)
        for _ in range(shape.num_hidden_layers)
    ]
    norm = nn.LayerNorm(width, bias=False)
    model = nn.ModuleList([tokens, positions, *blocks, norm])
    places = torch.arange(batch.tokens.shape[1])

    def loss() -> torch.Tensor:
        x = tokens(batch.tokens) + positions(places)
        for block in blocks:
            x = block(x)
        logits = nn.functional.linear(norm(x), tokens.weight)  # tied
        return nn.functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())

    return theirs(recipe, model, loss)


def in_nanogpts_style(recipe: Recipe) -> Recipe:
    """The recipe with GPT-2's choices; positions are rotated in no layer, and its table of them is left out."""
    heads = recipe.model.num_attention_heads
    choices = {"mlp": "gelu", "norm": "layernorm", "num_key_value_heads": heads, "no_rope_layer_interval": 1}
    return replace(recipe, model=replace(recipe.model, **choices))


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
    contenders["GPT-2 in nanoGPT's way"] = nanogpt_style_step(recipe, whole)
    contenders["smollab, GPT-2's choices"] = ours(in_nanogpts_style(recipe), whole)
    masked = f"smollab, {DOCUMENTS_PER_ROW} documents a row"
    contenders[masked] = ours(recipe, make_batch(recipe, DOCUMENTS_PER_ROW))
    rows = compare(contenders, rounds=rounds, warmup=2, unit="tokens", amount=whole.tokens.numel())
    print_table(f"Training step, {size}", rows)
    print(save_json(f"training_step_{size}", rows, size=size, threads=1))


def compare_compiled(size: str, rounds: int) -> None:
    """Print and save the table of smollab and transformers, compiled and not."""
    torch.set_num_threads(1)
    recipe = make_recipe(size)
    batch = make_batch(recipe, 1)
    contenders = {
        "smollab, compiled": ours(recipe, batch, compiles=True),
        "smollab": ours(recipe, batch),
        "transformers, compiled": transformers_step(recipe, batch, compiles=True),
        "transformers": transformers_step(recipe, batch),
    }
    rows = compare(contenders, rounds=rounds, warmup=3, unit="tokens", amount=batch.tokens.numel())
    print_table(f"Training step compiled, {size}", rows)
    print(save_json(f"training_step_compiled_{size}", rows, size=size, threads=1))


def compare_logging(size: str, rounds: int) -> None:
    """Print and save what measuring and logging adds to a step, as the training loop does both.

    Every step writes a row, which takes so little that it is timed by itself, over many rows; one step of
    `train.detail_every` measures details, which is timed against steps that do not, interleaved.
    """
    torch.set_num_threads(1)
    recipe = make_recipe(size)
    batch, plan = make_batch(recipe, 1), plan_stages(recipe)[0]
    model, optimizers = build(recipe)
    every, tokens = recipe.train.detail_every, batch.tokens.numel()
    details = Details(model, optimizers, every)
    speed = Speed(model.config, "float32", torch.device("cpu"))
    found: dict[str, object] = {}

    def step_and_row(step: int) -> None:
        details.before(step)
        loss, norm = train_step(model, optimizers, batch, recipe)
        found.update({"loss": loss, "grad_norm": norm} | details.after())

    def write_row(log: MetricsLog, step: int) -> None:
        rates = {"step": step, "learning_rates": learning_rates(optimizers)}
        log.write(found | rates | speed.of_step(plan, tokens, 1.0))

    contenders = {"a step": lambda: step_and_row(1), "a step measured in detail": lambda: step_and_row(every)}
    rows = compare(contenders, rounds=rounds, warmup=2, unit="tokens", amount=tokens)
    print_table(f"Steps and details, {size}", rows)
    trackers = [name for name in ("tensorboard",) if importlib.util.find_spec(name)]
    with tempfile.TemporaryDirectory() as folder:
        log = MetricsLog(Path(folder) / "metrics.jsonl", trackers=open_trackers(trackers, Path(folder), {}, 0))
        began = time.process_time()
        for step in range(ROWS_WRITTEN):
            write_row(log, step)
        log.close()
        share = (time.process_time() - began) / ROWS_WRITTEN / rows[0].cpu_s
    detailed = (1 / rows[1].cpu_ratio - 1) / every
    places = ", ".join(["metrics.jsonl", *trackers])
    print(f"of a step: rows for {places} {share:.2%}, details every {every} steps {detailed:.2%}")
    shares = {"rows_share": share, "details_share": detailed, "trackers": trackers}
    print(save_json(f"training_logging_{size}", rows, size=size, threads=1, **shares))


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="laptop", help="of the model (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (%(default)s)")
    parser.add_argument("--compile", action="store_true", help="compare compiled steps instead")
    parser.add_argument("--logging", action="store_true", help="measure what logging costs instead")
    options = parser.parse_args()
    if options.compile:
        compare_compiled(options.size, options.rounds)
    elif options.logging:
        compare_logging(options.size, options.rounds)
    else:
        compare_steps(options.size, options.rounds)


if __name__ == "__main__":
    main()
