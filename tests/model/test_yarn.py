"""YaRN: `transformers` is the judge of the frequencies, of the logits, and of what a config.json says."""

import json
import math
from dataclasses import replace

import pytest
import torch
from transformers import AutoModelForCausalLM, SmolLM3Config
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from smollab.model.generate import generate
from smollab.model.huggingface import CheckpointError, load_huggingface, save_huggingface
from smollab.model.rope import PositionInterpolation, rope_frequencies
from smollab.model.rope_settings import read_rope_settings, write_rope_settings
from smollab.model.sampling import Sampling
from smollab.model.transformer import Transformer
from smollab.model.yarn import Yarn, yarn_attention_factor

SMOLLM3 = Yarn(factor=2.0, original_max_position_embeddings=65_536)
"""How SmolLM3 reads 128k."""
SETTINGS = {
    "SmolLM3 at 128k": (128, 5e6, SMOLLM3),
    "Llama 2 as in the paper": (128, 1e4, Yarn(factor=16.0, original_max_position_embeddings=4096)),
    "small": (32, 1500.0, Yarn(factor=8.0, original_max_position_embeddings=128, beta_fast=8.0)),
    "other ramp, not rounded": (
        64,
        5e4,
        Yarn(factor=4.0, original_max_position_embeddings=2048, beta_fast=16.0, beta_slow=2.0, truncate=False),
    ),
    "own attention factor": (64, 5e4, Yarn(factor=4.0, original_max_position_embeddings=4096, attention_factor=1.3)),
    "no pair has made a turn": (16, 1e4, Yarn(factor=4.0, original_max_position_embeddings=4)),
    "factor 1 changes nothing": (64, 5e4, Yarn(factor=1.0, original_max_position_embeddings=4096)),
}


@pytest.mark.parametrize(("head_dim", "theta", "yarn"), SETTINGS.values(), ids=SETTINGS)
def test_frequencies_and_factor_equal_those_of_transformers(head_dim, theta, yarn):
    config = SmolLM3Config(
        hidden_size=4 * head_dim,
        num_attention_heads=4,
        max_position_embeddings=int(yarn.factor * yarn.original_max_position_embeddings),
        rope_parameters=write_rope_settings(theta, yarn)["rope_parameters"],
    )
    theirs, factor = ROPE_INIT_FUNCTIONS["yarn"](config)
    torch.testing.assert_close(yarn.frequencies(head_dim, theta), theirs, rtol=1e-6, atol=0.0)
    assert yarn.attention_factor == pytest.approx(factor, rel=1e-12)


def test_fast_pairs_are_kept_and_slow_ones_interpolated():
    yarn = Yarn(factor=8.0, original_max_position_embeddings=4096)
    ratio = rope_frequencies(128, 1e4) / yarn.frequencies(128, 1e4)
    turns = 4096 * rope_frequencies(128, 1e4) / (2 * math.pi)
    assert torch.equal(ratio[turns > 40], torch.ones_like(ratio[turns > 40]))
    torch.testing.assert_close(ratio[turns < 0.9], torch.full_like(ratio[turns < 0.9], 8.0))
    assert ((ratio > 1.01) & (ratio < 7.99)).sum() > 10, "there is a ramp between them"
    assert (ratio.diff() >= -1e-5).all()


def test_the_comparison_would_notice_interpolation_of_all_pairs():
    yarn = Yarn(factor=8.0, original_max_position_embeddings=4096)
    plain = PositionInterpolation(factor=8.0)
    assert not torch.allclose(yarn.frequencies(64, 1e4), plain.frequencies(64, 1e4))


def test_attention_factor_of_the_paper():
    assert yarn_attention_factor(16.0) == pytest.approx(1.2772588722)  # 0.1 ln(16) + 1
    assert yarn_attention_factor(1.0) == 1.0


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"factor": 0.5}, "factor"),
        ({"factor": math.nan}, "factor"),
        ({"original_max_position_embeddings": 0}, "original_max_position_embeddings"),
        ({"beta_slow": 40.0}, "beta_slow"),
    ],
)
def test_a_setting_out_of_range_is_named(setting, message):
    with pytest.raises(ValueError, match=message):
        replace(SMOLLM3, **setting)


@pytest.fixture
def pair(make_model, tmp_path):
    """A model that reads four times its training length with YaRN, and transformers' of the folder it was saved to."""
    scaling = Yarn(factor=4.0, original_max_position_embeddings=32, beta_fast=8.0)
    config = replace(make_model().config, rope_theta=500.0, rope_scaling=scaling, max_position_embeddings=128)
    ours = Transformer(config, seed=3)
    save_huggingface(ours, tmp_path)
    theirs, report = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(report.values()), report
    return ours, theirs.eval()


def test_logits_equal_those_of_transformers_beyond_the_training_length(pair, random_tokens):
    ours, theirs = pair
    tokens = random_tokens(2, 128)
    with torch.no_grad():
        mine, judge = ours.logits(ours(tokens)), theirs(tokens).logits
        torch.testing.assert_close(mine, judge, rtol=1e-4, atol=1e-4)
        ours.config = replace(ours.config, rope_scaling=None)
        assert (ours.logits(ours(tokens)) - judge).abs().max() > 1e-3, "without YaRN the logits are others"


def test_greedy_decoding_against_the_cache_equals_transformers(pair, random_tokens):
    ours, theirs = pair
    prompt = random_tokens(1, 60)  # beyond the training length of 32
    options = {"max_new_tokens": 30, "do_sample": False, "pad_token_id": 0, "eos_token_id": None}
    expected = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), **options)[0, 60:].tolist()
    assert list(generate(ours, prompt[0], 30, Sampling(0.0))) == expected
    ours.config = replace(ours.config, rope_scaling=None)
    assert list(generate(ours, prompt[0], 30, Sampling(0.0))) != expected


def test_both_dialects_of_config_json_are_read(pair, tmp_path):
    ours, _ = pair
    path = tmp_path / "config.json"
    values = json.loads(path.read_text())
    assert load_huggingface(tmp_path).config.rope_scaling == ours.config.rope_scaling
    del values["rope_parameters"]  # as transformers 4 writes it
    values["rope_scaling"]["type"] = values["rope_scaling"].pop("rope_type")
    path.write_text(json.dumps(values))
    read = load_huggingface(tmp_path).config
    assert (read.rope_theta, read.rope_scaling) == (500.0, ours.config.rope_scaling)


def test_what_transformers_writes_is_read(pair, tmp_path):
    ours, theirs = pair
    theirs.save_pretrained(tmp_path / "theirs")
    assert load_huggingface(tmp_path / "theirs").config.rope_scaling == ours.config.rope_scaling


def test_another_scaling_is_an_error_that_names_the_file(pair, tmp_path):
    path = tmp_path / "config.json"
    values = json.loads(path.read_text())
    values["rope_parameters"]["rope_type"] = "longrope"
    path.write_text(json.dumps(values))
    with pytest.raises(CheckpointError, match=r"config\.json: rope_type 'longrope' is not supported"):
        load_huggingface(tmp_path)


@pytest.mark.parametrize(
    ("rope", "message"),
    [
        ({"rope_type": "yarn", "original_max_position_embeddings": 64, "factor": "two"}, "factor"),
        ({"rope_type": "linear"}, "factor"),
        ({"rope_type": "yarn", "factor": 2.0}, "original_max_position_embeddings"),
    ],
)
def test_a_missing_setting_is_named(rope, message):
    with pytest.raises(ValueError, match=message):
        read_rope_settings({"model_type": "llama", "rope_parameters": rope | {"rope_theta": 1e4}})


def test_two_mscales_give_their_ratio_as_in_transformers():
    rope = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 40.0, "original_max_position_embeddings": 4096}
    rope |= {"mscale": 1.0, "mscale_all_dim": 0.8}
    _, ours = read_rope_settings({"model_type": "llama", "rope_parameters": rope})
    config = SmolLM3Config(hidden_size=64, num_attention_heads=2, max_position_embeddings=163_840, rope_parameters=rope)
    assert ours.attention_factor == pytest.approx(ROPE_INIT_FUNCTIONS["yarn"](config)[1], rel=1e-12)
