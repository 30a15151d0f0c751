"""The section `[objective]`: what the model is trained to predict."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Learning from what a larger model, the teacher, predicts of the same tokens."""

    teacher: str
    """A run or its folder, or a folder with a SmolLM3, Llama or Qwen3 of Hugging Face; with this run's tokenizer."""
    logits: float = 1.0
    """Weight of the divergence between the teacher's next-token distribution and the student's."""
    cross_entropy: float = 0.0
    """Weight of the cross-entropy with the text's own next token."""
    divergence: Literal["forward_kl", "reverse_kl", "jensen_shannon", "total_variation"] = "forward_kl"
    """`forward_kl`: KL(teacher, student), as in Hinton et al. 2015. `jensen_shannon`: the generalized one of GKD
    (Agarwal et al. 2024), between the two KLs."""
    beta: float = 0.5
    """Of `jensen_shannon`: the teacher's share of the mixture; at 0 it is `forward_kl`, at 1 `reverse_kl`."""
    temperature: float = 1.0
    """Both models' logits are divided by it before the softmax."""
    scale_by_temperature: bool = True
    """Multiply the divergence by the squared temperature, which keeps the size of its gradients (Hinton et al. 2015,
    section 2); TRL's GKD does not."""

    def __post_init__(self) -> None:
        """Refuse what no teacher can be asked."""
        if self.temperature <= 0:
            raise ValueError(f"temperature = {self.temperature}: logits are divided by it, so it must be above 0")
        if not 0 <= self.beta <= 1:
            raise ValueError(f"beta = {self.beta}: it is a share, from 0 to 1")
        if self.logits <= 0 or self.cross_entropy < 0:
            raise ValueError("logits must be above 0 and cross_entropy not negative")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What the model is trained to predict."""

    name: Literal["next_token", "distillation"] = "next_token"
    """`next_token`: cross-entropy of the next token. `distillation`: what a teacher predicts of it."""
    chunk_tokens: int = 1024
    """Tokens whose logits exist at one time; peak memory is chunk_tokens * vocab_size * 4 bytes."""
    z_loss: float = 0.0
    """Weight of the squared log of the softmax's normalizer, which keeps logits from drifting (PaLM: 1e-4; Chowdhery et
    al. 2022, section 5). SmolLM3: off."""
    distillation: Distillation | None = None
    """Settings of that objective, which needs them."""
