"""The sections of optimization: schedule, optimizer, clipping, and the monitor that acts when training goes wrong."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate over all stages together that have no schedule of their own."""

    kind: Literal["wsd", "constant", "linear", "cosine", "inverse_sqrt", "power"] = "wsd"
    """Shape after the warmup. `wsd`: constant, then down over `decay_steps`. `linear` (Bergsma et al. 2025), `cosine`:
    down to zero over all the rest. `inverse_sqrt`: with one over the root of the step (Vaswani et al. 2017). `power`:
    with a power of the step (Shen et al. 2024), and down over `decay_steps`. `constant`: for averaged weights."""
    warmup_steps: int = 2000
    """Linear from zero."""
    decay_steps: int = 522_000
    """At the end, down to zero; of `wsd` and `power`."""
    decay: Literal["linear", "1-sqrt", "cosine"] = "linear"
    """Shape of the decay."""
    power: float = 0.51
    """The rate of `power` falls with the step to minus this power (Shen et al. 2024, section 3: 0.51)."""
    power_steps: int = 0
    """From this step on; 0: from the end of the warmup."""

    @property
    def fixed_steps(self) -> int:
        """Steps that a run needs at least: warmup, and the decay of those kinds that have one."""
        return self.warmup_steps + (self.decay_steps if self.kind in ("wsd", "power") else 0)


@dataclass(frozen=True, kw_only=True)
class Clipping:
    """How gradients that are too large are made smaller."""

    rule: Literal["norm", "value", "agc", "zclip", "percentile"] = "norm"
    """`norm`: the global norm to at most `optimizer.max_grad_norm`. `value`: each entry to `maximum_value`. `agc`: each
    row to `ratio` of its weights' norm. `zclip`: to the running mean of norms when one is an outlier. `percentile`: to
    a percentile of the last norms. The last two also keep to `max_grad_norm`."""
    maximum_value: float = 1.0
    """Of `value`."""
    ratio: float = 0.01
    """Of `agc` (Brock et al. 2021, section 4)."""
    z_threshold: float = 2.5
    """Of `zclip`: standard deviations above the mean that make an outlier (Kumar et al. 2025)."""
    smoothing: float = 0.97
    """Of `zclip`: how much of the mean is kept in every step."""
    warmup_steps: int = 25
    """Of `zclip` and `percentile`: steps that are only watched."""
    percentile: float = 10.0
    """Of `percentile` (AutoClip; Seetharaman et al. 2020: 10)."""
    window: int = 1000
    """Of `percentile`: steps that are remembered."""


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """How gradients become updates."""

    name: Literal["muon", "adamw", "muonclip", "normuon", "lion", "soap", "schedule_free_adamw", "sophia"] = "muon"
    """Of the matrices inside the blocks: `muon`, `normuon`, `muonclip` (with the logits of attention kept in bounds,
    Kimi K2); the rest is AdamW's. Of all parameters: `adamw` (SmolLM3), and `lion`, which needs: pip install
    "smollab[optimizers]". The others are not finished, and refused."""
    learning_rate: float = 2e-4
    """Peak rate of the matrices inside the blocks."""
    embedding_learning_rate: float | None = None
    """Peak rate of embeddings, unembedding, norms and biases; left out: the same."""
    betas: tuple[float, float] = (0.9, 0.95)
    """AdamW's decay rates, and those of Lion, SOAP, Sophia and schedule-free AdamW."""
    eps: float = 1e-8
    """AdamW's epsilon."""
    weight_decay: float = 0.1
    """Decoupled."""
    decay_embeddings: bool = False
    """Apply it to embeddings too. SmolLM3 does not, as OLMo 2 found training steadier without."""
    cautious_weight_decay: bool = False
    """Decay only those entries that the update moves towards zero anyway (Chen et al. 2025)."""
    momentum: float = 0.95
    """Muon's."""
    nesterov: bool = True
    """Muon looks ahead by one gradient."""
    newton_schulz_steps: int = 5
    """Muon's iterations."""
    orthogonalization: Literal["quintic", "polar_express"] = "quintic"
    """Coefficients of Muon's iterations: Jordan's, or those best for each iteration (Amsel et al. 2025)."""
    orthogonalization_precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of Muon's iterations; `auto`: bfloat16 on accelerators, float32 on CPUs."""
    update_scale: Literal["match_rms_adamw", "original", "spectral"] = "match_rms_adamw"
    """What Muon multiplies its updates by: so that they are as large as AdamW's (Moonlight), as Jordan did, or so that
    rates carry over from width to width."""
    second_momentum: float = 0.95
    """NorMuon's, of the mean square of each row."""
    logit_threshold: float = 100.0
    """MuonClip's tau: no logit of attention may be larger (Kimi K2, section 2.1)."""
    logit_groups: Literal["exact", "group"] = "exact"
    """Where query heads share a key head. `exact`: every head's largest logit ends at the threshold or where it was.
    `group`: all of them shrink with the largest (Megatron-LM)."""
    curvature_every: int = 10
    """Steps between SOAP's eigenbases, and between Sophia's estimates of the Hessian."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to this global norm."""
    clipping: Clipping = field(default_factory=Clipping)
    """Other rules."""


Policy = Literal["ignore", "warn", "skip", "lower_rate", "roll_back", "stop"]
"""What to do: nothing; say so; leave the step out; leave it out and train on with a lower rate for a while; go back to
the last checkpoint and on with data after what was read since; end the run."""
LatePolicy = Literal["ignore", "warn", "lower_rate", "roll_back", "stop"]
"""Of what is measured after the step, which can no longer be left out."""


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """What is watched during training, and what is done about it."""

    non_finite: Policy = "stop"
    """A loss or gradient that is not a number, or infinite. The step is left out whatever the policy."""
    loss_spike: Policy = "warn"
    """A loss far above the last ones."""
    gradient_spike: Policy = "warn"
    """A gradient norm far above the last ones, before clipping."""
    spike_deviations: float = 6.0
    """How far: standard deviations above the mean of the last `window` steps (OLMo 2, section 3.1: 6)."""
    window: int = 128
    """Steps that are remembered."""
    minimum_steps: int = 64
    """Steps before the first judgment: losses fall fast at first."""
    attention_logits: LatePolicy = "warn"
    """A logit of attention above `maximum_attention_logit`; measured every `train.detail_every` steps."""
    maximum_attention_logit: float = 100.0
    """Kimi K2's threshold."""
    update_ratio: LatePolicy = "warn"
    """A step that moved some role's weights by more than `maximum_update_ratio` of their norm; measured as often."""
    maximum_update_ratio: float = 0.5
    """Far above what is usual: 1e-3 in large models, some hundredths in the first steps of small ones."""
    rate_factor: float = 0.5
    """Of `lower_rate`: what the learning rate is multiplied by."""
    rate_steps: int = 100
    """Of `lower_rate`: for so many steps."""
    maximum_rollbacks: int = 3
    """The next one ends the run."""
    maximum_skips: int = 10
    """So many steps left out one after the other end the run."""
