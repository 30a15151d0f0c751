"""Move what extraction judges by, and see which blocks of a page stay: against what a reader came for."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from smollab.curate.html import score_words
from smollab.curate.html.blocks import Block
from smollab.curate.html.reader import read_page
from smollab.curate.html.thresholds import DEFAULTS
from smollab.lab.extraction import GoldPage, is_gold, judge_text
from smollab.lab.panels.panel import Panel, dropdown, int_slider, slider
from smollab.plots.extraction import FATES, plot_blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAXIMUM_BLOCKS = 46
"""Of the page that is shown; longer pages are left out."""
DRAWN_LANGUAGES = ("en", "fr", "es", "de", "it", "pt", "vi", "ru")
"""With letters that every installation of matplotlib can draw."""


class ExtractionPanel(Panel):
    """Five thresholds over gold pages: the blocks of one page with their fates, and F1 on it and on all.

    Args:
        pages: with gold texts.
        first: name of the page that is shown at the beginning.
    """

    def __init__(self, pages: Sequence[GoldPage], first: str) -> None:
        read = [(page, read_page(page.html)) for page in pages]
        self.pages = [page for page, content in read if judge_text(content, DEFAULTS)[1]]
        """Those with text in their markup; the text of others is in scripts."""
        self._read = [content for page, content in read if page in self.pages]
        self._whole = {page.name: read_page(page.html, whole=True) for page in self.pages}
        self._before = self._mean(DEFAULTS)
        shown = [
            page
            for page in self.pages
            if page.language in DRAWN_LANGUAGES and 5 < len(self._whole[page.name].blocks) <= MAXIMUM_BLOCKS
        ]
        options = [(f"{page.kind}: {page.name} ({page.language})", page.name) for page in shown]
        self.page = dropdown("page", options, first)
        d = DEFAULTS
        self.thresholds: dict[str, Any] = {
            "link_density": slider("most links in a block", d.link_density, 0, 1, 0.05, ".2f", live=False),
            "good_characters": int_slider("prose has at least (char.)", d.good_characters, 10, 300, live=False),
            "short_characters": int_slider("a sentence has at least", d.short_characters, 0, 120, live=False),
            "main_share": slider("main container's share", d.main_share, 0.3, 1, 0.05, ".2f", live=False),
            "label_characters": int_slider("labels have at most", d.label_characters, 0, 120, live=False),
        }
        super().__init__(self.page, *self.thresholds.values())

    def compute(self) -> "tuple[Figure, str]":
        """Extract the page and all others by the present thresholds."""
        values = {name: control.value for name, control in self.thresholds.items()}
        thresholds = replace(DEFAULTS, **values)
        gold = next(page for page in self.pages if page.name == self.page.value)
        page = self._whole[gold.name]
        verdicts, text = judge_text(page, thresholds)
        fates = self._fates(page.blocks, verdicts, gold.text)
        figure = plot_blocks(
            [block.text for block in page.blocks],
            [block.size for block in page.blocks],
            [block.link_density for block in page.blocks],
            fates,
            verdicts,
        )
        score, mean = score_words(text, gold.text), self._mean(thresholds)
        lines = [
            f"This page: F1 {score.f1:.3f}, precision {score.precision:.3f}, recall {score.recall:.3f}; "
            f"{verdicts.count('kept')} of {len(verdicts)} blocks kept.",
            f"All {len(self.pages)} pages: mean F1 {mean:.3f} (with the defaults {self._before:.3f}).",
        ]
        for fate, words in (("kept, wrongly", "Wrongly kept"), ("dropped, wrongly", "Wrongly dropped")):
            wrong = [i for i, f in enumerate(fates) if f == fate]
            if wrong:
                example = " ".join(page.blocks[wrong[0]].text.split())
                why = "" if verdicts[wrong[0]] == "kept" else f" ({verdicts[wrong[0]]})"
                lines.append(f"{words}: {len(wrong)}, such as “{example[:110]}”{why}")
        return figure, "\n".join(lines)

    def _fates(self, blocks: Sequence[Block], verdicts: Sequence[str], gold: str) -> list[str]:
        """Return for each block one of `FATES`; what is kept in one place may go in another."""
        kept = {block.text for block, verdict in zip(blocks, verdicts, strict=True) if verdict == "kept"}
        fates = []
        for block, verdict in zip(blocks, verdicts, strict=True):
            wanted = is_gold(block, gold)
            if verdict == "kept":
                fates.append(FATES[0] if wanted else FATES[1])
            else:
                fates.append(FATES[2] if wanted and block.text not in kept else FATES[3])
        return fates

    def _mean(self, thresholds: Any) -> float:
        scores = [
            score_words(judge_text(page, thresholds)[1], gold.text).f1
            for page, gold in zip(self._read, self.pages, strict=True)
        ]
        return sum(scores) / len(scores)
