"""Parameter groups by role: matrices inside the blocks, embeddings (with a tied unembedding), norms.

The role decides the optimizer, the learning rate and the weight decay. Muon is for matrices inside the blocks
only: an embedding is a table of vectors that are looked up one at a time, not a map between two spaces, so
orthogonalizing its gradient has no meaning (Jordan et al. 2024).
"""

from typing import Any

from torch import nn

from smollab.recipe import Optimizer


def parameter_role(name: str, parameter: nn.Parameter) -> str:
    """`embedding`, `matrix` or `norm`."""
    if "embed_tokens" in name or "lm_head" in name:
        return "embedding"
    return "matrix" if parameter.ndim == 2 else "norm"


def parameter_groups(model: nn.Module, settings: Optimizer) -> list[dict[str, Any]]:
    """One group per role, with its peak learning rate and weight decay.

    As in SmolLM3, norms are decayed, and embeddings are not unless the settings say so (nanotron excludes only
    `.*token_embedding.*`).
    """
    by_role: dict[str, list[nn.Parameter]] = {"matrix": [], "embedding": [], "norm": []}
    for name, parameter in model.named_parameters():
        by_role[parameter_role(name, parameter)].append(parameter)
    other_rate = settings.embedding_learning_rate
    if other_rate is None:
        other_rate = settings.learning_rate
    rates = {"matrix": settings.learning_rate, "embedding": other_rate, "norm": other_rate}
    return [
        {
            "role": role,
            "params": parameters,
            "lr": rates[role],
            "peak_lr": rates[role],
            "weight_decay": settings.weight_decay if role != "embedding" or settings.decay_embeddings else 0.0,
        }
        for role, parameters in by_role.items()
        if parameters
    ]
