"""The steps of the main job: what each does in a run's folder, and what it depends on.

The functions are thin over the package; `smollab.workflow` decides which of them run.
"""

import itertools
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from smollab.progress import console
from smollab.recipe import Recipe
from smollab.train import TRAINING_CODE

MAXIMUM_PROBLEMS = 5
"""Files with problems named on the screen; all are in funnel.json."""


@dataclass(frozen=True)
class Step:
    """One step of the workflow."""

    name: str
    action: Callable[[Recipe, Path], None]
    """Called with the recipe and the run's folder; writes into `folder / name`."""
    sections: tuple[str, ...]
    """Sections of the recipe it reads; when they change it runs again."""
    needs: tuple[str, ...]
    """Steps whose outcome it reads."""
    code: tuple[str, ...]
    """Files and folders of the package it consists of; when they change it runs again."""


def curate_step(recipe: Recipe, folder: Path) -> None:
    """Extract, filter, deduplicate and mask the sources."""
    from smollab.curate.errors import CurationError
    from smollab.curate.pipeline import curate
    from smollab.curate.progress import Bars
    from smollab.curate.statistics import write_statistics

    data = replace(recipe.data, sources={name: s for name, s in recipe.data.sources.items() if not s.stream})
    if not data.sources:
        (folder / "curate" / "kept").mkdir(parents=True, exist_ok=True)
        console.print("  all sources are streamed: nothing to curate")
        return
    with Bars(console) as progress:
        funnel = curate(data, recipe.curate, folder / "curate", progress)
    write_statistics(folder / "curate")
    console.print(
        f"  kept {funnel.documents_kept:,} of {funnel.documents_read:,} documents, "
        f"{funnel.characters_kept / 1e6:.1f} million characters"
    )
    problems = [(file, what) for s in funnel.sources.values() for file, found in s.problems.items() for what in found]
    for file, what in problems[:MAXIMUM_PROBLEMS]:
        console.print(f"  {file}: {what}", markup=False, soft_wrap=True)
    place = folder / "curate" / "funnel.json"
    if len(problems) > MAXIMUM_PROBLEMS:
        console.print(f"  and {len(problems) - MAXIMUM_PROBLEMS} more: {place}", markup=False, soft_wrap=True)
    if not funnel.documents_kept:
        drops = [(r, c.documents) for s in funnel.sources.values() for t in s.steps for r, c in t.drops.items()]
        reasons = "; ".join(f"{reason} ({count})" for reason, count in sorted(drops, key=lambda d: -d[1])[:3])
        raise CurationError(f"no document was kept: {reasons or 'nothing could be read'}; all reasons: {place}")


def tokenize_step(recipe: Recipe, folder: Path) -> None:
    """Train the tokenizer (or take the recipe's) and turn documents into token shards."""
    from smollab.progress import progress
    from smollab.tokens.tokenize import sample_texts, tokenize_documents
    from smollab.tokens.tokenizer import fetch_tokenizer, save_tokenizer, train_tokenizer

    output = folder / "tokenize"
    shutil.rmtree(output, ignore_errors=True)
    kept = sorted((folder / "curate" / "kept").glob("*.parquet"))
    if recipe.tokenizer.path:
        tokenizer = fetch_tokenizer(recipe.tokenizer.path)
    elif not kept:
        raise ValueError("sources that are streamed need tokenizer.path: there is no curated text to train one on")
    else:
        texts = sample_texts(kept, recipe.tokenizer.training_bytes, recipe.data.held_out)
        tokenizer = train_tokenizer(texts, recipe.tokenizer.vocab_size)
    save_tokenizer(tokenizer, output / "tokenizer", recipe.model.max_position_embeddings)
    with progress("tokenize", len(kept)) as advance:

        def tell(name: str, tokens: int, num_bytes: int) -> None:
            advance(1, f"{name}: {tokens:,} tokens")

        statistics = tokenize_documents(
            folder / "curate" / "kept", tokenizer, output / "tokens", recipe.data.held_out, tell
        )
    total = sum(row["train_tokens"] for row in statistics.values())
    num_bytes = sum(row["train_bytes"] for row in statistics.values())
    console.print(
        f"  vocabulary {tokenizer.get_vocab_size():,}; {total:,} training tokens "
        f"of {num_bytes / max(total, 1):.2f} bytes each"
    )


def pretrain_step(recipe: Recipe, folder: Path) -> None:
    """Train the model, or continue an interrupted training."""
    from smollab.evaluate.bits_per_byte import token_bytes
    from smollab.tokens.tokenizer import load_tokenizer
    from smollab.train.checkpoint import CheckpointMismatch
    from smollab.train.loop import pretrain
    from smollab.train.processes import world_size

    tokenizer = load_tokenizer(folder / "tokenize" / "tokenizer")
    output = folder / "pretrain"

    def train() -> Path:
        return pretrain(
            recipe, folder / "tokenize" / "tokens", output, tokenizer.get_vocab_size(), token_bytes(tokenizer)
        )

    try:
        train()
    except CheckpointMismatch as mismatch:
        if world_size() > 1:
            raise  # the others wait in the middle of theirs
        archive = _free_name(folder / "archive" / time.strftime("pretrain-%Y%m%d-%H%M%S"))
        archive.parent.mkdir(exist_ok=True)
        output.rename(archive)
        console.print(
            f"  {str(mismatch).partition('. ')[0]}\n  kept the old training in {archive}; starting anew", soft_wrap=True
        )
        train()


def _free_name(path: Path) -> Path:
    """The path, or with -2, -3, ... the first that nothing has yet."""
    names = itertools.chain([path], (path.with_name(f"{path.name}-{number}") for number in itertools.count(2)))
    return next(name for name in names if not name.exists())


def evaluate_step(recipe: Recipe, folder: Path) -> None:
    """Measure the trained model on held-out text and minimal pairs, and let it write."""
    from smollab.evaluate.suite import evaluate

    model, tokenizer = load_run(folder)
    results = evaluate(model, tokenizer, folder / "tokenize" / "tokens" / "held_out", recipe.evaluate, recipe.train)
    output = folder / "evaluate"
    output.mkdir(exist_ok=True)
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (output / "results.json").write_text(text, encoding="utf-8")
    for name, bits in results["bits_per_byte"].items():
        console.print(f"  {name:<12} {bits:.3f} bits per byte")
    if "all" in results["minimal_pairs"]:
        row = results["minimal_pairs"]["all"]
        low, high = row["interval"]
        console.print(f"  minimal pairs {row['accuracy']:.1%} right ({low:.1%} to {high:.1%}; chance 50%)")


def export_step(recipe: Recipe, folder: Path) -> None:
    """Write the model and its tokenizer as a Hugging Face folder."""
    from smollab.model.huggingface import save_huggingface
    from smollab.tokens.tokenizer import BOS, EOS, PAD, save_tokenizer

    model, tokenizer = load_run(folder)
    ids = {f"{n}_token_id": tokenizer.token_to_id(t) for n, t in (("bos", BOS), ("eos", EOS), ("pad", PAD))}
    save_huggingface(model, folder / "export", **ids)
    save_tokenizer(tokenizer, folder / "export", model.config.max_position_embeddings)
    console.print(f'  AutoModelForCausalLM.from_pretrained("{folder / "export"}")', soft_wrap=True)


def report_step(recipe: Recipe, folder: Path) -> None:
    """Write the self-contained report."""
    from smollab.report import write_report

    write_report(recipe, folder, folder / "report.html")


STEPS = (
    Step("curate", curate_step, ("data", "curate"), (), ("curate", "documents.py")),
    Step("tokenize", tokenize_step, ("tokenizer",), ("curate",), ("tokens",)),
    Step(
        "pretrain",
        pretrain_step,
        ("model", "stages", "objective", "optimizer", "schedule", "train"),
        ("tokenize",),
        TRAINING_CODE,
    ),
    Step("evaluate", evaluate_step, ("evaluate",), ("pretrain",), ("evaluate", "model")),
    Step("export", export_step, (), ("pretrain",), ("model/huggingface.py",)),
    Step("report", report_step, (), ("evaluate", "export"), ("report.py", "report.html.jinja", "plots")),
)


def load_run(folder: Path) -> tuple[Any, Any]:
    """The trained model and the tokenizer of a run.

    Raises:
        FileNotFoundError: nothing has been trained there.
    """
    from smollab.model.config import ModelConfig
    from smollab.model.transformer import Transformer
    from smollab.tokens.tokenizer import load_tokenizer
    from smollab.train.checkpoint import list_checkpoints, load_state, load_weights

    checkpoints = list_checkpoints(folder / "pretrain" / "checkpoints")
    if not checkpoints:
        raise FileNotFoundError(
            f"{folder}: nothing was trained here; name a run, such as laptop after `smollab run laptop`"
        )
    tokenizer = load_tokenizer(folder / "tokenize" / "tokenizer")
    # The folder's recipe.toml may be that of a later run which has not come to training yet.
    state = load_state(checkpoints[-1])
    settings = state["configuration"]["model"] | state["model"]
    model = Transformer(ModelConfig(**settings, vocab_size=tokenizer.get_vocab_size()))
    load_weights(checkpoints[-1], model)
    return model.eval(), tokenizer
