"""From curated documents to token shards, one per source and language, training and held-out apart."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import xxhash

from smollab.documents import Document, read_documents
from smollab.tokens.shards import TokenShard, write_shard
from smollab.tokens.tokenizer import BOS, EOS, token_id

if TYPE_CHECKING:
    from tokenizers import Tokenizer


def is_held_out(document_id: str, share: float) -> bool:
    """Whether a document is kept for evaluation: a hash of its id decides, whatever else is in the corpus."""
    return _uniform("held out " + document_id) < share


def _uniform(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return xxhash.xxh3_64_intdigest(text.encode()) / 2**64


def sample_texts(paths: Iterable[Path], maximum_bytes: int, held_out: float) -> Iterator[str]:
    """Training texts for the tokenizer: all of them, or evenly spread ones where there are too many."""
    paths = list(paths)
    total = sum(len(d.text.encode()) for d in read_documents(*paths))
    share = min(1.0, maximum_bytes / max(total, 1))
    for document in read_documents(*paths):
        chosen = _uniform("tokenizer " + document.id) < share
        if chosen and not is_held_out(document.id, held_out):
            yield document.text


def tokenize_documents(
    kept: Path,
    tokenizer: "Tokenizer",
    output: Path,
    held_out: float,
    progress: Callable[[str, int, int], None] = lambda name, tokens, num_bytes: None,
) -> dict[str, dict[str, int]]:
    """Tokenize every Parquet shard of curated documents.

    Each document becomes BOS, its tokens, EOS. Shards of the name `web-en-00003.parquet` go to `web-en`.

    Args:
        kept: folder of Parquet shards.
        tokenizer: trained on them, or taken from elsewhere.
        output: receives `train/NAME/` and `held_out/NAME/`.
        held_out: share of documents for evaluation.
        progress: called after each shard with its name, tokens and bytes.

    Returns:
        For each name: train_tokens, train_bytes, held_out_tokens, held_out_bytes.
    """
    groups: dict[str, list[Path]] = {}
    for path in sorted(kept.glob("*.parquet")):
        stem = path.stem
        name = stem.rpartition("-")[0] if stem.rpartition("-")[2].isdigit() else stem
        groups.setdefault(name, []).append(path)
    fingerprint = tokenizer_hash(tokenizer)
    statistics: dict[str, dict[str, int]] = {}
    for name, paths in groups.items():
        row: dict[str, int] = {}
        for split in ("train", "held_out"):
            chosen = (d for d in read_documents(*paths) if is_held_out(d.id, held_out) == (split == "held_out"))
            encoded = encode(tokenizer, chosen)
            header = write_shard(output / split / name, encoded, tokenizer.get_vocab_size(), fingerprint)
            row |= {f"{split}_tokens": header.num_tokens, f"{split}_bytes": header.num_bytes}
        statistics[name] = row
        progress(name, row["train_tokens"] + row["held_out_tokens"], row["train_bytes"] + row["held_out_bytes"])
    output.mkdir(parents=True, exist_ok=True)
    (output / "statistics.json").write_text(json.dumps(statistics, indent=2) + "\n", encoding="utf-8")
    return statistics


def encode(
    tokenizer: "Tokenizer", documents: Iterable[Document], batch_size: int = 64
) -> Iterator[tuple[list[int], int]]:
    """Token ids of each document, with BOS before and EOS after, and the bytes of its text."""
    bos, eos = (token_id(tokenizer, name) for name in (BOS, EOS))
    tokenizer.encode_special_tokens = True  # a page that writes "<|end_of_text|>" does not end here
    texts = (document.text for document in documents)
    while batch := list(islice(texts, batch_size)):
        encodings = tokenizer.encode_batch(batch, add_special_tokens=False)  # on all cores
        for text, encoding in zip(batch, encodings, strict=True):
            yield [bos, *encoding.ids, eos], len(text.encode())


def tokenizer_hash(tokenizer: "Tokenizer") -> str:
    """Fingerprint of everything that decides how text becomes tokens."""
    return hashlib.sha256(tokenizer.to_str().encode()).hexdigest()[:16]


def open_shards(folder: Path, name: str) -> Sequence[TokenShard]:
    """Shards of a source (`web`: all languages) or of one language of it (`web-fr`).

    Raises:
        ValueError: there is none.
    """
    folders = sorted(p for p in folder.iterdir() if p.name == name or p.name.rpartition("-")[0] == name)
    shards = [shard for shard in map(TokenShard, folders) if len(shard)]
    if not shards:
        known = ", ".join(sorted(p.name for p in folder.iterdir()))
        raise ValueError(f"no curated text for {name!r}; there is: {known or 'nothing'}")
    return shards
