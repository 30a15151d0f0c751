"""What this machine can do: cores, precision, devices, and how fast it really multiplies matrices."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def training_device() -> "torch.device":
    """The accelerator if there is one, otherwise the CPU."""
    import torch

    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("cpu")


def has_fast_bfloat16() -> bool:
    """Whether bfloat16 is multiplied by instructions rather than emulated.

    On CPUs without avx512_bf16 or amx_bf16 it is an order of magnitude slower than float32.
    """
    import torch

    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.exists() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags or platform.machine() == "arm64"


def cpu_model() -> str:
    """The processor's name."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory_gib() -> float:
    """Memory of the machine, in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


@dataclass(frozen=True)
class MatmulSpeed:
    """A measured rate of matrix multiplication."""

    dtype: str
    size: int
    gflops: float
    """Billions of floating-point operations per second, the best of several runs."""


def measure_matmul(dtype: str = "float32", size: int = 1024, seconds: float = 0.5) -> MatmulSpeed:
    """Multiply square matrices for about `seconds` and report the best rate, on the training device."""
    import torch

    device = training_device()
    a = torch.randn(size, size, device=device).to(getattr(torch, dtype))
    best, end = float("inf"), time.perf_counter() + seconds
    while True:
        start = time.perf_counter()
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() > end:
            return MatmulSpeed(dtype, size, 2 * size**3 / best / 1e9)
