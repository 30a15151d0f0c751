"""The section `[model]`: the shape of the network, and every architectural choice as one setting.

Left as they are, the settings are SmolLM3-3B's. Each choice has one class or function behind it, in `smollab/model`.
"""

from dataclasses import dataclass, fields
from typing import Literal, get_args, get_origin

GATED_MLPS = ("swiglu", "geglu")
"""MLPs of three matrices; the others have two, which are half as wide again for equal parameters."""

COUNTS = ("hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
"""Settings that are at least one."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """The SmolLM3 architecture and its alternatives; names as in `transformers.SmolLM3Config` where it has them.

    Raises:
        ValueError: settings that contradict each other.
    """

    hidden_size: int = 2048
    """Width of the residual stream."""
    intermediate_size: int = 11008
    """Width of a gated MLP; one without a gate is made 3/2 as wide, so that the parameters stay equal."""
    num_hidden_layers: int = 36
    """Blocks."""
    num_attention_heads: int = 16
    """Query heads."""
    num_key_value_heads: int = 4
    """Key and value heads; must divide the query heads. As many: multi-head attention (MHA); 1: multi-query (MQA);
    between: grouped-query (GQA)."""
    head_dim: int | None = None
    """Channels per head; left out: hidden_size / num_attention_heads."""
    attention_bias: bool = False
    """Biases in the four projections of attention."""
    qk_norm: bool = False
    """RMSNorm over the channels of each query and key head, before the rotary embedding (as in Qwen3)."""
    no_rope_layer_interval: int = 4
    """Every so many layers one has no rotary embedding (NoPE): layers 3, 7, ... counted from 0. 0: none; 1: all."""
    nope_layers: tuple[int, ...] | None = None
    """The layers without rotary embedding, counted from 0, where they are no regular interval."""
    rope_theta: float = 50_000.0
    """Base of the rotary frequencies (5e4 in 4k pretraining, 2e6 at 32k, 5e6 at 64k)."""
    sliding_window: int | None = None
    """A token sees so many tokens, itself included; left out: all of its document."""
    sliding_window_layers: tuple[int, ...] | None = None
    """The layers with a sliding window, counted from 0; left out: all."""
    mlp: Literal["swiglu", "geglu", "gelu", "relu", "relu2"] = "swiglu"
    """The MLP: gated by SiLU or GELU, or ungated with GELU, ReLU, or the square of ReLU (So et al. 2021)."""
    norm: Literal["rmsnorm", "layernorm", "batchnorm"] = "rmsnorm"
    """The normalization of the residual stream. `batchnorm` is there to be compared: it mixes tokens."""
    norm_placement: Literal["pre", "post"] = "pre"
    """`pre`: x + f(norm(x)). `post`: norm(x + f(x)), as in the first Transformer (Vaswani et al. 2017)."""
    rms_norm_eps: float = 1e-6
    """Added to the mean square, or to the variance."""
    max_position_embeddings: int = 4096
    """Longest sequence the model is meant for."""
    tie_word_embeddings: bool = True
    """One matrix for the embedding and the unembedding."""
    logit_softcap: float | None = None
    """Logits become cap * tanh(logits / cap) (Gemma 2: 30); left out: not capped."""
    initializer_range: float = 0.02
    """Standard deviation of the initial weights."""
    initialization: Literal["normal", "depth_scaled"] = "depth_scaled"
    """`normal`: the same deviation everywhere, as `transformers` draws SmolLM3. `depth_scaled`: divided by
    sqrt(2 * layers) for the matrices that write to the residual stream, as nanotron drew it."""
    parametrization: Literal["standard", "mup", "completep"] = "standard"
    """How weights, rates and factors depend on the size. `standard`: not at all. `mup`: what was tuned at
    `base_hidden_size` holds at any width (Yang et al. 2022). `completep`: at any depth, too (Dey et al. 2025)."""
    base_hidden_size: int | None = None
    """muP, CompleteP: the width at which initialization and rates were tuned. Query heads, key-value heads and
    `intermediate_size` are meant to grow in proportion to the width."""
    base_head_dim: int | None = None
    """muP, CompleteP: channels per head there; left out: as here, so that width means more heads, not wider ones."""
    base_num_hidden_layers: int | None = None
    """CompleteP: the depth at which initialization and rates were tuned."""
    depth_alpha: float = 1.0
    """CompleteP: every sublayer's output is multiplied by (base layers / layers)^alpha. 1: CompleteP; 1/2: depth-muP
    (Yang et al. 2024)."""
    embedding_multiplier: float = 1.0
    """Embedded tokens are multiplied by it: one more thing to tune that transfers (Yang et al. 2022, appendix F)."""
    output_multiplier: float = 1.0
    """Hidden states are multiplied by it before the unembedding."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself, or what no model can be made of."""
        for field in fields(Model):
            known, value = get_args(field.type), getattr(self, field.name)
            if get_origin(field.type) is Literal and value not in known:
                raise ValueError(f"{field.name} ({value!r}) must be one of {', '.join(known)}")
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} ({getattr(self, name)}) must be at least 1")
        if not self.rope_theta > 0:
            raise ValueError(f"rope_theta ({self.rope_theta}) must be above 0")
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"num_attention_heads ({self.num_attention_heads}) must be a multiple of "
                f"num_key_value_heads ({self.num_key_value_heads})"
            )
        if self.head_dim is None and self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size ({self.hidden_size}) must be a multiple of num_attention_heads "
                f"({self.num_attention_heads}), or head_dim be given"
            )
        if self.head_dim is not None and self.head_dim < 1:
            raise ValueError(f"head_dim ({self.head_dim}) must be at least 2; leave it out for hidden_size / heads")
        if self.head_width % 2:
            raise ValueError(f"head_dim ({self.head_width}) must be even: RoPE turns channels in pairs")
        if self.mlp not in GATED_MLPS and self.intermediate_size % 2:
            raise ValueError(
                f"intermediate_size ({self.intermediate_size}) must be even for mlp = {self.mlp!r}, 3/2 as wide"
            )
        for name in ("nope_layers", "sliding_window_layers"):
            wrong = [layer for layer in getattr(self, name) or () if not 0 <= layer < self.num_hidden_layers]
            if wrong:
                raise ValueError(f"{name} names layer {wrong[0]} of {self.num_hidden_layers}, counted from 0")
        if self.sliding_window_layers is not None and self.sliding_window is None:
            raise ValueError("sliding_window_layers is given, but no sliding_window")
        for name in ("sliding_window", "logit_softcap"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise ValueError(f"{name} ({value}) must be above 0; leave it out for none")
        self._check_parametrization()

    def _check_parametrization(self) -> None:
        """Refuse a parametrization without the size it starts from, and a size that nothing asks for."""
        needed = {
            "base_hidden_size": self.parametrization != "standard",
            "base_num_hidden_layers": self.parametrization == "completep",
        }
        for name, is_needed in (*needed.items(), ("base_head_dim", None)):
            value = getattr(self, name)
            if value is None and is_needed:
                raise ValueError(f"parametrization = {self.parametrization!r} needs {name}: the size that was tuned")
            if value is not None and (is_needed is False or self.parametrization == "standard"):
                raise ValueError(f"{name} has no meaning for parametrization = {self.parametrization!r}")
            if value is not None and value < 1:
                raise ValueError(f"{name} ({value}) must be at least 1")
        if not 0.5 <= self.depth_alpha <= 1:
            raise ValueError(f"depth_alpha ({self.depth_alpha}) must be from 0.5 to 1")
        for name in ("embedding_multiplier", "output_multiplier"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} ({getattr(self, name)}) must be above 0")

    @property
    def head_width(self) -> int:
        """Channels per head."""
        return self.head_dim or self.hidden_size // self.num_attention_heads

    @property
    def mlp_width(self) -> int:
        """Hidden channels of the MLP."""
        return self.intermediate_size if self.mlp in GATED_MLPS else 3 * self.intermediate_size // 2

    def uses_rope(self, layer: int) -> bool:
        """Whether a layer, counted from 0, rotates its queries and keys.

        SmolLM3 leaves every fourth layer without rotary embedding: nanotron applies it iff
        `(layer + 1) % 4 != 0`. The Hugging Face list `no_rope_layers` holds 1 where RoPE IS used.
        """
        if self.nope_layers is not None:
            return layer not in self.nope_layers
        interval = self.no_rope_layer_interval
        return interval == 0 or (layer + 1) % interval != 0

    def window(self, layer: int) -> int | None:
        """How many tokens a token of a layer sees, itself included; None: all before it."""
        if self.sliding_window_layers is not None and layer not in self.sliding_window_layers:
            return None
        return self.sliding_window
