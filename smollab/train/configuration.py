"""What identifies a run: two runs of one configuration compute the same numbers."""

import ast
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smollab.recipe import Recipe
from smollab.train import TRAINING_CODE


def run_configuration(recipe: Recipe, tokens: Path) -> dict[str, Any]:
    """Everything that decides what a run computes: settings, the tokens it reads, and the code."""
    sections = {key: asdict(getattr(recipe, key)) for key in ("model", "objective", "optimizer", "schedule", "monitor")}
    headers = [path.read_text(encoding="utf-8") for path in sorted((tokens / "train").glob("*/header.json"))]
    train = asdict(recipe.train)
    configuration = sections | {
        "stages": {str(i): asdict(stage) for i, stage in enumerate(recipe.stages)},
        "train": {key: train[key] for key in ("sequence_length", "batch_sequences", "packing", "seed", "precision")},
        "streamed": {name: source.address for name, source in recipe.data.sources.items() if source.stream},
        "tokens": hashlib.sha256("".join(headers).encode()).hexdigest()[:16],
        "code": code_fingerprint(),
    }
    result: dict[str, Any] = json.loads(json.dumps(configuration))  # tuples become lists, as in a saved state
    return result


def code_fingerprint() -> str:
    """Hash of the code that training consists of; comments and layout do not count.

    So that whoever changes the optimizer and runs again sees what the change does, not the old run's end.
    """
    package = Path(__file__).parents[1]
    places = [package / place for place in TRAINING_CODE]
    files = [file for place in places for file in (sorted(place.glob("*.py")) if place.is_dir() else [place])]
    code = [ast.dump(ast.parse(file.read_text(encoding="utf-8"))) for file in files]
    return hashlib.sha256("".join(code).encode()).hexdigest()[:16]
