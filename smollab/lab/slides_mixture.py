"""The figures of the slides of notebook 1.6."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from smollab.curate.statistics import add_tokens, load_statistics
from smollab.experiments.crawl import Overlap, main_text, read_pages
from smollab.experiments.data_ablation import load_comparison
from smollab.experiments.summary import draw_differences, draw_scores
from smollab.lab.ablation import load_results
from smollab.lab.runs import Run
from smollab.plots.mixture import plot_mixture, plot_overlap, plot_repetition
from smollab.recipe import Source
from smollab.tokens.proportions import FREE_EPOCHS, effective_tokens, epochs, temperature_weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST_TOKENS = 20_000
TEMPERATURE, BUDGET = 3, 4


def mixture(run: Run) -> "Figure":
    """The languages of a run at temperature 3, when four times as many tokens are read as there are."""
    counts = add_tokens(load_statistics(run.folder / "curate"), run.tokens)["language"]
    sizes = {name: amount.tokens for name, amount in counts.items() if (amount.tokens or 0) >= FEWEST_TOKENS}
    total = sum(size or 0 for size in sizes.values())
    tokens = {name: float(size or 0) for name, size in sizes.items()}
    weights = temperature_weights(tokens, TEMPERATURE)
    read = epochs(weights, tokens, BUDGET * total)
    natural = [size / total for size in tokens.values()]
    return plot_mixture(list(tokens), natural, list(weights.values()), list(read.values()), FREE_EPOCHS)


def repetition(run: Run) -> "Figure":
    """What epochs of the same text are worth."""
    counts = [1 + i / 4 for i in range(200)]
    return plot_repetition(counts, [effective_tokens(1, count) for count in counts], FREE_EPOCHS)


def overlap(run: Run) -> "Figure":
    """The Debian FAQ as pages, against itself as plain text."""
    faq = read_pages("faq", Source(address="text:data_samples/pdf/gold/debian-faq.en.txt"))
    test = Overlap.of(document.text for document in faq)
    pages = read_pages("web", Source(address="warc:data_samples/web/en.warc.gz"))
    manuals = [page for page in pages if "/doc/manuals/" in page.id]
    rows = sorted(((page.id.partition("manuals/")[2], test.share(main_text(page))) for page in manuals), key=_by_share)
    return plot_overlap(rows, threshold=0.1)


def _by_share(row: tuple[str, float]) -> tuple[float, str]:
    return -row[1], row[0]


def ablation_scores(run: Run) -> "Figure":
    """The committed results of the full data ablation."""
    return draw_scores(load_comparison(load_results()))


def ablation_differences(run: Run) -> "Figure":
    """The same as differences from raw text."""
    return draw_differences(load_comparison(load_results()), "raw")


def pdf_differences(run: Run) -> "Figure":
    """Mixtures of web pages and PDFs as differences from web pages alone, from the committed results."""
    return draw_differences(load_comparison(load_results("ablation-pdf")), "web")


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    f.__name__: f for f in (mixture, repetition, overlap, ablation_scores, ablation_differences, pdf_differences)
}
