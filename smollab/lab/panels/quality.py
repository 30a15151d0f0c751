"""Move the threshold on a predicted score and see which texts enter and leave, with precision and recall."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from smollab.curate.quality import Scored, select
from smollab.lab.panels.panel import Panel, dropdown, int_slider, slider
from smollab.plots.quality import plot_selection

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_CHARACTERS = 330
THRESHOLDS = np.round(np.arange(0, 4.01, 0.1), 1)


class QualityPanel(Panel):
    """Texts with an annotator's score and predictions of it; what a threshold keeps.

    Args:
        excerpts: with the annotator's scores.
        predicted: name of a way to predict -> (excerpts,) scores; the first is shown first.
        threshold: at the beginning; texts that enter or leave are compared with it.
    """

    def __init__(
        self, excerpts: Sequence[Scored], predicted: Mapping[str, NDArray[np.float64]], threshold: float = 1.5
    ) -> None:
        self.excerpts, self.predicted, self.start = list(excerpts), dict(predicted), threshold
        self._true = np.array([excerpt.score for excerpt in self.excerpts])
        self.threshold = slider("least predicted score", threshold, 0.0, 4.0, 0.1, ".1f", live=False)
        self.good_from = int_slider("good is a score from", 3, 1, 5, live=False)
        self.judge = dropdown("predicted by", [(name, name) for name in self.predicted])
        languages = sorted({excerpt.language for excerpt in self.excerpts})
        self.language = dropdown("texts in", [("all languages", ""), *((name, name) for name in languages)])
        self.place = int_slider("text that changes sides", 1, 1, 1, live=False)
        super().__init__(self.threshold, self.good_from, self.judge, self.language, self.place)

    def compute(self) -> "tuple[Figure, str]":
        """Apply the threshold to the chosen texts."""
        chosen = np.array([not self.language.value or e.language == self.language.value for e in self.excerpts])
        scores, true = self.predicted[self.judge.value][chosen], self._true[chosen]
        threshold, good_from = round(float(self.threshold.value), 1), int(self.good_from.value)
        every = [select(scores, true, t, good_from) for t in THRESHOLDS]
        curve = [(s.threshold, s.precision if s.kept else np.nan, s.recall) for s in every]
        figure = plot_selection(scores.tolist(), true.tolist(), threshold, good_from, curve)
        now, before = scores >= threshold, scores >= self.start
        changed = np.flatnonzero(now != before)
        changed = changed[np.argsort(np.abs(scores[changed] - threshold), kind="stable")]
        self.offer(self.place, len(changed))
        found = select(scores, true, threshold, good_from)
        lines = [
            f"{found.kept} of {len(true)} texts stay at {threshold:g}: precision {found.precision:.0%} "
            f"({found.hits} of {found.kept} are good), recall {found.recall:.0%} ({found.hits} of {found.good} good "
            f"ones), F1 {found.f1:.2f}.",
            f"Against {self.start:g}: {int((now & ~before).sum())} enter, {int((before & ~now).sum())} leave.",
        ]
        excerpts = [excerpt for excerpt, mine in zip(self.excerpts, chosen, strict=True) if mine]
        if len(changed):
            index = int(changed[min(self.place.value, len(changed)) - 1])
            lines.append(self._example(excerpts[index], float(scores[index]), "enters" if now[index] else "leaves"))
        else:
            lines.append("No text changes sides. Move the threshold.")
        return figure, "\n".join(lines)

    def _example(self, excerpt: Scored, score: float, fate: str) -> str:
        text = " ".join(excerpt.text.split())
        cut = "…" if len(text) > SHOWN_CHARACTERS else ""
        return (
            f"Predicted {score:.2f}, annotated {excerpt.score}, {fate} ({excerpt.language}, {excerpt.site}): "
            f"“{text[:SHOWN_CHARACTERS]}{cut}”"
        )
