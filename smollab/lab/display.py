"""Show figures and source code so that they also read well where no kernel runs, such as on GitHub."""

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from smollab.plots.style import to_png

if TYPE_CHECKING:
    from IPython.display import Image, Markdown
    from matplotlib.figure import Figure

DPI = 130
"""Pixels per inch of a stored figure: sharp when enlarged, below 80 KB."""
PIXELS_PER_INCH_SHOWN = 100


def show(figure: "Figure", alt: str) -> "Image":
    """A figure as a PNG image of fixed width, the same bytes for the same figure.

    Args:
        figure: from `smollab.plots`.
        alt: what it shows, for readers who cannot see it.
    """
    from IPython.display import Image

    width = round(figure.get_figwidth() * PIXELS_PER_INCH_SHOWN)
    return Image(to_png(figure, DPI), format="png", width=width, alt=alt)


def show_source(function: Callable[..., Any]) -> "Markdown":
    """The source code of a function of the package, so that the text and the tested code are the same."""
    from IPython.display import Markdown

    return Markdown(f"```python\n{inspect.getsource(function).rstrip()}\n```")
