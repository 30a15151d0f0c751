"""Optimizers of other libraries, which are no part of the default installation."""

import importlib
from types import ModuleType


def library(module: str, optimizer: str) -> ModuleType:
    """Import a library that holds an optimizer.

    Raises:
        ImportError: it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'optimizer.name = {optimizer!r} needs the package {module}: pip install "smollab[optimizers]" ({error})'
        ) from None
