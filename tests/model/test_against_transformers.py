"""`transformers.SmolLM3ForCausalLM` is the judge: same logits, same gradients of every weight."""

from dataclasses import dataclass, replace

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from smollab.model.config import ModelConfig
from smollab.model.document_attention import padded_documents
from smollab.model.huggingface import load_huggingface, save_huggingface, write_config
from smollab.model.transformer import Transformer

CLOSE = {"rtol": 1e-4, "atol": 1e-4}
GRADIENTS_CLOSE = {"rtol": 5e-4, "atol": 2e-5}
VOCABULARY = 61


@dataclass(frozen=True)
class Input:
    """What both models read, each in its own way of saying who sees whom."""

    tokens: Tensor
    counted: Tensor
    """Where logits are compared and targets learned."""
    ours: dict[str, Tensor]
    theirs: dict[str, Tensor]


def make_input(kind: str, config: ModelConfig, seed: int) -> Input:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(VOCABULARY, (3, 13), generator=generator)
    rows, length = tokens.shape
    everything, places = torch.ones_like(tokens), torch.arange(length).expand(rows, -1)
    if kind == "whole":
        return Input(tokens, everything.bool(), {}, {})
    if kind == "positions":  # with gaps, and not from zero
        positions = torch.randint(1, 9, tokens.shape, generator=generator).cumsum(dim=1)
        return Input(
            tokens,
            everything.bool(),
            {"positions": positions},
            {"position_ids": positions, "attention_mask": everything},
        )
    if kind == "packed":
        starts = torch.rand(tokens.shape, generator=generator) < 0.3
        ids = starts.long().cumsum(dim=1)
        positions = places - torch.where(starts | (places == 0), places, 0).cummax(dim=1).values
        return Input(tokens, everything.bool(), {"document_ids": ids, "positions": positions},
                     {"position_ids": positions, "attention_mask": explicit_masks(ids, config)})  # fmt: skip
    real = torch.tensor([[4], [13], [9]])
    mask = (places < real if kind == "right padding" else places >= length - real).long()
    ids, positions = padded_documents(mask)
    return Input(tokens, mask.bool(), {"document_ids": ids, "positions": positions},
                 {"attention_mask": mask, "position_ids": positions})  # fmt: skip


def explicit_masks(document_ids: Tensor, config: ModelConfig) -> dict[str, Tensor]:
    """The 4-D masks that transformers needs for packed documents: (row, 1, looking, looked at)."""
    looking, looked_at = torch.arange(document_ids.shape[1])[:, None], torch.arange(document_ids.shape[1])
    sees = (document_ids[:, :, None] == document_ids[:, None]) & (looked_at <= looking)
    near = sees & (looked_at > looking - (config.sliding_window or 10**6))
    return {"full_attention": sees[:, None], "sliding_attention": near[:, None]}


def randomize(model: torch.nn.Module, seed: int) -> None:
    """Weights of which every one matters, biases and norms included."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.normal_(1.0 if "norm" in name else 0.0, 0.2, generator=generator)


def run(model: torch.nn.Module, logits: Tensor, read: Input) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits where they count, and the gradients of next-token prediction."""
    targets = torch.full_like(read.tokens, -100)
    both = read.counted[:, 1:] & read.counted[:, :-1]
    targets[:, :-1] = torch.where(both, read.tokens[:, 1:], -100)
    model.zero_grad()
    F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    gradients = {name.removeprefix("model."): p.grad for name, p in model.named_parameters()}
    return logits[read.counted].detach(), gradients


def assert_same(ours: Transformer, theirs: torch.nn.Module, read: Input) -> None:
    our_logits, our_gradients = run(ours, ours.logits(ours(read.tokens, **read.ours)), read)
    their_logits, their_gradients = run(theirs, theirs(read.tokens, use_cache=False, **read.theirs).logits, read)
    torch.testing.assert_close(our_logits, their_logits, **CLOSE)
    assert our_gradients.keys() == their_gradients.keys()
    for name, gradient in our_gradients.items():
        torch.testing.assert_close(
            gradient, their_gradients[name], **GRADIENTS_CLOSE, msg=lambda m, n=name: f"{n}: {m}"
        )


@st.composite
def configs(draw: st.DrawFn) -> ModelConfig:
    layers, key_value_heads = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    some_layers = st.none() | st.sets(st.integers(0, layers - 1)).map(lambda s: tuple(sorted(s)))
    window = draw(st.none() | st.integers(1, 15))
    return ModelConfig(
        vocab_size=VOCABULARY,
        hidden_size=draw(st.sampled_from([8, 18, 24])),
        intermediate_size=draw(st.sampled_from([8, 22])),
        num_hidden_layers=layers,
        num_attention_heads=key_value_heads * draw(st.integers(1, 8)),
        num_key_value_heads=key_value_heads,
        head_dim=draw(st.sampled_from([2, 6, 8])),
        attention_bias=draw(st.booleans()),
        no_rope_layer_interval=draw(st.integers(0, 5)),
        nope_layers=draw(some_layers),
        rope_theta=draw(st.sampled_from([100.0, 5e4, 5e6])),
        sliding_window=window,
        sliding_window_layers=draw(some_layers) if window else None,
        mlp=draw(st.sampled_from(["swiglu", "geglu"])),
        rms_norm_eps=draw(st.sampled_from([1e-6, 0.1])),
        max_position_embeddings=128,
        tie_word_embeddings=draw(st.booleans()),
    )


INPUTS = ["whole", "right padding", "left padding", "positions", "packed"]


@pytest.mark.parametrize("kind", INPUTS)
@settings(
    max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate, Phase.explain],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip
@given(config=configs(), seed=st.integers(0, 99))
def test_any_configuration_gives_the_same_logits_and_gradients(kind, config, seed):
    ours = Transformer(config)
    randomize(ours, seed)
    theirs = SmolLM3ForCausalLM(SmolLM3Config(**write_config(config)))
    weights = {(k if k.startswith("lm_head") else f"model.{k}"): v for k, v in ours.state_dict().items()}
    theirs.load_state_dict(weights, strict=True)
    assert_same(ours, theirs, make_input(kind, config, seed))


@pytest.mark.parametrize(
    "wrong",
    [
        {"rope_theta": 1e4}, {"no_rope_layer_interval": 2}, {"sliding_window": 4}, {"rms_norm_eps": 0.1},
        {"num_key_value_heads": 2, "nope_layers": (0,)}, {"mlp": "geglu"},
    ],
    ids=str,
)  # fmt: skip
def test_the_comparison_notices_a_wrong_setting(wrong):
    right = ModelConfig(
        vocab_size=VOCABULARY, hidden_size=24, intermediate_size=22, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, rope_theta=100.0, max_position_embeddings=64,
    )  # fmt: skip
    ours = Transformer(right)
    randomize(ours, 1)
    theirs = SmolLM3ForCausalLM(SmolLM3Config(**write_config(replace(right, **wrong))))
    theirs.load_state_dict({(k if "lm_head" in k else f"model.{k}"): v for k, v in ours.state_dict().items()})
    with pytest.raises(AssertionError, match="Tensor-likes are not close"):
        assert_same(ours, theirs, make_input("whole", right, 0))


def test_transformers_lets_packed_documents_see_each_other_unless_told_otherwise():
    """Why the reference for packed batches is an explicit mask: its default `use_cache` looks at no positions."""
    config = ModelConfig(vocab_size=VOCABULARY, hidden_size=24, intermediate_size=22, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)  # fmt: skip
    ours = Transformer(config)
    randomize(ours, 1)
    theirs = SmolLM3ForCausalLM(SmolLM3Config(**write_config(config))).eval()
    theirs.load_state_dict({(k if "lm_head" in k else f"model.{k}"): v for k, v in ours.state_dict().items()})
    read = make_input("packed", config, 3)
    with torch.inference_mode():
        apart = ours.logits(ours(read.tokens, **read.ours))
        default = theirs(read.tokens, position_ids=read.ours["positions"]).logits
    assert (apart - default).abs().max() > 0.05


FOLDERS = {
    "grouped queries, tied": {},
    "biases, untied, wide heads": {"attention_bias": True, "tie_word_embeddings": False, "head_dim": 24},
    "irregular NoPE, some windows": {"nope_layers": (0, 3), "sliding_window": 5, "sliding_window_layers": (1, 3)},
    "rotary everywhere, GeGLU": {"no_rope_layer_interval": 0, "mlp": "geglu"},
    "QK-norm": {"no_rope_layer_interval": 0, "qk_norm": True},
}


@pytest.fixture(params=FOLDERS.values(), ids=FOLDERS)
def pair(request, make_model, tmp_path):
    """Our model, and transformers' loaded from the folder that ours was saved to."""
    ours = make_model(**request.param)
    save_huggingface(ours, tmp_path, bos_token_id=1, eos_token_id=2, pad_token_id=3)
    theirs, report = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert isinstance(theirs, Qwen3ForCausalLM if "qk_norm" in request.param else SmolLM3ForCausalLM)
    assert not any(report.values()), report
    return ours, theirs.eval()


def test_a_folder_of_ours_loads_in_transformers_with_equal_logits_and_gradients(pair, random_tokens):
    ours, theirs = pair
    # transformers never learns the pad token's embedding (nn.Embedding's padding_idx), so it must not occur.
    tokens = random_tokens(3, 20).clamp(min=4)
    assert_same(ours, theirs, Input(tokens, torch.ones_like(tokens).bool(), {}, {}))


def test_a_folder_saved_by_transformers_loads_with_equal_logits(pair, tmp_path, random_tokens):
    _, theirs = pair
    theirs.save_pretrained(tmp_path / "theirs")
    ours, tokens = load_huggingface(tmp_path / "theirs"), random_tokens(2, 33)
    torch.testing.assert_close(ours.logits(ours(tokens)), theirs(tokens).logits, **CLOSE)


def test_a_folder_in_several_shards_loads(pair, tmp_path, random_tokens):
    ours, theirs = pair
    theirs.save_pretrained(tmp_path / "shards", max_shard_size="20KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    tokens = random_tokens(1, 9)
    assert torch.equal(load_huggingface(tmp_path / "shards")(tokens), ours(tokens))


def test_our_own_folder_loads_back_bit_for_bit(pair, tmp_path):
    ours, _ = pair
    again = load_huggingface(tmp_path)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), ours.parameters(), strict=True))
    layers = range(ours.config.num_hidden_layers)
    described = [[(c.uses_rope(i), c.window(i)) for i in layers] for c in (again.config, ours.config)]
    assert described[0] == described[1]


@pytest.mark.parametrize(("config_class", "model_class"),
                         [(LlamaConfig, LlamaForCausalLM), (Qwen3Config, Qwen3ForCausalLM)])  # fmt: skip
@pytest.mark.parametrize("dialect", ["transformers 5", "transformers 4"])
def test_folders_of_related_architectures_load_with_equal_logits(
    config_class, model_class, dialect, tmp_path, random_tokens
):
    import json

    config = config_class(
        vocab_size=97, hidden_size=32, intermediate_size=56, num_hidden_layers=3, num_attention_heads=4, head_dim=8,
        num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=False, attention_bias=True,
        rope_parameters={"rope_type": "default", "rope_theta": 500.0},
    )  # fmt: skip
    theirs = model_class(config).eval()
    randomize(theirs, 4)
    theirs.save_pretrained(tmp_path)
    if dialect == "transformers 4":
        values = json.loads((tmp_path / "config.json").read_text())
        values["rope_theta"] = values.pop("rope_parameters")["rope_theta"]
        (tmp_path / "config.json").write_text(json.dumps(values | {"rope_scaling": None}))
    ours, tokens = load_huggingface(tmp_path), random_tokens(2, 33)
    torch.testing.assert_close(ours.logits(ours(tokens)), theirs(tokens).logits, **CLOSE)
