"""The comparison holds the same memory for ten times the documents; measured in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from smollab.curate.dedup.table import write_table

MEASURED = """
import json, sys
from pathlib import Path
from smollab.curate.dedup import PieceDedup, Shards, minhash_dedup
from smollab.recipe import MinHash, RepeatedPieces

folder, step = Path(sys.argv[1]), sys.argv[2]
steps = {"minhash": minhash_dedup(MinHash(pairs=0)), "line": PieceDedup("line", RepeatedPieces())}
described = tuple(sorted(folder.glob("*.keys.parquet")))
verdicts = tuple(path.with_suffix(".verdicts") for path in described)
(folder / "work").mkdir()
steps[step].compare(Shards(described, ((),) * len(described), verdicts, folder / "work"))
status = Path("/proc/self/status").read_text().splitlines()
print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


def write_keys(folder, step, rows):
    """Rows of which one in ten repeats one of the last, and one in fifty all others like it."""
    rng = np.random.default_rng(0)
    columns = [f"key_{column:02d}" for column in range(14)] if step == "minhash" else ["key"]
    for index, start in enumerate(range(0, rows, 40_000)):
        count = min(40_000, rows - start)
        keys = rng.integers(1, 2**64, (count, len(columns)), dtype=np.uint64)
        keys[9::10] = keys[:-9:10][: len(keys[9::10])]
        keys[49::50] = 7
        block = dict(zip(columns, keys.T, strict=True))
        types = dict.fromkeys(columns, pa.uint64())
        if step == "minhash":
            types = {"id": pa.large_string(), "preference": pa.float64()} | types
            block |= {"id": [f"https://site.org/{row}" for row in range(start, start + count)]}
            block |= {"preference": np.zeros(count)}
        write_table(folder / f"{index:05d}.keys.parquet", types, [block])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize(("step", "rows"), [("minhash", 60_000), ("line", 300_000)])
def test_memory_stays_flat_as_documents_grow_tenfold(tmp_path, step, rows):
    peaks = []
    for times in (1, 10):
        folder = tmp_path / str(times)
        write_keys(folder, step, rows * times)
        run = [sys.executable, "-c", MEASURED, str(folder), step]
        peaks.append(int(subprocess.run(run, check=True, capture_output=True, text=True).stdout))
    keys_mb = rows * 9 * 8 * (14 if step == "minhash" else 1) / 2**20
    assert (peaks[1] - peaks[0]) / 1024 < 0.5 * keys_mb  # what was added was never there as a whole
    assert peaks[1] < 1.25 * peaks[0], json.dumps(peaks)
