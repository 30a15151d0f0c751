"""Attention of a slice of every sequence to the keys of all of it: the same as that of the whole, cut.

That ranks which do so train as one process does is in tests/distributed.
"""

import pytest
import torch

from smollab.model.config import ModelConfig
from smollab.model.document_attention import document_attention, document_lengths
from smollab.model.flex_attention import FlexDocuments
from smollab.recipe import Parallel
from smollab.train import context_parallel
from smollab.train.context_parallel import attention_of_slices, slices_of_documents
from smollab.train.parallel import check_layout

BATCH, LENGTH, RANKS = 3, 32, 4


def sequences() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Document ids, queries of four heads, keys and values of two."""
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 5, (BATCH, LENGTH), generator=generator).sort().values
    ids[1] = 0  # one document as long as the sequence
    return ids, *(torch.randn(BATCH * LENGTH, heads, 8, generator=generator) for heads in (4, 2, 2))


@pytest.mark.parametrize("window", [None, 1, 5, 64])
@pytest.mark.parametrize("queries_at_a_time", [3, 1024])
def test_slices_attend_as_the_whole_does(monkeypatch, window, queries_at_a_time):
    monkeypatch.setattr(context_parallel, "QUERIES_AT_A_TIME", queries_at_a_time)
    ids, query, key, value = sequences()
    whole = document_attention(query, key, value, document_lengths(ids), window).view(BATCH, LENGTH, 4, 8)
    each = LENGTH // RANKS
    for first in range(0, LENGTH, each):
        mine = query.view(BATCH, LENGTH, 4, 8)[:, first : first + each].flatten(0, 1)
        expected = whole[:, first : first + each].flatten(0, 1)
        found = attention_of_slices(mine, key, value, document_lengths(ids), BATCH, first, window)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)
        flex = FlexDocuments(ids).attend(mine, key, value, window, first)
        torch.testing.assert_close(flex, expected, rtol=1e-5, atol=1e-6)


def test_every_token_is_in_one_slice_and_sees_its_document_up_to_itself():
    lengths, seen = [5, 3, 8], {}
    for first in (0, 4):
        for mine, keys in slices_of_documents(lengths, 8, first, 4):
            for place in range(mine.start, mine.stop):
                row, column = place // 4, place % 4
                seen[row * 8 + first + column] = (keys.start, keys.stop)
    assert sorted(seen) == list(range(16))
    assert seen[2] == (0, 4) and seen[4] == (0, 5) and seen[6] == (5, 8) and seen[9] == (8, 12) and seen[15] == (8, 16)


def test_any_number_of_heads_goes_with_all_gather_and_not_with_ulysses():
    config = ModelConfig(hidden_size=48, num_attention_heads=3, num_key_value_heads=1, intermediate_size=64)
    check_layout(config, Parallel(context=2, context_method="all_gather"))
    with pytest.raises(ValueError, match=r"does not divide the 3 query heads.*context_method = \"all_gather\""):
        check_layout(config, Parallel(context=2))
