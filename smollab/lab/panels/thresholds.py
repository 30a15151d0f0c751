"""Move published thresholds and see, page by page, what enters and what leaves: judged from the ledger's values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from smollab.documents import Drop
from smollab.lab.ledger import FILTERS, LANGUAGES
from smollab.lab.pages import Page, find_rule, judge, threshold_of, with_thresholds
from smollab.lab.panels.panel import Panel, dropdown, int_slider, slider
from smollab.plots.rules import plot_cut
from smollab.recipe import Curate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_CHARACTERS = 420
WIDTH = "420px"


@dataclass(frozen=True)
class Control:
    """A threshold that can be moved."""

    key: str
    """Step and setting."""
    label: str
    low: float
    high: float
    step: float
    form: str = ".2f"


CONTROLS = (
    Control("gopher_quality.minimum_words", "fewest words", 0, 400, 1, ".0f"),
    Control("gopher_quality.minimum_alphabetic_words", "fewest words with a letter", 0.5, 1, 0.01),
    Control("fineweb_quality.minimum_punctuated_lines", "fewest punctuated lines", 0, 1, 0.01),
    Control("fineweb_quality.maximum_short_lines", "most short lines", 0, 1, 0.01),
    Control("fineweb_quality.maximum_duplicate_line_characters", "most characters in dup. lines", 0, 0.3, 0.005, ".3f"),
    Control("gopher_repetition.top_n_grams.2", "most of the top 2-gram", 0, 0.5, 0.01),
    Control("language.minimum_score", "least language score", 0, 1, 0.01),
)


class ThresholdPanel(Panel):
    """Seven thresholds over pages whose values are known; which pages change sides, and what they say.

    Args:
        pages: from `smollab.lab.ledger.read_pages`; those that are real or junk are shown.
        published: the thresholds at the beginning, to which the others are compared.
    """

    def __init__(self, pages: Sequence[Page], published: Curate) -> None:
        self.pages = [page for page in pages if page.kind in ("real", "junk")]
        self.published = published
        self._before = judge(self.pages, published, FILTERS)
        self.thresholds: dict[str, Any] = {}
        """Key -> its slider."""
        for c in CONTROLS:
            value = threshold_of(published, c.key)
            whole = c.form == ".0f"
            made = (
                int_slider(c.label, int(value), int(c.low), int(c.high), live=False)
                if whole
                else slider(c.label, value, c.low, c.high, c.step, c.form, live=False)
            )
            made.layout.width = WIDTH
            self.thresholds[c.key] = made
        options = [("all languages", ""), *((name, name) for name in LANGUAGES)]
        self.language = dropdown("pages in", options)
        self.shown = dropdown("values shown", [(c.label, c.key) for c in CONTROLS])
        self.place = int_slider("page that changes sides", 1, 1, 1, live=False)
        for made in (self.language, self.shown, self.place):
            made.layout.width = WIDTH
        for key, made in self.thresholds.items():
            made.observe(lambda change, key=key: self._show(key), names="value")
        super().__init__(*self.thresholds.values(), self.language, self.shown, self.place)
        grid = widgets.GridBox(self.controls, layout=widgets.Layout(grid_template_columns=f"repeat(2, {WIDTH})"))
        self.widget = widgets.VBox([grid, self._text, self._image])

    def compute(self) -> "tuple[Figure, str]":
        """Judge all pages by the present thresholds."""
        control = next(c for c in CONTROLS if c.key == self.shown.value)
        # As written beside the slider: 0.83 where adding up its steps gives 0.8300000000000001.
        values = {c.key: round(self.thresholds[c.key].value, 3) for c in CONTROLS}
        verdicts = judge(self.pages, with_thresholds(self.published, values), FILTERS)
        language = self.language.value
        chosen = [i for i, page in enumerate(self.pages) if not language or page.document.language == language]
        changed = [i for i in chosen if (verdicts[i] is None) != (self._before[i] is None)]
        self.offer(self.place, len(changed))
        rule, step = find_rule(control.key), control.key.partition(".")[0]
        measured: dict[str, list[float]] = {"real": [], "junk": []}
        for i in chosen:
            value = self.pages[i].values[step].get(rule.name)
            if value is not None:
                measured[self.pages[i].kind].append(float(value))
        figure = plot_cut(
            (measured["real"], measured["junk"]),
            (threshold_of(self.published, control.key), values[control.key]),
            rule.name.replace("_", " "),
            rule.bound == "minimum",
            self._groups(chosen, verdicts),
        )
        return figure, self._describe(chosen, changed, verdicts)

    def _groups(self, chosen: list[int], verdicts: list[Drop | None]) -> dict[str, tuple[int, int, int]]:
        groups: dict[str, tuple[int, int, int]] = {}
        order = [*LANGUAGES, "junk"]
        for i in sorted(chosen, key=lambda i: order.index(self._group(i))):
            pages, before, now = groups.get(self._group(i), (0, 0, 0))
            groups[self._group(i)] = (pages + 1, before + (self._before[i] is None), now + (verdicts[i] is None))
        return groups

    def _group(self, index: int) -> str:
        page = self.pages[index]
        return "junk" if page.kind == "junk" else page.document.language

    def _describe(self, chosen: list[int], changed: list[int], verdicts: list[Drop | None]) -> str:
        lines = []
        for kind, words in (("real", "real pages"), ("junk", "pages of junk")):
            mine = [i for i in chosen if self.pages[i].kind == kind]
            now, before = (sum(v[i] is None for i in mine) for v in (verdicts, self._before))
            enter = sum(self.pages[i].kind == kind and verdicts[i] is None for i in changed)
            leave = sum(self.pages[i].kind == kind and verdicts[i] is not None for i in changed)
            lines.append(
                f"{now} of {len(mine)} {words} stay (published thresholds: {before}): {enter} enter, {leave} leave."
            )
        if changed:
            lines += self._example(changed, verdicts)
        else:
            lines.append("No page changes sides. Move a threshold.")
        return "\n".join(lines)

    def _example(self, changed: list[int], verdicts: list[Drop | None]) -> list[str]:
        place = min(self.place.value, len(changed))
        index = changed[place - 1]
        page, drop = self.pages[index].document, verdicts[index] or self._before[index]
        assert drop is not None  # it changed sides, so one of the two dropped it
        fate = "leaves" if verdicts[index] else "enters"
        was = "" if verdicts[index] else "was "
        text = " ".join(page.text.split())
        cut = "…" if len(text) > SHOWN_CHARACTERS else ""
        return [
            f"Page {place} of {len(changed)} {fate}: {page.id} ({was}dropped by {drop.reason} {drop.detail})",
            f"“{text[:SHOWN_CHARACTERS]}{cut}”",
        ]

    def _show(self, key: str) -> None:
        """Let the picture follow the slider that was moved."""
        with self.settle():
            self.shown.value = key
