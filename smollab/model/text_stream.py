"""Text as it is generated: only whole characters, and nothing of a stop string.

A byte-level token may be part of a character, and a stop string may come in several tokens or begin within one. So
bytes wait until their character is whole, and characters wait while they may be the beginning of a stop string.
"""

import codecs
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

import torch

from smollab.model.generate import generate, generate_batch
from smollab.model.sampling import FREE, Sampling
from smollab.model.transformer import Transformer

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@cache
def byte_alphabet() -> dict[str, int]:
    """Character -> byte, of the alphabet in which byte-level tokenizers write their tokens.

    Bytes that print as one Latin-1 character stand for themselves; the others got the characters from 256 on, in
    order. Source: Radford et al. 2019 (GPT-2), `bytes_to_unicode` of the published encoder.
    """
    themselves = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in themselves]
    return {chr(b): b for b in themselves} | {chr(256 + place): b for place, b in enumerate(others)}


class TextStream:
    """Turns tokens into text that is sure, piece by piece.

    Args:
        tokenizer: byte-level.
        stop: strings at which the text ends; they are not shown.

    Raises:
        ValueError: an empty stop string.
    """

    def __init__(self, tokenizer: "Tokenizer", stop: Sequence[str] = ()) -> None:
        if not all(stop):
            raise ValueError("a stop string must have at least one character")
        self.tokenizer, self.stop = tokenizer, tuple(stop)
        self.stopped = False
        """Whether a stop string was met."""
        self._added = tokenizer.get_added_tokens_decoder()
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def push(self, token: int) -> str:
        """What is now sure to be text; often nothing. Special tokens give none.

        Raises:
            ValueError: a token the tokenizer does not have, or one that is not of a byte-level tokenizer.
        """
        self._held += self._utf8.decode(self._bytes(token))
        found = [place for place in map(self._held.find, self.stop) if place >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        wait = max((n for s in self.stop for n in range(1, len(s)) if self._held.endswith(s[:n])), default=0)
        sure = len(self._held) - wait
        text, self._held = self._held[:sure], self._held[sure:]
        return text

    def finish(self) -> str:
        """What waited for more tokens when the last one had come; half a character becomes U+FFFD."""
        text, self._held = self._held + ("" if self.stopped else self._utf8.decode(b"", final=True)), ""
        return text

    def _bytes(self, token: int) -> bytes:
        if token in self._added:
            return b"" if self._added[token].special else self._added[token].content.encode()
        characters = self.tokenizer.id_to_token(token)
        if characters is None:
            raise ValueError(f"the tokenizer has no token {token}: does it belong to the model?")
        try:
            return bytes(byte_alphabet()[character] for character in characters)
        except KeyError:
            raise ValueError(f"token {characters!r} is not of a byte-level tokenizer, which streaming needs") from None


def printable(text: str) -> str:
    """Text in which nothing but line ends and tabs can move a terminal's cursor or change its colors."""
    return "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else "\ufffd" for c in text)


def stream_text(
    model: Transformer,
    tokenizer: "Tokenizer",
    prompt: str,
    max_new_tokens: int,
    sampling: Sampling = FREE,
    eos_token_id: int | Collection[int] | None = None,
    stop: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[str]:
    """Continue a text, yielding pieces of the continuation as soon as they are sure.

    Args:
        model: the model.
        tokenizer: its tokenizer, byte-level.
        prompt: the beginning.
        max_new_tokens: stop after so many.
        sampling: how tokens are drawn.
        eos_token_id: stop before this token, or any of these.
        stop: strings at which the text ends; they are not shown.
        seed: of the draws.

    Raises:
        ValueError: as `generate_batch` and `TextStream`.
    """
    ids, text = torch.tensor(tokenizer.encode(prompt).ids, dtype=torch.int64), TextStream(tokenizer, stop)
    for token in generate(model, ids, max_new_tokens, sampling, eos_token_id, seed):
        if piece := text.push(token):
            yield piece
        if text.stopped:
            return
    if piece := text.finish():
        yield piece


def continue_texts(
    model: Transformer,
    tokenizer: "Tokenizer",
    prompts: Sequence[str],
    max_new_tokens: int,
    sampling: Sampling = FREE,
    eos_token_id: int | Collection[int] | None = None,
    stop: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
) -> list[str]:
    """The continuations of several texts, read and written side by side; arguments as for `stream_text`.

    Args:
        seeds: of the draws of each; left out: 0, 1, 2, ...
    """
    ids = [torch.tensor(tokenizer.encode(prompt).ids, dtype=torch.int64) for prompt in prompts]
    streams, texts = [TextStream(tokenizer, stop) for _ in prompts], [""] * len(prompts)
    for tokens in generate_batch(model, ids, max_new_tokens, sampling, eos_token_id, seeds):
        for row, (token, stream) in enumerate(zip(tokens, streams, strict=True)):
            if token is not None and not stream.stopped:
                texts[row] += stream.push(token)
        if all(stream.stopped or token is None for token, stream in zip(tokens, streams, strict=True)):
            break
    return [text + stream.finish() for text, stream in zip(texts, streams, strict=True)]
