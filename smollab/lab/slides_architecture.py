"""The figures of the slides of notebook 2.1."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from smollab.experiments.architecture_ablation import BASELINE
from smollab.experiments.summary import bounds
from smollab.lab.architecture import first_steps, load_architecture_ablation, two_documents
from smollab.lab.attention_maps import attention_weights
from smollab.lab.runs import Run
from smollab.plots.architecture import plot_choices, plot_first_losses, plot_mask
from smollab.plots.attention import plot_attention

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def document_mask(run: Run) -> "Figure":
    """Who may see whom in a row of two pages."""
    _, ids, labels = two_documents(run, 10)
    places = torch.arange(len(ids))
    visible = (places <= places[:, None]) & (ids == ids[:, None])
    return plot_mask(visible.tolist(), labels, "two pages in one row")


def leaking_attention(run: Run) -> "Figure":
    """A layer's attention over two pages, masked and not."""
    tokens, ids, labels = two_documents(run, 10)
    maps = [attention_weights(run.model, tokens, 2, given).mean(0).numpy() for given in (ids, ids * 0)]
    return plot_attention(maps, ["each document alone", "one long text"], labels)


def first_losses(run: Run) -> "Figure":
    """The first steps of three small models."""
    choices = {"pre-norm": {}, "post-norm": {"norm_placement": "post"}, "BatchNorm": {"norm": "batchnorm"}}
    return plot_first_losses({name: first_steps(run, changes).losses for name, changes in choices.items()})


def architecture_differences(run: Run) -> "Figure":
    """The committed ablation: each choice against the baseline."""
    _, comparison = load_architecture_ablation()
    metric = next(iter(comparison.scores))
    others = [name for name in comparison.variants if name != BASELINE]
    differences = {name: bounds(comparison.difference(metric, name, BASELINE)) for name in others}
    return plot_choices(differences, BASELINE)


FIGURES: dict[str, Callable[[Run], "Figure"]] = {
    figure.__name__: figure for figure in (document_mask, leaking_attention, first_losses, architecture_differences)
}
"""Name of the file, without its ending -> what draws it."""
