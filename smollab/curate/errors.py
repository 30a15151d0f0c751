"""The error of curation, whose message is one line: what, why, and what to do."""


class CurationError(RuntimeError):
    """Curation cannot go on; the message names the file or source, the cause and the way out."""
