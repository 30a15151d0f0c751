"""The verbs for a trained model: generate, merge, evaluate passkey."""

import argparse
import itertools
from pathlib import Path
from typing import Any


def generate(options: argparse.Namespace) -> None:
    """Let a trained model continue a text, printing each token as it comes."""
    from smollab.model.generate import room
    from smollab.model.sampling import Sampling
    from smollab.model.text_stream import printable, stream_text

    sampling = Sampling(options.temperature, options.top_p, options.top_k, options.min_p, options.repetition_penalty)
    for option, texts in (("--prompt", [options.prompt]), ("--stop", options.stop)):
        try:
            "".join(texts).encode()
        except UnicodeEncodeError:
            raise ValueError(f"{option}: not valid UTF-8") from None
    if not 0 <= options.seed < 2**63:
        raise ValueError(f"--seed {options.seed}: must be from 0 to {2**63 - 1}")
    model, tokenizer, _, ends = _load_model(options.model)
    count = options.max_new_tokens
    if count is None:
        count = min(120, room(model, len(tokenizer.encode(options.prompt).ids)))
    pieces = stream_text(model, tokenizer, options.prompt, count, sampling, ends, options.stop, options.seed)
    first = next(pieces, "")  # what cannot be done is told before anything is printed
    print(options.prompt, end="", flush=True)
    for piece in itertools.chain([first], pieces):
        print(printable(piece), end="", flush=True)
    print()


def merge(options: argparse.Namespace) -> None:
    """Average the weights of several models of one shape, and write the mean as a Hugging Face folder."""
    from smollab.experiments.merge import merge as merge_models

    try:
        weights = [float(text) for text in (options.weights or "").split(",") if text]
    except ValueError:
        raise ValueError(f"--weights {options.weights}: expected numbers, such as 0.9,0.1") from None
    places = [next((p for p in (Path(m), Path("runs") / m) if p.is_dir()), Path(m)) for m in options.models]
    merge_models(places, weights, Path(options.output))
    print(options.output)


def evaluate_passkey(options: argparse.Namespace) -> None:
    """Ask a model for a key that stands somewhere in a long text, at several lengths and depths."""
    from smollab.evaluate.passkey import ask_checkpoint, passkey_table
    from smollab.plots.positions import plot_passkeys
    from smollab.plots.style import to_png
    from smollab.progress import console

    try:
        lengths = [int(text) for text in (options.lengths or "").split(",") if text]
    except ValueError:
        raise ValueError(f"--lengths {options.lengths}: expected numbers, such as 256,512") from None
    if options.keys < 1 or options.digits < 1 or any(length < 1 for length in lengths):
        raise ValueError("--lengths, --keys and --digits must be at least 1")
    model, tokenizer, bos, _ = _load_model(options.model)
    scores = ask_checkpoint(
        model, tokenizer, options.filler, lengths, options.method, options.keys, options.digits, options.seed, bos
    )
    console.print(passkey_table(scores))
    if options.plot:
        trained = model.config.max_position_embeddings
        figure = plot_passkeys({"% of keys found": scores.map}, scores.lengths, scores.depths, trained)
        Path(options.plot).write_bytes(to_png(figure))
        print(options.plot)


def _load_model(name: str) -> tuple[Any, Any, int | None, tuple[int, ...]]:
    """Of a run, by its name or folder, or of a Hugging Face folder: model, tokenizer, and the tokens that begin and end
    a text."""
    from smollab.model.huggingface import load_huggingface, load_token_ids
    from smollab.steps import load_run
    from smollab.tokens.tokenizer import BOS, EOS, load_tokenizer

    folder = next((p for p in (Path(name), Path("runs") / name) if p.is_dir()), Path(name))
    if (folder / "config.json").is_file():
        model, tokenizer = load_huggingface(folder).eval(), load_tokenizer(folder)
        begin, ends = load_token_ids(folder)
    else:
        (model, tokenizer), begin, ends = load_run(folder), None, ()
    begin = tokenizer.token_to_id(BOS) if begin is None else begin
    end = tokenizer.token_to_id(EOS)
    return model, tokenizer, begin, ends or (() if end is None else (end,))
