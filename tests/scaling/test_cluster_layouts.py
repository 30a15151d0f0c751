"""SmolLM3-3B laid out for 8, 64 and 384 GPUs of 80 GB: what the accountant predicts for the stages of 4096 tokens."""

import pytest

from smollab.model.config import ModelConfig
from smollab.recipe import load_recipe
from smollab.scaling.accountant import estimate
from smollab.train.mesh import check_batch
from smollab.train.parallel import check_layout

LAYOUTS = {
    8: {"parallel.data": 1, "parallel.shard": 8, "parallel.tensor": 1},
    64: {"parallel.data": 8, "parallel.shard": 8, "parallel.tensor": 1},
    384: {},  # as published: 192 replicas of 2 tensor ranks
}


@pytest.mark.parametrize("devices", LAYOUTS)
def test_the_layout_is_accepted_and_fits_80_gb(devices):
    recipe = load_recipe("smollm3-3b", LAYOUTS[devices])
    train = recipe.train
    check_layout(ModelConfig.from_recipe(recipe.model, recipe.tokenizer.vocab_size), recipe.parallel)
    check_batch(recipe.parallel, train.batch_sequences, train.sequence_length, train.micro_batch_sequences)
    cost = estimate(recipe)
    assert cost.devices == devices
    assert cost.memory.total < 0.85 * 80e9  # room for buffers of communication and the allocator's gaps
