"""The workflow: the steps from raw documents to a report, each run once for the same inputs.

    curate -> tokenize -> pretrain -> evaluate -> export -> report

The engine is doit: a step runs again if the settings it reads, the code it consists of, or the files it depends on
have changed, and only then. A finished step writes a manifest of its settings and of the checksums of what it made;
the next steps depend on that small file, so a step that ran again with the same outcome stops the chain.
Interrupted steps continue where they stopped: curation by shards, pretraining by checkpoints.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from smollab.progress import console
from smollab.recipe import Recipe, differences, resolve_place, to_toml
from smollab.steps import STEPS, Step, pretrain_step

PACKAGE = Path(__file__).parent
MARK = ".lock"
"""File by which the folder of a run is known, and which a process locks while it works there."""


class WorkflowError(RuntimeError):
    """A run that cannot be begun or continued; the message says why."""


def run_recipe(recipe: Recipe, folder: Path, until: str = "report") -> None:
    """Run the steps up to and including one, reusing all that are up to date.

    Args:
        recipe: what to run.
        folder: of the run; made if missing.
        until: name of the last step.

    Raises:
        WorkflowError: the folder holds other things, or another process works in it.
        Exception: whatever a step raised; the steps before it stay done.
        KeyboardInterrupt: stopped by the user; running again continues.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise WorkflowError(f"{folder}: holds files that are not of a run; name a new folder with --run")
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and until not in ("curate", "tokenize"):
        _pretrain_together(recipe, folder)
        if os.environ["RANK"] != "0":
            return
    _run_alone(recipe, folder, until)


def _run_alone(recipe: Recipe, folder: Path, until: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).touch()
    with _locked(folder):
        _run_steps(recipe, folder, until)


def _pretrain_together(recipe: Recipe, folder: Path) -> None:
    """What several processes, started by torchrun, do together; the first of them makes the tokens before."""
    from smollab.train.processes import fit_layout, is_main, joined, wait_for_main

    fit_layout(recipe.parallel)  # refuses the wrong number of processes before any document is read
    problem: BaseException | None = None
    with joined():
        if is_main():
            try:
                _run_alone(recipe, folder, until="tokenize")
            except BaseException as error:
                problem = error
        failed = wait_for_main(int(problem is not None))
        if not failed:
            pretrain_step(recipe, folder)
    if problem is not None:
        raise problem
    if failed:
        raise SystemExit(1)  # rank 0 says why


def _run_steps(recipe: Recipe, folder: Path, until: str) -> None:
    from doit.api import run_tasks
    from doit.cmd_base import ModuleTaskLoader

    (folder / "recipe.toml").write_text(to_toml(recipe, comments=True), encoding="utf-8")
    failures: list[Exception] = []

    def make_task(step: Step) -> Callable[[], dict[str, Any]]:
        return lambda: _task(step, recipe, folder, failures)

    for step in _steps_until(until):
        # One call and one file for each step: doit writes what it has done when a call ends, and not atomically.
        state = folder / ".workflow" / f"{step.name}.json"
        state.parent.mkdir(exist_ok=True)
        _remove_if_torn(state)
        settings = {"dep_file": str(state), "backend": "json", "verbosity": 2, "reporter": _Reporter}
        loader = ModuleTaskLoader({f"task_{step.name}": make_task(step)})
        code = run_tasks(loader, {step.name: {}}, {"GLOBAL": settings})
        if failures:
            raise failures[0]
        if code:
            raise WorkflowError(f"{folder}: the workflow could not run; see the lines above")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run's folder; however this one ends, the lock ends with it."""
    import fcntl

    with (folder / MARK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise WorkflowError(f"{folder}: another process works in this folder; wait for it, or use --run") from None
        yield


def _remove_if_torn(state: Path) -> None:
    """A full disk or a killed process may have left half a file; without it, the step runs again."""
    try:
        json.loads(state.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except ValueError:
        state.unlink()


def _steps_until(name: str) -> list[Step]:
    """A step and all that it needs, in order."""
    needed = {name}
    for step in reversed(STEPS):
        if step.name in needed:
            needed.update(step.needs)
    return [step for step in STEPS if step.name in needed]


def _task(step: Step, recipe: Recipe, folder: Path, failures: list[Exception]) -> dict[str, Any]:
    """The doit task of a step."""
    from doit.tools import config_changed

    manifest = folder / "manifests" / f"{step.name}.json"
    configuration = _configuration(step, recipe)

    def action() -> bool:
        started = time.monotonic()
        _say_why(step, manifest, configuration)
        try:
            step.action(recipe, folder)
            _write_manifest(manifest, step.name, configuration, folder)
        except Exception as error:  # reported by the caller as one line
            failures.append(error)
            return False
        console.print(f"  done in {time.monotonic() - started:.0f} s")
        return True

    return {
        "actions": [action],
        "file_dep": [
            *_code_files(step.code),
            *_input_files(step, recipe),
            *(str(folder / "manifests" / f"{name}.json") for name in step.needs),
        ],
        "targets": [str(manifest)],
        "uptodate": [config_changed(configuration), lambda: _is_intact(manifest, folder)],
        "io": {"capture": False},
    }


def _configuration(step: Step, recipe: Recipe) -> dict[str, Any]:
    """The settings a step reads; when they change it runs again."""
    plain = lambda section: [asdict(item) for item in section] if isinstance(section, tuple) else asdict(section)
    configuration: dict[str, Any] = {key: plain(getattr(recipe, key)) for key in step.sections}
    if step.name == "curate":
        del configuration["curate"]["workers"]  # the outcome does not depend on it
        del configuration["data"]["held_out"]  # the next step's
    if step.name == "tokenize":
        configuration["data"] = {"held_out": recipe.data.held_out}
    if step.name == "report":
        configuration["recipe"] = to_toml(recipe)
    result: dict[str, Any] = json.loads(json.dumps(configuration))  # tuples become lists, as in a stored manifest
    return result


def _code_files(code: tuple[str, ...]) -> list[str]:
    paths = [PACKAGE / place for place in code]
    return [str(f) for path in paths for f in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]


def _input_files(step: Step, recipe: Recipe) -> list[str]:
    """Local files a step reads beside what earlier steps made; what lies on the network is known by its address."""
    if step.name == "curate":
        from smollab.curate.readers import list_shards

        shards = [shard for name, source in recipe.data.sources.items() for shard in list_shards(name, source)]
        return [file for shard in shards for file in shard.files if Path(file).is_file()]
    if step.name == "tokenize" and recipe.tokenizer.path:
        file = Path(recipe.tokenizer.path) / "tokenizer.json"
        return [str(file)] if file.is_file() else []
    if step.name == "evaluate" and recipe.evaluate.minimal_pairs:
        return [str(resolve_place(recipe.evaluate.minimal_pairs))]
    return []


def _say_why(step: Step, manifest: Path, configuration: dict[str, Any]) -> None:
    """Announce a step, and what changed since it last ran."""
    console.print(f"[bold]{step.name}[/bold]")
    if manifest.exists():
        old = json.loads(manifest.read_text(encoding="utf-8"))["configuration"]
        changed = [d.replace(" there, ", " before, ").replace(" here", " now") for d in differences(old, configuration)]
        if changed and step.name != "report":
            console.print("  again, because of " + "; ".join(changed[:3]), markup=False, soft_wrap=True)


def _write_manifest(manifest: Path, name: str, configuration: dict[str, Any], folder: Path) -> None:
    output = folder / name if (folder / name).is_dir() else folder / f"{name}.html"
    files = sorted(p for p in output.rglob("*") if p.is_file()) if output.is_dir() else [output]
    # Metrics, the run's status and what trackers write hold timings, which differ between equal runs.
    watched = ("metrics.jsonl", "status.json", "tensorboard", "wandb")
    lasting = [p for p in files if name != "pretrain" or p.relative_to(output).parts[0] not in watched]
    checksums = {str(p.relative_to(folder)): _checksum(p) for p in lasting}
    manifest.parent.mkdir(exist_ok=True)
    content = {"step": name, "configuration": configuration, "files": checksums}
    unfinished = manifest.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(manifest)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_intact(manifest: Path, folder: Path) -> bool:
    """Whether everything a step made is still there."""
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError):
        return False
    return all((folder / file).is_file() for file in files)


class _Reporter:
    """What doit calls to report; steps announce themselves."""

    desc = "smollab"

    def __init__(self, outstream: Any, options: dict[str, Any]) -> None:
        self.outstream = outstream

    def skip_uptodate(self, task: Any) -> None:
        """Tell that a step is reused."""
        console.print(f"[bold]{task.name}[/bold]: reused, nothing it depends on has changed")

    def runtime_error(self, message: str) -> None:
        """Tell what doit itself could not do."""
        console.print(message, markup=False)

    def _silent(self, *arguments: Any) -> None:
        """Other events need no words."""

    initialize = get_status = execute_task = add_failure = add_success = _silent
    skip_ignore = cleanup_error = teardown_task = complete_run = _silent
