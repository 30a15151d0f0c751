"""What all panels share: controls above a picture, a readout between them, and a static form for readers."""

import base64
import html
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from smollab.lab.display import compact, draw, shown_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CONTROL_STYLE = {"description_width": "190px"}
CONTROL_WIDTH = "520px"


class Panel:
    """Controls, a readout in words and numbers, and a picture, kept in step.

    A subclass makes its controls, calls `super().__init__`, and says in `compute` what they mean: a picture and a
    readout. Where no kernel runs, a notebook shows the picture of the initial setting.

    Args:
        controls: widgets with a `value`; every change computes and draws anew.
    """

    _settling = False
    """While a panel moves its own controls, nothing is computed."""

    def __init__(self, *controls: Any) -> None:
        self.controls = controls
        self.readout = ""
        """What the picture shows, as plain text."""
        self._text = widgets.HTML(layout=widgets.Layout(width="100%", max_width="900px"))
        self._image = widgets.Image(
            format="png", layout=widgets.Layout(max_width="100%", height="auto", object_fit="contain")
        )
        self._image.add_class("smollab-figure")
        self._text.add_class("smollab-readout")
        for control in controls:
            control.observe(lambda change: self.refresh(), names="value")
        self.widget = widgets.VBox([*controls, self._text, self._image])
        self.refresh()

    def compute(self) -> "tuple[Figure, str]":
        """The picture and the readout for the present values of the controls."""
        raise NotImplementedError

    @property
    def picture(self) -> bytes:
        """The picture as a small PNG, as it is stored in a notebook."""
        return compact(self._pixels)

    def refresh(self) -> None:
        """Compute and draw anew, once for each change that a person makes."""
        if self._settling:
            return
        figure, self.readout = self.compute()
        self._pixels = draw(figure)
        # Without a fixed width the front end blows the picture up to the width of the cell.
        self._image.layout.width = f"{shown_width(figure)}px"
        live = io.BytesIO()
        self._pixels.save(live, "png", compress_level=1)  # quick rather than small: it is shown and forgotten
        self._image.value = live.getvalue()
        self.tell(self.readout)

    def tell(self, text: str) -> None:
        """Show a text above the picture at once, also while `compute` is still at work."""
        self._text.value = "".join(
            f'<p style="margin: 4px 0; line-height: 1.4">{html.escape(line)}</p>' for line in text.splitlines()
        )

    @contextmanager
    def settle(self) -> Iterator[None]:
        """Let a panel move its own controls in the body, without computing anew."""
        self._settling = True
        try:
            yield
        finally:
            self._settling = False

    def offer(self, picker: Any, count: int) -> None:
        """Fit a slider that picks one of several things to how many there are."""
        with self.settle():
            picker.max = max(count, 1)
            picker.disabled = count < 2

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """The live widget for a front end with a kernel; the picture and the readout for one without."""
        bundle: dict[str, Any] = dict(self.widget._repr_mimebundle_())
        bundle["text/plain"] = self.readout
        bundle["image/png"] = base64.b64encode(self.picture).decode("ascii")
        width = int(self._image.layout.width.removesuffix("px"))
        return bundle, {"image/png": {"width": width}}


def dropdown(description: str, options: Sequence[Any], value: Any = None) -> Any:
    """A list to choose from with the look all panels share.

    Args:
        description: shown left of it; never empty.
        options: values, or (text shown, value).
        value: at the beginning; None: the first.
    """
    first = {} if value is None else {"value": value}
    layout = widgets.Layout(width=CONTROL_WIDTH)
    return widgets.Dropdown(description=description, options=options, style=CONTROL_STYLE, layout=layout, **first)


def slider(description: str, value: float, low: float, high: float, step: float, form: str, live: bool = True) -> Any:
    """A float slider with the look all panels share.

    Args:
        description: shown left of it; never empty.
        value: at the beginning.
        low: smallest value.
        high: largest value.
        step: between values.
        form: how the value is written, such as `.2f`.
        live: follow the pointer; otherwise compute when it is released, for what takes longer than 50 ms.
    """
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        description=description,
        readout_format=form,
        continuous_update=live,
        style=CONTROL_STYLE,
        layout=widgets.Layout(width=CONTROL_WIDTH),
    )


def int_slider(description: str, value: int, low: int, high: int, live: bool = True) -> Any:
    """A whole-number slider with the look all panels share; arguments as for `slider`."""
    return widgets.IntSlider(
        value=value,
        min=low,
        max=high,
        description=description,
        continuous_update=live,
        style=CONTROL_STYLE,
        layout=widgets.Layout(width=CONTROL_WIDTH),
    )
