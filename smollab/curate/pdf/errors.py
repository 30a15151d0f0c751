"""Whose fault an error is: a PDF library stumbles over a corrupt file, everything else is a mistake of ours."""

import os
import traceback
from pathlib import Path

_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("pymupdf", "pypdfium2", "pypdfium2_raw"))


def describe_error(error: Exception) -> str:
    """Return an error as a reason and its detail: `corrupt: ...`, or `internal error: ...` with its place."""
    if any(library in _last_frame(error).filename for library in _LIBRARIES):
        return f"corrupt: {error}"
    return f"internal error: {name_error(error)}; please report this file"


def name_error(error: Exception) -> str:
    """Return an error of our own code as its kind, its place and its message."""
    last = _last_frame(error)
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {error}"


def _last_frame(error: Exception) -> traceback.FrameSummary:
    """Return where an error that was caught came from."""
    return traceback.extract_tb(error.__traceback__)[-1]
