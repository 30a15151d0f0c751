"""A calculator: what a model's cache and a step of decoding cost, for any of its sizes."""

from typing import TYPE_CHECKING

from smollab.lab.costs import decode_step, with_key_value_heads
from smollab.lab.panels.panel import Panel, dropdown, int_slider
from smollab.model.config import ModelConfig
from smollab.plots.memory import plot_decode_step
from smollab.scaling.parameters import count_parameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTEXTS = tuple(2**power for power in range(8, 18))
TYPES = {"float32": 4.0, "bfloat16": 2.0, "8 bits": 1.0, "4 bits": 0.5}
"""Name -> bytes of a number."""


class CostsPanel(Panel):
    """Key-value heads, length, texts side by side and type of the numbers of one model.

    Args:
        config: of the model.
        name: of the model.
    """

    def __init__(self, config: ModelConfig, name: str) -> None:
        self.config, self.name = config, name
        heads = config.num_attention_heads
        choices = [count for count in range(1, heads + 1) if heads % count == 0]
        self.key_value_heads = dropdown("key-value heads", choices, config.num_key_value_heads)
        self.context = int_slider("tokens in each text: 2 to the", 16, 8, 17)
        self.rows = int_slider("texts side by side", 1, 1, 64)
        self.type = dropdown("numbers", list(TYPES), "bfloat16")
        super().__init__(self.key_value_heads, self.context, self.rows, self.type)

    def compute(self) -> "tuple[Figure, str]":
        """Ask the accountant."""
        config = with_key_value_heads(self.config, self.key_value_heads.value)
        context, rows, number = 2**self.context.value, self.rows.value, TYPES[self.type.value]
        steps = [decode_step(config, length, rows, number) for length in CONTEXTS]
        step = steps[CONTEXTS.index(context)]
        shares = [
            [part / s.flops.forward for part in (s.flops.matrices, s.flops.attention, s.flops.unembedding)]
            for s in steps
        ]
        caches = [s.cache_bytes for s in steps]
        figure = plot_decode_step(CONTEXTS, step.weight_bytes, caches, shares, CONTEXTS.index(context))
        ratio = config.num_attention_heads // config.num_key_value_heads
        per_text = step.cache_bytes / rows
        return figure, (
            f"{self.name} with {config.num_key_value_heads} key-value heads ({ratio} query heads share one): "
            f"{count_parameters(config):,} parameters, {step.weight_bytes / 2**30:.2f} GiB of weights in "
            f"{self.type.value}.\n"
            f"Cache: {per_text / context / 1024:.1f} KiB a token, {per_text / 2**30:.2f} GiB a text of {context:,} "
            f"tokens, {step.cache_bytes / 2**30:.2f} GiB for {rows} ({step.cache_bytes / step.weight_bytes:.2f} times "
            "the weights).\n"
            f"A step computes {step.flops.forward:.2e} operations, {step.flops.attention / step.flops.forward:.0%} of "
            f"them attention: {step.intensity:.1f} for each byte read."
        )
