"""Ask strangers' servers as a good guest does: where robots.txt allows it, and not too often.

Before each request, redirects included, `Politeness.before` reads the host's robots.txt (once a day), refuses what it
forbids, and waits for the host's turn: at least a second between two requests, or as long as robots.txt asks.

**Source**: RFC 9309 (Robots Exclusion Protocol), 2.3.1: no robots.txt (4xx) allows all; one that cannot be had
(5xx, no answer) forbids all for now; 2.4: kept for a day; 2.5: 500 KiB are read. `Crawl-delay` and `Request-rate` are
older customs. The rules are read by Protego (BSD-3), which knows wildcards and takes the longest match, as the RFC asks
and Python's `urllib.robotparser` does not.
"""

import threading
import time
from collections import OrderedDict
from urllib.parse import urlsplit

from protego import Protego

from smollab.curate.fetch import FetchError, Manner, open_url

__all__ = ["ROBOT", "Politeness"]

ROBOT = "smollab"
"""The name by which robots.txt can address us."""
LONGEST_DELAY_S = 300.0
"""A host that asks for longer pauses is not visited; seconds."""
ROBOTS_BYTES = 500 * 2**10
ROBOTS_AGE_S = 24 * 3600.0
REMEMBERED = 4096
"""Hosts whose robots.txt is kept at a time."""
UNAVAILABLE = ("HTTP 429",)
"""Of the answers below 500, those that say nothing about whether there is a robots.txt."""


class Politeness:
    """Who may be asked, and when; shared by all threads of a job.

    Example:
        >>> manner = Manner(before=Politeness().before)  # for `open_url`
    """

    def __init__(self, delay_s: float = 1.0, allow_loopback: bool = False, stop: threading.Event | None = None):
        """Begin with no host known.

        Args:
            delay_s: between two requests to a host that does not ask for more; seconds.
            allow_loopback: for tests, as in `Manner`.
            stop: once set, nobody waits any more.
        """
        self._delay_s, self._allow_loopback, self._stop = delay_s, allow_loopback, stop or threading.Event()
        self._lock = threading.Lock()
        self._rules: OrderedDict[str, _Rules] = OrderedDict()
        self._turns: dict[str, float] = {}

    def before(self, url: str) -> None:
        """Wait until an address may be asked.

        Raises:
            FetchError: robots.txt forbids it, cannot be had now, or asks for very long pauses.
        """
        parts = urlsplit(url)
        rules = self._rules_of(f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}")
        with rules.lock:
            if time.monotonic() > rules.expires:
                self._read(rules)
        if rules.problem is not None:
            # Each caller gets an error of its own: raised ones carry their traceback along.
            raise FetchError.of(str(rules.problem), rules.problem.reason, rules.problem.passing)
        robots = rules.robots
        if robots is not None and not robots.can_fetch(url, ROBOT):
            raise FetchError.of(f"{url}: robots.txt asks us to stay away", "refused by robots.txt")
        delay = self._delay_of(robots)
        if delay > LONGEST_DELAY_S:
            raise FetchError.of(f"{url}: robots.txt asks for {delay:.0f} s between requests", "crawl delay too long")
        self._wait(url, delay)

    def _rules_of(self, origin: str) -> "_Rules":
        with self._lock:
            rules = self._rules.pop(origin, None) or _Rules(origin)
            self._rules[origin] = rules
            while len(self._rules) > REMEMBERED:
                self._rules.popitem(last=False)
            return rules

    def _read(self, rules: "_Rules") -> None:
        """Fetch a robots.txt, or note why it cannot be had."""
        pace = lambda url: self._wait(url, self._delay_s)
        manner = Manner(maximum_duration_s=60.0, before=pace, allow_loopback=self._allow_loopback)
        rules.robots, rules.problem = None, None
        try:
            with open_url(f"{rules.origin}/robots.txt", manner=manner) as stream:
                text = bytearray()
                while len(text) < ROBOTS_BYTES and (data := stream.read(2**16)):
                    text += data
            rules.robots = Protego.parse(text[:ROBOTS_BYTES].decode("utf-8-sig", "replace"))
        except FetchError as error:
            absent = error.reason.startswith("HTTP 4") and error.reason not in UNAVAILABLE
            if not absent and error.reason != "too many redirects":
                passing = error.reason not in ("private address", "not http")
                rules.problem = FetchError.of(str(error), error.reason, passing)
        rules.expires = time.monotonic() + ROBOTS_AGE_S

    def _delay_of(self, robots: Protego | None) -> float:
        if robots is None:
            return self._delay_s
        rate = robots.request_rate(ROBOT)
        between = rate.seconds / rate.requests if rate and rate.requests else 0.0
        return float(max(self._delay_s, robots.crawl_delay(ROBOT) or 0.0, between))

    def _wait(self, url: str, delay: float) -> None:
        """Take the next free turn of the host."""
        host = urlsplit(url).hostname or ""
        with self._lock:
            now = time.monotonic()
            if len(self._turns) > 4 * REMEMBERED:
                self._turns = {name: turn for name, turn in self._turns.items() if turn > now}
            turn = max(now, self._turns.get(host, now))
            self._turns[host] = turn + delay
        if turn > now:
            self._stop.wait(turn - now)


class _Rules:
    """What the robots.txt of one origin says."""

    def __init__(self, origin: str):
        self.origin = origin
        self.lock = threading.Lock()
        self.robots: Protego | None = None
        self.problem: FetchError | None = None
        self.expires = -1.0
