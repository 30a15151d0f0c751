"""Averages of models are exact, and what cannot be averaged is refused."""

import json
from pathlib import Path

import pytest
import torch

from smollab.experiments.merge import MergeError, load_model, merge
from smollab.model.huggingface import load_huggingface, save_huggingface
from smollab.tokens.tokenizer import save_tokenizer


@pytest.fixture
def places(make_model, tokenizer, tmp_path) -> list[Path]:
    """Three models of one shape."""
    folders = []
    for seed in range(3):
        model = make_model(vocab_size=tokenizer.get_vocab_size())
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.parameters():
            parameter.data.normal_(generator=generator)
        folders.append(tmp_path / f"model-{seed}")
        save_huggingface(model, folders[-1])
        save_tokenizer(tokenizer, folders[-1], 64)
    return folders


def weights_of(place: Path) -> dict[str, torch.Tensor]:
    return load_huggingface(place).state_dict()


@pytest.mark.parametrize("weights", [[], [0.9, 0.1, 0.0], [1.5, -0.25, -0.25]])
def test_every_weight_is_the_mean(places, tmp_path, weights):
    merge(places, weights, tmp_path / "merged")
    found, parts = weights_of(tmp_path / "merged"), [weights_of(place) for place in places]
    for name, tensor in found.items():
        terms = zip(weights or [1 / 3] * 3, parts, strict=True)
        assert torch.equal(tensor, sum(w * part[name].double() for w, part in terms).float()), name
    record = json.loads((tmp_path / "merged" / "merge.json").read_text())
    assert [row["model"] for row in record] == [str(place) for place in places]
    assert load_model(tmp_path / "merged")[1] == tmp_path / "merged"
    assert (tmp_path / "merged" / "tokenizer.json").read_bytes() == (places[0] / "tokenizer.json").read_bytes()


def test_one_model_and_copies_of_it_stay_the_same_to_the_bit(places, tmp_path):
    merge([places[0]] * 2, [], tmp_path / "merged")
    found, first = weights_of(tmp_path / "merged"), weights_of(places[0])
    assert all(torch.equal(found[name], tensor) for name, tensor in first.items())


@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.5, 0.4, 0.2]])
def test_weights_that_are_no_mean_are_refused(places, tmp_path, weights):
    with pytest.raises(MergeError, match="one for each of the 3 models, with a sum of 1"):
        merge(places, weights, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_models_of_other_shapes_are_named(places, make_model, tokenizer, tmp_path):
    other = tmp_path / "other"
    save_huggingface(make_model(vocab_size=tokenizer.get_vocab_size(), hidden_size=64), other)
    save_tokenizer(tokenizer, other, 64)
    with pytest.raises(MergeError, match=r"other is another model than .*hidden_size: 32 there, 64 here"):
        merge([places[0], other], [], tmp_path / "merged")


def test_no_folder_is_overwritten_and_a_place_without_a_model_is_named(places, tmp_path):
    with pytest.raises(MergeError, match="exists already"):
        merge(places, [], places[1])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        merge([tmp_path / "nowhere"], [], tmp_path / "merged")
