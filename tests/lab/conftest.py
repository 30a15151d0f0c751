"""A model and a tokenizer small enough to be made for every test run."""

import pytest
import torch

from smollab.model.config import ModelConfig
from smollab.model.transformer import Transformer
from smollab.recipe import Model
from smollab.tokens.tokenizer import train_tokenizer

TEXT = (
    "The installation program asks a few questions. The program reads the answers and installs the system.\n"
    "Le programme d'installation pose quelques questions. Để cài đặt hệ thống, hãy đọc tài liệu này.\n"
) * 20


@pytest.fixture(scope="session")
def tokenizer():
    return train_tokenizer([TEXT], 300)


@pytest.fixture(scope="session")
def model():
    shape = Model(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        initializer_range=0.3,  # large, so that an untrained model has opinions
    )
    return Transformer(ModelConfig.from_recipe(shape, 300), seed=1).eval()


@pytest.fixture(scope="session")
def tokens(tokenizer):
    return torch.tensor(tokenizer.encode(TEXT[:200]).ids)[:40]
