"""Minimal pairs: does the model find the grammatical sentence likelier than its ungrammatical twin?

Chance is 50 %. Source of the method: BLiMP (Warstadt et al. 2020).
"""

import json
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from smollab.batch import IGNORE_INDEX
from smollab.model.transformer import Transformer
from smollab.objectives.next_token import token_losses

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class MinimalPair:
    """Two sentences that differ in one point of grammar."""

    id: str
    language: str
    phenomenon: str
    good: str
    bad: str


@dataclass(frozen=True)
class Accuracy:
    """Share of right choices among `count`, with a 95 % interval (Wilson score)."""

    correct: int
    count: int

    @property
    def value(self) -> float:
        """Between 0 and 1."""
        return self.correct / self.count

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval, which stays within [0, 1] and is right for small counts too."""
        z, n, p = 1.96, self.count, self.value
        center = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return center - half, center + half


def read_minimal_pairs(path: Path) -> list[MinimalPair]:
    """Read a JSONL file of pairs.

    Raises:
        ValueError: naming the line that is not a pair, or the file if it holds none.
    """
    pairs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            pairs.append(MinimalPair(**json.loads(line)))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}, line {number}: not a minimal pair: {error}") from None
    if not pairs:
        raise ValueError(f"{path}: holds no minimal pairs")
    return pairs


@torch.inference_mode()
def sentence_losses(
    model: Transformer, tokenizer: "Tokenizer", sentences: Sequence[str], batch_size: int = 128
) -> list[float]:
    """-ln p of each sentence after BOS, in nats, summed over its tokens."""
    device = model.embed_tokens.weight.device
    losses: list[float] = []
    for start in range(0, len(sentences), batch_size):
        encodings = tokenizer.encode_batch(list(sentences[start : start + batch_size]))
        rows = [torch.tensor(encoding.ids) for encoding in encodings]
        tokens = torch.cat(rows)[None].to(device)  # one long row; document ids keep the sentences apart
        ids = torch.cat([torch.full_like(row, i) for i, row in enumerate(rows)])[None].to(device)
        positions = torch.cat([torch.arange(len(row)) for row in rows])[None].to(device)
        targets = torch.full_like(tokens, IGNORE_INDEX)
        targets[:, :-1] = tokens[:, 1:].masked_fill(ids[:, 1:] != ids[:, :-1], IGNORE_INDEX)
        hidden, cap = model(tokens, ids, positions), model.config.logit_softcap
        per_token = token_losses(hidden, model.lm_head.weight, targets, logit_softcap=cap)[0].double()
        losses += torch.zeros(len(rows), dtype=torch.float64).index_add_(0, ids[0].cpu(), per_token.cpu()).tolist()
    return losses


def minimal_pair_accuracy(
    model: Transformer, tokenizer: "Tokenizer", pairs: Sequence[MinimalPair]
) -> dict[str, Accuracy]:
    """Accuracy over all pairs, under the key `all`, and per language."""
    losses = sentence_losses(model, tokenizer, [s for pair in pairs for s in (pair.good, pair.bad)])
    right: dict[str, list[bool]] = defaultdict(list)
    for pair, good, bad in zip(pairs, losses[::2], losses[1::2], strict=True):
        right["all"].append(good < bad)
        right[pair.language].append(good < bad)
    return {key: Accuracy(sum(values), len(values)) for key, values in right.items()}
