"""Copy a finished corpus to where others read it: a folder, or a store such as s3:// or hf://.

A run works in a folder of a file system, because finishing a file there is one rename. What it made is copied when it
is whole: documents first, `funnel.json` last, so that its presence means that all is there.
"""

from pathlib import Path
from typing import Any

from smollab.curate.errors import CurationError
from smollab.curate.fetch import FetchError
from smollab.curate.storage import is_remote, open_store

__all__ = ["check_place", "publish"]

WITH_THEM = ("statistics.json", "funnel.json")
"""Files that go with the documents, in this order."""


def check_place(place: str) -> None:
    """Refuse a place that holds something already, or that cannot be reached, before anything is computed.

    Raises:
        CurationError: what is wrong, and the way out.
    """
    store, path = _open(place)
    try:
        taken = store.exists(path) and (not store.isdir(path) or bool(store.find(path)))
    except Exception as error:  # stores raise errors of many libraries
        raise _explain(place, error) from error
    if taken:
        raise CurationError(f"--to {place}: holds something already; name a new folder")


def publish(output: Path, place: str) -> list[str]:
    """Copy what a curation kept to a folder or a store, and return the addresses written.

    Args:
        output: folder of a finished curation.
        place: a path, or an address that fsspec knows, such as `s3://bucket/corpus` or `hf://datasets/me/corpus`.

    Raises:
        CurationError: the place cannot be written.
    """
    store, path = _open(place)
    files = [*sorted((output / "kept").glob("*.parquet")), *(output / name for name in WITH_THEM)]
    written = []
    try:
        for file in files:
            if file.exists():
                target = f"{path.rstrip('/')}/{file.relative_to(output).as_posix()}"
                store.makedirs(target.rpartition("/")[0], exist_ok=True)
                store.put_file(str(file), target)
                written.append(store.unstrip_protocol(target))
    except Exception as error:  # stores raise errors of many libraries
        raise _explain(place, error) from error
    return written


def _open(place: str) -> tuple[Any, str]:
    try:
        return open_store(place if is_remote(place) else f"file://{Path(place).expanduser().resolve()}")
    except FetchError as error:
        raise CurationError(str(error)) from None


def _explain(place: str, error: Exception) -> CurationError:
    reason = (str(error).splitlines() or [""])[0]
    return CurationError(f"--to {place}: {type(error).__name__}: {reason}; check the address and your access to it")
