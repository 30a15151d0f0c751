"""What an earlier run has recorded, and how far it still holds.

Reading and extraction cost most of a run's time, measuring most of the rest; judging costs nothing. A run leaves
the extracted texts, all measurements, and a note of what they depend on (`ledger/about.json`). The next run with
other thresholds reads those instead of its sources. Its output is byte for byte that of a run from scratch.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from smollab.curate.errors import CurationError
from smollab.curate.funnel import Funnel
from smollab.curate.ledger import signatures
from smollab.curate.local import Recorded, is_extraction
from smollab.curate.shards import Shard, list_shards
from smollab.curate.storage import stamp
from smollab.recipe import Curate, Data

__all__ = ["About", "check_recut", "describe_run", "find_recorded", "load_about"]


@dataclass(frozen=True)
class About:
    """What a run's result depends on."""

    inputs: dict[str, str]
    """Source -> hash of its address and files (names, sizes, times)."""
    steps: dict[str, list[str]]
    """Source -> its steps."""
    signatures: dict[str, dict[str, str]]
    """Source -> step -> hash of what its values depend on; see `ledger.signatures`."""
    settings: dict[str, Any]
    """All thresholds."""


def describe_run(data: Data, settings: Curate, shards: dict[str, list[Shard]]) -> About:
    """Say what a run's result depends on: inputs, steps, settings and this package's code."""
    steps = {name: list(source.resolved_steps) for name, source in data.sources.items()}
    return About(
        inputs={name: _hash_inputs(group) for name, group in shards.items()},
        steps=steps,
        signatures={name: signatures(names, settings) for name, names in steps.items()},
        settings=asdict(settings),
    )


def load_about(output: Path) -> About:
    """Read what a finished curation depended on.

    Raises:
        CurationError: there is none, or it is broken.
    """
    file = output / "ledger" / "about.json"
    if not file.is_file():
        raise CurationError(
            f"{output}: no ledger here; curate first, with curate.ledger = true (the default), "
            "and name the run's folder with --run"
        )
    try:
        return About(**json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise CurationError(f"{file}: broken ({error}); delete {output} and curate again") from None


def find_recorded(output: Path, about: About, shards: dict[str, list[Shard]]) -> dict[str, list[Recorded]]:
    """Return for each source what an earlier run's output offers for its shards; nothing where it does not hold."""
    complete = (output / "funnel.json").is_file() and (output / "ledger" / "about.json").is_file()
    if not about.settings["ledger"] or not complete:
        return {}
    try:
        earlier, funnel = load_about(output), Funnel.load(output)
    except (CurationError, ValueError, TypeError, KeyError):
        return {}  # broken, so that nothing of it can be relied on: all is done anew
    return {
        name: [_of_shard(output, name, index, about, earlier, funnel) for index in range(len(group))]
        for name, group in shards.items()
        if _same_until_extracted(name, about, earlier)
    }


def check_recut(output: Path, data: Data, settings: Curate) -> None:
    """Refuse to cut a run anew that was not made of a recipe's sources, or that recorded nothing.

    Raises:
        CurationError: what differs, and what to do.
    """
    earlier = load_about(output)
    if not settings.ledger:
        raise CurationError("curate.ledger is false: without it there is nothing to compare; leave it out")
    if list(earlier.steps) != list(data.sources):
        raise CurationError(
            f"{output} was made of the sources {', '.join(earlier.steps)}, the recipe has {', '.join(data.sources)}: "
            f"give the run's own recipe, {output.parent / 'recipe.toml'}"
        )
    about = describe_run(data, replace(settings, workers=None), {n: list_shards(n, s) for n, s in data.sources.items()})
    for name in data.sources:
        if not _same_until_extracted(name, about, earlier):
            raise CurationError(
                f"data.sources.{name}: its files, its steps up to extraction, or the code are not those of {output}: "
                "there is nothing to cut anew; run `smollab curate`"
            )


def _of_shard(output: Path, name: str, index: int, about: About, earlier: About, funnel: Funnel) -> Recorded:
    old, new = earlier.signatures[name], about.signatures[name]
    reusable = frozenset(step for step, signature in new.items() if signature and old.get(step) == signature)
    keys = {step: output / "keys" / f"{name}-{index:05d}.{step}.parquet" for step in reusable}
    return Recorded(
        ledger=output / "ledger" / f"{name}-{index:05d}.parquet",
        extracted=tuple(sorted((output / "extracted").glob(f"{name}-{index:05d}-*.parquet"))),
        keys={step: path for step, path in keys.items() if path.exists()},
        reusable=reusable,
        problems=funnel.sources[name].problems,
        skipped=funnel.sources[name].skipped,
    )


def _same_until_extracted(name: str, about: About, earlier: About) -> bool:
    """Say whether both runs read the same files and extract them in the same way."""
    if name not in earlier.inputs or about.inputs[name] != earlier.inputs[name]:
        return False
    old, new = _until_extracted(name, earlier), _until_extracted(name, about)
    return old == new and all(about.signatures[name][s] == earlier.signatures[name][s] for s in new)


def _until_extracted(name: str, about: About) -> list[str]:
    steps = about.steps[name]
    return steps[: max((position for position, step in enumerate(steps, 1) if is_extraction(step)), default=0)]


def _hash_inputs(shards: list[Shard]) -> str:
    parts = [[asdict(shard), [stamp(file) for file in shard.files]] for shard in shards]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
