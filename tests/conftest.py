"""What several test folders share: one thread for bit-for-bit comparisons, and small models."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported, and for child processes
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from collections.abc import Callable

import pytest
import torch

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer

torch.set_num_threads(1)


@pytest.fixture
def make_model() -> Callable[..., Transformer]:
    """Builds a small model with random weights in every parameter, norms included."""

    def make(**changes: object) -> Transformer:
        shape = {
            "vocab_size": 97,
            "hidden_size": 32,
            "intermediate_size": 56,
            "num_hidden_layers": 5,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 2048,
            "initializer_range": 0.2,  # large enough that logits depend on every part
        }
        model = Transformer(ModelConfig(**shape | changes), seed=1)
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 1:
                    parameter.copy_(1 + 0.3 * torch.randn(parameter.shape, generator=generator))
        return model.eval()

    return make


@pytest.fixture
def random_tokens() -> Callable[..., torch.Tensor]:
    """Draws token ids, the same for the same arguments."""

    def draw(*shape: int, vocab_size: int = 97, seed: int = 0) -> torch.Tensor:
        return torch.randint(vocab_size, shape, generator=torch.Generator().manual_seed(seed))

    return draw


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Small texts of made-up words in three alphabets, long and short, the same on every call."""
    import random

    random_ = random.Random(0)
    syllables = ["ba", "ne", "ti", "ro", "lu", "é", "ôn", "стр", "да", "ấ", "học", "x", "1", "20"]
    words = ["".join(random_.choices(syllables, k=random_.randint(1, 4))) for _ in range(300)]
    lengths = [random_.randint(1, 120) for _ in range(80)]
    return [" ".join(random_.choices(words, k=n)) + random_.choice([".", "!\n", "…"]) for n in lengths]


@pytest.fixture(scope="session")
def tokenizer(texts):
    """A byte-level BPE tokenizer of 400 entries."""
    from smollab.tokens.tokenizer import train_tokenizer

    return train_tokenizer(texts, vocab_size=400)
