"""In which precision a run computes: measured, said in one line, and kept for the whole run.

Weights, gradients' sums and optimizer state are float32 always. What may be lower is the type in which matrices are
multiplied. bfloat16 has float32's range with 8 bits of precision, and accelerators multiply it many times faster; a CPU
without instructions for it emulates it, an order of magnitude slower. So both are timed at start, in a short race.

In one process PyTorch's autocast converts what enters a product. In several, FSDP gathers the weights in bfloat16 and
reduces gradients in float32. float8 is bfloat16 with the products inside the blocks in float8 (see `blocks.py`).

Source: Micikevicius et al. 2018 (mixed precision, float32 master weights); Kalamkar et al. 2019 (bfloat16).
"""

import importlib.util
import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch.distributed.fsdp import MixedPrecisionPolicy

from smollab.hardware import measure_matmul
from smollab.progress import console
from smollab.recipe import Parallel, RecipeError
from smollab.train.processes import from_main, is_main

Precision = Literal["float32", "bfloat16", "float8"]
CHOICES: tuple[Precision, ...] = ("float32", "bfloat16", "float8")

FASTER = 1.2
"""bfloat16 is taken when it multiplies so many times faster than float32."""
RACE_SIZES = {"cpu": 256, "cuda": 4096}
"""Of the square matrices that are multiplied: some milliseconds even where bfloat16 is emulated."""


def choose_precision(setting: str, device: torch.device, folder: Path) -> Precision:
    """The precision of a run; all ranks of a run call this and get rank 0's answer.

    Args:
        setting: the recipe's `train.precision`.
        device: of the run.
        folder: of the run; precision.json there holds what `auto` chose, so that a resumed run computes the same.

    Raises:
        RecipeError: float8 where it cannot run.
    """
    if setting == "float8":
        check_float8(device)
    if setting != "auto":
        return settled(setting)
    file = folder / "precision.json"
    return CHOICES[from_main(CHOICES.index(_recorded(file) or _measured(file, device)) if is_main() else 0)]


def _recorded(file: Path) -> Precision | None:
    try:
        choice = json.loads(file.read_text(encoding="utf-8"))["precision"]
    except (OSError, ValueError, KeyError, TypeError):  # none, or half a file: measured anew
        return None
    return choice if choice in CHOICES else None


def _measured(file: Path, device: torch.device) -> Precision:
    ratio = bfloat16_speed(device)
    choice: Precision = "bfloat16" if ratio >= FASTER else "float32"
    how = f"{ratio:.1f} times as fast" if ratio >= 1 else f"{1 / ratio:.1f} times slower"
    console.print(f"  computing in {choice}: bfloat16 multiplies {how} here")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"precision": choice}) + "\n", encoding="utf-8")
    return choice


def settled(setting: str) -> Precision:
    """A precision as `choose_precision` gave it; `auto`, where nothing was measured, is float32."""
    return setting if setting in CHOICES else "float32"  # type: ignore[return-value]


def bfloat16_speed(device: torch.device, seconds: float = 0.05) -> float:
    """How many times faster than float32 this device multiplies bfloat16; below 1, slower."""
    size = RACE_SIZES.get(device.type, 1024)
    speeds = [measure_matmul(dtype, size, seconds).gflops for dtype in ("bfloat16", "float32")]
    return speeds[0] / speeds[1]


def check_float8(device: torch.device) -> None:
    """Refuse float8 where there are no instructions for it, or no torchao.

    Raises:
        RecipeError: saying which.
    """
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 9):
        raise RecipeError(
            'train.precision = "float8" needs a GPU that multiplies float8 (compute capability 8.9: Ada, Hopper or '
            f'newer), and this device ({device.type}) does not; use "auto", which measures what is fastest here'
        )
    if importlib.util.find_spec("torchao") is None:
        raise RecipeError('train.precision = "float8" needs torchao: pip install "smollab[float8]"')


def check_parallel_precision(precision: str, parallel: Parallel) -> None:
    """Refuse what does not go together.

    Raises:
        RecipeError: naming both settings.
    """
    if precision == "float8" and parallel.tensor > 1:
        raise RecipeError(
            'train.precision = "float8" splits no matrices over ranks: parallel.tensor must be 1 (shard, data, context '
            "and pipeline may be larger)"
        )


def computing_in(precision: Precision, device: torch.device) -> torch.autocast:
    """The context of a forward pass in one process."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision != "float32")


def fsdp_policy(precision: Precision) -> MixedPrecisionPolicy:
    """The same for weights that FSDP gathers: in bfloat16, and their gradients reduced in float32.

    Inputs are left as they are, since the angles of RoPE must stay in float32.
    """
    options: dict[str, Any] = {"cast_forward_inputs": False}
    if precision != "float32":
        options |= {"param_dtype": torch.bfloat16, "reduce_dtype": torch.float32}
    return MixedPrecisionPolicy(**options)
