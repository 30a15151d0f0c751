"""status.json of a training: which process works on it, and how it ended; for `smollab watch`.

A process that is killed leaves "running" behind, so the reader also asks whether that process still exists.
"""

import json
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "status.json"


@contextmanager
def told_status(folder: Path, tells: bool = True) -> Iterator[None]:
    """Say in a folder that this process trains there, and afterwards how that ended.

    Args:
        folder: of the training.
        tells: False on all ranks of a run but one.
    """
    if not tells:
        yield
        return
    _write(folder, "running")
    try:
        yield
    except KeyboardInterrupt:
        _write(folder, "stopped")
        raise
    except BaseException as error:
        _write(folder, "failed", f"{error}" or type(error).__name__)
        raise
    _write(folder, "finished")


def _write(folder: Path, status: str, message: str = "") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    process = {"process": os.getpid(), "machine": platform.node(), "began": began(os.getpid())}
    unfinished = folder / (FILE + ".unfinished")
    unfinished.write_text(json.dumps({"status": status, "message": message} | process) + "\n", encoding="utf-8")
    unfinished.replace(folder / FILE)


def read_status(folder: Path) -> tuple[str, str]:
    """The status of a training, and a message of how it failed.

    Returns:
        `none` (nothing has been trained), `running`, `dead` (it should be running, and the process is gone),
        `finished`, `stopped` or `failed`.
    """
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        status, number, machine = told["status"], int(told["process"]), told["machine"]
    except (OSError, ValueError, KeyError, TypeError):
        return "none", ""
    if status == "running" and machine == platform.node() and not _lives(number, told.get("began")):
        return "dead", ""
    return status, told.get("message", "")


def _lives(number: int, when: str | None) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return began(number) == when


def began(number: int) -> str | None:
    """When a process began, in ticks since the machine did; None where the system does not tell.

    Numbers of processes are given out again, so a number alone does not say that a process still lives.
    """
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return None
