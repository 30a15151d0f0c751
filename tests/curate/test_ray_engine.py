"""On a Ray of two workers on this machine. It starts once for all tests here, since that takes seconds."""

import hashlib
import sys
from pathlib import Path

import pytest

from smollab.curate import curate
from smollab.curate.engines import ProcessEngine, make_engine
from smollab.curate.errors import CurationError
from smollab.curate.ray_engine import RayEngine
from smollab.recipe import WEB_STEPS, Curate, Data, Source

from .making import prose, write_warc
from .test_engines import Chore, work


def test_an_address_where_nobody_answers(tmp_path):
    for address, why in [("127.0.0.1:1", "Connection refused"), ("no.such.host.invalid:6379", ""), ("nonsense", "")]:
        with RayEngine(address=address) as engine, pytest.raises(CurationError, match=f"cannot be used: .*{why}"):
            engine.map_shards(work, [Chore(tmp_path, 0)])


@pytest.fixture(scope="module")
def cluster():
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")  # other programs may fill the memory; it would kill workers
        options = {"object_store_memory": 100 * 2**20, "include_dashboard": False, "log_to_driver": False}
        ray.init(address="local", num_cpus=2, logging_level="ERROR", **options)
        yield ray
        ray.shutdown()


def hashes(folder):
    """Hash every file of a run."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def sources(folder):
    for number in range(6):
        pages = {f"http://{number}.example/{i}": prose(number * 40 + i, 20) for i in range(40)}
        pages["http://double.example/"] = prose(1, 20)
        write_warc(folder / f"{number}.warc.gz", pages)
    # All but the rule that finds the same words again and again, for that is how these pages are made.
    steps = tuple(step for step in WEB_STEPS if step != "gopher_repetition")
    return Data(sources={"web": Source(address=f"warc:{folder}", steps=steps)})


def test_the_same_bytes_as_by_processes(cluster, tmp_path):
    data = sources(tmp_path / "in")
    for engine in ("processes", "ray"):
        curate(data, Curate(workers=2, engine=engine), tmp_path / engine)
    found = hashes(tmp_path / "ray")
    assert found == hashes(tmp_path / "processes")
    assert any(name.startswith("kept/") for name in found)


def test_maps_what_is_not_done_and_counts(cluster, tmp_path):
    (tmp_path / "1.done").write_text("before")
    seen = []
    chores = [Chore(tmp_path, number) for number in range(6)]
    with RayEngine(2) as engine:
        engine.map_shards(work, chores, lambda done, documents: seen.append((done, documents)))
    assert (tmp_path / "1.done").read_text() == "before"
    assert all(chore.output.exists() for chore in chores)
    assert seen[0] == (1, 0) and seen[-1][0] == 6 and seen == sorted(seen)
    assert cluster.is_initialized()  # was not ours to end


def test_a_killed_worker_is_blamed_on_its_shard_and_a_second_run_goes_on(cluster, tmp_path):
    with RayEngine(2) as engine:
        with pytest.raises(CurationError, match=r"killed \(out of memory\?\).*chore 2.*curate\.workers=1"):
            engine.map_shards(work, [Chore(tmp_path, 0), Chore(tmp_path, 1), Chore(tmp_path, 2, "die")])
        engine.map_shards(work, [Chore(tmp_path, number) for number in range(3)])
    assert all((tmp_path / f"{number}.done").exists() for number in range(3))


def test_errors_of_the_function_surface(cluster, tmp_path):
    with RayEngine(2) as engine, pytest.raises(ValueError, match="a mistake"):
        engine.map_shards(work, [Chore(tmp_path, 0), Chore(tmp_path, 1, "fail")])


def leave_nothing(chore, tick):
    """Does what a machine does that does not share our files."""


def test_outputs_that_are_not_to_be_seen_are_an_error(cluster, tmp_path):
    with RayEngine(2) as engine, pytest.raises(CurationError, match="file system that all machines"):
        engine.map_shards(leave_nothing, [Chore(tmp_path, 0)])


def test_the_recipe_names_the_engine(monkeypatch):
    assert isinstance(make_engine(Curate()), ProcessEngine)
    assert isinstance(make_engine(Curate(engine="ray")), RayEngine)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(CurationError, match=r'needs Ray: pip install "smollab\[ray\]"'):
        make_engine(Curate(engine="ray"))
