"""Where a run's metrics go beside metrics.jsonl: TensorBoard, trackio, wandb.

Each is a package of its own (pip install "smollab[track]") and is asked for in `train.trackers`. A tracker gets the
numbers of a row under flat names, such as `held_out/web` or `update_ratio/matrix`; of attention's logits, the largest
of each layer. A resumed run goes on in the same place.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from smollab.recipe import RecipeError


class Tracker(Protocol):
    """What receives the numbers of a step."""

    def log(self, numbers: dict[str, float], step: int) -> None:
        """Take note of them."""

    def close(self) -> None:
        """Write what is not yet written."""


class TensorBoard:
    """Event files in the run's folder, for `tensorboard --logdir`."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], resume_step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=resume_step + 1)

    def log(self, numbers: dict[str, float], step: int) -> None:
        """One scalar each; written within two minutes."""
        for name, number in numbers.items():
            self._writer.add_scalar(name, number, step)

    def close(self) -> None:
        """Write the rest."""
        self._writer.close()


class Trackio:
    """trackio, which keeps runs in a local database: `trackio show`."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], resume_step: int) -> None:
        import trackio

        self._module = trackio
        trackio.init(project="smollab", name=name, config=dict(settings), resume="allow", embed=False)

    def log(self, numbers: dict[str, float], step: int) -> None:
        """One row."""
        self._module.log(numbers, step=step)

    def close(self) -> None:
        """Wait until all is written."""
        self._module.finish()


class Wandb:
    """Weights & Biases; WANDB_MODE=offline keeps it in the run's folder."""

    def __init__(self, folder: Path, name: str, settings: Mapping[str, Any], resume_step: int) -> None:
        import wandb

        self._run = wandb.init(
            project="smollab", id=name, name=name, dir=str(folder), config=dict(settings), resume="allow"
        )

    def log(self, numbers: dict[str, float], step: int) -> None:
        """One row; steps that an earlier session sent already are left out by wandb."""
        self._run.log(numbers, step=step)

    def close(self) -> None:
        """Wait until all is sent."""
        self._run.finish()


TRACKERS: dict[str, Callable[[Path, str, Mapping[str, Any], int], Tracker]] = {
    "tensorboard": TensorBoard,
    "trackio": Trackio,
    "wandb": Wandb,
}
"""By the names of `train.trackers`, which are those of their packages."""


def check_trackers(names: Sequence[str]) -> None:
    """Refuse, before any work, trackers that are unknown or not installed.

    Raises:
        RecipeError: naming the tracker and how to install it.
    """
    for name in names:
        if name not in TRACKERS:
            raise RecipeError(f"train.trackers: {name!r} is unknown; known are {', '.join(TRACKERS)}")
        if importlib.util.find_spec(name) is None:
            raise RecipeError(
                f"train.trackers asks for {name}, which is not installed: pip install {name}, or all of them with "
                'pip install "smollab[track]"'
            )


def open_trackers(names: Sequence[str], folder: Path, settings: Mapping[str, Any], resume_step: int) -> list[Tracker]:
    """Start the trackers of a run.

    Args:
        names: checked by `check_trackers`.
        folder: of the run's training, `runs/NAME/pretrain`.
        settings: of the run, shown beside it.
        resume_step: later steps were cut off, and come again.
    """
    run = folder.resolve()
    name = run.parent.name if run.name == "pretrain" else run.name
    return [TRACKERS[tracker](folder, name, settings, resume_step) for tracker in names]


def flat(row: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a row under names such as `held_out/web`; the step and words are left out."""
    return dict(_flat(row))


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}/")
        elif isinstance(value, list) and value and isinstance(value[0], list):
            seen = [[head for head in heads if head is not None] for heads in value]
            yield from ((f"{prefix}{name}/layer {layer}", max(heads)) for layer, heads in enumerate(seen) if heads)
        elif isinstance(value, int | float) and not isinstance(value, bool) and name != "step":
            yield f"{prefix}{name}", value
