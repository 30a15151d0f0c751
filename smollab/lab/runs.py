"""Open a finished run: the main job's if it is there, otherwise that of a small recipe, run on the spot."""

import fcntl
import io
import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from smollab.curate.funnel import Funnel
from smollab.model.transformer import Transformer
from smollab.optim.schedules import learning_rate_factor
from smollab.progress import console
from smollab.recipe import Recipe, load_recipe
from smollab.steps import load_run
from smollab.tokens.shards import TokenShard
from smollab.train.checkpoint import OPTIMIZER, list_checkpoints
from smollab.train.metrics import read_metrics
from smollab.workflow import run_recipe

if TYPE_CHECKING:
    from tokenizers import Tokenizer

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Run:
    """Everything a finished run left behind, read into memory."""

    name: str
    """Of its recipe."""
    folder: Path
    recipe: Recipe
    funnel: Funnel
    tokens: dict[str, dict[str, int]]
    """Source and language -> `train_tokens`, `train_bytes`, ... of the tokenized text."""
    metrics: list[dict[str, Any]]
    """One row per logged training step."""
    results: dict[str, Any]
    """What `smollab evaluate` measured."""
    model: Transformer
    tokenizer: "Tokenizer"

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Read a run's folder.

        Raises:
            FileNotFoundError: the run was not finished.
        """
        model, tokenizer = load_run(folder)
        read = lambda place: json.loads((folder / place).read_text(encoding="utf-8"))
        recipe = load_recipe(folder / "recipe.toml")
        return cls(
            name=recipe.name,
            folder=folder,
            recipe=recipe,
            funnel=Funnel.load(folder / "curate"),
            tokens=read("tokenize/tokens/statistics.json"),
            metrics=read_metrics(folder / "pretrain" / "metrics.jsonl"),
            results=read("evaluate/results.json"),
            model=model,
            tokenizer=tokenizer,
        )

    def held_out(self, source: str, num_tokens: int) -> torch.Tensor:
        """The first tokens of the longest document of a source that was kept away from training.

        Args:
            source: `web`: in English if the run has it, otherwise in its first language; or `web-fr` and the like.
            num_tokens: at most so many.
        """
        folder = self.folder / "tokenize" / "tokens" / "held_out"
        folders = [folder / f"{source}-en", folder / source, *sorted(folder.glob(f"{source}-*"))]
        shard = TokenShard(next(path for path in folders if (path / "header.json").is_file()))
        longest = max(range(len(shard)), key=lambda index: len(shard.document(index)))
        return torch.from_numpy(shard.document(longest)[:num_tokens].astype("int64"))

    def planned_learning_rates(self) -> list[float]:
        """What the schedule asked for at each logged step, for the matrices inside the blocks."""
        plan, total = self.recipe.schedule, self.recipe.total_steps
        return [
            self.recipe.optimizer.learning_rate * learning_rate_factor(plan, row["step"] - 1, total)
            for row in self.metrics
        ]

    def stages(self) -> dict[str, int]:
        """Name of each stage -> its first logged step."""
        first: dict[str, int] = {}
        for row in self.metrics:
            first.setdefault(row["stage"], row["step"])
        return first

    def passes(self) -> dict[str, tuple[int, int]]:
        """Source -> tokens that curation left for training, and tokens that training read."""
        read: Counter[str] = Counter()
        for row in self.metrics:
            for source, sequences in row["sources"].items():
                read[source] += sequences * row["sequence_length"]
        left: Counter[str] = Counter()
        for name, counts in self.tokens.items():
            for source in {name, name.rpartition("-")[0]}:
                left[source] += counts["train_tokens"]
        return {source: (left[source], tokens) for source, tokens in read.most_common()}

    def momentum(self, parameter: str) -> torch.Tensor:
        """Muon's momentum of one matrix, as it was after the last step of training.

        Raises:
            KeyError: the run has no momentum of that name, because AdamW trained it.
        """
        from safetensors import safe_open

        path = list_checkpoints(self.folder / "pretrain" / "checkpoints")[-1] / OPTIMIZER
        key = f"{parameter}/momentum_buffer"
        with safe_open(path, framework="pt") as file:
            if key not in file.keys():  # noqa: SIM118 - a safetensors file is no mapping
                raise KeyError(f"{self.name} holds no momentum of {parameter}: it was not trained with Muon")
            tensor: torch.Tensor = file.get_tensor(key)
        return tensor


def open_run(prefer: str = "laptop", otherwise: str = "smoke", runs: Path | None = None) -> Run:
    """Open the preferred run if it is finished; if not, run a small recipe (or reuse it) and open that.

    Args:
        prefer: a run that takes long; it is never started here.
        otherwise: a recipe that takes seconds.
        runs: folder of all runs; left out: what the environment variable SMOLLAB_RUNS names, or `runs` of this
            repository.
    """
    runs = runs or runs_folder()
    if (runs / prefer / "report.html").is_file():
        print(f"Opened runs/{prefer}, the main job you ran before.")
        return Run.load(runs / prefer)
    print(f"There is no finished run of {prefer!r} here (`make run` makes it), so {otherwise!r} is run instead.")
    recipe = load_recipe(otherwise)
    with locked(runs / f".{otherwise}.lock"), _quiet():
        run_recipe(recipe, runs / otherwise)
    return Run.load(runs / otherwise)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep progress and timings out of a notebook's stored output."""
    before, console.quiet = console.quiet, True
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        console.quiet = before


def runs_folder() -> Path:
    """The folder of all runs: what the environment variable SMOLLAB_RUNS names, or `runs` of this repository."""
    return Path(os.environ.get("SMOLLAB_RUNS", REPOSITORY / "runs"))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time do the run; the next finds it done."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
