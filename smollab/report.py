"""The report: one HTML file, with its figures inside, that shows what a run did from funnel to samples."""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from smollab import __version__
from smollab.curate.funnel import Funnel, SourceFunnel
from smollab.curate.statistics import load_statistics
from smollab.hardware import cpu_model
from smollab.plots.curation import plot_drop_reasons, plot_funnel
from smollab.plots.style import to_data_url
from smollab.plots.training import plot_bits_per_byte, plot_held_out, plot_loss, plot_schedule
from smollab.recipe import Recipe, to_toml
from smollab.train.metrics import read_metrics

SHOWN_STATISTICS = 8
"""Largest domains and years shown; all are in curate/statistics.json."""


def write_report(recipe: Recipe, folder: Path, path: Path) -> None:
    """Write a run's report.

    Args:
        recipe: as it was run.
        folder: of the run, with all steps finished.
        path: the HTML file.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    template = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True).get_template(
        "report.html.jinja"
    )
    funnel = Funnel.load(folder / "curate")
    metrics = read_metrics(folder / "pretrain" / "metrics.jsonl")
    if not metrics:
        raise FileNotFoundError(f"{folder / 'pretrain' / 'metrics.jsonl'}: missing; delete its folder to train again")
    results = json.loads((folder / "evaluate" / "results.json").read_text(encoding="utf-8"))
    tokens = json.loads((folder / "tokenize" / "tokens" / "statistics.json").read_text(encoding="utf-8"))
    html = template.render(
        recipe=recipe,
        version=__version__,
        machine=cpu_model(),
        funnel=funnel,
        sources={name: show_source_funnel(name, source) for name, source in funnel.sources.items()},
        why=why_command(folder),
        tokens=tokens,
        statistics=load_statistics(folder / "curate"),
        shown_statistics=SHOWN_STATISTICS,
        training_tokens=sum(row["train_tokens"] for row in tokens.values()),
        metrics=metrics,
        mean_speed=sum(row["tokens_per_second"] for row in metrics) / max(len(metrics), 1),
        loss=to_data_url(plot_loss(metrics)),
        held_out=to_data_url(plot_held_out(metrics)) if any("held_out" in row for row in metrics) else "",
        schedule=to_data_url(plot_schedule(metrics)),
        results=results,
        bits=to_data_url(plot_bits_per_byte(results["bits_per_byte"])),
        export=folder / "export",
        configuration=to_toml(recipe, comments=True),
    )
    path.write_text(html, encoding="utf-8")


def show_source_funnel(name: str, source: SourceFunnel) -> dict[str, Any]:
    """Return what the template shows of one source: its funnel, and each reason for a drop with its examples."""
    steps = [("read", source.documents_read)] + [(step.name, step.documents_out) for step in source.steps]
    reasons = [
        {
            "step": step.name,
            "reason": reason.removeprefix(f"{step.name}: "),
            "anchor": "drop-" + re.sub(r"[^a-z0-9]+", "-", f"{name}-{reason}".lower()).strip("-"),
            "documents": count.documents,
            "share": count.documents / max(step.documents_in, 1),
            "examples": count.examples,
        }
        for step in source.steps
        for reason, count in sorted(step.drops.items(), key=lambda pair: -pair[1].documents)
    ]
    named = [(reason, count.documents) for step in source.steps for reason, count in step.drops.items()]
    named.sort(key=lambda pair: -pair[1])
    return {
        "counts": source,
        "funnel": to_data_url(plot_funnel(steps, f"{name}: from {steps[0][1]:,} documents to {steps[-1][1]:,}")),
        "reasons_figure": to_data_url(plot_drop_reasons(named[:12], f"{name}: why documents left")) if named else "",
        "reasons": reasons,
    }


def why_command(folder: Path) -> Callable[[str], str]:
    """Return what writes the command that tells a document's life; nothing where the run kept no ledger."""
    if not (folder / "curate" / "ledger" / "about.json").is_file():
        return lambda id_: ""
    return lambda id_: f"smollab curate why {shlex.quote(id_)} --run {shlex.quote(str(folder))}"
