"""A tiny run: tokens of two sources, a recipe of two stages, and a training in a process that can be killed."""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file

from smollab.documents import Document
from smollab.evaluate.bits_per_byte import token_bytes
from smollab.recipe import Recipe, load_recipe
from smollab.tokens.shards import write_shard
from smollab.tokens.tokenize import encode
from smollab.train.loop import pretrain
from smollab.train.metrics import read_metrics

RECIPE = """
name = "tiny"
data.sources.web.address = "text:nowhere"
data.sources.code.address = "code:nowhere"
model.hidden_size = 32
model.intermediate_size = 64
model.num_hidden_layers = 4
model.num_attention_heads = 4
model.num_key_value_heads = 2
stages = [
    { name = "first", steps = 7, mixture = { web = 0.7, code = 0.3 } },
    { name = "second", steps = 5, mixture = { code = 1.0 } },
]
optimizer.learning_rate = 0.01
schedule = { warmup_steps = 2, decay_steps = 4 }
train = { sequence_length = 32, batch_sequences = 4, micro_batch_sequences = 2, checkpoint_every = 4, seed = 3 }
"""


@pytest.fixture
def recipe_path(tmp_path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def make_recipe(recipe_path) -> Callable[..., Recipe]:
    """The tiny recipe with changes, such as `{"stages.0.steps": 40}`."""
    return lambda changes=None: load_recipe(recipe_path, changes)


@pytest.fixture
def tokens(tmp_path, texts, tokenizer) -> Path:
    """Token shards of the texts."""
    documents = [Document(str(i), text, "web") for i, text in enumerate(texts)]
    parts = {"train/web": documents[:40], "train/code": documents[40:70], "held_out/web": documents[70:]}
    for name, part in parts.items():
        write_shard(tmp_path / "tokens" / name, encode(tokenizer, part), tokenizer.get_vocab_size(), "hash")
    return tmp_path / "tokens"


@pytest.fixture
def train(tokens, tokenizer) -> Callable[[Recipe, Path], Path]:
    """Trains in this process; returns the last checkpoint."""
    return lambda recipe, output: pretrain(recipe, tokens, output, tokenizer.get_vocab_size(), token_bytes(tokenizer))


@pytest.fixture
def start_training(recipe_path, tokens) -> Callable[..., subprocess.Popen]:
    """Starts `pretrain` in a process of its own."""
    program = """
        import sys
        from pathlib import Path
        import torch
        from smollab.recipe import load_recipe, parse_override
        from smollab.train.loop import pretrain
        recipe = load_recipe(sys.argv[1], dict(parse_override(text) for text in sys.argv[4:]))
        pretrain(recipe, Path(sys.argv[2]), Path(sys.argv[3]), 400, torch.ones(400, dtype=torch.int64))
    """

    def start(output: Path, *overrides: str) -> subprocess.Popen:
        command = [sys.executable, "-c", textwrap.dedent(program), recipe_path, tokens, output, *overrides]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ)

    return start


@pytest.fixture
def wait_for_step() -> Callable[[subprocess.Popen, Path, int], None]:
    """Waits until a training in another process has logged a step."""

    def wait(process: subprocess.Popen, output: Path, step: int) -> None:
        while len(read_metrics(output / "metrics.jsonl")) < step:
            assert process.poll() is None, process.stdout.read()
            time.sleep(0.002)

    return wait


@pytest.fixture
def outcome() -> Callable[[Path], tuple]:
    """What must be equal bit for bit: the losses of all steps, the last weights and the optimizer's state."""

    def read(output: Path) -> tuple:
        last = max((output / "checkpoints").glob("step-*"))
        losses = {row["step"]: (row["loss"], row["grad_norm"]) for row in read_metrics(output / "metrics.jsonl")}
        tensors = {
            n: t.numpy().tobytes()
            for f in ("model", "optimizer")
            for n, t in load_file(last / f"{f}.safetensors").items()
        }
        return last.name, losses, tensors, (last / "state.json").read_text()

    return read
