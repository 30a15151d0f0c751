"""What a refetch job has found and done, in one SQLite file, so that it can be killed at any time and goes on.

A table of WARC files that were looked through, a table of truncated PDFs and what became of each, and how far the
WARC files written reach. What was done with one PDF is one transaction: it stands whole, or not at all.
"""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

__all__ = ["FETCHED", "POSTPONED", "RefetchLedger", "Result", "Target"]

FETCHED = ("same", "extends", "different")
"""How a new copy can compare with the old one."""
POSTPONED = "postponed"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (file TEXT PRIMARY KEY, stamp TEXT, counts TEXT);
CREATE TABLE IF NOT EXISTS targets (
    number INTEGER PRIMARY KEY, url TEXT, host TEXT, record_id TEXT, date TEXT, digest TEXT, bytes INTEGER, why TEXT,
    outcome TEXT DEFAULT '', reason TEXT DEFAULT '', detail TEXT DEFAULT '', new_digest TEXT DEFAULT '',
    new_bytes INTEGER DEFAULT 0, etag TEXT DEFAULT '', modified TEXT DEFAULT '', warc TEXT DEFAULT '',
    offset INTEGER DEFAULT -1, new_record_id TEXT DEFAULT '', UNIQUE (url, digest));
CREATE INDEX IF NOT EXISTS by_host ON targets (host, outcome);
CREATE INDEX IF NOT EXISTS by_digest ON targets (digest);
CREATE TABLE IF NOT EXISTS written (number INTEGER PRIMARY KEY, bytes INTEGER);
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A truncated PDF to be fetched again."""

    number: int
    """In the ledger."""
    url: str
    host: str
    record_id: str
    """Of the old record."""
    date: str
    """Of the old record."""
    digest: str
    """Of the old body."""
    bytes: int
    """Of the old body."""
    why: str
    """Signs of truncation."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a target."""

    outcome: str
    """`same`, `extends` or `different` from the old copy; `failed`; or `postponed`: to be tried again."""
    reason: str = ""
    """Why it failed, in words that can be counted; of a new copy: `` or what is still wrong with it."""
    detail: str = ""
    new_digest: str = ""
    new_bytes: int = 0
    etag: str = ""
    modified: str = ""
    """Last-Modified."""
    warc: str = ""
    """File that holds the new copy."""
    offset: int = -1
    new_record_id: str = ""


class RefetchLedger:
    """The ledger of a job's folder; its methods may be called from any thread."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._database = sqlite3.connect(folder / "ledger.sqlite", check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._database.close()

    def is_scanned(self, file: str, stamp: Sequence[str]) -> bool:
        """Tell whether a WARC file has been looked through, as it is now."""
        with self.lock:
            row = self._database.execute("SELECT stamp FROM files WHERE file = ?", (file,)).fetchone()
        return row is not None and row[0] == json.dumps(list(stamp))

    def add_file(self, file: str, stamp: Sequence[str], counts: Counter[str], targets: Iterable[Target]) -> None:
        """Note what a WARC file holds; targets that are known already stay as they are."""
        names = [field.name for field in fields(Target) if field.name != "number"]
        insert = f"INSERT OR IGNORE INTO targets ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        with self.lock:
            self._database.execute("BEGIN")
            self._database.executemany(insert, ([getattr(target, name) for name in names] for target in targets))
            values = (file, json.dumps(list(stamp)), json.dumps(counts))
            self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", values)
            self._database.execute("COMMIT")

    def counts(self) -> Counter[str]:
        """Return what was found in all WARC files."""
        with self.lock:
            rows = self._database.execute("SELECT counts FROM files").fetchall()
        return sum((Counter(json.loads(row[0])) for row in rows), Counter())

    def hosts(self) -> list[str]:
        """Return the hosts that are still to be asked, those of most PDFs first."""
        sql = "SELECT host FROM targets WHERE outcome IN ('', ?) GROUP BY host ORDER BY COUNT(*) DESC, host"
        with self.lock:
            return [row[0] for row in self._database.execute(sql, (POSTPONED,))]

    def targets(self, host: str) -> list[Target]:
        """Return what is still to be fetched from a host, in the order it was found."""
        names = ", ".join(field.name for field in fields(Target))
        sql = f"SELECT {names} FROM targets WHERE host = ? AND outcome IN ('', ?) ORDER BY number"
        with self.lock:
            return [Target(*row) for row in self._database.execute(sql, (host, POSTPONED))]

    def same_bytes(self, target: Target) -> Target | None:
        """Return a target of equal bytes, from another address, that has been fetched."""
        names = ", ".join(field.name for field in fields(Target))
        sql = f"SELECT {names} FROM targets WHERE digest = ? AND number != ? AND outcome IN (?, ?, ?) LIMIT 1"
        with self.lock:
            row = self._database.execute(sql, (target.digest, target.number, *FETCHED)).fetchone()
        return Target(*row) if row else None

    def earlier_copy(self, target: Target) -> Result | None:
        """Return what was fetched last from the same address for another old copy."""
        names = ", ".join(field.name for field in fields(Result))
        sql = f"SELECT {names} FROM targets WHERE url = ? AND number != ? AND warc != '' ORDER BY number DESC LIMIT 1"
        with self.lock:
            row = self._database.execute(sql, (target.url, target.number)).fetchone()
        return Result(*row) if row else None

    def add_result(self, target: Target, result: Result, written: tuple[int, int] | None = None) -> None:
        """Note what became of a target, and how far the WARC file with this number reaches now."""
        values = asdict(result)
        sql = f"UPDATE targets SET {', '.join(f'{name} = ?' for name in values)} WHERE number = ?"
        with self.lock:
            self._database.execute("BEGIN")
            self._database.execute(sql, (*values.values(), target.number))
            if written:
                self._database.execute("INSERT OR REPLACE INTO written VALUES (?, ?)", written)
            self._database.execute("COMMIT")

    def written(self) -> tuple[int, int]:
        """Return the number of the last WARC file and how many bytes of it count."""
        with self.lock:
            row = self._database.execute("SELECT number, bytes FROM written ORDER BY number DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def outcomes(self) -> Counter[tuple[str, str]]:
        """Return how many targets came to which outcome and reason; outcome empty: not tried yet."""
        sql = "SELECT outcome, reason, COUNT(*) FROM targets GROUP BY outcome, reason"
        with self.lock:
            return Counter({(row[0], row[1]): row[2] for row in self._database.execute(sql)})
