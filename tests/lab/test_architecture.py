"""The panels, the checks and the small models of notebook 2.1."""

import numpy as np
import pytest
import torch

from smollab.lab.architecture import difference_from_transformers, first_steps, two_documents
from smollab.lab.attention_maps import attention_weights, restarting_positions, share_across
from smollab.lab.checks import architecture
from smollab.lab.panels import ArchitecturePanel, AttentionMapPanel
from smollab.tokens.shards import write_shard


class SmallRun:
    """What the panels need of a run: tokens on disk, a tokenizer, a model."""

    def __init__(self, folder, tokenizer, model):
        self.folder, self.tokenizer, self.model, self.name = folder, tokenizer, model, "small"


@pytest.fixture(scope="module")
def run(tmp_path_factory, tokenizer, model):
    folder = tmp_path_factory.mktemp("run")
    rng = np.random.default_rng(0)
    for part in ("train", "held_out"):
        documents = [(rng.integers(0, 300, size=700 - 10 * i).tolist(), 1000) for i in range(8)]
        write_shard(folder / "tokenize" / "tokens" / part / "web-en", documents, 300, "hash")
    return SmallRun(folder, tokenizer, model)


def test_the_attention_map_follows_the_mask_the_layer_and_the_head(run):
    tokens, ids, labels = two_documents(run, 9)
    panel = AttentionMapPanel(run.model, tokens, ids, labels)
    assert "0.0% of the attention crosses" in panel.readout and "NoPE" in panel.readout
    readout, picture = panel.readout, panel.picture
    panel.layer.value = 2
    assert "(RoPE)" in panel.readout and panel.picture != picture
    panel.mask.value = "one long text"
    assert " 0.0% of the attention crosses" not in panel.readout
    mean = panel.picture
    panel.head.value = 1
    assert panel.picture != mean
    panel.layer.value, panel.mask.value, panel.head.value = 3, "each document alone", -1
    assert (panel.readout, panel.picture) == (readout, picture)


def test_attention_weights_are_those_the_model_uses(run):
    """The output of attention, recomputed from the weights shown, is what the layer really computes."""
    tokens, ids, _ = two_documents(run, 9)
    attention = run.model.layers[1].self_attn
    kept = {}
    hooks = [
        attention.v_proj.register_forward_hook(lambda m, i, output: kept.update(value=output)),
        attention.o_proj.register_forward_pre_hook(lambda m, inputs: kept.update(output=inputs[0])),
    ]
    with torch.inference_mode():
        run.model(tokens[None], ids[None], restarting_positions(ids)[None])
    for hook in hooks:
        hook.remove()
    weights = attention_weights(run.model, tokens, 1, ids)
    value = kept["value"].view(len(tokens), 2, -1).repeat_interleave(2, dim=1)
    expected = torch.einsum("hqk,khc->qhc", weights, value).flatten(1)
    torch.testing.assert_close(kept["output"], expected, rtol=1e-4, atol=1e-5)
    assert share_across(weights, ids) == 0
    assert restarting_positions(torch.tensor([5, 5, 2, 2, 2, 5])).tolist() == [0, 1, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("control", "value", "expected"),
    [
        ("attention", 1, "of cache a token"),
        ("positions", 1, "parameters (+0.0%)"),
        ("norm", "layernorm", "nats"),
        ("placement", "post", "parameters (+0.0%)"),
        ("mlp", "relu", "parameters (+0.0%)"),
        ("tied", False, "operations a token (+0.0%)"),
    ],
)
def test_every_choice_changes_readout_and_picture(run, control, value, expected):
    panel = ArchitecturePanel(run)
    assert "(+0.000)" in panel.readout, "at first the choice is the baseline"
    readout, picture = panel.readout, panel.picture
    getattr(panel, control).value = value
    assert panel.readout != readout and expected in panel.readout
    assert panel.picture != picture


def test_first_steps_repeat_and_learn(run):
    steps = [first_steps(run, {}, steps=6, seed=seed) for seed in (1, 1, 2)]
    assert steps[0] == steps[1] != steps[2]


def test_the_model_is_transformers_to_rounding(run):
    assert difference_from_transformers(run.model, torch.arange(20)[None]) < 1e-4


def right_mask(ids):
    ids, places = np.asarray(ids), np.arange(len(ids))
    return (places <= places[:, None]) & (ids == ids[:, None])


def right_norm(x, weight, eps):
    return weight * x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps)


REFERENCES = {
    "2.1.1": (architecture.check_2_1_1, right_norm),
    "2.1.2": (architecture.check_2_1_2, lambda keys, n: np.repeat(keys, n // len(keys), axis=0)),
    "2.1.3": (architecture.check_2_1_3, right_mask),
    "2.1.4": (architecture.check_2_1_4, lambda width, multiple: width * 2 // 3 // multiple * multiple),
}
MISTAKES = [
    ("2.1.1", lambda x, w, e: w * x / np.linalg.norm(x, axis=-1, keepdims=True), "length of the vector"),
    ("2.1.1", lambda x, w, e: right_norm(x - x.mean(-1, keepdims=True), w, e + 1e-9), "subtracted the mean"),
    ("2.1.1", lambda x, w, e: w * x / ((x**2).mean(-1, keepdims=True) + e), "its square root"),
    ("2.1.1", lambda x, w, e: right_norm(x, 1.0, e), "multiplied by its weight"),
    ("2.1.1", lambda x, w, e: w * x / (np.sqrt((x**2).mean(-1, keepdims=True)) + e), "inside the root"),
    ("2.1.2", lambda keys, n: np.tile(keys, (n // len(keys), 1, 1)), "repeated the whole list"),
    ("2.1.2", lambda keys, n: np.repeat(keys, n // len(keys), axis=1), "has the shape (6, 3, 1)"),
    ("2.1.3", lambda ids: np.tril(np.ones((len(ids), len(ids)), bool)), "second document sees the first"),
    ("2.1.3", lambda ids: np.equal.outer(ids, ids), "see the future"),
    ("2.1.3", lambda ids: right_mask(ids).T, "transposed"),
    ("2.1.3", lambda ids: ~right_mask(ids), "the other way around"),
    ("2.1.4", lambda width, multiple: width // 2, "halved"),
    ("2.1.4", lambda width, multiple: width * 3 // 2, "narrower"),
    ("2.1.4", lambda width, multiple: width * 2 // 3, "5376"),
]
