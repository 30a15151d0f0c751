"""The workflow: the steps from raw documents to a report, each run once for the same inputs.

    curate -> tokenize -> pretrain -> evaluate -> export -> report

The engine is doit: a step runs again if the settings it reads, the code it consists of, or the files it depends on
have changed, and only then. A finished step writes a manifest of its settings and of the checksums of what it made;
the next steps depend on that small file, so a step that ran again with the same outcome stops the chain.
Interrupted steps continue where they stopped: curation by shards, pretraining by checkpoints.
"""

import hashlib
import itertools
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smollab.progress import console
from smollab.recipe import Recipe, differences, resolve_place, to_toml
from smollab.train import TRAINING_CODE

PACKAGE = Path(__file__).parent


class WorkflowError(RuntimeError):
    """A run that cannot be begun or continued; the message says why."""


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
    from smollab.curate.pipeline import curate
    from smollab.curate.progress import Bars

    with Bars(console) as progress:
        funnel = curate(recipe.data, recipe.curate, folder / "curate", progress)
    console.print(
        f"  kept {funnel.documents_kept:,} of {funnel.documents_read:,} documents, "
        f"{funnel.characters_kept / 1e6:.1f} million characters"
    )


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

    tokenizer = load_tokenizer(folder / "tokenize" / "tokenizer")
    output = folder / "pretrain"

    def train() -> Path:
        return pretrain(
            recipe, folder / "tokenize" / "tokens", output, tokenizer.get_vocab_size(), token_bytes(tokenizer)
        )

    try:
        train()
    except CheckpointMismatch as mismatch:
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
    save_tokenizer(tokenizer, folder / "export", recipe.model.max_position_embeddings)
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
    Step("evaluate", evaluate_step, ("evaluate",), ("pretrain",), ("evaluate", "model/generate.py")),
    Step("export", export_step, (), ("pretrain",), ("model/huggingface.py",)),
    Step("report", report_step, (), ("evaluate", "export"), ("report.py", "report.html.jinja", "plots")),
)


def run_recipe(recipe: Recipe, folder: Path, until: str = "report") -> None:
    """Run the steps up to and including one, reusing all that are up to date.

    Args:
        recipe: what to run.
        folder: of the run; made if missing.
        until: name of the last step.

    Raises:
        WorkflowError: another process works in the same folder.
        Exception: whatever a step raised; the steps before it stay done.
        KeyboardInterrupt: stopped by the user; running again continues.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        _run_steps(recipe, folder, until)


def _run_steps(recipe: Recipe, folder: Path, until: str) -> None:
    from doit.api import run_tasks
    from doit.cmd_base import ModuleTaskLoader

    (folder / "recipe.toml").write_text(to_toml(recipe, comments=True), encoding="utf-8")
    failures: list[Exception] = []

    def make_task(step: Step) -> Callable[[], dict[str, Any]]:
        return lambda: _task(step, recipe, folder, failures)

    for step in _steps_until(until):
        # One call and one file for each step: doit writes what it has done when a call ends, and not atomically.
        state = folder / ".workflow" / f"{step.name}.json"
        state.parent.mkdir(exist_ok=True)
        _remove_if_torn(state)
        settings = {"dep_file": str(state), "backend": "json", "verbosity": 2, "reporter": _Reporter}
        loader = ModuleTaskLoader({f"task_{step.name}": make_task(step)})
        code = run_tasks(loader, {step.name: {}}, {"GLOBAL": settings})
        if failures:
            raise failures[0]
        if code:
            raise WorkflowError(f"{folder}: the workflow could not run; see the lines above")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run's folder; however this one ends, the lock ends with it."""
    import fcntl

    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(f"{folder}: another process works in this folder; wait for it, or use --run") from None
        yield


def _remove_if_torn(state: Path) -> None:
    """A full disk or a killed process may have left half a file; without it, the step runs again."""
    try:
        json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except ValueError:
        state.unlink()


def _steps_until(name: str) -> list[Step]:
    """A step and all that it needs, in order."""
    needed = {name}
    for step in reversed(STEPS):
        if step.name in needed:
            needed.update(step.needs)
    return [step for step in STEPS if step.name in needed]


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
        raise FileNotFoundError(f"{folder}: nothing was trained here; run `smollab run {folder.name}` first")
    tokenizer = load_tokenizer(folder / "tokenize" / "tokenizer")
    # The folder's recipe.toml may be that of a later run which has not come to training yet.
    settings = load_state(checkpoints[-1])["configuration"]["model"]
    model = Transformer(ModelConfig(**settings, vocab_size=tokenizer.get_vocab_size()))
    load_weights(checkpoints[-1], model)
    return model.eval(), tokenizer


def _task(step: Step, recipe: Recipe, folder: Path, failures: list[Exception]) -> dict[str, Any]:
    """The doit task of a step."""
    from doit.tools import config_changed

    manifest = folder / "manifests" / f"{step.name}.json"
    configuration = _configuration(step, recipe)

    def action() -> bool:
        started = time.monotonic()
        _say_why(step, manifest, configuration)
        try:
            step.action(recipe, folder)
            _write_manifest(manifest, step.name, configuration, folder)
        except Exception as error:  # reported by the caller as one line
            failures.append(error)
            return False
        console.print(f"  done in {time.monotonic() - started:.0f} s")
        return True

    return {
        "actions": [action],
        "file_dep": [
            *_code_files(step.code),
            *_input_files(step, recipe),
            *(str(folder / "manifests" / f"{name}.json") for name in step.needs),
        ],
        "targets": [str(manifest)],
        "uptodate": [config_changed(configuration), lambda: _is_intact(manifest, folder)],
        "io": {"capture": False},
    }


def _configuration(step: Step, recipe: Recipe) -> dict[str, Any]:
    """The settings a step reads; when they change it runs again."""
    plain = lambda section: [asdict(item) for item in section] if isinstance(section, tuple) else asdict(section)
    configuration: dict[str, Any] = {key: plain(getattr(recipe, key)) for key in step.sections}
    if step.name == "curate":
        del configuration["curate"]["workers"]  # the outcome does not depend on it
        del configuration["data"]["held_out"]  # the next step's
    if step.name == "tokenize":
        configuration["data"] = {"held_out": recipe.data.held_out}
    if step.name == "report":
        configuration["recipe"] = to_toml(recipe)
    result: dict[str, Any] = json.loads(json.dumps(configuration))  # tuples become lists, as in a stored manifest
    return result


def _code_files(code: tuple[str, ...]) -> list[str]:
    paths = [PACKAGE / place for place in code]
    return [str(f) for path in paths for f in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def _input_files(step: Step, recipe: Recipe) -> list[str]:
    """Local files a step reads beside what earlier steps made; what lies on the network is known by its address."""
    if step.name == "curate":
        from smollab.curate.readers import list_shards

        shards = [shard for name, source in recipe.data.sources.items() for shard in list_shards(name, source)]
        return [file for shard in shards for file in shard.files if Path(file).is_file()]
    if step.name == "tokenize" and recipe.tokenizer.path:
        file = Path(recipe.tokenizer.path) / "tokenizer.json"
        return [str(file)] if file.is_file() else []
    if step.name == "evaluate" and recipe.evaluate.minimal_pairs:
        return [str(resolve_place(recipe.evaluate.minimal_pairs))]
    return []


def _say_why(step: Step, manifest: Path, configuration: dict[str, Any]) -> None:
    """Announce a step, and what changed since it last ran."""
    console.print(f"[bold]{step.name}[/bold]")
    if manifest.exists():
        old = json.loads(manifest.read_text(encoding="utf-8"))["configuration"]
        changed = [d.replace(" there, ", " before, ").replace(" here", " now") for d in differences(old, configuration)]
        if changed and step.name != "report":
            console.print("  again, because of " + "; ".join(changed[:3]), markup=False, soft_wrap=True)


def _write_manifest(manifest: Path, name: str, configuration: dict[str, Any], folder: Path) -> None:
    output = folder / name if (folder / name).is_dir() else folder / f"{name}.html"
    files = sorted(p for p in output.rglob("*") if p.is_file()) if output.is_dir() else [output]
    checksums = {str(p.relative_to(folder)): _checksum(p) for p in files}
    # Metrics hold timings, which differ between equal runs.
    checksums.pop("pretrain/metrics.jsonl", None)
    manifest.parent.mkdir(exist_ok=True)
    content = {"step": name, "configuration": configuration, "files": checksums}
    unfinished = manifest.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(manifest)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(manifest: Path, folder: Path) -> bool:
    """Whether everything a step made is still there."""
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError):
        return False
    return all((folder / file).is_file() for file in files)


class _Reporter:
    """What doit calls to report; steps announce themselves."""

    desc = "smollab"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        self.outstream = outstream

    def skip_uptodate(self, task: Any) -> None:
        """Tell that a step is reused."""
        console.print(f"[bold]{task.name}[/bold]: reused, nothing it depends on has changed")

    def runtime_error(self, message: str) -> None:
        """Tell what doit itself could not do."""
        console.print(message, markup=False)

    def _silent(self, *arguments: Any) -> None:
        """Other events need no words."""

    initialize = get_status = execute_task = add_failure = add_success = _silent
    skip_ignore = cleanup_error = teardown_task = complete_run = _silent
