"""Show figures and source code so that they also read well where no kernel runs, such as on GitHub."""

import inspect
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.display import Image, Markdown
    from matplotlib.figure import Figure
    from PIL.Image import Image as Pixels

DPI = 110
"""Pixels per inch of a stored figure, so that it stays sharp when enlarged."""
PIXELS_PER_INCH_SHOWN = 100
PALETTE = 64
"""Colors of a stored figure: a third of the bytes, and no difference to the eye in a chart."""


def show(figure: "Figure", alt: str) -> "Image":
    """A figure as a PNG image of fixed width, the same bytes for the same figure.

    Args:
        figure: from `smollab.plots`.
        alt: what it shows, for readers who cannot see it.
    """
    from IPython.display import Image

    return Image(compact_png(figure), format="png", width=shown_width(figure), alt=alt)


def compact_png(figure: "Figure") -> bytes:
    """A figure as a small PNG, the same bytes for the same figure: a notebook holds many."""
    return compact(draw(figure))


def draw(figure: "Figure") -> "Pixels":
    """A figure as pixels; in half the time of `savefig`, which draws everything twice."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    figure.set_dpi(DPI)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def compact(picture: "Pixels") -> bytes:
    """Pixels as a PNG of few colors."""
    from PIL import Image

    buffer = io.BytesIO()
    picture.quantize(PALETTE, dither=Image.Dither.NONE).save(buffer, "png", optimize=True)
    return buffer.getvalue()


def shown_width(figure: "Figure") -> int:
    """Pixels a figure is shown at, whatever its resolution."""
    return round(figure.get_figwidth() * PIXELS_PER_INCH_SHOWN)


def show_source(function: Callable[..., Any]) -> "Markdown":
    """The source code of a function of the package, so that the text and the tested code are the same."""
    from IPython.display import Markdown

    return Markdown(f"```python\n{inspect.getsource(function).rstrip()}\n```")
