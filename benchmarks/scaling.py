"""Does curation take ten times as long, and the same memory, for ten times the documents?

    python benchmarks/scaling.py                         # on 10,000 to 100,000 documents
    python benchmarks/scaling.py --documents 10000 200000 --keys --steps "whole chain"
    python benchmarks/scaling.py --keys 100000 1000000   # only the comparison, on rows of keys

Documents are made of real paragraphs of `data_samples` (and of the Debian packages in `$TMPDIR/smollab-debs`, if there
are any), recombined at random so that each has the length of a real page; one in ten repeats an earlier document,
exactly or with a few paragraphs exchanged. Each global step runs by itself, and then `curate` with all that follows
extraction (language, rules, exact and MinHash deduplication, personal data), in one process. Each size runs in a
process of its own, so that its peak memory is its own.
Printed are ratios to the smallest size: CPU time per document, and peak memory.
"""

import argparse
import itertools
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from harness import save_json

from smollab.curate import curate
from smollab.curate.across import DescribeTask, carry_out, describe_shard, find_duplicates
from smollab.curate.dedup.table import write_table
from smollab.curate.html import decode_html, extract_main_text
from smollab.curate.warc import read_warc
from smollab.documents import Document, Drop, read_documents, write_documents
from smollab.recipe import WEB_STEPS, Curate, Data, MinHash, Source

SAMPLES = Path(__file__).parents[1] / "data_samples"
SHARD_DOCUMENTS = 5000
SHARD_ROWS = 50_000
WHOLE_CHAIN = "whole chain"
STEPS = ("url_dedup", "exact_dedup", "minhash_dedup", "paragraph_dedup", "line_dedup", WHOLE_CHAIN)


def read_paragraphs() -> list[str]:
    """Return distinct paragraphs of the sample pages and texts, and of Debian packages if they are there."""
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in sorted(SAMPLES.glob("text/*/*.txt"))]
    with (SAMPLES / "web" / "en.warc.gz").open("rb") as stream:
        pages = [r for r in read_warc(stream, Counter()) if "html" in r.content_type]
        texts += [extract_main_text(decode_html(page.body, page.charset)) for page in pages]
    for package in sorted((Path(tempfile.gettempdir()) / "smollab-debs").glob("*.deb")):
        texts += _read_package(package)
    paragraphs = {piece.strip() for text in texts for piece in text.split("\n\n")}
    return sorted(piece for piece in paragraphs if 80 <= len(piece) <= 2000)


def _read_package(package: Path) -> Iterator[str]:
    """Yield the texts of the HTML and text files of a Debian package."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg", "-x", str(package), folder], check=True)
        for path in sorted(Path(folder).rglob("*.htm*"))[:3000]:
            if path.is_file() and not path.is_symlink():
                yield extract_main_text(decode_html(path.read_bytes(), ""))


def make_documents(paragraphs: list[str], count: int, seed: int = 0) -> Iterator[Document]:
    """Yield documents of real length; every tenth repeats an earlier one, exactly or nearly."""
    rng = random.Random(seed)
    lengths = np.random.default_rng(seed).lognormal(1.9, 0.7, count)  # paragraphs: median 7
    recent: deque[list[str]] = deque(maxlen=1000)
    for i in range(count):
        if i % 10 == 9:
            pieces = list(rng.choice(recent))
            if i % 20 == 19:
                for place in rng.sample(range(len(pieces)), max(1, len(pieces) // 12)):
                    pieces[place] = rng.choice(paragraphs)
        else:
            pieces = [rng.choice(paragraphs) for _ in range(max(2, round(lengths[i])))]
            # Sentences are put together anew, or there would be no more lines than the samples have.
            pieces = [_recombine(piece, rng.choice(paragraphs), rng) for piece in pieces]
        recent.append(pieces)
        page = i if i % 50 else i // 2
        metadata = {"url": f"https://site{page % 977}.org/page/{page}"}
        yield Document(f"document {i}", "\n\n".join(pieces), "web", "en", metadata)


def _recombine(a: str, b: str, rng: random.Random) -> str:
    first, second = a.split(". "), b.split(". ")
    return ". ".join([*first[: rng.randrange(len(first)) + 1], *second[rng.randrange(len(second)) :]])


def make_rows(folder: Path, rows: int) -> None:
    """Write rows of keys: every fifth agrees in some buckets with another, every hundredth in all with all those."""
    import pyarrow as pa

    rng = np.random.default_rng(0)
    names = [f"key_{column:02d}" for column in range(14)]
    types = {"id": pa.large_string(), "preference": pa.float64()} | dict.fromkeys(names, pa.uint64())
    for index, start in enumerate(range(0, rows, SHARD_ROWS)):
        count = min(SHARD_ROWS, rows - start)
        keys = rng.integers(1, 2**64, (count, 14), dtype=np.uint64)
        for row in np.flatnonzero(rng.random(count) < 0.2):
            agreeing = rng.random(14) < 0.5
            keys[row, agreeing] = keys[rng.integers(0, count), agreeing]
        keys[rng.random(count) < 0.01] = 7
        ids = [f"https://site.org/page/{row}" for row in range(start, start + count)]
        block = {"id": ids, "preference": np.zeros(count)} | dict(zip(names, keys.T, strict=True))
        write_table(_task(folder, index, "minhash_dedup", ()).output, types, [block])


def run_chain(folder: Path) -> None:
    """Curate the documents in a folder with all that follows extraction."""
    steps = tuple(step for step in WEB_STEPS if not step.startswith("extract_"))
    source = Source(address=f"parquet:{folder / 'input'}", steps=steps)
    funnel = curate(Data(sources={"web": source}), Curate(workers=1), folder / "curated")
    print(f"  {WHOLE_CHAIN}: {funnel.documents_kept} of {funnel.documents_read} kept", file=sys.stderr, flush=True)


def run_steps(folder: Path, steps: list[str]) -> dict[str, float]:
    """Send the documents in a folder through each of the steps, and return CPU seconds of each."""
    seconds: dict[str, float] = {}
    for step in steps:
        start = time.process_time()
        if step == WHOLE_CHAIN:
            run_chain(folder)
            seconds[step] = time.process_time() - start
            continue
        files = sorted((folder / "input").glob("*.parquet"))
        tasks = [_task(folder / "work" / step, index, step, (file,)) for index, file in enumerate(files)]
        for task in tasks:
            describe_shard(task, lambda count: None)
        find_duplicates(tasks)
        dropped = cut = 0
        for task in tasks:
            for before, after in carry_out(step, task.settings, task.removed, read_documents(*task.inputs)):
                dropped += isinstance(after, Drop)
                cut += isinstance(after, Document) and after.text != before.text
        seconds[step] = time.process_time() - start
        print(f"  {step}: {dropped} dropped, {cut} cut", file=sys.stderr, flush=True)
    return seconds


def run_comparison(folder: Path) -> dict[str, float]:
    """Compare the rows of keys in a folder."""
    count = len(list(folder.glob("*.keys.parquet")))
    start = time.process_time()
    find_duplicates([_task(folder, index, "minhash_dedup", ()) for index in range(count)])
    return {"comparison": time.process_time() - start}


def _task(folder: Path, index: int, step: str, inputs: tuple[Path, ...]) -> DescribeTask:
    # Without texts there are no pairs to look at.
    settings = Curate() if inputs else Curate(minhash_dedup=MinHash(pairs=0))
    return DescribeTask(folder, index, "web", step, settings, inputs)


def peak_memory_mb() -> float:
    """Return the most memory this process has held, since it was started; MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def measure(kind: str, folder: Path, steps: list[str]) -> dict[str, float]:
    """Run one size in a process of its own; return CPU seconds by step, and the peak memory."""
    command = [sys.executable, __file__, "--run", kind, "--folder", str(folder), "--steps", *steps]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)  # type: ignore[no-any-return]


def print_scaling(unit: str, results: dict[int, dict[str, float]]) -> None:
    """Print CPU time per document and peak memory of each size, as ratios to the smallest."""
    from rich.console import Console
    from rich.table import Table

    smallest = min(results)
    table = Table(title=f"Ratios to {smallest:,} {unit}: CPU time per one of them, and peak memory")
    names = list(results[smallest])
    for heading in (unit, *names):
        table.add_column(heading, justify="right")
    for count, result in results.items():
        base = results[smallest]
        ratios = [result[name] / base[name] / (1 if name == "peak memory" else count / smallest) for name in names]
        table.add_row(f"{count:,}", *(f"{ratio:.2f}" for ratio in ratios))
    Console().print(table)


def main() -> int:
    """Measure all sizes, print the ratios, and write them to benchmarks/results/scaling.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, nargs="*", default=[10_000, 30_000, 100_000])
    parser.add_argument("--keys", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--steps", nargs="*", choices=STEPS, default=list(STEPS), help="on documents; default: all")
    parser.add_argument("--run", choices=["documents", "keys"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        is_keys = options.run == "keys"
        result = run_comparison(options.folder) if is_keys else run_steps(options.folder, options.steps)
        print(json.dumps(result | {"peak memory": peak_memory_mb()}))
        return 0
    report = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if options.documents:
            paragraphs = read_paragraphs()
            print(f"{len(paragraphs)} real paragraphs", file=sys.stderr)
            results = {}
            for count in options.documents:
                documents = make_documents(paragraphs, count)
                characters = 0
                for index in range(-(-count // SHARD_DOCUMENTS)):
                    shard = list(itertools.islice(documents, SHARD_DOCUMENTS))
                    characters += sum(len(document.text) for document in shard)
                    write_documents(folder / str(count) / "input" / f"{index:05d}.parquet", shard)
                print(f"{count} documents of {characters // count} characters on average", file=sys.stderr)
                results[count] = measure("documents", folder / str(count), options.steps)
                shutil.rmtree(folder / str(count))
            print_scaling("documents", results)
            report["documents"] = results
        if options.keys:
            results = {}
            for rows in options.keys:
                make_rows(folder / "keys", rows)
                results[rows] = measure("keys", folder / "keys", options.steps)
                shutil.rmtree(folder / "keys")
            print_scaling("rows of keys", results)
            report["keys"] = results
    print(save_json("scaling", [], **report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
