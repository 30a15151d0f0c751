"""Small models built and trained on the spot: what a choice of architecture costs, and how its first steps go."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from smollab.experiments import Comparison
from smollab.experiments.architecture_ablation import ablate_architecture, load_comparison
from smollab.experiments.data_ablation import shorten
from smollab.lab.ablation import load_results
from smollab.lab.next_tokens import token_label
from smollab.lab.runs import Run, runs_folder
from smollab.model.config import ModelConfig
from smollab.model.huggingface import save_huggingface
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import next_token_loss
from smollab.recipe import load_recipe
from smollab.scaling.flops import flops_per_token
from smollab.scaling.memory import kv_cache_bytes
from smollab.scaling.parameters import count_parameters
from smollab.tokens.mixture import make_batch
from smollab.tokens.stream import TokenStream
from smollab.tokens.tokenize import open_shards

SMALL = {
    "model.hidden_size": 32,
    "model.intermediate_size": 80,
    "train.sequence_length": 64,
    "evaluate.maximum_tokens": 6000,
    "curate.workers": 1,
}
"""What makes the recipe `ablation-architecture` small enough for a notebook cell."""
SMALL_STEPS = 30
TINY = {"hidden_size": 48, "intermediate_size": 128, "num_hidden_layers": 4, "num_attention_heads": 4}
"""Shape of the models of the panel."""
LENGTH, ROWS, RATE = 64, 4, 4e-3


@dataclass(frozen=True)
class FirstSteps:
    """A small model's costs and the losses of its first steps."""

    parameters: int
    flops_per_token: float
    cache_bytes_per_token: float
    """In 16 bits."""
    losses: tuple[float, ...]
    """Nats per token, on batches that every choice sees in the same order."""


def first_steps(run: Run, choices: dict[str, Any], steps: int = 16, seed: int = 1) -> FirstSteps:
    """Build a small model with some choices, and train it for a few steps on a run's text.

    Args:
        run: its tokens are read.
        choices: settings of the recipe's section `[model]` that differ from SmolLM3's style.
        steps: of AdamW, all at one rate.
        seed: of the weights; the batches are the same for all seeds.
    """
    vocab_size = run.tokenizer.get_vocab_size()
    shape = TINY | {"num_key_value_heads": 2, "max_position_embeddings": LENGTH} | choices
    config = ModelConfig(**shape, vocab_size=vocab_size)
    model = Transformer(config, seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.0)
    stream = TokenStream(open_shards(run.folder / "tokenize" / "tokens" / "train", "web"), LENGTH, seed=0)
    losses = []
    for step in range(steps):
        batch = make_batch([stream.sequence(step * ROWS + row) for row in range(ROWS)])
        hidden = model(batch.tokens, batch.document_ids, batch.positions)
        loss = next_token_loss(hidden, model.lm_head.weight, batch.targets, logit_softcap=config.logit_softcap)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return FirstSteps(
        count_parameters(config),
        flops_per_token(config, LENGTH),
        kv_cache_bytes(config, tokens=1),
        tuple(losses),
    )


def two_documents(run: Run, num_tokens: int) -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """The beginnings of the two longest held-out pages, packed into one row: tokens, document ids, labels.

    English ones if the run has them.

    Args:
        run: whose pages.
        num_tokens: of each page.
    """
    folder = run.folder / "tokenize" / "tokens" / "held_out"
    name = "web-en" if (folder / "web-en" / "header.json").is_file() else "web"
    documents = [shard.document(i) for shard in open_shards(folder, name) for i in range(len(shard))]
    longest = sorted(documents, key=len, reverse=True)[:2]
    tokens = torch.cat([torch.from_numpy(document[:num_tokens].astype("int64")) for document in longest])
    ids = torch.arange(2).repeat_interleave(num_tokens)
    return tokens, ids, [token_label(run.tokenizer, int(token)) for token in tokens]


def difference_from_transformers(model: Transformer, tokens: torch.Tensor) -> float:
    """Largest difference between our logits and those of `transformers`, which reads the model from a folder.

    Args:
        model: written as a Hugging Face folder.
        tokens: (batch, seq).
    """
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    with TemporaryDirectory() as folder, torch.inference_mode():
        save_huggingface(model, Path(folder))
        logging.disable_progress_bar()  # it would stay in a notebook's output
        theirs = AutoModelForCausalLM.from_pretrained(folder).eval()
        logging.enable_progress_bar()
        return float((model.logits(model(tokens)) - theirs(tokens).logits).abs().max())


def load_architecture_ablation() -> tuple[dict[str, Any], Comparison]:
    """The committed results of `smollab ablate architecture`, and the comparison in them."""
    results = load_results("ablation-architecture")
    return results, load_comparison(results)


def small_architecture_ablation(
    run: Run, variants: Sequence[str], seeds: Sequence[int]
) -> tuple[dict[str, Any], Comparison]:
    """Ablate some variants with a tiny model on a run's text, or reuse what was done before.

    Args:
        run: its tokens and tokenizer.
        variants: some of the names of `smollab.experiments.architecture_ablation.architectures`.
        seeds: of initialization and data order.

    Returns:
        The results as `smollab ablate architecture` writes them, and the comparison in them.
    """
    recipe = shorten(load_recipe("ablation-architecture", SMALL), SMALL_STEPS)
    made, folder = run.folder / "tokenize", runs_folder() / f"ablation-architecture-small-{run.name}"
    folder.mkdir(parents=True, exist_ok=True)
    results = ablate_architecture(recipe, made / "tokens", made / "tokenizer", folder, seeds, variants)
    return results, load_comparison(results)
