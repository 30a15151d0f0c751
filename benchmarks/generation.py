"""Generation by smollab against transformers: the same weights, prompts and greedy tokens, side by side.

Both write the same text, which is checked first. Decoding of one and of eight texts, greedy, with the cache that each
library has by default (and transformers' static one), of prompts of unequal lengths, which transformers pads on the
left, and prefill of a long prompt. CPU time on one thread, since a shared machine says little about wall time.

    python benchmarks/generation.py
    python benchmarks/generation.py --size wide --rounds 5
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from harness import Row, compare, print_table, save_json
from torch import Tensor

from smollab.model.cache import KVCache
from smollab.model.config import ModelConfig
from smollab.model.generate import generate_batch
from smollab.model.huggingface import save_huggingface
from smollab.model.sampling import GREEDY
from smollab.model.transformer import Transformer
from smollab.recipe import load_recipe

SIZES = {
    "laptop": {"model.max_position_embeddings": 1024},
    "wide": {
        "model.max_position_embeddings": 1024,
        "model.hidden_size": 576,
        "model.intermediate_size": 1536,
        "model.num_hidden_layers": 12,
        "model.num_attention_heads": 9,
        "model.num_key_value_heads": 3,
        "tokenizer.vocab_size": 16_384,
    },
}
"""Changes to the recipe `laptop`; `wide` has the width of SmolLM2-135M and 12 of its 30 layers."""
PROMPT, NEW = 32, 128
"""Tokens read, and written, in a round."""
LONG = 512
"""Tokens of the prompt whose prefill is timed."""


def make_models(size: str, folder: Path) -> tuple[Transformer, Any]:
    """Our model with random weights, and transformers' with the same."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    recipe = load_recipe("laptop", SIZES[size])
    ours = Transformer(ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size)).eval()
    save_huggingface(ours, folder)
    return ours, AutoModelForCausalLM.from_pretrained(folder).eval()


def write_ours(model: Transformer, prompts: list[Tensor]) -> list[list[int | None]]:
    """Tokens of each row."""
    return [list(row) for row in zip(*generate_batch(model, prompts, NEW, GREEDY), strict=True)]


def write_theirs(model: Any, prompts: list[Tensor], **settings: Any) -> list[list[int]]:
    """Tokens of each row; shorter prompts are padded on the left."""
    longest = max(len(prompt) for prompt in prompts)
    padded = torch.zeros(len(prompts), longest, dtype=torch.int64)
    mask = torch.zeros_like(padded)
    for row, prompt in enumerate(prompts):
        padded[row, longest - len(prompt) :], mask[row, longest - len(prompt) :] = prompt, 1
    settings |= {"max_new_tokens": NEW, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
    tokens: list[list[int]] = model.generate(padded, attention_mask=mask, **settings)[:, longest:].tolist()
    return tokens


def compare_writing(name: str, ours: Transformer, theirs: Any, prompts: list[Tensor], rounds: int) -> list[Row]:
    """Decoding, side by side; both must write the same."""
    contenders: dict[str, Callable[[], Any]] = {
        f"smollab, {name}": lambda: write_ours(ours, prompts),
        f"transformers, {name}": lambda: write_theirs(theirs, prompts),
        f"transformers, static cache, {name}": lambda: write_theirs(theirs, prompts, cache_implementation="static"),
    }
    texts = [write() for write in contenders.values()]
    if not texts[0] == texts[1] == texts[2]:
        raise SystemExit(f"{name}: the libraries do not write the same tokens")
    rows = compare(contenders, rounds=rounds, unit="tokens", amount=NEW * len(prompts))
    print_table(f"Writing, {name}", rows)
    return rows


@torch.inference_mode()
def compare_prefill(ours: Transformer, theirs: Any, rounds: int) -> list[Row]:
    """Reading a long prompt into a cache, up to the logits of the next token."""
    prompt = torch.randint(ours.config.vocab_size, (1, LONG), generator=torch.Generator().manual_seed(1))

    def read_ours() -> Tensor:
        cache = KVCache(ours.config, 1, LONG)
        return ours.logits(ours(prompt, cache=cache)[:, -1])

    def read_theirs() -> Tensor:
        logits: Tensor = theirs(prompt, use_cache=True, logits_to_keep=1).logits[:, -1]
        return logits

    torch.testing.assert_close(read_ours(), read_theirs(), rtol=1e-3, atol=1e-3)
    contenders = {"smollab, prefill": read_ours, "transformers, prefill": read_theirs}
    rows = compare(contenders, rounds=rounds, warmup=2, unit="tokens", amount=LONG)
    print_table("Reading a prompt", rows)
    return rows


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="laptop", help="of the model (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = make_models(options.size, Path(folder))
    generator = torch.Generator().manual_seed(0)
    draw = lambda length: torch.randint(ours.config.vocab_size, (length,), generator=generator)
    rows = []
    for name, lengths in (
        ("1 text", [PROMPT]),
        ("8 texts", [PROMPT] * 8),
        ("8 texts of unequal prompts", [4 * row + 4 for row in range(8)]),
    ):
        rows += compare_writing(name, ours, theirs, [draw(length) for length in lengths], options.rounds)
    rows += compare_prefill(ours, theirs, options.rounds)
    parameters = ours.num_parameters()
    print(save_json(f"generation_{options.size}", rows, size=options.size, threads=1, parameters=parameters, new=NEW))


if __name__ == "__main__":
    main()
