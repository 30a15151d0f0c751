"""The extraction step for PDF files: raw bytes in, text out, read by a child process that may die."""

import atexit
import json
import signal
import subprocess
import sys
from dataclasses import asdict
from functools import lru_cache
from typing import Any

from smollab.curate.pdf.message import read_message, write_message
from smollab.curate.pdf.ocr import missing
from smollab.documents import Document, Drop, replace
from smollab.recipe import ExtractPdf


def extract_pdf(document: Document, settings: ExtractPdf) -> Document | Drop:
    """Turn a PDF into text, or say why there is none."""
    if document.metadata.get("format") == "html":
        return document  # extract_html's, in a source of both
    if document.metadata.get("truncated"):
        return Drop("extract_pdf: truncated by the crawler", f"{document.metadata['truncated']}; refetch it")
    raw = document.raw
    if b"%PDF-" not in raw[:1024]:
        return Drop("extract_pdf: not a PDF", f"begins with {raw[:8]!r}" if raw else "empty file")
    answer = reader(settings).ask(raw)
    if "problem" in answer:
        reason, _, detail = answer["problem"].partition(": ")
        return Drop(f"extract_pdf: {reason}", detail)
    text, pages = answer["text"], answer["pages"]
    per_page = len(text) / pages
    if per_page < settings.minimum_characters_per_page:
        wanting = answer["metadata"].get("pages_needing_ocr", 0)
        why = f"; {wanting} of {pages} pages are scans{_ocr_problem(settings)}" if wanting else ""
        return Drop("extract_pdf: needs OCR", f"{per_page:.1f} characters per page{why}")
    return replace(document, text=text, raw=b"", metadata={**document.metadata, **answer["metadata"], "pages": pages})


def _ocr_problem(settings: ExtractPdf) -> str:
    """Say what keeps scans from being read, if they should be."""
    problem = missing(settings.ocr_languages) if settings.ocr != "none" else ""
    return f": {problem}" if problem else ""


class PdfReader:
    """A child process that reads PDF files, started when needed and again after it died."""

    def __init__(self, settings: ExtractPdf):
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, pdf: bytes) -> dict[str, Any]:
        """Return `{"text", "pages", "places", "metadata"}` or `{"problem"}`."""
        child = self._child = self._child or self._start()
        assert child.stdin is not None and child.stdout is not None
        answer = None
        try:
            write_message(child.stdin, pdf)
            answer = read_message(child.stdout)
        except (BrokenPipeError, ConnectionResetError):
            pass
        if answer is not None:
            result: dict[str, Any] = json.loads(answer)
            return result
        status = self.close()
        if status == -signal.SIGXCPU or status == -signal.SIGKILL:
            return {"problem": f"took too long: more than {self._settings.cpu_seconds} CPU seconds"}
        return {"problem": f"crashed: the reader ended with status {status}"}

    def close(self) -> int | None:
        """End the child, if there is one, and return its exit status."""
        if self._child is None:
            return None
        child, self._child = self._child, None
        for pipe in (child.stdin, child.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # it is dead already
        return child.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        settings = self._settings
        return subprocess.Popen(
            [sys.executable, "-m", "smollab.curate.pdf.worker", json.dumps(asdict(settings))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )


@lru_cache(maxsize=2)
def reader(settings: ExtractPdf) -> PdfReader:
    """Return this process's reader for the given settings."""
    result = PdfReader(settings)
    atexit.register(result.close)
    return result
