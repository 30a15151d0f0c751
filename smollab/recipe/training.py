"""The sections of training: tokenizer, stages, batches, layout, evaluation."""

from dataclasses import dataclass, field
from typing import Literal

from smollab.recipe.optimization import Schedule


@dataclass(frozen=True, kw_only=True)
class Tokenizer:
    """The byte-level BPE tokenizer, trained on the curated text or taken from elsewhere."""

    vocab_size: int = 4096
    """Entries, special tokens included."""
    path: str = ""
    """Take this tokenizer (a folder with tokenizer.json, or a model's name on the hub) instead of training one."""
    training_bytes: int = 20_000_000
    """Train on at most this much text, drawn evenly from all documents."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stretch of training with one data mixture."""

    name: str
    """Shown in plots."""
    steps: int
    """Optimizer steps."""
    mixture: dict[str, float] = field(default_factory=dict)
    """Weight of each source, `web`, or of one language of it, `web-fr`; normalized to sum to one."""
    sequence_length: int | None = None
    """Tokens per sequence from here on; left out: as before, at first `train.sequence_length`. A step has as many
    tokens as ever, so fewer sequences (SmolLM3: 4096, then 32768 and 65536 in the long-context stages)."""
    rope_theta: float | None = None
    """Base of the rotary frequencies from here on; left out: as before, at first `model.rope_theta`."""
    learning_rate: float | None = None
    """Peak rate of the matrices in this stage, which then needs a schedule; all other rates change in proportion."""
    schedule: Schedule | None = None
    """A schedule of this stage's own; left out: the stage is part of the run's."""


@dataclass(frozen=True, kw_only=True)
class Train:
    """Batches, seeds, checkpoints."""

    sequence_length: int = 4096
    """Tokens per sequence."""
    batch_sequences: int = 576
    """Sequences per optimizer step, over all ranks and accumulation steps."""
    micro_batch_sequences: int = 3
    """Sequences per forward pass and rank; the rest is gradient accumulation."""
    packing: Literal["concatenate", "best_fit"] = "concatenate"
    """How documents become sequences. `concatenate` (SmolLM3): end to end, cut wherever a sequence ends. `best_fit`:
    only what is longer than a sequence is cut, and a little padding remains (Ding et al. 2024)."""
    seed: int = 6
    """Of initialization and data order."""
    seconds: float | None = None
    """Seconds that training should take: what is left of stages and schedule is stretched or shrunk as it goes. Left
    out: as many steps as the stages say. `--budget` sets it."""
    log_every: int = 1
    """Steps."""
    checkpoint_every: int = 2000
    """Steps."""
    keep_checkpoints: int = 2
    """Newest ones kept on disk."""
    keep_best: int = 0
    """Beside the newest, keep so many with the lowest bits per byte on held-out text; needs `evaluate_every`."""
    evaluate_every: int = 0
    """Measure bits per byte on a little held-out text every so many steps; 0: only at the end."""
    detail_every: int = 10
    """Every so many steps measure, too, how far each role's weights moved and each head's largest attention logit."""
    trackers: tuple[str, ...] = ()
    """Write what is logged for these as well: `tensorboard`, `trackio`, `wandb` (pip install "smollab[track]")."""
    precision: Literal["auto", "float32", "bfloat16", "float8"] = "auto"
    """What matrices are multiplied in; weights and optimizer stay in float32. `auto`: what a short race finds faster on
    this machine, kept for the whole run. `float8`: inside the blocks, on GPUs that have it; needs torchao."""
    compile: bool = False
    """Compile the blocks with torch.compile: fewer and larger operations, after a minute at start."""
    activation_checkpointing: Literal["none", "selective", "full"] = "none"
    """Compute again in the backward pass what is not kept. `selective`: all but products of matrices and attention.
    `full`: all but each block's input, for a third more operations."""


@dataclass(frozen=True, kw_only=True)
class Parallel:
    """How a run is laid out over processes; their number is the product of the sizes."""

    data: int = 1
    """Replicas of the weights, each trained on other sequences; they sum their gradients."""
    shard: int = 1
    """Ranks that also train on other sequences, but hold only a slice of every weight (FSDP)."""
    context: int = 1
    """Ranks that share every sequence, each reading a slice of it; for long sequences."""
    context_method: Literal["ulysses", "all_gather"] = "ulysses"
    """How they share attention. `ulysses`: each rank takes some heads of the whole sequence. `all_gather`: each rank
    gathers all keys and values for its own tokens; any number of heads, less traffic where key-value heads are few."""
    tensor: int = 1
    """Ranks that share every matrix and, between them, the tokens of every layer (sequence parallel)."""
    pipeline: int = 1
    """Ranks that each hold some of the layers."""
    stages_per_rank: int = 1
    """Stretches of layers on each pipeline rank: one is 1F1B, more is interleaved 1F1B with shorter idle times."""

    @property
    def num_ranks(self) -> int:
        """Processes of the run."""
        return self.data * self.shard * self.context * self.tensor * self.pipeline


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """What the finished model is asked."""

    minimal_pairs: str = ""
    """JSONL file of pairs: the model should find `good` likelier than `bad`."""
    maximum_tokens: int = 100_000
    """Held-out tokens per source and language."""
    prompts: tuple[str, ...] = ()
    """Beginnings the model continues, for the report."""
