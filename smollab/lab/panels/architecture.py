"""Two panels of notebook 2.1: who sees whom under a document mask, and what a choice of architecture costs."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from smollab.lab.architecture import FirstSteps, first_steps
from smollab.lab.attention_maps import attention_weights, mean_look_back, share_across
from smollab.lab.panels.panel import Panel, dropdown, int_slider
from smollab.lab.runs import Run
from smollab.model.transformer import Transformer
from smollab.plots.architecture import plot_first_losses
from smollab.plots.attention import plot_attention

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MASKED, OPEN = "each document alone", "one long text"


class AttentionMapPanel(Panel):
    """The attention of one layer over two packed documents, with and without a document mask.

    Args:
        model: trained.
        tokens: (seq,) two documents, one after the other.
        document_ids: (seq,).
        labels: the tokens as text.
    """

    def __init__(self, model: Transformer, tokens: Tensor, document_ids: Tensor, labels: Sequence[str]) -> None:
        self.model, self.tokens, self.document_ids, self.labels = model, tokens, document_ids, labels
        layers, heads = model.config.num_hidden_layers, model.config.num_attention_heads
        self.layer = int_slider("layer", min(3, layers - 1), 0, layers - 1)
        self.head = dropdown("head", [("mean of all", -1), *((f"head {i}", i) for i in range(heads))])
        self.mask = dropdown("the row is read as", [MASKED, OPEN])
        super().__init__(self.layer, self.head, self.mask)

    def compute(self) -> "tuple[Figure, str]":
        """Attention weights, recomputed from the layer's inputs."""
        layer, head = self.layer.value, self.head.value
        ids = self.document_ids if self.mask.value == MASKED else self.document_ids * 0
        weights = attention_weights(self.model, self.tokens, layer, ids)
        weights = weights if head < 0 else weights[head : head + 1]
        kind = "RoPE" if self.model.config.uses_rope(layer) else "NoPE"
        crossing, back = share_across(weights, self.document_ids), mean_look_back(weights)
        figure = plot_attention([weights.mean(0).numpy()], [f"layer {layer}: {kind}"], self.labels)
        figure.set_size_inches(5.8, 6.1)  # a single map, large enough to read its labels
        return figure, (
            f"Layer {layer} {'turns queries and keys by position' if kind == 'RoPE' else 'knows no positions'} "
            f"({kind}); the row is read as {self.mask.value}.\n"
            f"{crossing:.1%} of the attention crosses from one document to the other; "
            f"a token looks back {back:.1f} tokens on average."
        )


ATTENTIONS = [("GQA: 2 key-value heads", 2), ("MHA: 4", 4), ("MQA: 1", 1)]
POSITIONS = [("hybrid: every 4th layer NoPE", 4), ("RoPE in all layers", 0), ("NoPE in all layers", 1)]
NORMS = ["rmsnorm", "layernorm", "batchnorm"]
MLPS = ["swiglu", "geglu", "gelu", "relu", "relu2"]


class ArchitecturePanel(Panel):
    """Choose an architecture: its costs follow from the shape, its first losses from training it now.

    Args:
        run: a small model is trained on its text at every change.
    """

    def __init__(self, run: Run) -> None:
        self.run, self._known = run, dict[tuple[Any, ...], FirstSteps]()
        self.attention = dropdown("attention", ATTENTIONS)
        self.positions = dropdown("positions", POSITIONS)
        self.norm = dropdown("normalization", NORMS)
        self.placement = dropdown("its place", ["pre", "post"])
        self.mlp = dropdown("MLP", MLPS)
        self.tied = dropdown("embeddings", [("tied", True), ("untied", False)])
        super().__init__(self.attention, self.positions, self.norm, self.placement, self.mlp, self.tied)

    def compute(self) -> "tuple[Figure, str]":
        """Build and train the chosen model, and the baseline once."""
        choices = {
            "num_key_value_heads": self.attention.value,
            "no_rope_layer_interval": self.positions.value,
            "norm": self.norm.value,
            "norm_placement": self.placement.value,
            "mlp": self.mlp.value,
            "tie_word_embeddings": self.tied.value,
        }
        chosen, baseline = self._steps(choices), self._steps({})
        difference = chosen.losses[-1] - baseline.losses[-1]
        figure = plot_first_losses({"SmolLM3 style": baseline.losses, "your choice": chosen.losses})
        more = lambda value, base: f"{value / base - 1:+.1%}"
        return figure, (
            f"{chosen.parameters:,} parameters ({more(chosen.parameters, baseline.parameters)}), "
            f"{chosen.flops_per_token / 1e6:.3f} million operations a token "
            f"({more(chosen.flops_per_token, baseline.flops_per_token)}), "
            f"{chosen.cache_bytes_per_token:,.0f} bytes of cache a token.\n"
            f"Loss after {len(chosen.losses)} steps: {chosen.losses[-1]:.3f} nats, SmolLM3's style "
            f"{baseline.losses[-1]:.3f} ({difference:+.3f}); one seed, so small differences mean nothing."
        )

    def _steps(self, choices: dict[str, Any]) -> FirstSteps:
        base = {"num_key_value_heads": 2, "no_rope_layer_interval": 4, "norm": "rmsnorm", "norm_placement": "pre"}
        full = base | {"mlp": "swiglu", "tie_word_embeddings": True} | choices
        key = tuple(sorted(full.items()))
        if key not in self._known:
            self._known[key] = first_steps(self.run, full)
        return self._known[key]
