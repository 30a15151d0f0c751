"""A real checkpoint, SmolLM2-135M: what transformers computes from its folder, our model computes too."""

import math
import tempfile
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from smollab.experiments.crawl import join_lines
from smollab.model.generate import generate
from smollab.model.huggingface import load_huggingface
from smollab.model.sampling import GREEDY
from smollab.model.smollm2 import DownloadError, fetch_smollm2_135m

TEXT = Path(__file__).parents[2] / "data_samples" / "text" / "jargon" / "066.txt"
"""A page of the Jargon File: English that the model was not tuned on."""


@pytest.fixture(scope="module")
def folder() -> Path:
    try:
        return fetch_smollm2_135m(Path(tempfile.gettempdir()) / "smollab-cache")
    except DownloadError as error:
        pytest.skip(str(error))


def test_logits_perplexity_and_greedy_text_are_those_of_transformers(folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ours = load_huggingface(folder).eval()
    assert type(theirs).__name__ == "LlamaForCausalLM"
    assert ours.num_parameters() == theirs.num_parameters() == 134_515_008
    text = join_lines(TEXT.read_text(encoding="utf-8"))[:1000]
    tokens = tokenizer(text, return_tensors="pt").input_ids
    with torch.inference_mode():
        our_logits, their_logits = ours.logits(ours(tokens)), theirs(tokens).logits
    torch.testing.assert_close(our_logits, their_logits, rtol=1e-3, atol=2e-3)
    perplexities = [float(F.cross_entropy(x[0, :-1], tokens[0, 1:]).exp()) for x in (our_logits, their_logits)]
    assert perplexities[0] == pytest.approx(perplexities[1], rel=1e-4)
    bits = math.log2(perplexities[0]) * (tokens.shape[1] - 1) / len(text.encode())
    assert 1 < bits < 1.7, "what a trained model of this size needs; 8 would be a guess"
    prompt = tokenizer("The capital of France is", return_tensors="pt").input_ids
    expected = theirs.generate(prompt, max_new_tokens=16, do_sample=False, eos_token_id=None, pad_token_id=2)
    continuation = list(generate(ours, prompt[0], 16, GREEDY))
    assert continuation == expected[0, prompt.shape[1] :].tolist()
    assert "Paris" in tokenizer.decode(continuation)
