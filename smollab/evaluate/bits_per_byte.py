"""Bits per byte: how many bits the model needs for each byte of text it has never seen.

    bits per byte = sum of -ln p(token) / (ln 2 * bytes of the text)

Unlike the loss per token it does not depend on the tokenizer, so models with different vocabularies can be
compared. A uniform guess over bytes needs 8; general compressors need about 2 on English.
"""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from smollab.batch import IGNORE_INDEX, Batch
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import token_losses
from smollab.tokens.mixture import make_batch
from smollab.tokens.shards import TokenShard
from smollab.tokens.stream import TokenStream

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def token_bytes(tokenizer: "Tokenizer") -> Tensor:
    """Bytes each token of a byte-level tokenizer stands for, (vocab_size,); zero for special tokens."""
    special = {token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special}
    lengths = torch.zeros(tokenizer.get_vocab_size(), dtype=torch.int64)
    for token, index in tokenizer.get_vocab().items():
        # The byte-level alphabet writes every byte as one character.
        lengths[index] = 0 if token in special else len(token)
    return lengths


class SummedLoss(Protocol):
    """A model that is spread over processes; see `smollab.train.parallel`."""

    def summed_loss(self, batch: Batch) -> float:
        """Cross-entropy in nats, summed over the targets of a batch."""


def bits_per_byte(
    model: Transformer | SummedLoss,
    shard: TokenShard,
    bytes_per_token: Tensor,
    maximum_tokens: int = 100_000,
    sequence_length: int = 512,
    batch_size: int = 8,
) -> float:
    """Bits per byte on a held-out shard.

    About `maximum_tokens`, in whole sequences, are predicted once each, from what precedes them in their document
    and sequence. Special tokens are context but are not scored.

    Args:
        model: the model, whole or spread over processes.
        shard: held-out documents.
        bytes_per_token: from `token_bytes`.
        maximum_tokens: of the shard, at most.
        sequence_length: longest context.
        batch_size: sequences at a time.
    """
    sequence_length = min(sequence_length, shard.header.num_tokens - 1)
    stream = TokenStream([shard], sequence_length, seed=0)
    num_sequences = min(max(1, maximum_tokens // sequence_length), stream.sequences_per_epoch)
    nats, num_bytes = 0.0, 0
    for start in range(0, num_sequences, batch_size):
        rows = [stream.sequence(i) for i in range(start, min(start + batch_size, num_sequences))]
        batch = make_batch(rows)
        lengths = bytes_per_token[batch.targets.clamp(min=0)] * (batch.targets >= 0)
        scored = replace(batch, targets=batch.targets.masked_fill(lengths == 0, IGNORE_INDEX))
        nats += summed_loss(model, scored) if isinstance(model, Transformer) else model.summed_loss(scored)
        num_bytes += int(lengths.sum())
    return nats / math.log(2) / max(num_bytes, 1)


@torch.inference_mode()
def summed_loss(model: Transformer, batch: Batch) -> float:
    """Cross-entropy in nats, summed over the targets of a batch."""
    batch = batch.to(model.embed_tokens.weight.device)
    was_training = model.training
    model.eval()  # only BatchNorm notices
    hidden = model(batch.tokens, batch.document_ids, batch.positions)
    losses = token_losses(hidden, model.lm_head.weight, batch.targets, logit_softcap=model.config.logit_softcap)
    model.train(was_training)
    return float(losses.double().sum())
