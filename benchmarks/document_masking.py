"""What it costs on a CPU that packed documents do not see each other: four ways to attend to the same batch.

One layer's attention, forward and backward, on one thread: each row of 512 tokens holds a number of documents.

    no mask               one causal call for the row; documents see each other, which is what masking prevents
    document by document  smollab: a causal call for each document
    boolean mask          one call with a (batch, 1, seq, seq) mask, as transformers makes it
    FlexAttention         no contender: it has no backward pass on CPUs

    python benchmarks/document_masking.py --documents 6 --rounds 9
"""

import argparse
from collections.abc import Callable

import torch
from harness import compare, print_table, save_json
from torch import Tensor
from torch.nn import functional as F

from smollab.model.document_attention import document_attention, document_lengths

ROWS, LENGTH, HEADS, KEY_VALUE_HEADS, WIDTH = 8, 512, 6, 2, 64


def make_documents(documents: int) -> Tensor:
    """Document ids of random cuts, (rows, length)."""
    generator = torch.Generator().manual_seed(0)
    cuts = torch.stack([torch.randperm(LENGTH - 1, generator=generator)[: documents - 1] + 1 for _ in range(ROWS)])
    starts = torch.zeros(ROWS, LENGTH, dtype=torch.long).scatter_(1, cuts, 1)
    return starts.cumsum(dim=1)


def backward(attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Callable[[], None]:
    """Forward and backward of one way to attend, on queries, keys and values of (tokens, heads, width)."""
    generator = torch.Generator().manual_seed(1)
    heads = (HEADS, KEY_VALUE_HEADS, KEY_VALUE_HEADS)
    inputs = [torch.randn(ROWS * LENGTH, n, WIDTH, generator=generator, requires_grad=True) for n in heads]

    def run() -> None:
        attend(*inputs).sum().backward()

    return run


def in_rows(mask: Tensor | None) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """One call for all rows, with a boolean mask or causal."""

    def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        q, k, v = (x.view(ROWS, LENGTH, *x.shape[1:]).transpose(1, 2) for x in (query, key, value))
        output = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None, enable_gqa=True)
        return output.transpose(1, 2).flatten(0, 1)

    return attend


def main() -> None:
    """Read the options, check that both maskings agree, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="+", default=[2, 6, 16], help="in each row (%(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds (%(default)s)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for documents in options.documents:
        ids = make_documents(documents)
        lengths, places = document_lengths(ids), torch.arange(LENGTH)
        mask = ((ids[:, :, None] == ids[:, None]) & (places <= places[:, None]))[:, None]
        apart = lambda q, k, v, lengths=lengths: document_attention(q, k, v, lengths)
        sample = [torch.randn(ROWS * LENGTH, n, WIDTH) for n in (HEADS, KEY_VALUE_HEADS, KEY_VALUE_HEADS)]
        torch.testing.assert_close(apart(*sample), in_rows(mask)(*sample), rtol=1e-4, atol=1e-4)
        contenders = {
            f"document by document, {documents} a row": backward(apart),
            f"boolean mask, {documents} a row": backward(in_rows(mask)),
            "no mask": backward(in_rows(None)),
        }
        rows += compare(contenders, rounds=options.rounds, unit="tokens", amount=ROWS * LENGTH)
    print_table("Document masking on a CPU", rows)
    print(save_json("document_masking", rows, rows_per_batch=ROWS, length=LENGTH, threads=1))


if __name__ == "__main__":
    main()
