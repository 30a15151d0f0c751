"""What an engine returns: pages of text blocks with their places, or why there are none."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class TextBlock:
    """Lines of text that belong together, and the rectangle around them in points from the top left."""

    x0: float
    y0: float
    x1: float
    y1: float
    text: str

    @property
    def width(self) -> float:
        """Points."""
        return self.x1 - self.x0


@dataclass(slots=True)
class TextPage:
    """One page."""

    width: float
    height: float
    blocks: list[TextBlock] = field(default_factory=list)


class UnreadablePdf(ValueError):
    """A file that holds no pages: encrypted, not a PDF, broken beyond repair, empty."""
