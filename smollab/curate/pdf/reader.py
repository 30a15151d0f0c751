"""The parent's side of reading PDF files: a child process that may crash, hang, or be killed, and is started again.

What a file does to the child is that file's problem alone. A crash or a lack of memory could still be the doing of an
earlier file, whose remains fill the child's memory; so such a file is asked about once more, in a fresh child, and what
becomes of it does not depend on its neighbors.
"""

import atexit
import json
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from smollab.curate.pdf.message import read_message, write_message
from smollab.curate.pdf.watchdog import Watchdog
from smollab.recipe import ExtractPdf

__all__ = ["PdfReader", "reader"]

MAXIMUM_ANSWER_BYTES = 2**30
"""More is no answer of an honest child."""
END_S = 10.0
"""How long a child that is no longer wanted may take to end by itself; seconds."""
_AGAIN = ("crashed", "out of memory")


class PdfReader:
    """A child process that reads PDF files, started when needed and again after it died."""

    def __init__(self, settings: ExtractPdf):
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None
        self._asked = 0

    def ask(self, pdf: bytes) -> dict[str, Any]:
        """Return `{"text", "pages", "places", "metadata"}` or `{"problem"}`."""
        others_before = self._child is not None and self._asked > 0
        answer = self._ask(pdf)
        if others_before and answer.get("problem", "").startswith(_AGAIN):
            self.close()
            answer = self._ask(pdf)
        return answer

    def _ask(self, pdf: bytes) -> dict[str, Any]:
        child = self._child or self._start()
        assert child.stdin is not None and child.stdout is not None
        self._asked += 1
        answer = None
        try:
            with Watchdog(child) as dog, suppress(BrokenPipeError, ConnectionResetError):
                write_message(child.stdin, pdf)
                answer = read_message(child.stdout, MAXIMUM_ANSWER_BYTES)
        except BaseException:  # such as a limit on CPU time: the answer would be taken for that about the next file
            self.close(wait_s=0)
            raise
        if answer is not None:
            try:
                result: dict[str, Any] = json.loads(answer)
                return result
            except (ValueError, RecursionError):
                self.close(wait_s=0)
                return {"problem": "crashed: the reader answered nonsense"}
        status = self.close()
        if dog.bit:
            return {"problem": "took too long: it hung, without using any CPU time"}
        if status == -signal.SIGXCPU:
            return {"problem": f"took too long: more than {self._settings.cpu_seconds} CPU seconds"}
        return {"problem": f"crashed: the reader ended with {_name(status)}"}

    def close(self, wait_s: float | None = None) -> int | None:
        """End the child, if there is one, and return its exit status.

        Args:
            wait_s: how long it may take to end by itself; None: `END_S`.
        """
        if self._child is None:
            return None
        child, self._child, self._asked = self._child, None, 0
        for pipe in (child.stdin, child.stdout):
            with suppress(OSError):  # it is dead already
                if pipe is not None:
                    pipe.close()
        try:
            return child.wait(END_S if wait_s is None else wait_s)
        except subprocess.TimeoutExpired:
            child.kill()
            return child.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "smollab.curate.pdf.worker", json.dumps(asdict(self._settings))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        return self._child


def _name(status: int | None) -> str:
    """An exit status in words."""
    if status is not None and status < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-status).name}"
    return f"status {status}"


@lru_cache(maxsize=2)
def reader(settings: ExtractPdf) -> PdfReader:
    """Return this process's reader for the given settings."""
    result = PdfReader(settings)
    atexit.register(result.close)
    return result
