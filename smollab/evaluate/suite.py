"""The evaluation of a finished model: everything `smollab evaluate` measures, as one JSON object."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from smollab.evaluate.bits_per_byte import bits_per_byte, token_bytes
from smollab.evaluate.minimal_pairs import minimal_pair_accuracy, read_minimal_pairs
from smollab.model.generate import room
from smollab.model.sampling import Sampling
from smollab.model.text_stream import continue_texts
from smollab.model.transformer import Transformer
from smollab.progress import progress
from smollab.recipe import Evaluate, Train, resolve_place
from smollab.tokens.shards import TokenShard
from smollab.tokens.tokenizer import EOS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SAMPLE_TOKENS = 80


def evaluate(
    model: Transformer, tokenizer: "Tokenizer", held_out: Path, settings: Evaluate, train: Train
) -> dict[str, Any]:
    """Bits per byte per source, accuracy on minimal pairs per language, and continuations of the prompts.

    Args:
        model: trained.
        tokenizer: its tokenizer.
        held_out: folder of held-out token shards.
        settings: the recipe's section.
        train: for the sequence length and the seed.

    Returns:
        `bits_per_byte` (name -> bits), `minimal_pairs` (language -> accuracy, interval, count), `samples`
        (prompt, text), `parameters`.
    """
    lengths = token_bytes(tokenizer)
    shards = [s for s in (TokenShard(p) for p in sorted(held_out.iterdir())) if s.header.num_tokens > 1]
    results: dict[str, Any] = {"parameters": model.num_parameters(), "bits_per_byte": {}, "minimal_pairs": {}}
    with progress("evaluate", len(shards) + bool(settings.minimal_pairs) + len(settings.prompts)) as advance:
        for shard in shards:
            bits = bits_per_byte(model, shard, lengths, settings.maximum_tokens, train.sequence_length)
            results["bits_per_byte"][shard.folder.name] = bits
            advance(1, shard.folder.name)
        if settings.minimal_pairs:
            pairs = read_minimal_pairs(resolve_place(settings.minimal_pairs))
            for key, accuracy in minimal_pair_accuracy(model, tokenizer, pairs).items():
                row = {"accuracy": accuracy.value, "interval": accuracy.interval, "count": accuracy.count}
                results["minimal_pairs"][key] = row
            advance(1, "minimal pairs")
        results["samples"] = []
        for prompt in settings.prompts:
            text = continue_text(model, tokenizer, prompt, SAMPLE_TOKENS, seed=train.seed)
            results["samples"].append({"prompt": prompt, "text": text})
            advance(1, "samples")
    return results


def continue_text(
    model: Transformer,
    tokenizer: "Tokenizer",
    prompt: str,
    max_new_tokens: int,
    temperature: float = 0.8,
    top_p: float = 0.9,
    seed: int = 0,
) -> str:
    """The model's continuation of a prompt, without the prompt; shorter where the model has no more positions."""
    max_new_tokens = min(max_new_tokens, room(model, len(tokenizer.encode(prompt).ids)))
    sampling, eos = Sampling(temperature, top_p), tokenizer.token_to_id(EOS)
    return continue_texts(model, tokenizer, [prompt], max_new_tokens, sampling, eos, seeds=[seed])[0]
