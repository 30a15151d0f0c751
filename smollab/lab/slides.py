"""The figures of the slides, drawn from a run by the functions that notebooks and reports draw with.

python -m smollab.lab.slides slides/figures
"""

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from smollab.lab.attention_maps import attention_weights
from smollab.lab.costs import cache_gibibytes, estimate_widths
from smollab.lab.next_tokens import (
    entropies_bits,
    entropy_bits,
    next_logits,
    surprise_bits,
    token_label,
)
from smollab.lab.pages import judge, load_pages
from smollab.lab.runs import Run, open_run
from smollab.lab.slides_architecture import FIGURES as ARCHITECTURE_FIGURES
from smollab.lab.slides_deduplication import FIGURES as DEDUPLICATION_FIGURES
from smollab.lab.slides_extraction import FIGURES as EXTRACTION_FIGURES
from smollab.lab.slides_filters import FIGURES as FILTER_FIGURES
from smollab.lab.slides_memory import FIGURES as MEMORY_FIGURES
from smollab.lab.slides_mixture import FIGURES as MIXTURE_FIGURES
from smollab.lab.slides_pdf import FIGURES as PDF_FIGURES
from smollab.lab.slides_positions import FIGURES as POSITION_FIGURES
from smollab.lab.slides_quality import FIGURES as QUALITY_FIGURES
from smollab.lab.slides_transfer import FIGURES as TRANSFER_FIGURES
from smollab.model.config import ModelConfig
from smollab.model.sampling import Sampling, shape_distribution
from smollab.optim.newton_schulz import newton_schulz
from smollab.plots.attention import plot_attention, plot_cache_sizes
from smollab.plots.curation import plot_funnel
from smollab.plots.optimization import plot_learning_rate, plot_newton_schulz_map, plot_singular_values
from smollab.plots.pages import plot_pages
from smollab.plots.pillars import plot_pillars
from smollab.plots.scaling import plot_costs, plot_passes
from smollab.plots.style import to_png
from smollab.plots.tokens import plot_surprise, plot_temperatures
from smollab.plots.training import plot_loss
from smollab.recipe import Curate, GopherQuality, load_recipe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
"""Pixels per inch, for a projector."""
LONG_TEXT = 65_536


def pillars(run: Run) -> "Figure":
    """The map of the course."""
    return plot_pillars()


def funnel(run: Run) -> "Figure":
    """Pages of the web left after each step."""
    web = run.funnel.sources["web"]
    steps = [("read", web.documents_read)] + [(step.name, step.documents_out) for step in web.steps]
    return plot_funnel(steps, f"web: {web.documents_read:,} pages read, {web.documents_kept:,} kept")


def pages(run: Run) -> "Figure":
    """Sample pages under the published quality rules."""
    shown, gopher = load_pages(), GopherQuality()
    verdicts = judge(shown, Curate())
    families = ["" if v is None else "Gopher" if v.reason.startswith("gopher") else "FineWeb" for v in verdicts]
    return plot_pages(
        [page.words for page in shown],
        [page.with_letters for page in shown],
        families,
        [False] * len(shown),
        (gopher.minimum_words, gopher.minimum_alphabetic_words),
        Counter(v.reason for v in verdicts if v).most_common(),
    )


def surprise(run: Run) -> "Figure":
    """Bits at each token of a held-out text."""
    tokens = run.held_out("web", 49)
    labels = [token_label(run.tokenizer, int(token)) for token in tokens[1:]]
    uniform = float(torch.log2(torch.tensor(float(run.model.config.vocab_size))))
    return plot_surprise(labels, surprise_bits(run.model, tokens).tolist(), uniform)


def attention(run: Run) -> "Figure":
    """A layer with rotary positions and one without."""
    tokens = run.held_out("web", 18)
    maps = [attention_weights(run.model, tokens, layer).mean(0).numpy() for layer in (2, 3)]
    labels = [token_label(run.tokenizer, int(token)) for token in tokens]
    return plot_attention(maps, ["layer 2: RoPE", "layer 3: NoPE"], labels)


def cache(run: Run) -> "Figure":
    """SmolLM3-3B's key-value cache with fewer and fewer key-value heads."""
    smollm3 = load_recipe("smollm3-3b")
    config = ModelConfig.from_recipe(smollm3.model, smollm3.tokenizer.vocab_size)
    choices = {"16 (one per query head)": 16, "8": 8, "4 (SmolLM3)": 4, "1 (multi-query)": 1}
    sizes = [cache_gibibytes(config, heads, LONG_TEXT) for heads in choices.values()]
    return plot_cache_sizes([f"{name} key-value heads" for name in choices], sizes, published=2)


def temperatures(run: Run) -> "Figure":
    """The least certain of some distributions, at three temperatures."""
    tokens = run.held_out("web", 96)
    place = 8 + int(entropies_bits(run.model, tokens)[8:40].argmax())
    logits, came = next_logits(run.model, tokens[: place + 1]), int(tokens[place + 1])
    likeliest = logits.topk(40).indices.tolist()
    shaped = [shape_distribution(logits, Sampling(temperature)) for temperature in (0.5, 1.0, 2.0)]
    return plot_temperatures(
        (0.5, 1.0, 2.0),
        [p[likeliest].tolist() for p in shaped],
        [entropy_bits(p) for p in shaped],
        likeliest.index(came) if came in likeliest else -1,
    )


def singular_values(run: Run) -> "Figure":
    """Newton-Schulz on the momentum of a matrix."""
    momentum = run.momentum("layers.0.mlp.up_proj.weight").float()
    before = torch.linalg.svdvals(momentum) / torch.linalg.matrix_norm(momentum)
    return plot_singular_values(before.tolist(), torch.linalg.svdvals(newton_schulz(momentum)).tolist(), 5)


def newton_schulz_map(run: Run) -> "Figure":
    """What each number of steps makes of one singular value."""
    before = torch.logspace(-3, 0, 300)
    after = {steps: newton_schulz_values(before, steps).tolist() for steps in (1, 3, 5)}
    return plot_newton_schulz_map(before.tolist(), after)


def newton_schulz_values(values: torch.Tensor, steps: int) -> torch.Tensor:
    """Values (n,), each as a singular value of a matrix of Frobenius norm one, after Newton-Schulz."""
    # A second singular value brings the norm to one, since Newton-Schulz divides by it.
    rest = (1 - values.square()).clamp(min=0).sqrt()
    matrices = torch.diag_embed(torch.stack([values, rest], dim=-1))
    return newton_schulz(matrices, steps)[:, 0, 0]


def schedule(run: Run) -> "Figure":
    """The learning rate of the run."""
    steps, measured = [row["step"] for row in run.metrics], [row["learning_rate"] for row in run.metrics]
    return plot_learning_rate(steps, run.planned_learning_rates(), measured, run.stages())


def loss(run: Run) -> "Figure":
    """Training loss against tokens."""
    return plot_loss(run.metrics)


def costs(run: Run) -> "Figure":
    """What SmolLM3's proportions cost at growing width."""
    estimates = estimate_widths(load_recipe("smollm3-3b"), (128, 256, 512, 1024, 2048, 4096))
    return plot_costs(
        [cost.parameters for cost in estimates],
        [cost.flops_per_token for cost in estimates],
        [cost.state_bytes_per_device for cost in estimates],
        [("SmolLM3-3B", 4)],
    )


def passes(run: Run) -> "Figure":
    """How often the run read what curation left of each source."""
    counts = run.passes()
    return plot_passes(list(counts), [left for left, _ in counts.values()], [read for _, read in counts.values()])


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    figure.__name__: figure
    for figure in (
        pillars, funnel, pages, surprise, attention, cache, temperatures, singular_values, newton_schulz_map,
        schedule, loss, costs, passes,
    )
}  # fmt: skip
"""Name of the file, without its ending -> what draws it."""
FIGURES.update(EXTRACTION_FIGURES)
FIGURES.update(PDF_FIGURES)
FIGURES.update(FILTER_FIGURES)
FIGURES.update(DEDUPLICATION_FIGURES)
FIGURES.update(MIXTURE_FIGURES)
FIGURES.update(MEMORY_FIGURES)
FIGURES.update(QUALITY_FIGURES)
FIGURES.update(ARCHITECTURE_FIGURES)
FIGURES.update(POSITION_FIGURES)
FIGURES.update(TRANSFER_FIGURES)


def make_figures(folder: Path, run: Run) -> list[Path]:
    """Draw all figures into a folder.

    Args:
        folder: made if missing.
        run: whose files are shown.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, draw in FIGURES.items():
        path = folder / f"{name}.png"
        path.write_bytes(to_png(draw(run), DPI))
        paths.append(path)
    return paths


if __name__ == "__main__":
    for made in make_figures(Path(sys.argv[1] if len(sys.argv) > 1 else "slides/figures"), open_run()):
        print(made)
