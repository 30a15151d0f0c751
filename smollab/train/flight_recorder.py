"""A flight recorder: what the last steps were trained on, kept in memory and written where the monitor sees something.

A recording is a folder `flight-00000017`:

    batches.safetensors   token ids and document numbers of the last steps, as `17/tokens` and `17/document_ids`
    flight.json           the event; loss, gradient norm and streams of these steps; of the step itself the norm of
                          every parameter and of its gradient, and each document: where it lies and how it begins

`smollab replay` computes that step again (`replay.py`). Of a run in several processes process 0 writes its own rows,
and no norms. An event that was found after the update has no gradients any more.
"""

import json
import math
import re
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from smollab.batch import Batch
from smollab.tokens.mixture import PADDING, Mixture
from smollab.tokens.stream import TokenStream
from smollab.tokens.tokenizer import load_tokenizer
from smollab.train.monitor import LATE, Event
from smollab.train.processes import world_size

KEPT_STEPS = 4
"""Whose batches are held in memory."""
KEPT_FLIGHTS = 8
"""Recordings that stay on disk, so that a run which warns at every step does not fill it."""
SHOWN_CHARACTERS = 80
"""Of the beginning of each document."""
BATCHES, FLIGHT = "batches.safetensors", "flight.json"


@dataclass
class Flown:
    """One step."""

    step: int
    """Counted from 1, as in the log."""
    streams: list[str]
    """Of each row."""
    tensors: dict[str, Tensor]
    loss: float = math.nan
    grad_norm: float = math.nan
    norms: dict[str, dict[str, float]] = field(default_factory=dict)
    """Of each parameter: of its weights, and of its gradient while there was one."""


class FlightRecorder:
    """Keeps the last steps of a run.

    Args:
        output: receives the recordings; None on ranks that write nothing.
        model: whose norms are recorded.
        mixture: which knows the documents of its streams.
        tokenizer: folder of the tokenizer, to show how documents begin; they are shown without text if it is missing.
    """

    def __init__(self, output: Path | None, model: nn.Module, mixture: Mixture, tokenizer: Path) -> None:
        self._output, self._model, self._mixture, self._tokenizer = output, model, mixture, tokenizer
        self._last: deque[Flown] = deque(maxlen=KEPT_STEPS)
        self._rewound: dict[str, Any] | None = None

    def before(self, step: int, batch: Batch, streams: Sequence[str]) -> None:
        """A step, counted from 1, is about to be taken on a batch."""
        if self._output is not None:
            tensors = {"tokens": batch.tokens, "document_ids": batch.document_ids}
            self._last.append(Flown(step, list(streams), tensors))

    @torch.no_grad()
    def look(self) -> None:
        """Take the norms of the step, while its gradients are there."""
        if self._output is None or world_size() > 1:
            return
        for name, parameter in self._model.named_parameters():
            norms = {"weight": parameter.norm().item()}
            if parameter.grad is not None:
                norms["gradient"] = parameter.grad.norm().item()
            self._last[-1].norms[name] = norms

    def rewound(self, step: int, data: dict[str, Any], crossed: bool) -> None:
        """The run went back to the checkpoint of a step, and goes on with new data.

        Args:
            step: of the checkpoint.
            data: where the mixture stands.
            crossed: whether this is an earlier stage than before.
        """
        self._last.clear()
        self._rewound = {"step": step, "data": data, "crossed": crossed}

    def after(self, loss: float, grad_norm: float, event: Event | None) -> Path | None:
        """The step has been taken; written to disk if there was an event that is more than a warning of a measure.

        Returns:
            The recording, if there is one.
        """
        if self._output is None:
            return None
        flown = self._last[-1]
        flown.loss, flown.grad_norm = loss, grad_norm
        if event is None or (event.kind in LATE and event.action == "warn"):
            return None
        if not flown.norms:
            self.look()
        folder = self._output / f"flight-{event.step:08d}"
        unfinished = folder.with_name(folder.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        batches = {f"{kept.step}/{name}": t.contiguous() for kept in self._last for name, t in kept.tensors.items()}
        save_file(batches, unfinished / BATCHES)
        content = {
            "event": asdict(event),
            "steps": [
                {"step": k.step, "loss": written(k.loss), "grad_norm": written(k.grad_norm), "streams": k.streams}
                for k in self._last
            ],
            "norms": {name: {k: written(v) for k, v in norms.items()} for name, norms in flown.norms.items()},
            "documents": self._documents(flown),
            "rewound": self._rewound,
        }
        (unfinished / FLIGHT).write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        unfinished.rename(folder)
        for old in list_flights(self._output)[:-KEPT_FLIGHTS]:
            shutil.rmtree(old)
        return folder

    def _documents(self, flown: Flown) -> list[dict[str, Any]]:
        """Each document of each row."""
        there = (self._tokenizer / "tokenizer.json").is_file()
        tokenizer = load_tokenizer(self._tokenizer) if there else None
        documents = []
        for row, (name, tokens) in enumerate(zip(flown.streams, flown.tensors["tokens"], strict=True)):
            numbers, stream = flown.tensors["document_ids"][row], self._mixture.streams[name]
            for number in dict.fromkeys(numbers.tolist()):
                if number == PADDING:
                    continue
                place = stream.place_of(number) if isinstance(stream, TokenStream) else ("", number)
                text = tokenizer.decode(tokens[numbers == number].tolist()) if tokenizer else ""
                source = name.rpartition("@")[0]
                found = {"row": row, "id": number, "source": source, "shard": place[0], "document": place[1]}
                documents.append(found | {"text": text[:SHOWN_CHARACTERS]})
        return documents


def list_flights(output: Path) -> list[Path]:
    """Recordings of a run, by step."""
    return sorted(path for path in output.glob("flight-*") if re.fullmatch(r"flight-\d+", path.name))


def written(value: float) -> float | str:
    """As JSON has it, which knows no infinity; `float` reads both."""
    return value if math.isfinite(value) else str(value)
