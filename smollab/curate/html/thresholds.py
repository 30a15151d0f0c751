"""The numbers by which blocks of text are judged."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """When a block is prose, navigation or too short; set on the development half of our gold pages.

    The features are those of Kohlschütter et al. 2010 (text and link density).
    """

    good_characters: int = 80
    """A block at least this long reads like prose."""
    good_link_density: float = 1 / 3
    """... unless this share of it is links."""
    link_density: float = 0.5
    """Blocks and lists with more links than this are navigation."""
    main_share: float = 0.8
    """The main container holds at least this share of the good text."""
    short_characters: int = 25
    """Shorter blocks are no sentences, and lists of shorter items no prose."""
    byline_characters: int = 40
    """Paragraphs without an end, if shorter, need good text on both sides: bylines and dates stand at the edge."""
    label_characters: int = 60
    """Longer blocks are sentences, not labels such as "Comments"; 0: labels are not looked for."""


DEFAULTS = Thresholds()
