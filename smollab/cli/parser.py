"""The parser: every verb with its options and its help."""

import argparse
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

from smollab import __version__
from smollab.cli.ablate import ablate
from smollab.cli.curate import curate_pdf, curate_recut, curate_refetch, curate_why
from smollab.cli.model import evaluate_passkey, generate, merge
from smollab.cli.recipes import info, show_cost, show_recipe
from smollab.cli.scale import scale_mup
from smollab.cli.texts import (
    ABLATE_EPILOG,
    COST_EPILOG,
    CURATE_EPILOG,
    DESCRIPTION,
    EPILOG,
    EVALUATE_EPILOG,
    GENERATE_EPILOG,
    MERGE_EPILOG,
    MUP_EPILOG,
    PASSKEY_EPILOG,
    PDF_EPILOG,
    RECUT_EPILOG,
    REFETCH_EPILOG,
    REPLAY_EPILOG,
    STEPS,
    WATCH_EPILOG,
    WHY_EPILOG,
)
from smollab.cli.watch import replay, watch
from smollab.cli.workflow import run
from smollab.recipe import RECIPES


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Understand a command line; exits with a message if it is none."""
    two = (
        *(("curate", name) for name in ("why", "recut", "refetch", "pdf")),
        ("evaluate", "passkey"),
        ("scale", "mup"),
    )
    if tuple(words[:2]) in two:
        words = [" ".join(words[:2]), *words[2:]]  # two words, one verb
    return build_parser().parse_args(words)


def build_parser() -> argparse.ArgumentParser:
    """The parser of all verbs."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="smollab", description=DESCRIPTION, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"smollab {__version__}")
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")

    def add(name: str, function: Callable[[Any], None], text: str, epilog: str = "") -> argparse.ArgumentParser:
        verb = verbs.add_parser(
            name, help=text, description=textwrap.dedent(function.__doc__ or text), epilog=epilog, formatter_class=raw
        )
        verb.set_defaults(function=function, verb=name)
        return verb

    for name, text in STEPS.items():
        verb = add(name, run, text, EPILOG.format(verb=name, more=CURATE_EPILOG if name == "curate" else ""))
        verb.description = (
            f"{text[0].upper()}{text[1:]}.\n\nEarlier steps that are missing or out of date are done first."
        )
        _add_recipe_arguments(verb)
        if name == "run":
            verb.add_argument(
                "--dry-run",
                action="store_true",
                help="print parameters, tokens, FLOPs, memory and steps of the recipe, and run nothing",
            )
        if name in ("pretrain", "evaluate", "export", "run"):
            verb.add_argument(
                "--budget",
                metavar="B",
                help="scale the recipe to the best model of a time (10m), of operations (3e15flops), or of another "
                "machine's time (8xH100:2h)",
            )
            verb.add_argument(
                "--explain", action="store_true", help="with --budget: print why it chooses what, and train nothing"
            )
        if name == "evaluate":
            verb.epilog = f"{verb.epilog}\n{EVALUATE_EPILOG}"
        if name == "curate":
            verb.add_argument(
                "--to", metavar="PLACE", help="also copy what was kept to a new folder, or s3://..., hf://datasets/..."
            )
        if name == "export":
            verb.add_argument("--to", metavar="DIR", help="also copy the exported folder to this new folder")

    verb = add("cost", show_cost, "what a recipe costs: parameters, FLOPs, memory, cache", COST_EPILOG)
    _add_recipe_arguments(verb)

    verb = add("watch", watch, "how a run trains: curves in the terminal, drawn anew as it goes on", WATCH_EPILOG)
    verb.add_argument("run", help="its name, or its folder")
    verb.add_argument("--every", type=float, default=1.0, metavar="SECONDS", help="between two looks (%(default)s)")
    verb.add_argument(
        "--once", action="store_true", help="look once, print and end; status 1 if the run is stalled, dead or failed"
    )

    verb = add("replay", replay, "compute a step again at which the monitor of a run saw something", REPLAY_EPILOG)
    verb.add_argument("run", help="its name, or its folder")
    verb.add_argument("--step", type=int, help="one that was recorded (the last)")

    verb = add("generate", generate, "let a trained model continue a text", GENERATE_EPILOG)
    verb.add_argument("model", help="a run (its name, or its folder) or a Hugging Face folder of a SmolLM3 or Llama")
    verb.add_argument("--prompt", default="", help="text to continue; left out: from the beginning of a document")
    verb.add_argument(
        "--max-new-tokens", type=int, help="stop after so many tokens (120, or what the model has positions for)"
    )
    verb.add_argument("--temperature", type=float, default=0.8, help="0: always the likeliest token (%(default)s)")
    verb.add_argument(
        "--top-p", type=float, default=0.9, help="draw from the likeliest tokens of this probability (%(default)s)"
    )
    verb.add_argument("--top-k", type=int, default=0, help="draw from so many of the likeliest tokens (0: all)")
    verb.add_argument(
        "--min-p",
        type=float,
        default=0.0,
        help="draw from tokens of this share of the best one's probability (0: all)",
    )
    verb.add_argument(
        "--repetition-penalty", type=float, default=1.0, help="above 1: make tokens that occurred less likely (1: no)"
    )
    verb.add_argument(
        "--stop", action="append", default=[], metavar="TEXT", help="end before this text; may be repeated"
    )
    verb.add_argument("--seed", type=int, default=0, help="of the draws (%(default)s)")

    verb = add("merge", merge, "average the weights of several models of one shape", MERGE_EPILOG)
    verb.add_argument(
        "models", nargs="+", metavar="MODEL", help="a run, a checkpoint step-... of one, or a Hugging Face folder"
    )
    verb.add_argument("--weights", metavar="A,B", help="of each model, summing to 1 (all the same)")
    verb.add_argument("--output", metavar="DIR", required=True, help="new Hugging Face folder")

    verb = add("evaluate passkey", evaluate_passkey, "how far back a model finds a key in real text", PASSKEY_EPILOG)
    verb.add_argument("model", help="a run (its name, or its folder) or a Hugging Face folder of a SmolLM3 or Llama")
    verb.add_argument("--lengths", metavar="A,B", help="tokens of a prompt (half, once, twice, four times its reach)")
    verb.add_argument("--method", default="none", help="beyond its reach: none, interpolation, ntk, yarn (%(default)s)")
    verb.add_argument("--keys", type=int, default=10, help="prompts for each length and depth (%(default)s)")
    verb.add_argument("--digits", type=int, default=5, help="of a key (%(default)s)")
    verb.add_argument("--filler", metavar="SOURCE", default="text:data_samples/text", help="KIND:PLACE (%(default)s)")
    verb.add_argument("--seed", type=int, default=0, help="of keys and stretches of text (%(default)s)")
    verb.add_argument("--plot", metavar="FILE", help="also draw the map of lengths and depths into this .png file")

    verb = add("curate why", curate_why, "tell the life of one document: each rule's value and threshold", WHY_EPILOG)
    verb.add_argument("document", help="its URL, id or path, or record")
    verb.add_argument("--run", metavar="DIR", default="runs/laptop", help="folder of the run (%(default)s)")
    verb.add_argument("--text", action="store_true", help="also print the whole text as it was extracted")

    verb = add("curate pdf", curate_pdf, "print the text of a PDF, or draw how its pages are read", PDF_EPILOG)
    verb.add_argument("file", help="a PDF file")
    verb.add_argument("--pages", metavar="RANGE", help="only these: 3, 1-3, 7- (all; --show: the first 20)")
    verb.add_argument("--show", action="store_true", help="draw each page with its blocks, their order and kinds")
    verb.add_argument("--to", metavar="FOLDER", help="of the pictures and index.html (FILE's name, with -pages)")
    verb.add_argument(
        "--engine", choices=("pymupdf", "pypdfium2"), default="pymupdf", help="library that reads it (%(default)s)"
    )

    verb = add("curate recut", curate_recut, "try other thresholds: what enters, what leaves", RECUT_EPILOG)
    _add_recipe_arguments(verb)
    verb.add_argument("--to", metavar="DIR", help="write the new cut to this folder (RUN/recut)")
    verb.add_argument("--examples", type=int, default=3, help="documents shown for each reason (%(default)s)")

    verb = add("curate refetch", curate_refetch, "fetch the truncated PDFs of a crawl again", REFETCH_EPILOG)
    verb.add_argument("warc", nargs="+", help="WARC file, folder or address of one, or cc:CRAWL?... (see below)")
    verb.add_argument("--to", metavar="FOLDER", required=True, help="for the new copies and the ledger of the job")
    verb.add_argument("--contact", default="", metavar="MAIL", help="how those you ask can reach you (User-Agent)")
    verb.add_argument("--delay", type=float, default=1.0, help="seconds between two requests to a host (%(default)s)")
    verb.add_argument("--hosts", type=int, default=15, help="hosts asked at a time (%(default)s)")

    verb = add("ablate", ablate, "train the same small model with one thing changed at a time, compare", ABLATE_EPILOG)
    verb.add_argument(
        "what",
        choices=["data", "pdf", "architecture", "context"],
        help="data: raw, extracted, filtered and deduplicated text of the same pages; "
        "pdf: web pages with more and more PDF text among them; "
        "architecture: attention, positions, norms, MLPs and more, one choice at a time, at equal operations; "
        "context: keys found beyond the trained length, by positions and ways to extend them",
    )
    verb.add_argument("recipe", nargs="?", help="its name or path (ablation- and the kind: ablation-data, ...)")
    verb.add_argument("--seeds", type=int, default=3, help="runs of each variant, seeds 1 to N (%(default)s)")
    verb.add_argument("--steps", type=int, help="optimizer steps of each run; warmup and decay keep their shares")
    verb.add_argument("--only", metavar="A,B", help="only these variants: raw,extracted or mha,gelu or 0,0.5")
    verb.add_argument("--as-is", action="store_true", help="take the pages as they are: add no noise and no copies")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of the recipe")
    verb.add_argument("--run", metavar="DIR", help="folder of the results (runs/NAME)")

    verb = add("scale mup", scale_mup, "does the best learning rate of a narrow model hold for a wide one?", MUP_EPILOG)
    verb.add_argument("recipe", nargs="?", default="transfer", help="its name or path (%(default)s)")
    verb.add_argument("--seeds", type=int, default=3, help="runs of each width and rate, seeds 1 to N (%(default)s)")
    verb.add_argument("--widths", metavar="A,B", help="multiples of the recipe's hidden_size (32,64,128,256)")
    verb.add_argument("--rates", metavar="A,B", help="exponents of two, --rates=-10,-9 (-10 to -5)")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of the recipe")
    verb.add_argument("--run", metavar="DIR", help="folder of the results (runs/NAME)")

    verb = add("recipe", show_recipe, "print a recipe with every setting explained")
    verb.add_argument("recipe", nargs="?", help="its name or path; left out: list the recipes")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")

    add("info", info, "what this machine can do: cores, memory, precision, devices, measured speed")
    return parser


def _add_recipe_arguments(verb: argparse.ArgumentParser) -> None:
    known = ", ".join(sorted(path.stem for path in RECIPES.glob("*.toml")))
    verb.add_argument(
        "recipe",
        nargs="?",
        default="laptop",
        help=f"a recipe shipped with smollab ({known}) or the path of a .toml file; default: %(default)s",
    )
    verb.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a setting, such as optimizer.learning_rate=0.004; may be repeated",
    )
    verb.add_argument(
        "--source",
        action="append",
        default=[],
        metavar="[NAME=]KIND:PLACE",
        help="read a source from elsewhere; kinds: warc, wet, html, pdf, text, code, jsonl, parquet, hub. "
        "With `curate`, without NAME: curate this instead of the recipe's sources",
    )
    # torchrun takes any word that begins like one of its own options, such as --run, for itself.
    verb.add_argument("--run", "--run-folder", metavar="DIR", help="folder of the run (runs/NAME)")
