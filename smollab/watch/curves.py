"""The curves that are watched, and the numbers beside them: the same in a terminal and in a notebook."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
CURVES: dict[str, Callable[[Row], float | None]] = {
    "loss": lambda row: row.get("loss"),
    "gradient norm": lambda row: row.get("grad_norm"),
    "learning rate": lambda row: row.get("learning_rate"),
    "tokens per second": lambda row: row.get("tokens_per_second"),
    "update / weight, matrices": lambda row: row.get("update_ratio", {}).get("matrix"),
    "largest attention logit": lambda row: largest_logit(row)[0],
}
"""Title -> its value in a row; None where the row has none."""


def curve(rows: Sequence[Row], title: str) -> tuple[list[float], list[float]]:
    """Steps and values of a curve, of the rows that have it."""
    pairs = [(row["step"], CURVES[title](row)) for row in rows]
    kept = [(float(step), value) for step, value in pairs if value is not None and math.isfinite(value)]
    return [step for step, _ in kept], [value for _, value in kept]


def largest_logit(row: Row) -> tuple[float | None, str]:
    """The largest logit of attention in a row, and where it is."""
    found = [
        (logit, f"layer {layer}, head {head}")
        for layer, heads in enumerate(row.get("attention_logits", ()))
        for head, logit in enumerate(heads)
        if logit is not None
    ]
    return max(found, default=(None, ""), key=lambda pair: pair[0] or -math.inf)


def latest(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What the last rows say, as name and value."""
    if not rows:
        return []
    row = rows[-1]
    detailed: Row = next((r for r in reversed(rows) if "update_ratio" in r), {})
    measured: Row = next((r for r in reversed(rows) if "held_out" in r), {})
    facts = [("stage", str(row.get("stage", ""))), ("loss", f"{row['loss']:.3f} nats per token")]
    facts += [
        (f"  {name}, held out", f"{bits:.3f} bits per byte") for name, bits in measured.get("held_out", {}).items()
    ]
    facts.append(("gradient norm", f"{row['grad_norm']:.3g}"))
    facts += [(f"learning rate, {role}", f"{rate:.3g}") for role, rate in row.get("learning_rates", {}).items()]
    facts += [(f"update / weight, {role}", f"{ratio:.2g}") for role, ratio in detailed.get("update_ratio", {}).items()]
    logit, place = largest_logit(detailed)
    if logit is not None:
        facts.append(("largest attention logit", f"{logit:.3g} ({place})"))
    facts.append(("tokens", f"{row.get('tokens', 0):,}"))
    facts.append(("tokens per second", f"{row['tokens_per_second']:,.0f}"))
    if "mfu" in row:
        facts.append(("MFU, of the measured peak", f"{row['mfu']:.0%}"))
        facts.append(("memory, at most", f"{row['memory'] / 2**30:.2f} GiB"))
    if "data_wait" in row and row.get("seconds"):
        facts.append(("waiting for data", f"{row['data_wait'] / row['seconds']:.1%} of a step"))
    return facts
