"""Every parallel layout trains as one process does: losses, gradients, weights."""

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("train_layouts.py")
LAYOUTS = {
    2: [
        *("data=2", "shard=2,micro=2", "tensor=2", "tensor=2,choice=untied", "context=2,choice=untied"),
        *("pipeline=2,micro=2", "pipeline=2,stages_per_rank=2,micro=2,choice=untied"),
        *("context=2,method=all_gather", "tensor=2,activation_checkpointing=full"),
        *("shard=2,micro=2,activation_checkpointing=selective", "pipeline=2,micro=2,activation_checkpointing=full"),
    ],
    4: [
        *("data=2,shard=2,micro=1", "pipeline=4,micro=1"),
        *("context=2,tensor=2,choice=untied", "pipeline=2,tensor=2,micro=2"),
    ],
    8: ["pipeline=2,shard=2,tensor=2,micro=2"],
}
BFLOAT16 = ("shard=2,micro=2,precision=bfloat16", "pipeline=2,micro=2,precision=bfloat16")
"""Others, such as `context=4` or `data=2,shard=2,tensor=2`, can be given to train_layouts.py by hand."""


@lru_cache
def start(processes: int) -> subprocess.CompletedProcess[str]:
    """Train under all layouts of a number of processes, which start once."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command += [str(SCRIPT), *LAYOUTS[processes], *(BFLOAT16 if processes == 2 else ())]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=900, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )


def run(processes: int) -> dict[str, list[dict[str, Any]]]:
    """What each rank found, by layout."""
    result = start(processes)
    assert result.returncode == 0, result.stderr[-4000:]
    rows = [json.loads(line) for line in result.stdout.splitlines() if line.startswith('{"layout"')]
    return {row["layout"]: row["ranks"] for row in rows}


@pytest.mark.parametrize(("processes", "layout"), [(n, layout) for n in LAYOUTS for layout in LAYOUTS[n]])
def test_a_layout_trains_as_one_process_does(processes: int, layout: str) -> None:
    """Twenty steps of Muon and AdamW: what differs is the order of sums."""
    ranks = run(processes)[layout]
    assert ranks[0]["last"] < ranks[0]["first"] - 1  # it really learns
    for rank in ranks:
        assert rank["gradient"] < 1e-5
        assert rank["norm"] < 1e-5
        assert rank["loss"] < 2e-5
        assert rank["weight"] < 1e-3
        assert rank["evaluation"] < 1e-4


@pytest.mark.parametrize("layout", BFLOAT16)
def test_in_bfloat16_a_layout_trains_nearly_as_one_process_in_float32_does(layout: str) -> None:
    """bfloat16 has eight bits; the weights under it are float32, so the errors do not add up over the steps."""
    for rank in run(2)[layout]:
        assert 1e-6 < rank["loss"] < 0.02
        assert 1e-4 < rank["gradient"] < 0.1
        assert rank["evaluation"] < 0.01


@pytest.mark.parametrize(
    ("processes", "layout"),
    [(2, "shard=2,micro=2"), (2, "tensor=2"), (2, "pipeline=2,micro=2"), (4, "pipeline=2,tensor=2,micro=2")],
)
def test_ranks_that_hold_different_slices_start_from_different_weights(processes: int, layout: str) -> None:
    """SmolLM3's own run was restarted after a trillion tokens because all tensor ranks had drawn the same numbers."""
    first, *others = (rank["checksums"] for rank in run(processes)[layout])
    for other in others:
        shared = sum(a == b for a, b in zip(first, other, strict=False))
        assert shared == 0


def test_replicas_start_from_the_same_weights() -> None:
    first, second = (rank["checksums"] for rank in run(2)["data=2"])
    assert first == second
