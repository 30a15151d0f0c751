"""A monitor that acts: what looks wrong in a step is told, and answered by the recipe's policy.

A loss or gradient norm is a spike when it lies many standard deviations above the mean of the last steps. What was left
out or is not finite never enters that mean: one infinite value would make every later one look harmless.

The monitor sees only numbers that all ranks share, so all come to the same answer; and what it remembers is part of
every checkpoint, so a resumed run comes to the same answers too.

Sources: skipping data around a spike after going back to a checkpoint: PaLM (Chowdhery et al. 2022, section 5.1);
leaving out steps by deviations: OLMo 2 (2024, section 3.1).
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from smollab.recipe import Monitor as Settings

LATE = ("attention_logits", "update_ratio")
"""Kinds of events that are seen only after the weights have changed."""


@dataclass(frozen=True)
class Event:
    """Something that looked wrong."""

    step: int
    """Counted from 1, as in the log."""
    kind: str
    """The setting whose policy was asked: `loss_spike` and so on."""
    action: str
    """The policy, or `stop` where it has been used too often."""
    reason: str
    """One sentence with the numbers."""


class Monitor:
    """Judges the steps of a run.

    Args:
        settings: policies and limits.
        log: receives a JSON line for every event; None on ranks that write nothing.
    """

    def __init__(self, settings: Settings, log: Path | None = None) -> None:
        self.settings, self._log = settings, log
        self._seen: dict[str, list[float]] = {"loss": [], "gradient": []}
        self._lower_until, self._skipped, self.rollbacks = 0, 0, 0

    def before_update(self, step: int, loss: float, grad_norm: float) -> Event | None:
        """Judge a step before the weights change; an event's action tells whether they may."""
        event = None
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            event = self._event(step, "non_finite", f"loss {loss}, gradient norm {grad_norm}")
        elif reason := self._spike("loss", loss):
            event = self._event(step, "loss_spike", reason)
        elif reason := self._spike("gradient", grad_norm):
            event = self._event(step, "gradient_spike", reason)
        if event is None or event.action == "warn":
            for name, value in (("loss", loss), ("gradient", grad_norm)):
                if math.isfinite(value):
                    self._seen[name] = [*self._seen[name], value][-self.settings.window :]
            self._skipped = 0
        return event

    def after_update(self, step: int, details: dict[str, Any]) -> Event | None:
        """Judge what `smollab.train.details` measured around a step; nothing where it measured nothing."""
        largest = max((x for heads in details.get("attention_logits", []) for x in heads if x is not None), default=0.0)
        if largest > self.settings.maximum_attention_logit:
            limit = self.settings.maximum_attention_logit
            return self._event(step, "attention_logits", f"a logit of attention is {largest:.1f}, above {limit:g}")
        for role, ratio in details.get("update_ratio", {}).items():
            if ratio > self.settings.maximum_update_ratio:
                return self._event(step, "update_ratio", f"{role} weights moved by {ratio:.2f} of their norm")
        return None

    def rate_factor(self, step: int) -> float:
        """What the learning rate of a step, counted from 0, is multiplied by."""
        return self.settings.rate_factor if step < self._lower_until else 1.0

    def _spike(self, name: str, value: float) -> str:
        """Why a value is a spike; empty if it is none."""
        seen = self._seen[name]
        if len(seen) < self.settings.minimum_steps:
            return ""
        mean = sum(seen) / len(seen)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in seen) / len(seen))
        if value <= mean + self.settings.spike_deviations * deviation:
            return ""
        away = (value - mean) / deviation if deviation else math.inf
        return f"{name} {value:.4g} is {away:.1f} deviations above the mean {mean:.4g} of {len(seen)} steps"

    def _event(self, step: int, kind: str, reason: str) -> Event | None:
        action = str(getattr(self.settings, kind))
        if action == "ignore" or (action == "warn" and kind == "non_finite"):
            if kind != "non_finite":
                return None
            action = "skip"  # the weights cannot be changed by what is no number
        if action in ("skip", "lower_rate") and kind in ("non_finite", "loss_spike", "gradient_spike"):
            self._skipped += 1
            if self._skipped >= self.settings.maximum_skips:
                action, reason = "stop", f"{reason}; {self._skipped} steps one after the other were left out"
        if action == "lower_rate":
            self._lower_until = step + self.settings.rate_steps
        if action == "roll_back":
            self.rollbacks += 1
            if self.rollbacks > self.settings.maximum_rollbacks:
                action, reason = "stop", f"{reason}; the run went back {self.settings.maximum_rollbacks} times already"
        event = Event(step, kind, action, reason)
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(event)) + "\n")
        return event

    @property
    def state(self) -> dict[str, Any]:
        """What it remembers, for a checkpoint."""
        counts = {"lower_until": self._lower_until, "skipped": self._skipped, "rollbacks": self.rollbacks}
        return {name: list(values) for name, values in self._seen.items()} | counts

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        self._seen = {name: list(state[name]) for name in self._seen}
        self._lower_until, self._skipped, self.rollbacks = state["lower_until"], state["skipped"], state["rollbacks"]
