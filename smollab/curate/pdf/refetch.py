"""Fetch truncated PDFs of a crawl again from where they came: a long job that can be stopped and goes on.

First the WARC files are looked through for PDFs, and those that were cut off go into the ledger. Then the hosts are
asked, several at a time, each politely one file after the other (`politeness`). Every new copy is checked, compared
with the old one by digests, and written as WARC, which a recipe reads as a `warc:` source:

    folder/ledger.sqlite                what was found and done
    folder/refetched-00000.warc.gz      the new copies, with their provenance (`refetch_record`)
    folder/partial/                     what has come of downloads that broke off

The old copy is a piece of the new one if the digest of the new one's first bytes, as many as the old one has, is the
old one's digest; so the old bytes need not be kept.

**Source**: FinePDFs refetches what CommonCrawl truncated (run_finepdfs_pipeline.py: 15 workers, 3 retries, 60 s, 10
minutes). Of the 12.2 million PDFs in CC-MAIN-2019-47 24 % are truncated (commoncrawl/cc-notebooks); for
CC-MAIN-2021-31-PDF-UNTRUNCATED (digitalcorpora.org) 1.92 of 2.03 million such could be fetched again.
"""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from smollab.curate.commoncrawl import fetch_records, read_captures
from smollab.curate.fetch import USER_AGENT, FetchError, Manner
from smollab.curate.pdf.download import Answer, download_pdf
from smollab.curate.pdf.refetch_ledger import POSTPONED, RefetchLedger, Result, Target
from smollab.curate.pdf.refetch_record import write_copy, write_revisit
from smollab.curate.pdf.truncation import find_truncation, is_pdf
from smollab.curate.politeness import Politeness
from smollab.curate.rows import without_surrogates
from smollab.curate.shards import Shard, list_shards
from smollab.curate.storage import open_file, stamp
from smollab.curate.warc import WebRecord, read_warc
from smollab.curate.warc_writer import WarcWriter, payload_digest
from smollab.recipe import Source

__all__ = ["Advance", "Refetch", "Summary", "compare", "list_files"]

HOSTS_AT_A_TIME = 15
FAILURES = 3
"""In a row, before a host is left alone for this time."""
SAME_BYTES = 64 * 2**10
"""Shorter equal pieces of two files prove nothing."""

Advance = Callable[[int, str], None]
"""Called with how many more are done, and a word on the last."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a job has found and done, over all times it ran."""

    found: Counter[str]
    """PDFs in the WARC files, and signs of truncation -> how many."""
    outcomes: Counter[tuple[str, str]]
    """(outcome, reason) -> how many PDFs."""


class Refetch:
    """A job in a folder.

    Example:
        >>> job = Refetch(Path("refetched"))  # doctest: +SKIP
        >>> job.scan("warc:crawl/")
        >>> job.run()
    """

    def __init__(self, folder: Path, delay_s: float = 1.0, contact: str = "", allow_loopback: bool = False):
        """Begin a job, or go on with that of the folder.

        Args:
            folder: of the ledger and the new copies.
            delay_s: between two requests to one host that does not ask for more; seconds.
            contact: address or mail by which those who run servers can reach us; goes into the User-Agent.
            allow_loopback: tests fetch from a server on this machine; nothing else may.
        """
        self._folder = folder
        self._stop = threading.Event()
        agent = f"{USER_AGENT[:-1]}; {contact})" if contact else USER_AGENT
        self._politeness = Politeness(delay_s, allow_loopback, self._stop)
        headers = {"User-Agent": agent, "Accept": "application/pdf, */*;q=0.1"}
        self._manner = Manner(headers=headers, before=self._politeness.before, allow_loopback=allow_loopback)
        self.ledger = RefetchLedger(folder)
        about = [("http-header-user-agent", agent), ("robots", "obey (RFC 9309)")]
        self._writer = WarcWriter(folder, "refetched", *self.ledger.written(), about)

    def close(self) -> None:
        """Stop all threads soon, and close the files."""
        self._stop.set()
        with self.ledger.lock:
            self._writer.close()
            self.ledger.close()

    def scan(self, address: str, advance: Advance = lambda more, state: None) -> None:
        """Look through WARC files, and note the PDFs that were cut off.

        Args:
            address: `warc:PLACE` or `cc:CRAWL?...`, as a source of a recipe has it.
            advance: called after each file.

        Raises:
            CurationError: a place that does not exist or cannot be understood.
        """
        for file, shard in list_files(address):
            mark = stamp(file)
            if not self.ledger.is_scanned(file, mark):
                counts, targets, complete = _scan_file(file, shard)
                self.ledger.add_file(file, mark if complete else ["incomplete"], counts, targets)
            advance(1, file)

    def run(self, advance: Advance = lambda more, state: None, hosts_at_a_time: int = HOSTS_AT_A_TIME) -> None:
        """Fetch what is not done yet, each PDF once; what is postponed is tried again when this is called again."""
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        hosts = self.ledger.hosts()
        for host in hosts:
            waiting.put(host)
        problems: list[BaseException] = []

        def work() -> None:
            try:
                while not self._stop.is_set():
                    self._visit(waiting.get_nowait(), advance)
            except queue.Empty:
                pass
            except BaseException as error:  # a full disk: told by the thread that waits for this one
                problems.append(error)
                self._stop.set()

        # Daemons: a Ctrl-C does not wait for slow servers, and the ledger may be left at any time.
        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(hosts_at_a_time, len(hosts)))]
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
        if problems:
            raise problems[0]

    def waiting(self) -> int:
        """Return how many PDFs are still to be fetched."""
        return sum(n for (outcome, _), n in self.ledger.outcomes().items() if outcome in ("", POSTPONED))

    def summary(self) -> Summary:
        """Return what was found and done so far."""
        return Summary(self.ledger.counts(), self.ledger.outcomes())

    def _visit(self, host: str, advance: Advance) -> None:
        """Fetch what is wanted of a host, one file after the other."""
        failures = 0
        for target in self.ledger.targets(host):
            if self._stop.is_set():
                return
            if failures >= FAILURES:
                result = Result(POSTPONED, "host left alone", f"after {FAILURES} failures in a row")
                self.ledger.add_result(target, result)
            else:
                result = self._refetch(target)
                failures = failures + 1 if result.outcome == POSTPONED else 0
                if "asks to be left alone" in result.detail:
                    failures = FAILURES
            advance(1, result.outcome)

    def _refetch(self, target: Target) -> Result:
        """Fetch one PDF and note what became of it."""
        if target.bytes >= SAME_BYTES and (other := self.ledger.same_bytes(target)):
            result = Result("equal", "equal bytes were refetched from another address", other.url)
            self.ledger.add_result(target, result)
            return result
        earlier = self.ledger.earlier_copy(target)
        conditions = {}
        if earlier and earlier.etag:
            conditions = {"If-None-Match": earlier.etag}
        elif earlier and earlier.modified:
            conditions = {"If-Modified-Since": earlier.modified}
        manner = replace(self._manner, headers={**self._manner.headers, **conditions})
        partial = self._folder / "partial" / f"{target.number}.pdf"
        try:
            answer = download_pdf(target.url, partial, manner)
        except FetchError as error:
            if self._stop.is_set():
                return Result(POSTPONED, "stopped")  # by us; a ledger that is closed takes no note
            outcome = POSTPONED if error.passing else "failed"
            result = Result(outcome, error.reason, str(error).removeprefix(f"{target.url}: ")[:500])
            self.ledger.add_result(target, result)
            return result
        with self.ledger.lock:  # records and note are one step
            if self._stop.is_set():
                return Result(POSTPONED, "stopped")
            if answer.status == 304 and earlier:
                return self._note_unmodified(target, answer, earlier)
            return self._note_copy(target, answer)

    def _note_copy(self, target: Target, answer: Answer) -> Result:
        comparison = compare(target, answer.body)
        signs = find_truncation(answer.body)
        date = _now()
        self._writer.roll(date)
        notes = {"comparison": comparison, "truncation": target.why, "still": ", ".join(signs)}
        start, record_id = write_copy(self._writer, target, answer, date, {k: v for k, v in notes.items() if v})
        result = Result(
            comparison,
            f"still {signs[0]}" if signs else "",
            new_digest=payload_digest(answer.body),
            new_bytes=len(answer.body),
            etag=answer.header("ETag"),
            modified=answer.header("Last-Modified"),
            warc=self._writer.path.name,
            offset=start,
            new_record_id=record_id,
        )
        self._commit(target, result)
        return result

    def _note_unmodified(self, target: Target, answer: Answer, earlier: Result) -> Result:
        date = _now()
        self._writer.roll(date)
        write_revisit(self._writer, target, answer, date, earlier.new_record_id, earlier.new_digest)
        copy = self._read_copy(earlier)
        result = replace(earlier, outcome=compare(target, copy), reason="not modified", detail="")
        self._commit(target, result)
        return result

    def _read_copy(self, copy: Result) -> bytes:
        with (self._folder / copy.warc).open("rb") as file:
            file.seek(copy.offset)
            record = next(read_warc(file, Counter()), None)
        return record.body if record else b""

    def _commit(self, target: Target, result: Result) -> None:
        self._writer.flush()
        self.ledger.add_result(target, result, (self._writer.number, self._writer.end))
        partial = self._folder / "partial" / f"{target.number}.pdf"
        partial.unlink(missing_ok=True)


def compare(target: Target, body: bytes) -> str:
    """Say how a new copy compares with the old one: same, extends, or different."""
    if payload_digest(body[: target.bytes]) != target.digest:
        return "different"
    return "same" if len(body) == target.bytes else "extends"


def list_files(address: str) -> Iterator[tuple[str, Shard]]:
    """Yield the WARC files of an address, or the parts of an index.

    Raises:
        CurationError: a place that does not exist or cannot be understood.
    """
    for shard in list_shards("refetch", Source(address=address, steps=("extract_pdf",))):
        for file in shard.files:
            yield file, shard


def _scan_file(file: str, shard: Shard) -> tuple[Counter[str], list[Target], bool]:
    """Return what a file holds, counted, its truncated PDFs, and whether it could be read to its end."""
    counts: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    targets: dict[tuple[str, str], Target] = {}
    complete = True
    try:
        for record, said in _records(file, shard, problems):
            if record.status != 200 or not is_pdf(record.body, record.url, record.content_type, record.detected_type):
                continue
            counts["PDF records"] += 1
            signs = find_truncation(record.body, said or record.truncated, record.declared_length)
            if not signs:
                counts["whole"] += 1
                continue
            counts["truncated"] += 1
            counts.update(f"sign: {sign}" for sign in signs)
            target = _to_target(record, signs)
            if (target.url, target.digest) in targets:
                counts["truncated, found twice"] += 1
            targets[target.url, target.digest] = target
    except OSError as error:
        problems[f"cannot be read: {error}"] += 1
        complete = False
    counts.update({f"problem: {what}": count for what, count in problems.items()})
    return counts, list(targets.values()), complete


def _records(file: str, shard: Shard, problems: Counter[str]) -> Iterator[tuple[WebRecord, str]]:
    """Yield records, and why the index says that they are truncated."""
    if shard.kind == "cc":
        for capture, record in fetch_records(file, read_captures(file, problems), problems):
            yield record, capture.truncated
        return
    with open_file(file) as stream:
        for record in read_warc(stream, problems):
            yield record, ""


def _to_target(record: WebRecord, signs: tuple[str, ...]) -> Target:
    url = without_surrogates(record.url)
    try:
        host = (urlsplit(url).hostname or "").lower()
    except ValueError:
        host = ""
    record_id, date = without_surrogates(record.record_id), without_surrogates(record.date)
    return Target(0, url, host, record_id, date, payload_digest(record.body), len(record.body), ", ".join(signs))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
