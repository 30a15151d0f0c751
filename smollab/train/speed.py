"""How fast a run goes, and how much of what the machine can do that is.

Model FLOPs utilization (MFU) is the operations the model needs, forward and backward, over those the machine could
have done in the same time. Operations that are done again to save memory do not count. What the machine can do is
measured at start, by multiplying matrices in the run's precision on all ranks at once: a data sheet knows nothing of
this laptop, or of who else is using it.

Source: Chowdhery et al. 2022 (PaLM), appendix B.
"""

import functools
import resource
import sys

import torch
from torch import distributed

from smollab.hardware import measure_matmul
from smollab.model.config import ModelConfig
from smollab.recipe import StagePlan
from smollab.scaling.flops import flops_per_token

MATRIX_SIZES = {"cpu": 1024, "cuda": 8192}
SECONDS = 0.1


class Speed:
    """The speed of a run's steps.

    Args:
        config: of the model.
        precision: that it computes in.
        device: of this process; all processes of a run make this at the same time.
    """

    def __init__(self, config: ModelConfig, precision: str, device: torch.device) -> None:
        self._config, self._device = config, device
        self.peak_flops = peak_flops("bfloat16" if precision != "float32" else "float32", device.type)
        """Floating-point operations per second of all ranks together."""
        if distributed.is_initialized():
            total = torch.tensor(self.peak_flops, dtype=torch.float64, device=device)
            distributed.all_reduce(total)
            self.peak_flops = float(total)

    def of_step(self, plan: StagePlan, tokens: int, seconds: float) -> dict[str, float]:
        """For the row of a step: its seconds, tokens per second, MFU, and this process's peak memory in bytes."""
        rate = tokens / seconds
        return {
            "seconds": seconds,
            "tokens_per_second": rate,
            "mfu": rate * flops_per_token(self._config, plan.sequence_length) / self.peak_flops,
            "memory": peak_memory(self._device),
        }


@functools.cache
def peak_flops(dtype: str, device_type: str) -> float:
    """The best rate of this process at multiplying large matrices, in floating-point operations per second."""
    return measure_matmul(dtype, MATRIX_SIZES.get(device_type, 1024), SECONDS).gflops * 1e9


def peak_memory(device: torch.device) -> int:
    """The most bytes that this process ever held: on the accelerator, or else in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024
