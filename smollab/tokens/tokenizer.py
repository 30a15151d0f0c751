"""A byte-level BPE tokenizer, trained on the curated text.

Text is cut into word-like pieces by the pattern of Llama 3 and GPT-4 (which SmolLM3 uses too), each piece is seen
as bytes, and the pair of neighbors that is most frequent is merged, again and again, until the vocabulary is
full. Nothing is ever out of vocabulary: any text is a sequence of bytes.

Source: Sennrich et al. 2016; bytes: Radford et al. 2019. Training and encoding are done by `tokenizers`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

BOS, EOS, PAD = "<|begin_of_text|>", "<|end_of_text|>", "<|pad|>"
SPECIAL_TOKENS = (BOS, EOS, PAD)

SPLIT_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Contractions; words with the space before them; digits in groups of at most three; punctuation; spaces."""


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> "Tokenizer":
    """Train a byte-level BPE tokenizer; the same texts in the same order give the same tokenizer.

    Raises:
        ValueError: the vocabulary is smaller than the 256 bytes and the special tokens, or there is no text.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    smallest = 256 + len(SPECIAL_TOKENS)
    if vocab_size < smallest:
        raise ValueError(f"tokenizer.vocab_size is {vocab_size}; bytes and special tokens alone need {smallest}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT_PATTERN), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    if tokenizer.get_vocab_size() < vocab_size:
        raise ValueError(
            f"the text yields only {tokenizer.get_vocab_size()} of tokenizer.vocab_size = {vocab_size} entries: "
            "give more text or ask for fewer"
        )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer


def save_tokenizer(tokenizer: "Tokenizer", folder: Path, model_max_length: int) -> None:
    """Write tokenizer.json and tokenizer_config.json, which `transformers.AutoTokenizer` loads."""
    import json

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "model_max_length": model_max_length,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def token_id(tokenizer: "Tokenizer", token: str) -> int:
    """Id of a special token.

    Raises:
        ValueError: the tokenizer does not have it.
    """
    index = tokenizer.token_to_id(token)
    if index is None:
        raise ValueError(f"the tokenizer has no {token}; its special tokens must include {', '.join(SPECIAL_TOKENS)}")
    return index


def fetch_tokenizer(name: str) -> "Tokenizer":
    """The tokenizer of a folder, or of a model on the Hugging Face hub, such as `HuggingFaceTB/SmolLM3-3B`.

    Raises:
        ValueError: neither can be had.
    """
    from tokenizers import Tokenizer

    if (Path(name) / "tokenizer.json").is_file():
        return load_tokenizer(Path(name))
    try:
        return Tokenizer.from_pretrained(name)
    except Exception as error:  # tokenizers raises nothing more specific
        raise ValueError(
            f"tokenizer.path = {name!r} is no folder with tokenizer.json, and the hub does not give it: {error}"
        ) from None


def load_tokenizer(folder: Path) -> "Tokenizer":
    """Read tokenizer.json.

    Raises:
        FileNotFoundError: naming the file.
        ValueError: the file is damaged.
    """
    from tokenizers import Tokenizer

    path = folder / "tokenizer.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no tokenizer here; train one with `smollab tokenize`")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing more specific
        raise ValueError(f"{path}: not a tokenizer: {error}") from None
