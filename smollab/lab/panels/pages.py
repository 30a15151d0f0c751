"""Move the thresholds of the quality rules and see which pages enter and which leave."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from smollab.documents import Drop
from smollab.lab.pages import Page, judge
from smollab.lab.panels.panel import Panel, int_slider, slider
from smollab.plots.pages import plot_pages
from smollab.recipe import Curate, FineWebQuality, GopherQuality

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EXAMPLE_CHARACTERS = 170


class PagesPanel(Panel):
    """Thresholds of Gopher's and FineWeb's quality rules over sample pages.

    Args:
        pages: from `smollab.lab.pages.load_pages`.
    """

    def __init__(self, pages: Sequence[Page]) -> None:
        self.pages = list(pages)
        gopher, fineweb = GopherQuality(), FineWebQuality()
        self._published = judge(self.pages, Curate())
        self.minimum_words = int_slider("fewest words", gopher.minimum_words, 0, 400, live=False)
        self.minimum_alphabetic_words = slider(
            "fewest words with a letter", gopher.minimum_alphabetic_words, 0.5, 1.0, 0.01, ".2f", live=False
        )
        self.minimum_stop_words = int_slider("fewest stop words", gopher.minimum_stop_words, 0, 12, live=False)
        self.maximum_short_lines = slider(
            "most short lines", fineweb.maximum_short_lines, 0.0, 1.0, 0.01, ".2f", live=False
        )
        super().__init__(
            self.minimum_words, self.minimum_alphabetic_words, self.minimum_stop_words, self.maximum_short_lines
        )

    def compute(self) -> "tuple[Figure, str]":
        """Judge all pages with the present thresholds."""
        gopher = GopherQuality(
            minimum_words=self.minimum_words.value,
            minimum_alphabetic_words=_exact(self.minimum_alphabetic_words),
            minimum_stop_words=self.minimum_stop_words.value,
        )
        fineweb = FineWebQuality(maximum_short_lines=_exact(self.maximum_short_lines))
        verdicts = judge(self.pages, Curate(gopher_quality=gopher, fineweb_quality=fineweb))
        changed = [(a is None) != (b is None) for a, b in zip(verdicts, self._published, strict=True)]
        figure = plot_pages(
            [page.words for page in self.pages],
            [page.with_letters for page in self.pages],
            [_family(verdict) for verdict in verdicts],
            changed,
            (gopher.minimum_words, gopher.minimum_alphabetic_words),
            Counter(verdict.reason for verdict in verdicts if verdict).most_common(),
        )
        return figure, self._describe(verdicts, changed)

    def _describe(self, verdicts: list[Drop | None], changed: list[bool]) -> str:
        kept, published = sum(v is None for v in verdicts), sum(v is None for v in self._published)
        entered = [i for i, c in enumerate(changed) if c and verdicts[i] is None]
        left = [i for i, c in enumerate(changed) if c and verdicts[i] is not None]
        lines = [
            f"{kept} of {len(self.pages)} pages stay; the published thresholds keep {published}. "
            f"{len(entered)} entered, {len(left)} left."
        ]
        # The last to change sides is the most telling: it lies nearest to the threshold.
        for word, places in (("Entered", entered), ("Left", left)):
            if places:
                lines.append(f"{word}: {self._example(places[-1], verdicts)}")
        if not entered and not left:
            dropped = [i for i, v in enumerate(verdicts) if v is not None]
            lines.append(f"Dropped: {self._example(dropped[0], verdicts)}" if dropped else "Nothing is dropped.")
        return "\n".join(lines)

    def _example(self, index: int, verdicts: list[Drop | None]) -> str:
        document, verdict = self.pages[index].document, verdicts[index]
        why = f" ({verdict.reason}: {verdict.detail})" if verdict else ""
        text = " ".join(document.text.split())
        return f"{document.id}{why} “{text[:EXAMPLE_CHARACTERS]}{'…' if len(text) > EXAMPLE_CHARACTERS else ''}”"


def _exact(control: Any) -> float:
    """A slider's value as it is written beside it: 0.83 where adding up its steps gives 0.8300000000000001."""
    return round(control.value, 2)


def _family(verdict: Drop | None) -> str:
    """Whose rule dropped a page."""
    if verdict is None:
        return ""
    return "Gopher" if verdict.reason.startswith("gopher") else "FineWeb"
