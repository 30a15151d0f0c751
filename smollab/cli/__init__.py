"""The command line: one verb a function, each thin over the package.

Every verb that runs part of the workflow takes a recipe and does whatever of the earlier steps is not done yet.
"""

import errno
import os
import sys
from collections.abc import Sequence

from smollab.cli.parser import build_parser, parse

__all__ = ["build_parser", "main", "parse"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; errors the user can mend end in one line, with exit status 1."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        build_parser().print_help()
        return 2
    options = parse(words)
    try:
        options.function(options)
    except KeyboardInterrupt:
        print("\nsmollab: stopped; the same command continues where this one ended", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("SMOLLAB_DEBUG"):
            raise
        print(f"smollab: {explain(error)}", file=sys.stderr)
        return 1
    return 0


_ADVICE = {
    errno.ENOSPC: "; free some space and run the same command again",
    errno.EEXIST: "; a file stands where a folder is needed: name another place",
    errno.ENOTDIR: "; a file stands where a folder is needed: name another place",
    errno.EACCES: "; name another place, or change what you may do there",
    errno.EROFS: "; nothing can be written there: name another place",
}


def explain(error: Exception) -> str:
    """An error as one line: what, why, and what to do."""
    if isinstance(error, OSError) and error.strerror:
        advice = _ADVICE.get(error.errno or 0, "")
        return f"{error.filename}: {error.strerror}{advice}" if error.filename else f"{error.strerror}{advice}"
    text = " ".join(str(error).split()) or type(error).__name__
    known = isinstance(error, ValueError | OSError) or type(error).__module__.startswith("smollab")
    return text if known else f"{type(error).__name__}: {text} (set SMOLLAB_DEBUG=1 for the details)"
