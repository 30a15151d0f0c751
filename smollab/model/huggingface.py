"""To and from Hugging Face folders: config.json and safetensors, in one file or in shards with an index.

The weights carry the same names and shapes as in `transformers.SmolLM3ForCausalLM`, up to the prefix `model.`,
so both directions only rename. Nothing is unpickled.

Reading looks at the headers of all files first: a folder that does not fit is refused before a weight is read.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from smollab.model.config import ModelConfig
from smollab.model.folding import fold_multipliers
from smollab.model.huggingface_config import CheckpointError, read_config, write_config
from smollab.model.transformer import Transformer

__all__ = ["CheckpointError", "load_huggingface", "load_token_ids", "read_config", "save_huggingface", "write_config"]

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
LM_HEAD, EMBEDDING = "lm_head.weight", "embed_tokens.weight"
MAXIMUM_SHARD_BYTES = 5_000_000_000
"""Larger models are written in several files; transformers' own `save_pretrained` cuts at the same place."""


def save_huggingface(
    model: Transformer, folder: Path, maximum_shard_bytes: int = MAXIMUM_SHARD_BYTES, **token_ids: int | None
) -> None:
    """Write config.json, generation_config.json and weights that `AutoModelForCausalLM` loads.

    A model with choices that transformers has no class for is written too; then only `load_huggingface` reads it. The
    multipliers of muP and CompleteP are folded into the weights, so what is written computes the same.

    Args:
        model: the model.
        folder: made if missing; weights of an earlier save are removed.
        maximum_shard_bytes: most bytes of one file.
        token_ids: bos_token_id, eos_token_id, pad_token_id.
    """
    model = fold_multipliers(model)
    folder.mkdir(parents=True, exist_ok=True)
    for old in (*folder.glob("model*.safetensors"), folder / INDEX):
        old.unlink(missing_ok=True)
    _write_json(folder / "config.json", {"dtype": "float32", **write_config(model.config, **token_ids)})
    _write_json(folder / "generation_config.json", token_ids)
    weights = {_to_huggingface(name): tensor.contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del weights[LM_HEAD]
    shards = _split(weights, maximum_shard_bytes)
    names = [WEIGHTS] if len(shards) == 1 else [_shard_name(i, len(shards)) for i in range(len(shards))]
    for name, shard in zip(names, shards, strict=True):
        save_file(shard, folder / name, metadata={"format": "pt"})
        # safetensors makes files that only their owner can read; an export is to be shared.
        (folder / name).chmod((folder / "config.json").stat().st_mode)
    if len(shards) > 1:
        total = sum(tensor.nbytes for tensor in weights.values())
        places = {key: name for name, shard in zip(names, shards, strict=True) for key in shard}
        _write_json(folder / INDEX, {"metadata": {"total_size": total}, "weight_map": places})


def load_huggingface(folder: Path) -> Transformer:
    """Read a folder with a SmolLM3, Llama or Qwen3 into our model, in float32.

    Raises:
        CheckpointError: a file is missing or damaged, a weight is missing, left over, of another shape or not finite,
            or the architecture is another.
    """
    config = _load_config(folder)
    with torch.device("meta"):  # shapes without memory
        model = Transformer(config)
    files = _weight_files(folder)
    places = _check_headers(folder, files, model, config)
    weights: dict[str, torch.Tensor] = {}
    for file in files:
        with _opened(file) as opened:
            for name in list(opened.keys()):
                if places.get(_from_huggingface(name)) == file:
                    weights[_from_huggingface(name)] = _read_weight(opened, name, file)
    if config.tie_word_embeddings:
        unembedding = weights.pop(LM_HEAD, None)
        if unembedding is not None and not torch.equal(unembedding, weights[EMBEDDING]):
            raise CheckpointError(
                f"{folder}: config.json says tie_word_embeddings, but {LM_HEAD} differs from {EMBEDDING}"
            )
    model.load_state_dict(weights, strict=False, assign=True)  # complete, as was checked; only the tied one is left
    if config.tie_word_embeddings:
        model.lm_head.weight = model.embed_tokens.weight
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    return model


def load_token_ids(folder: Path) -> tuple[int | None, tuple[int, ...]]:
    """The token that texts begin with, or None, and the tokens that end them, as a folder's files name them.

    `generation_config.json` counts before `config.json`, as it does for transformers.

    Raises:
        CheckpointError: a file is damaged, or the ids are not whole numbers.
    """
    begin, end = None, None
    for path in (folder / "generation_config.json", folder / "config.json"):
        values = _read_json(path) if path.is_file() else {}
        if not isinstance(values, dict):
            raise CheckpointError(f"{path}: expected a JSON object")
        begin = values.get("bos_token_id") if begin is None else begin
        end = values.get("eos_token_id") if end is None else end
    ends = end if isinstance(end, list) else [] if end is None else [end]
    wrong = [index for index in (*ends, *([] if begin is None else [begin])) if type(index) is not int]
    if wrong:
        raise CheckpointError(f"{folder}: bos_token_id or eos_token_id in its files: expected int, got {wrong[0]!r}")
    return begin, tuple(ends)


def _load_config(folder: Path) -> ModelConfig:
    path = folder / "config.json"
    if not path.is_file():
        raise CheckpointError(f"{folder}: no config.json; expected a Hugging Face model folder")
    return read_config(_read_json(path), path)


def _weight_files(folder: Path) -> list[Path]:
    """The files that hold weights: those of the index, or all there are."""
    index = folder / INDEX
    if index.is_file():
        try:
            names = sorted(set(_read_json(index)["weight_map"].values()))
        except (KeyError, TypeError, AttributeError):
            raise CheckpointError(f"{index}: no weight_map; fetch it again") from None
        for name in names:
            if not (folder / str(name)).is_file():
                raise CheckpointError(f"{folder}: the shard {name} is missing, which {INDEX} names; fetch it again")
        return [folder / name for name in names]
    files = [folder / WEIGHTS] if (folder / WEIGHTS).is_file() else sorted(folder.glob("*.safetensors"))
    if not files:
        raise CheckpointError(f"{folder}: no .safetensors file; convert the weights with `save_pretrained` first")
    return files


def _check_headers(folder: Path, files: list[Path], model: Transformer, config: ModelConfig) -> dict[str, Path]:
    """Compare names and shapes with the model's; returns where each weight is."""
    shapes: dict[str, tuple[int, ...]] = {}
    places: dict[str, Path] = {}
    for file in files:
        with _opened(file) as opened:
            for key in list(opened.keys()):
                name = _from_huggingface(key)
                if not name.endswith("rotary_emb.inv_freq"):  # old Llama folders hold what follows from theta
                    shapes[name], places[name] = tuple(opened.get_slice(key).get_shape()), file
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    missing, unexpected = expected.keys() - shapes.keys(), shapes.keys() - expected.keys()
    if config.tie_word_embeddings:
        missing -= {LM_HEAD}
    for problem, names in (("missing", missing), ("unexpected", unexpected)):
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            raise CheckpointError(f"{folder}: {problem} weights: {', '.join(sorted(names)[:5])}{more}")
    for name, shape in shapes.items():
        if shape != expected[name]:
            raise CheckpointError(f"{places[name]}: {name} has shape {shape}, config.json says {expected[name]}")
    return places


def _read_weight(opened: Any, name: str, file: Path) -> torch.Tensor:
    tensor: torch.Tensor = opened.get_tensor(name)
    if name.endswith("num_batches_tracked"):  # BatchNorm's counter
        return tensor
    if not tensor.is_floating_point():
        raise CheckpointError(f"{file}: {name} is {tensor.dtype}: quantized weights are not supported")
    tensor = tensor.float()
    if not tensor.isfinite().all():
        count = int((~tensor.isfinite()).sum())
        raise CheckpointError(f"{file}: {name} holds {count} values that are NaN or infinite; take another checkpoint")
    return tensor


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """A safetensors file, opened for reading; what is wrong with it is an error that names it."""
    try:
        with safe_open(file, framework="pt") as opened:
            yield opened
    except SafetensorError as error:
        raise CheckpointError(f"{file}: damaged ({error}); fetch or export it again") from None


def _split(weights: dict[str, torch.Tensor], maximum_bytes: int) -> list[dict[str, torch.Tensor]]:
    """Shards of at most so many bytes, in order; a weight that is larger alone has one for itself."""
    shards: list[dict[str, torch.Tensor]] = [{}]
    size = 0
    for name, tensor in weights.items():
        if shards[-1] and size + tensor.nbytes > maximum_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    return shards


def _shard_name(index: int, count: int) -> str:
    return f"model-{index + 1:05d}-of-{count:05d}.safetensors"


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CheckpointError(f"{path}: not valid JSON: {error}") from None


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _to_huggingface(name: str) -> str:
    return name if name.startswith("lm_head.") else f"model.{name}"


def _from_huggingface(name: str) -> str:
    return name.removeprefix("model.")
