"""Turning the time dial: measure this machine, choose a model by the scaling law, keep the choice, and say why.

Speed is measured by real steps: on real batches, with the optimizer, of the very model that looks best. If another
looks best after that it is measured too, until the best one is; the speed of those between is interpolated.
"""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from smollab.hardware import measure_matmul, memory_gib, training_device
from smollab.model.config import ModelConfig
from smollab.optim import build_optimizers
from smollab.progress import console
from smollab.recipe import Model, Recipe, load_recipe, plan_stages, to_toml
from smollab.scaling.budget import (
    DEVICE_FLOPS,
    DEVICE_UTILIZATION,
    Budget,
    BudgetError,
    Choice,
    affordable_flops,
    choose,
    mixture_shares,
    sizes,
)
from smollab.scaling.flops import flops_per_token
from smollab.scaling.law import Law, load_law
from smollab.scaling.layout import rank_memory
from smollab.tokens.proportions import effective_tokens
from smollab.tokens.shards import ShardError
from smollab.tokens.tokenize import open_shards
from smollab.train.data import begin_stage, open_mixture
from smollab.train.loop import build_model
from smollab.train.step import set_learning_rates, train_step

if TYPE_CHECKING:
    from rich.table import Table

FIRST_GUESS = 0.5
"""Share of the speed of a matrix product that a step is thought to reach before any was measured."""
MEASURING = 0.05
"""Share of the budget that measuring may take, at most."""
STEP_SECONDS = 2.0
"""Each size is measured for so long, and for two steps at least."""
MEMORY = 0.5
"""Share of this machine's memory that a model may take."""


@dataclass
class Speeds:
    """Tokens a second of models of each width: measured, or estimated from the nearest measured ones."""

    recipe: Recipe
    flops: float
    """Operations a second of a matrix product; of all devices."""
    guess: float = FIRST_GUESS
    measured: dict[int, float] = field(default_factory=dict)
    """Width -> share of these operations that its steps reach."""

    def tokens_per_second(self, model: Model) -> float:
        """Of a model; its share is interpolated in the logarithm of the width."""
        share = self.guess
        if self.measured:
            narrower = max((w for w in self.measured if w <= model.hidden_size), default=min(self.measured))
            wider = min((w for w in self.measured if w >= model.hidden_size), default=max(self.measured))
            place = math.log(model.hidden_size / narrower) / math.log(wider / narrower) if wider > narrower else 0.0
            share = self.measured[narrower] + place * (self.measured[wider] - self.measured[narrower])
        return share * self.flops / self._flops_per_token(model)

    def add(self, model: Model, tokens_per_second: float) -> None:
        """Keep a measured speed."""
        self.measured[model.hidden_size] = tokens_per_second * self._flops_per_token(model) / self.flops

    def _flops_per_token(self, model: Model) -> float:
        config = ModelConfig.from_recipe(model, self.recipe.tokenizer.vocab_size)
        return flops_per_token(config, self.recipe.train.sequence_length)


def dial(recipe: Recipe, folder: Path, budget: Budget, law: Law | None = None) -> tuple[Recipe, "Table"]:
    """Choose the run that makes the best of a budget, or the one that was chosen before in this folder.

    Args:
        recipe: what is scaled; its curated text is tokenized already.
        folder: of the run; receives budget.toml, the recipe that was chosen, and budget.json, for what.
        budget: to spend.
        law: expected loss; left out: the package's.

    Returns:
        The recipe to run, and why it is that one.

    Raises:
        BudgetError: the budget is too small.
    """
    law = law or load_law()
    asked = {"budget": budget.text, "recipe": to_toml(recipe)}
    kept, note = folder / "budget.toml", folder / "budget.json"
    if kept.exists() and note.exists() and (noted := json.loads(note.read_text(encoding="utf-8")))["asked"] == asked:
        speeds = Speeds(recipe, noted["flops"], noted["guess"], {int(w): s for w, s in noted["measured"].items()})
        chosen = load_recipe(kept)
        return chosen, explain(chosen, _choices(recipe, folder, budget, law, speeds, noted["seconds"]), law, speeds)
    began = time.perf_counter()
    speeds = _speeds(recipe, budget)
    choices = _choices(recipe, folder, budget, law, speeds, budget.seconds)
    if budget.seconds is not None and not budget.device:
        limit = MEASURING * budget.seconds
        while (best := choices[0].recipe.model).hidden_size not in speeds.measured:
            if speeds.measured and time.perf_counter() - began > limit:
                near = [c for c in choices if c.recipe.model.hidden_size in speeds.measured]
                choices = near + [c for c in choices if c not in near]  # the best of those that are known
                break
            speeds.add(best, measure(choices[0].recipe, folder, min(STEP_SECONDS, limit / 3)))
            choices = _choices(recipe, folder, budget, law, speeds, budget.seconds)
    seconds = None if budget.seconds is None else budget.seconds - (time.perf_counter() - began)
    if seconds is not None and seconds <= 0:
        raise BudgetError(f"--budget {budget.text}: measuring the speed took longer than that; give more")
    chosen = choices[0].recipe
    chosen = replace(chosen, train=replace(chosen.train, seconds=None if budget.flops else seconds))
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(to_toml(chosen), encoding="utf-8")
    noted = {"asked": asked, "flops": speeds.flops, "guess": speeds.guess, "measured": speeds.measured}
    note.write_text(json.dumps(noted | {"seconds": seconds}, indent=1) + "\n", encoding="utf-8")
    return chosen, explain(chosen, choices, law, speeds)


def measure(recipe: Recipe, folder: Path, seconds: float) -> float:
    """Tokens a second of real training steps, after one that warms up."""
    tokens = folder / "tokenize" / "tokens"
    device = training_device()
    model = build_model(recipe, recipe.tokenizer.vocab_size, device, tokens)
    optimizers = build_optimizers(model, recipe.optimizer)
    mixture, (plan, *_) = open_mixture(recipe, tokens / "train"), plan_stages(recipe)
    begin_stage(plan, model, mixture, plan.begin)
    steps, began = -1, time.perf_counter()
    while steps < 2 or time.perf_counter() - began < seconds:
        set_learning_rates(optimizers, recipe, plan, plan.begin)
        train_step(model, optimizers, mixture.next_batch(plan.batch_sequences)[0].to(device), recipe)
        steps += 1
        if steps == 0:
            began = time.perf_counter()
    spent = time.perf_counter() - began
    return steps * plan.batch_sequences * plan.sequence_length / spent


def _speeds(recipe: Recipe, budget: Budget) -> Speeds:
    if budget.device:
        return Speeds(recipe, budget.devices * DEVICE_FLOPS[budget.device], DEVICE_UTILIZATION)
    bfloat16 = torch.cuda.is_available()
    return Speeds(recipe, measure_matmul("bfloat16" if bfloat16 else "float32", seconds=0.2).gflops * 1e9)


def _choices(
    recipe: Recipe, folder: Path, budget: Budget, law: Law, speeds: Speeds, seconds: float | None
) -> list[Choice]:
    if budget.flops is not None:
        affordable = affordable_flops(recipe, budget.flops)
    else:
        assert seconds is not None
        affordable = lambda model: seconds * speeds.tokens_per_second(model)
    if budget.devices > 1:
        shard = math.gcd(budget.devices, 8)
        recipe = replace(recipe, parallel=replace(recipe.parallel, shard=shard, data=budget.devices // shard))
    return choose(recipe, affordable, law, worth(recipe, folder), _largest(recipe, budget))


def worth(recipe: Recipe, folder: Path) -> Callable[[float], float]:
    """Tokens read -> new tokens worth as much, by what there is of each source; streams are without end."""
    shares, there = mixture_shares(recipe), {}
    for name in shares:
        source = recipe.data.sources.get(name)
        try:
            if source is None or not source.stream:
                shards = open_shards(folder / "tokenize" / "tokens" / "train", name)
                there[name] = sum(shard.header.num_tokens for shard in shards)
        except (OSError, ShardError):  # not tokenized yet, as for another machine's budget
            pass
    return lambda tokens: sum(effective_tokens(there.get(n, math.inf), s * tokens) for n, s in shares.items())


def _largest(recipe: Recipe, budget: Budget) -> int:
    """The widest model whose training fits into memory."""
    room = 80e9 if budget.device else MEMORY * memory_gib() * 2**30
    if training_device().type == "cuda" and not budget.device:
        room = 0.9 * torch.cuda.get_device_properties(0).total_memory
    fitting = recipe.model.head_width
    for model in sizes(recipe.model):
        candidate = replace(recipe, model=model)
        config = ModelConfig.from_recipe(model, recipe.tokenizer.vocab_size)
        train = recipe.train
        if rank_memory(candidate, config, train.sequence_length, train.micro_batch_sequences).total > room:
            break
        fitting = model.hidden_size
    return fitting


def explain(chosen: Recipe, choices: list[Choice], law: Law, speeds: Speeds) -> "Table":
    """The sizes around the best one, and what speaks for it."""
    from rich.table import Table

    by_size = sorted(choices, key=lambda choice: choice.recipe.model.hidden_size)
    place = next(i for i, c in enumerate(by_size) if c.recipe.model == chosen.model)
    best = by_size[place]
    notes = [f"Expected {law.unit} by the law {law.E:g} + {law.A:g}/N^{law.alpha:g} + {law.B:g}/D^{law.beta:g}."]
    notes.append(law.source)
    if not law.reaches(best.parts.total, best.effective):
        notes.append("The run lies far outside the range of that fit: take the forecast as a rough guess.")
    if best.effective < 0.99 * best.tokens:
        notes.append(f"Text is read again: {best.tokens:,.0f} tokens are worth {best.effective:,.0f} new ones.")
    table = Table(title=f"{chosen.name} within the budget", title_justify="left", caption=" ".join(notes))
    table.caption_justify = "left"
    for name in ("width", "layers", "parameters", "tokens/s", "tokens", "steps", "batch", "rate", "expected"):
        table.add_column(name, justify="right")
    for choice in by_size[max(0, place - 4) : place + 5]:
        recipe, width = choice.recipe, choice.recipe.model.hidden_size
        known = "measured" if width in speeds.measured else "estimated"
        table.add_row(
            f"{width}",
            f"{recipe.model.num_hidden_layers}",
            f"{choice.parts.total / 1e6:,.2f} M",
            f"{speeds.tokens_per_second(recipe.model):,.0f} {known}",
            f"{choice.tokens / 1e6:,.2f} M",
            f"{recipe.total_steps:,}",
            f"{recipe.train.batch_sequences * recipe.train.sequence_length:,}",
            f"{recipe.optimizer.learning_rate:.2g}",
            f"{choice.loss:.3f}",
            style="bold" if choice is best else None,
        )
    return table


def say(chosen: Recipe) -> None:
    """One line on what was chosen."""
    tokens = chosen.total_tokens
    console.print(
        f"[bold]budget[/bold]: width {chosen.model.hidden_size}, {chosen.model.num_hidden_layers} layers, "
        f"{tokens / 1e6:,.2f} M tokens in {chosen.total_steps:,} steps (--explain tells why)"
    )
