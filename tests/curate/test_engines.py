import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from smollab.curate.engines import ProcessEngine
from smollab.curate.errors import CurationError

from .making import is_running


@dataclass(frozen=True)
class Chore:
    folder: Path
    number: int
    way: str = "write"

    @property
    def name(self):
        return f"chore {self.number}"

    @property
    def output(self):
        return self.folder / f"{self.number}.done"


def work(chore, tick):
    if chore.way == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if chore.way == "fail":
        raise ValueError("a mistake")
    if chore.way == "sleep":
        time.sleep(60)
    tick(10)
    chore.output.write_text(str(os.getpid()))


@pytest.mark.parametrize("workers", [1, 2])
def test_maps_what_is_not_done(tmp_path, workers):
    (tmp_path / "1.done").write_text("before")
    seen = []
    chores = [Chore(tmp_path, i) for i in range(4)]
    with ProcessEngine(workers) as engine:
        engine.map_shards(work, chores, lambda done, documents: seen.append((done, documents)))
    assert (tmp_path / "1.done").read_text() == "before"
    assert all(chore.output.exists() for chore in chores)
    assert seen[0] == (1, 0) and seen[-1] == (4, 30)
    pids = {chore.output.read_text() for chore in chores} - {"before"}
    assert (str(os.getpid()) in pids) == (workers == 1)


def test_a_killed_worker_is_blamed_on_its_shard(tmp_path):
    chores = [Chore(tmp_path, 0), Chore(tmp_path, 1), Chore(tmp_path, 2, "die")]
    with ProcessEngine(2) as engine, pytest.raises(CurationError, match=r"chore 2.*curate\.workers=1"):
        engine.map_shards(work, chores)


@pytest.mark.parametrize("workers", [1, 2])
def test_errors_of_the_function_surface(tmp_path, workers):
    with ProcessEngine(workers) as engine, pytest.raises(ValueError, match="a mistake"):
        engine.map_shards(work, [Chore(tmp_path, 0), Chore(tmp_path, 1, "fail")])


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from curate.test_engines import Chore, work
from smollab.curate.engines import ProcessEngine
folder = Path({folder!r})
chores = [Chore(folder, 0), Chore(folder, 1), Chore(folder, 2, "sleep"), Chore(folder, 3, "sleep")]
with ProcessEngine(2) as engine:
    engine.map_shards(work, chores)
"""


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGKILL])
def test_interrupted_runs_leave_no_processes_and_keep_what_is_done(tmp_path, signal_):
    # The script has no `if __name__ == "__main__"` guard, on purpose.
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path))
    # A test run in the background of a shell ignores Ctrl-C, and what it starts would inherit that.
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heed)
    for _ in range(300):
        if (tmp_path / "1.done").exists() and (tmp_path / "0.done").exists():
            break
        time.sleep(0.1)
    time.sleep(0.5)
    workers = {int((tmp_path / f"{i}.done").read_text()) for i in (0, 1)}
    process.send_signal(signal_)
    _, errors = process.communicate(timeout=20)
    assert errors.count("Traceback") <= 1  # the parent's KeyboardInterrupt at most, none from the workers
    for _ in range(100):
        if not any(is_running(pid) for pid in workers):
            break
        time.sleep(0.1)
    assert not any(is_running(pid) for pid in workers)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.done", "1.done"]
