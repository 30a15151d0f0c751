"""Passkey retrieval: does the model find one sentence in a long text?

    BOS  real text ...  The pass key is 47. Remember it.  ... real text  The pass key is

What comes next can be known only by looking back. Key, text and depth vary; the whole is as many tokens long as asked
for, so that accuracy can be drawn over length and depth. An answer is right if greedy decoding gives all tokens of the
key. Since greedy decoding fails at the first wrong token, that is read off one pass over the prompt with the key behind
it: the likeliest token at each place of the key must be the key's.

Source: Mohtashami & Jaggi 2023 (Landmark Attention), section 4.2; as a map over length and depth: Kamradt 2023 (Needle
in a Haystack). Harder tests are RULER's (Hsieh et al. 2024): a model can find a key and still not use a long text.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from smollab.curate.readers import read_shard
from smollab.curate.shards import Report, list_shards
from smollab.evaluate.minimal_pairs import Accuracy
from smollab.model.extend import extend
from smollab.model.transformer import Transformer
from smollab.recipe import Source
from smollab.tokens.tokenizer import BOS, token_id

if TYPE_CHECKING:
    from rich.table import Table
    from tokenizers import Tokenizer

NEEDLE = "\nThe pass key is {key}. Remember it.\n"
DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where the sentence stands: 0 at the beginning of the text, 1 right before the question."""
TOKENS_AT_A_TIME = 16_384
FILLER_LENGTHS = 64
"""Filler that is read, in texts of the longest length: enough that stretches of it hardly repeat."""


@dataclass(frozen=True)
class Passkey:
    """The sentence with a key, in tokens."""

    question: list[int]
    """Everything before the key; the end of a prompt, too."""
    key: list[int]
    rest: list[int]
    """What follows the key."""

    @classmethod
    def of(cls, tokenizer: "Tokenizer", key: str) -> "Passkey":
        """Encode the sentence; a token that the key only shares with its surroundings belongs to the key."""
        start = NEEDLE.index("{key}")
        encoding = tokenizer.encode(NEEDLE.format(key=key), add_special_tokens=False)
        inside = [i for i, (low, high) in enumerate(encoding.offsets) if low < start + len(key) and high > start]
        ids = list(encoding.ids)
        return cls(ids[: inside[0]], ids[inside[0] : inside[-1] + 1], ids[inside[-1] + 1 :])

    @property
    def sentence(self) -> list[int]:
        """All of it."""
        return self.question + self.key + self.rest


@dataclass(frozen=True)
class PasskeyScores:
    """What a model answered; arrays are (lengths, depths, keys)."""

    lengths: tuple[int, ...]
    """Tokens from BOS to the end of the key."""
    depths: tuple[float, ...]
    correct: np.ndarray
    """Whether greedy decoding gives the key."""
    probability: np.ndarray
    """Of the whole key."""
    rank: np.ndarray
    """Of the key among all tokens, 1 the likeliest; of its tokens the worst."""

    def accuracy(self, length: int) -> Accuracy:
        """Over all depths and keys at a length, with Wilson's interval."""
        row = self.correct[self.lengths.index(length)]
        return Accuracy(int(row.sum()), row.size)

    @property
    def map(self) -> np.ndarray:
        """Share of right answers, (lengths, depths)."""
        return np.asarray(self.correct.mean(axis=-1))


def draw_keys(digits: int, count: int, generator: np.random.Generator) -> list[str]:
    """Different numbers of so many digits, none of which begins with a zero.

    Raises:
        ValueError: there are not so many.
    """
    low, high = 10 ** (digits - 1), 10**digits
    if count > high - low:
        raise ValueError(f"there are only {high - low} numbers of {digits} digits; {count} keys were asked for")
    return [str(low + int(i)) for i in generator.choice(high - low, count, replace=False)]


def make_prompt(
    passkey: Passkey, filler: np.ndarray, length: int, depth: float, bos: int, generator: np.random.Generator
) -> Tensor:
    """A prompt with its answer: (length,) tokens, of which the last ones are the key.

    Args:
        passkey: the sentence.
        filler: tokens of real text; a random stretch is taken.
        length: tokens of the whole.
        depth: 0 to 1, where in the text the sentence stands.
        bos: first token.
        generator: of the stretch.

    Raises:
        ValueError: no room for the sentence and the question, or too little text.
    """
    room = length - 1 - len(passkey.sentence) - len(passkey.question) - len(passkey.key)
    if room < 0:
        raise ValueError(f"a passkey prompt needs at least {length - room} tokens; length is {length}")
    if room >= len(filler):
        raise ValueError(f"{len(filler)} tokens of text are too few to fill {length}; give more text")
    start = int(generator.integers(len(filler) - room))
    text = filler[start : start + room].tolist()
    cut = round(depth * room)
    return torch.tensor([bos, *text[:cut], *passkey.sentence, *text[cut:], *passkey.question, *passkey.key])


@torch.inference_mode()
def evaluate_passkey(
    model_at: Callable[[int], Transformer],
    tokenizer: "Tokenizer",
    filler: np.ndarray,
    lengths: Sequence[int],
    depths: Sequence[float] = DEPTHS,
    keys: int = 10,
    digits: int = 5,
    seed: int = 0,
    bos: int | None = None,
) -> PasskeyScores:
    """Ask a model for keys at every length and depth; all models are asked the same.

    Args:
        model_at: the model for sequences of a length, such as `lambda length: extend(model, length, "yarn")`.
        tokenizer: its tokenizer.
        filler: tokens of text that the model was not trained on.
        lengths: tokens of the whole prompt, key included.
        depths: 0 to 1.
        keys: prompts for each length and depth.
        digits: of a key.
        seed: of keys and stretches of text.
        bos: the token that texts begin with; left out: `BOS` of the tokenizer.

    Raises:
        ValueError: a length without room for the sentence, or too little text.
    """
    shape = (len(lengths), len(depths), keys)
    correct, probability, rank = np.zeros(shape, bool), np.zeros(shape), np.zeros(shape, int)
    bos = token_id(tokenizer, BOS) if bos is None else bos
    for i, length in enumerate(lengths):
        generator = np.random.default_rng([seed, length])
        passkeys = [Passkey.of(tokenizer, key) for key in draw_keys(digits, keys, generator)]
        places = [(j, k) for j in range(len(depths)) for k in range(keys)]
        prompts = [make_prompt(passkeys[k], filler, length, depths[j], bos, generator) for j, k in places]
        model, size = model_at(length), max(1, TOKENS_AT_A_TIME // length)
        for start in range(0, len(places), size):
            some = slice(start, start + size)
            rows = _judge(model, torch.stack(prompts[some]), [passkeys[k].key for _, k in places[some]])
            for (j, k), (right, chance, worst) in zip(places[some], rows, strict=True):
                correct[i, j, k], probability[i, j, k], rank[i, j, k] = right, chance, worst
    return PasskeyScores(tuple(lengths), tuple(depths), correct, probability, rank)


def ask_checkpoint(
    model: Transformer,
    tokenizer: "Tokenizer",
    filler: str,
    lengths: Sequence[int] = (),
    method: str = "none",
    keys: int = 10,
    digits: int = 5,
    seed: int = 0,
    bos: int | None = None,
) -> PasskeyScores:
    """Ask any model, with the documents of a source as filler; other arguments as for `evaluate_passkey`.

    Args:
        model: whose `max_position_embeddings` is the length it was trained for.
        tokenizer: its tokenizer.
        filler: `KIND:PLACE` of a source, as in a recipe.
        lengths: none: half, once, twice and four times the model's.
        method: of `smollab.model.extend`, for lengths beyond the model's.
        keys: prompts for each length and depth.
        digits: of a key.
        seed: of keys and stretches of text.
        bos: as for `evaluate_passkey`.

    Raises:
        CurationError: a source that cannot be read.
        ValueError: an unknown method, a length without room for the sentence, or too little text.
    """
    trained = model.config.max_position_embeddings
    lengths = lengths or [trained // 2, trained, 2 * trained, 4 * trained]
    rows: list[np.ndarray] = [np.empty(0, np.int64)]
    for text in _texts(filler):
        rows.append(np.asarray(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64))
        if sum(map(len, rows)) > FILLER_LENGTHS * max(lengths):
            break
    tokens = np.concatenate(rows)
    model_at = lambda length: extend(model, length, method)  # type: ignore[arg-type]
    return evaluate_passkey(model_at, tokenizer, tokens, lengths, DEPTHS, keys, digits, seed, bos)


def _texts(filler: str) -> Iterator[str]:
    """The documents of a source, each without its line breaks."""
    for shard in list_shards("filler", Source(address=filler)):
        for document in read_shard(shard, Report()):
            yield " ".join(document.text.split())


def passkey_table(scores: PasskeyScores) -> "Table":
    """One row for each length: keys found at each depth, over all with an interval, and the key's median rank."""
    from rich.table import Table

    table = Table(title="passkeys: % found by depth of the sentence", title_justify="left")
    for column in ("tokens", *(f"{100 * depth:.0f} %" for depth in scores.depths), "all", "95 % interval", "rank"):
        table.add_column(column, justify="right")
    for length, shares, ranks in zip(scores.lengths, scores.map, scores.rank, strict=True):
        found = scores.accuracy(length)
        low, high = found.interval
        cells = [f"{100 * share:.0f}" for share in (*shares, found.value)]
        table.add_row(f"{length:,}", *cells, f"{100 * low:.0f} to {100 * high:.0f}", f"{np.median(ranks):.0f}")
    return table


def _judge(model: Transformer, prompts: Tensor, keys: Sequence[list[int]]) -> list[tuple[bool, float, int]]:
    """Whether greedy decoding gives each key, the key's probability, and the worst rank of its tokens."""
    longest = max(map(len, keys))
    hidden = model(prompts.to(model.embed_tokens.weight.device))
    log_probabilities = model.logits(hidden[:, -longest - 1 : -1]).float().log_softmax(-1).cpu()
    results = []
    for row, key in zip(log_probabilities, keys, strict=True):
        places = row[-len(key) :]
        own = places.gather(1, torch.tensor(key)[:, None])
        worst = int((places > own).sum(1).max()) + 1
        results.append((worst == 1, float(own.sum().exp()), worst))
    return results
