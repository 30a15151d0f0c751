"""Average the weights of several models of one shape into one.

Models that share most of their training lie in one basin: their weighted mean is often better than each, at the cost
of one. Averaging the last checkpoints of a run stands in for part of the decay of the learning rate; SmolLM3's last
model is 0.9 of one model and 0.1 of another that had kept its long context.

Source: Wortsman et al. 2022 (model soups); the SmolLM3 blog, section on model merging, for the weights 0.9 and 0.1.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from smollab.model.config import ModelConfig
from smollab.model.huggingface import (
    MAXIMUM_SHARD_BYTES,
    load_huggingface,
    load_token_ids,
    save_huggingface,
    write_config,
)
from smollab.model.transformer import Transformer
from smollab.recipe import differences
from smollab.tokens.tokenizer import BOS, EOS, PAD, load_tokenizer
from smollab.train.checkpoint import list_checkpoints, load_state, load_weights


class MergeError(ValueError):
    """Models that cannot be averaged; the message says which and why."""


def merge(places: Sequence[Path], weights: Sequence[float], output: Path) -> None:
    """Write the weighted mean of several models as a Hugging Face folder, with the tokenizer of the first.

    Args:
        places: runs (their last checkpoint), checkpoints `step-...` inside a run, or Hugging Face folders.
        weights: of each; left empty: all the same.
        output: a new folder.

    Raises:
        MergeError: the models differ in shape or settings, the weights do not sum to one, or `output` exists.
        FileNotFoundError: a place holds no model.
    """
    if output.exists():
        raise MergeError(f"{output}: exists already; name a new folder")
    weights = weights or [1 / len(places)] * len(places)
    if len(weights) != len(places) or abs(sum(weights) - 1) > 1e-6:
        given = ", ".join(map(str, weights))
        raise MergeError(f"weights {given}: expected one for each of the {len(places)} models, with a sum of 1")
    first, tokenizer = load_model(places[0])
    total = {name: weights[0] * tensor.double() for name, tensor in first.state_dict().items()}
    for place, weight in zip(places[1:], weights[1:], strict=True):
        model, _ = load_model(place)
        other = list(differences(write_config(first.config), write_config(model.config)))
        if other:
            raise MergeError(
                f"{place} is another model than {places[0]}, which is meant by `there`: {'; '.join(other[:3])}"
            )
        for name, tensor in model.state_dict().items():
            total[name] += weight * tensor.double()
    first.load_state_dict({name: tensor.to(first.state_dict()[name].dtype) for name, tensor in total.items()})
    names, (begin, ends) = load_tokenizer(tokenizer), load_token_ids(tokenizer)
    ids = {
        "bos_token_id": names.token_to_id(BOS) if begin is None else begin,
        "eos_token_id": ends[0] if ends else names.token_to_id(EOS),
        "pad_token_id": names.token_to_id(PAD),
    }
    save_huggingface(first, output, maximum_shard_bytes=MAXIMUM_SHARD_BYTES, **ids)
    for file in tokenizer.glob("*token*"):
        if file.is_file():
            shutil.copy(file, output / file.name)
    record = [{"model": str(place), "weight": weight} for place, weight in zip(places, weights, strict=True)]
    (output / "merge.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


@torch.no_grad()
def load_model(place: Path) -> tuple[Transformer, Path]:
    """The model of a run, a checkpoint or a Hugging Face folder, and the folder of its tokenizer.

    Raises:
        FileNotFoundError: there is none.
    """
    if (place / "config.json").is_file():
        return load_huggingface(place), place
    checkpoint = place
    if not (place / "state.json").is_file():
        checkpoints = list_checkpoints(place / "pretrain" / "checkpoints")
        if not checkpoints:
            raise FileNotFoundError(f"{place}: no run, no checkpoint (step-...) and no Hugging Face folder")
        checkpoint = checkpoints[-1]
    tokenizer = checkpoint.resolve().parents[2] / "tokenize" / "tokenizer"
    state = load_state(checkpoint)
    settings = state["configuration"]["model"] | state["model"]
    model = Transformer(ModelConfig(**settings, vocab_size=load_tokenizer(tokenizer).get_vocab_size()))
    load_weights(checkpoint, model)
    return model, tokenizer
