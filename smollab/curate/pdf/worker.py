"""The child process that reads PDF files, so that a crash, a hang or a memory bomb costs one file only.

Run as `python -m smollab.curate.pdf.worker SETTINGS`, the recipe's section as JSON. Each message on standard input is a
PDF file; each answer on standard output is JSON: the text and number of pages, or why there is no text. The CPU limit
is set anew for each file, and for each page that is recognized by OCR; past it the kernel ends the process. The limit
is CPU time, not wall time, so that a busy machine does not change the data set.
"""

import importlib
import json
import os
import sys
from typing import Any

from smollab.curate.pdf.errors import describe_error
from smollab.curate.pdf.message import read_message, write_message
from smollab.recipe import ExtractPdf


def main() -> None:
    """Answer requests until standard input ends."""
    settings = _settings(sys.argv[1])
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not get between the answers.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    limit_memory(settings.memory_mb)
    open_pdf = importlib.import_module(f"smollab.curate.pdf.{settings.engine}_engine").open_pdf
    while (pdf := read_message(requests)) is not None:
        limit_cpu(settings.cpu_seconds)
        write_message(answers, json.dumps(_answer(open_pdf, pdf, settings)).encode())


def _settings(text: str) -> ExtractPdf:
    values = json.loads(text)
    return ExtractPdf(**{**values, "ocr_languages": tuple(values["ocr_languages"])})


def _answer(open_pdf: Any, pdf: bytes, settings: ExtractPdf) -> dict[str, Any]:
    from smollab.curate.pdf.page import UnreadablePdf
    from smollab.curate.pdf.read import read_document

    try:
        file = open_pdf(pdf)
        try:
            return read_document(file, settings, lambda: limit_cpu(settings.cpu_seconds)).as_answer()
        finally:
            file.close()
    except UnreadablePdf as error:
        return {"problem": str(error)}
    except MemoryError:
        return {"problem": "out of memory"}
    except Exception as error:
        return {"problem": describe_error(error)}


def limit_memory(megabytes: int) -> None:
    """Limit the address space, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20, megabytes * 2**20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_cpu(seconds: int) -> None:
    """Allow this many more CPU seconds, counted from now."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = int(usage.ru_utime + usage.ru_stime) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (spent + seconds, hard))


if __name__ == "__main__":
    main()
