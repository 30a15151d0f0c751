"""A model over the tokenizer's vocabulary, the same in transformers, and held-out shards."""

import pytest
from transformers import AutoModelForCausalLM

from smollab.documents import Document
from smollab.model.huggingface import save_huggingface
from smollab.tokens.shards import TokenShard, write_shard
from smollab.tokens.tokenize import encode


@pytest.fixture
def model(make_model):
    return make_model(vocab_size=400, tie_word_embeddings=False, initializer_range=0.1)


@pytest.fixture
def theirs(model, tmp_path):
    save_huggingface(model, tmp_path / "export")
    return AutoModelForCausalLM.from_pretrained(tmp_path / "export").eval()


@pytest.fixture
def shard(texts, tokenizer, tmp_path) -> TokenShard:
    documents = [Document(str(i), text, "web") for i, text in enumerate(texts[:12])]
    write_shard(tmp_path / "held_out" / "web", encode(tokenizer, documents), tokenizer.get_vocab_size(), "hash")
    return TokenShard(tmp_path / "held_out" / "web")
