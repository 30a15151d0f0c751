"""The command line: one verb a function, each thin over the package.

Every verb that runs part of the workflow takes a recipe and does whatever of the earlier steps is not done yet.
"""

import argparse
import itertools
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smollab import __version__
from smollab.recipe import RECIPES, Recipe, RecipeError, load_recipe, parse_override, to_toml

if TYPE_CHECKING:
    from smollab.experiments.compare import Comparison

PDF_EPILOG = """
examples:
  smollab curate pdf report.pdf                            its text on standard output
  smollab curate pdf report.pdf --show --pages 1-3         report-pages/index.html, and a PNG of each page
"""

DESCRIPTION = """\
Learn and do efficient language-model pretraining: from web pages and PDFs to a small SmolLM3-style model.

  smollab run laptop            the main job, in minutes on two cores; ends with the path of a report
  smollab recipe laptop         every setting of a recipe, explained
  smollab generate laptop       let the trained model write
  smollab info                  what this machine can do
"""

STEPS = {
    "curate": "extract, filter, deduplicate and mask web pages and PDFs",
    "tokenize": "train a byte-level BPE tokenizer and write token shards",
    "pretrain": "train the model, or continue an interrupted training",
    "evaluate": "bits per byte on held-out text, minimal pairs, samples",
    "export": "write a Hugging Face folder that transformers loads",
    "run": "the whole job: curate, tokenize, pretrain, evaluate, export, and report.html",
}

EPILOG = """\
examples:
  smollab {verb} laptop
  smollab {verb} laptop --set model.hidden_size=256 --set stages.0.steps=200
  smollab {verb} laptop --source web=warc:https://data.commoncrawl.org/...warc.gz --run runs/crawl
  smollab {verb} my-recipe.toml

{more}A step whose settings, code and inputs have not changed is reused. Ctrl-C stops; the same command continues.
`smollab recipe laptop` lists every setting with its meaning and default.
"""


CURATE_EPILOG = """\
Sources from elsewhere, instead of the recipe's:
  smollab curate --source warc:https://data.commoncrawl.org/crawl-data/...warc.gz --run runs/crawl
  smollab curate --source hub:HuggingFaceFW/fineweb:sample-10BT --run runs/fineweb
  smollab curate --source pdf:papers/ --run runs/papers

"""


COST_EPILOG = """\
examples:
  smollab cost smollm3-3b
  smollab cost laptop --set model.num_key_value_heads=2 --set train.sequence_length=128
  smollab cost smollm3-3b --set parallel.data=48 --set parallel.shard=4
"""


GENERATE_EPILOG = """\
examples:
  smollab generate laptop --prompt "The installation program"
  smollab generate runs/laptop/export --temperature 0 --repetition-penalty 1.2
  smollab generate laptop --prompt "def read(path):" --stop "def " --min-p 0.1
"""


PASSKEY_EPILOG = """\
examples:
  smollab evaluate passkey laptop                                 the model of a run, up to four times its reach
  smollab evaluate passkey runs/laptop/export --lengths 256,1024 --method yarn
  smollab evaluate passkey notebooks/results/passkey-model --digits 2 --plot map.png

A sentence with a random number stands at several depths of real text; is the number what greedy decoding gives? A model
that was trained on little text finds none, at any length; chance is one in 9 * 10^(digits - 1).
"""


WHY_EPILOG = """\
examples:
  smollab curate why https://example.org/page --run runs/laptop
  smollab curate why web/0/17                  a record: source/shard/number, as the ledger names it

`x` marks the rules that fail; the first of them, in the order of the steps, dropped the document. Later values were
measured all the same, so that other thresholds can be tried: smollab curate recut --help
"""


RECUT_EPILOG = """\
examples:
  smollab curate recut laptop --set curate.gopher_quality.minimum_words=30
  smollab curate recut laptop --set curate.edu_quality.minimum_score=2.5 --to runs/strict/recut

Nothing is read from the sources and nothing measured again, as long as the change leaves the texts as they are. The
new cut equals, byte for byte, a curation from scratch with these settings; the run itself stays as it is. To keep the
new cut, give `smollab curate` (or `smollab run`) the same settings: it starts from the same ledger.
"""


REFETCH_EPILOG = """\
CommonCrawl keeps only the first 1 MiB of a file (5 MiB since 2025), which truncates about a quarter of all PDFs, and a
PDF is read from its end. This command finds the truncated ones and asks their own servers for the whole files:
politely (robots.txt, one request per host and second, or as the host asks), safely (public addresses only; size, time
and type are checked), and each new copy is compared with the old one:

  extends      the old copy is the beginning of the new one: what was hoped for
  same         byte for byte the old one: it was not truncated, or is broken at its origin
  different    the file has changed since the crawl
  failed       gone, refused by robots.txt, HTML instead of a PDF, ...: not asked again
  postponed    the server was busy or out of reach: asked again when the same command runs again

examples:
  smollab curate refetch crawl.warc.gz --to refetched --contact me@example.org
  smollab curate refetch "cc:CC-MAIN-2024-10?url=*.example.org&mime=application/pdf" --to refetched
  smollab curate --source pdf=warc:refetched --set 'data.sources.pdf.steps=["extract_pdf", "language", "pii"]'

Ctrl-C stops; the same command continues where this one ended, also in the middle of a file.
"""


ABLATE_EPILOG = """\
How FineWeb's makers decided about each step of curation, on a laptop: the same very small model reads equally many
tokens of the same pages as raw text, as main text, filtered, and deduplicated; then each is measured on clean text
that none has seen, and on minimal pairs of grammar. Every number comes with a 95 % interval over the seeds. A
difference whose interval reaches zero is within the noise: report it as none found.

examples:
  smollab ablate data                                   4 variants x 3 seeds, about a quarter of an hour on two cores
  smollab ablate data --seeds 5 --steps 800             more seeds: narrower intervals; more steps: smaller bits
  smollab ablate data --as-is                           without the noise and the copies that are added to our samples
  smollab ablate data --set data.sources.web.address=warc:my.warc.gz --as-is --run runs/mine
  smollab ablate pdf                                    0, 25, 50 and 75 % of the tokens from PDFs
  smollab ablate architecture                           19 models x 3 seeds at equal operations, about 20 minutes
  smollab ablate architecture --only mha,mqa --seeds 8  one question, with more seeds

  smollab ablate context                                keys found at up to 8 times the trained length

Ctrl-C stops; the same command continues. Runs that are done are kept while settings, text and code are the same.
`smollab recipe ablation-data` and `smollab recipe ablation-architecture` explain every setting.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; errors the user can mend end in one line, with exit status 1."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        build_parser().print_help()
        return 2
    options = parse(words)
    try:
        options.function(options)
    except KeyboardInterrupt:
        print("\nsmollab: stopped; the same command continues where this one ended", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        if os.environ.get("SMOLLAB_DEBUG"):
            raise
        print(f"smollab: {_explain(error)}", file=sys.stderr)
        return 1
    return 0


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Understand a command line; exits with a message if it is none."""
    two = (*(("curate", name) for name in ("why", "recut", "refetch", "pdf")), ("evaluate", "passkey"))
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
        if name == "curate":
            verb.add_argument(
                "--to", metavar="PLACE", help="also copy what was kept to a new folder, or s3://..., hf://datasets/..."
            )
        if name == "export":
            verb.add_argument("--to", metavar="DIR", help="also copy the exported folder to this new folder")

    verb = add("cost", show_cost, "what a recipe costs: parameters, FLOPs, memory, cache", COST_EPILOG)
    _add_recipe_arguments(verb)

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
    verb.add_argument("recipe", nargs="?", help="its name or path (ablation-data, ablation-pdf, ...)")
    verb.add_argument("--seeds", type=int, default=3, help="runs of each variant, seeds 1 to N (%(default)s)")
    verb.add_argument("--steps", type=int, help="optimizer steps of each run; warmup and decay keep their shares")
    verb.add_argument("--only", metavar="A,B", help="only these variants: raw,extracted or mha,gelu or 0,0.5")
    verb.add_argument("--as-is", action="store_true", help="take the pages as they are: add no noise and no copies")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting of the recipe")
    verb.add_argument("--run", metavar="DIR", help="folder of the results (runs/NAME)")

    verb = add("recipe", show_recipe, "print a recipe with every setting explained")
    verb.add_argument("recipe", nargs="?", help="its name or path; left out: list the recipes")
    verb.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting")

    add("info", info, "what this machine can do: cores, memory, precision, devices, measured speed")
    return parser


def _check_processes(recipe: Recipe, options: argparse.Namespace, folder: Path) -> None:
    """Refuse to train in one process what is laid out for many, before any document is read."""
    trains = options.verb not in ("curate", "tokenize") and not (folder / "manifests" / "pretrain.json").exists()
    ranks = recipe.parallel.num_ranks
    if ranks > 1 and trains and "WORLD_SIZE" not in os.environ:
        raise RecipeError(
            f"{recipe.name} is laid out for {ranks} processes; start them with: torchrun --nproc-per-node N -m "
            f"smollab.train {options.recipe} (docs/many-machines.md); its cost: smollab run {options.recipe} --dry-run"
        )


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


def run(options: argparse.Namespace) -> None:
    """Run the workflow of a recipe up to a verb's step."""
    recipe = _load(options)
    if options.verb == "run" and options.dry_run:
        print_cost(recipe)
        return
    if not recipe.stages and options.verb != "curate":
        raise RecipeError(f"{options.recipe}: no [[stages]], so there is nothing to train")
    from smollab.workflow import run_recipe

    for option in ("run", "to"):
        if getattr(options, option, None) == "":
            raise RecipeError(f"--{option}: the name of the folder is empty")
    folder = Path(options.run or Path("runs") / recipe.name)
    if options.verb == "export" and options.to and Path(options.to).exists():
        raise RecipeError(f"--to {options.to}: exists already; name a new folder")
    if options.verb == "curate" and options.to:
        from smollab.curate.publish import check_place

        check_place(options.to)
    _check_processes(recipe, options, folder)
    run_recipe(recipe, folder, until="report" if options.verb == "run" else options.verb)
    results = {"curate": "curate/kept", "tokenize": "tokenize", "pretrain": "pretrain/checkpoints"}
    results |= {"evaluate": "evaluate/results.json", "export": "export", "run": "report.html"}
    if options.verb == "export" and options.to:
        shutil.copytree(folder / "export", options.to)
        print(options.to)
        return
    if options.verb == "curate" and options.to:
        from smollab.curate.publish import publish

        files = publish(folder / "curate", options.to)
        print(f"{options.to}: {len(files)} files")
        return
    print(folder / results[options.verb])


def _load(options: argparse.Namespace) -> Recipe:
    """Load the recipe with what `--source` and then `--set` change."""
    return load_recipe(options.recipe, _source_overrides(options) | dict(parse_override(text) for text in options.set))


def _source_overrides(options: argparse.Namespace) -> dict[str, Any]:
    """What `--source` changes in a recipe.

    Raises:
        RecipeError: a source that is not of the form asked for.
    """
    named: dict[str, Any] = {}
    bare: dict[str, Any] = {}
    for text in options.source:
        name, equals, address = text.partition("=")
        if equals and ":" not in name and ":" in address:
            named[f"data.sources.{name}.address"] = address
        elif ":" in text and options.verb == "curate":
            kind = text.partition(":")[0]
            name = kind if kind not in bare else f"{kind}{len(bare)}"
            steps = [s.steps for s in load_recipe(options.recipe).data.sources.values() if s.kind == kind and s.steps]
            bare[name] = {"address": text} | ({"steps": list(steps[0])} if steps else {})
        else:
            raise RecipeError(f"--source {text}: expected NAME=KIND:PLACE, such as web=warc:pages.warc.gz")
    if not bare:
        return named
    # Only curation is wanted: no stage will mix these sources.
    return {"name": "curated", "data.sources": bare, "stages": [], **named}


def show_cost(options: argparse.Namespace) -> None:
    """Print what a recipe costs: parameters, operations, memory and the cache, from its shapes alone."""
    print_cost(_load(options))


def print_cost(recipe: Recipe) -> None:
    """Print what a recipe costs before it runs."""
    from smollab.progress import console
    from smollab.scaling.table import cost_table

    console.print(cost_table(recipe))


def generate(options: argparse.Namespace) -> None:
    """Let a trained model continue a text, printing each token as it comes."""
    from smollab.model.generate import room
    from smollab.model.sampling import Sampling
    from smollab.model.text_stream import printable, stream_text
    from smollab.tokens.tokenizer import EOS

    sampling = Sampling(options.temperature, options.top_p, options.top_k, options.min_p, options.repetition_penalty)
    for option, texts in (("--prompt", [options.prompt]), ("--stop", options.stop)):
        try:
            "".join(texts).encode()
        except UnicodeEncodeError:
            raise ValueError(f"{option}: not valid UTF-8") from None
    if not 0 <= options.seed < 2**63:
        raise ValueError(f"--seed {options.seed}: must be from 0 to {2**63 - 1}")
    model, tokenizer = _load_model(options.model)
    count = options.max_new_tokens
    if count is None:
        count = min(120, room(model, len(tokenizer.encode(options.prompt).ids)))
    eos = tokenizer.token_to_id(EOS)
    pieces = stream_text(model, tokenizer, options.prompt, count, sampling, eos, options.stop, options.seed)
    first = next(pieces, "")  # what cannot be done is told before anything is printed
    print(options.prompt, end="", flush=True)
    for piece in itertools.chain([first], pieces):
        print(printable(piece), end="", flush=True)
    print()


def evaluate_passkey(options: argparse.Namespace) -> None:
    """Ask a model for a key that stands somewhere in a long text, at several lengths and depths."""
    from smollab.evaluate.passkey import ask_checkpoint, passkey_table
    from smollab.plots.positions import plot_passkeys
    from smollab.plots.style import to_png
    from smollab.progress import console

    try:
        lengths = [int(text) for text in (options.lengths or "").split(",") if text]
    except ValueError:
        raise ValueError(f"--lengths {options.lengths}: expected numbers, such as 256,512") from None
    if options.keys < 1 or options.digits < 1 or any(length < 1 for length in lengths):
        raise ValueError("--lengths, --keys and --digits must be at least 1")
    model, tokenizer = _load_model(options.model)
    scores = ask_checkpoint(
        model, tokenizer, options.filler, lengths, options.method, options.keys, options.digits, options.seed
    )
    console.print(passkey_table(scores))
    if options.plot:
        trained = model.config.max_position_embeddings
        figure = plot_passkeys({"% of keys found": scores.map}, scores.lengths, scores.depths, trained)
        Path(options.plot).write_bytes(to_png(figure))
        print(options.plot)


def _load_model(name: str) -> tuple[Any, Any]:
    """Model and tokenizer of a run, by its name or folder, or of a Hugging Face folder."""
    from smollab.model.huggingface import load_huggingface
    from smollab.steps import load_run
    from smollab.tokens.tokenizer import load_tokenizer

    folder = next((p for p in (Path(name), Path("runs") / name) if p.is_dir()), Path(name))
    if (folder / "config.json").is_file():
        return load_huggingface(folder).eval(), load_tokenizer(folder)
    return load_run(folder)


def curate_why(options: argparse.Namespace) -> None:
    """Tell what every step of curation measured of one document, and what became of it."""
    from rich.table import Table

    from smollab.curate.why import find_lives, text_as_extracted
    from smollab.progress import console

    output = Path(options.run) / "curate"
    for life in find_lives(output, options.document):
        row = life.row
        fate = f"dropped by {row.reason} {row.detail}".rstrip() if row.step else "kept"
        console.print(f"{row.id}\n  {row.record}: {fate}", markup=False, highlight=False, soft_wrap=True)
        table = Table(box=None, pad_edge=False)
        for column in ("step", "measured", "value", "threshold", ""):
            table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
        for m in life.measurements:
            mark = "" if m.passed else "x" if m.reached else "(x)"
            style = "red" if mark == "x" else "" if m.reached else "dim"
            value = f"{m.value:.4g}" if isinstance(m.value, float) and m.value % 1 else str(m.value).removesuffix(".0")
            table.add_row(m.step, m.what, value[:60], m.bound, mark, style=style)
        console.print(table, markup=False)
        document = text_as_extracted(output, row.record)
        if document:
            text = document.text if options.text else document.text[:300]
            console.print(f"\n  as extracted: {text}\n", markup=False, highlight=False, soft_wrap=True)
        if row.detail.startswith("of "):
            command = shlex.join(["smollab", "curate", "why", row.detail[3:], "--run", options.run])
            console.print(f"  kept in its place: {command}", markup=False, highlight=False, soft_wrap=True)


def curate_pdf(options: argparse.Namespace) -> None:
    """Print the text of a PDF as Markdown, as curation would extract it; or draw its pages with what was found on them."""
    from importlib import import_module

    from smollab.curate.pdf.markdown import text_of_pages
    from smollab.curate.pdf.read import read_document

    path = Path(options.file)
    file = import_module(f"smollab.curate.pdf.{options.engine}_engine").open_pdf(path.read_bytes())
    numbers = _page_range(options.pages, file.num_pages)
    read = read_document(file)
    if not options.show:
        print(text_of_pages(read.text, read.places, numbers) if options.pages else read.text)
        return
    from smollab.curate.pdf.show import show_document

    shown = numbers if options.pages else numbers[:20]
    print(show_document(file, read, shown, Path(options.to or f"{path.stem}-pages")))


def _page_range(text: str | None, num_pages: int) -> range:
    """Understand `3`, `1-3`, `7-` and `-5`."""
    first, dash, last = (text or "-").partition("-")
    try:
        begin, end = int(first or 1), int(last or num_pages) if dash else int(first)
    except ValueError:
        raise ValueError(f"--pages {text}: write 3, 1-3, 7- or -5") from None
    if not 1 <= begin <= end or begin > num_pages:
        raise ValueError(f"--pages {text}: the file has pages 1-{num_pages}")
    return range(begin, min(end, num_pages) + 1)


def curate_recut(options: argparse.Namespace) -> None:
    """Judge the documents of a run by other thresholds, from its ledger, and show what changes."""
    from smollab.curate.pipeline import curate
    from smollab.curate.progress import Bars
    from smollab.curate.recorded import check_recut
    from smollab.curate.recut import compare_cuts
    from smollab.curate.statistics import write_statistics
    from smollab.progress import console

    if options.examples < 0:
        raise RecipeError(f"--examples {options.examples}: a number of documents, 0 or more")
    recipe = _load(options)
    run_folder = Path(options.run or Path("runs") / recipe.name)
    before = run_folder / "curate"
    after = Path(options.to) if options.to else run_folder / "recut"
    check_recut(before, recipe.data, recipe.curate)
    if after.resolve() == before.resolve() or (after.exists() and not (after / "ledger").is_dir()):
        raise RecipeError(f"{after}: --to must name a new folder, or that of an earlier recut")
    with Bars(console) as bars:
        curate(recipe.data, recipe.curate, after, bars, recorded=before)
    write_statistics(after)
    change = compare_cuts(before, after, options.examples)
    console.print(
        f"  {change.documents:,} documents: {change.kept_before:,} kept before, {change.kept_after:,} now; "
        f"{change.entering.total():,} enter, {change.leaving.total():,} leave"
    )
    for title, reasons, examples in (
        ("enter, dropped before by", change.entering, change.examples_entering),
        ("leave, dropped now by", change.leaving, change.examples_leaving),
    ):
        for reason, count in reasons.most_common():
            console.print(f"\n{count:,} {title} {reason}", markup=False, highlight=False, soft_wrap=True)
            for example in (e for e in examples if e.reason == reason):
                console.print(f"  {example.id} ({example.detail})", markup=False, highlight=False, soft_wrap=True)
                console.print(f"    {example.text}", markup=False, highlight=False, soft_wrap=True, style="dim")
    print(after)


def curate_refetch(options: argparse.Namespace) -> None:
    """Find the truncated PDFs of a crawl and fetch them again from where they came, as WARC files."""
    from smollab.curate.pdf.refetch import Refetch, list_files
    from smollab.curate.pdf.refetch_report import to_table
    from smollab.progress import console, progress

    if options.delay < 1 or options.hosts < 1:
        raise RecipeError("--delay: at least 1 second, for the sake of those you ask; --hosts: at least 1")
    kinds = ("warc:", "cc:")
    addresses = [place if place.startswith(kinds) else f"warc:{place}" for place in options.warc]
    files = sum(1 for address in addresses for _ in list_files(address))
    job = Refetch(Path(options.to), options.delay, options.contact)
    try:
        with progress("look", files) as advance:
            for address in addresses:
                job.scan(address, advance)
        waiting = job.waiting()
        if waiting:
            with progress("fetch", waiting) as advance:
                job.run(advance, options.hosts)
        console.print(to_table(job.summary()))
    finally:
        job.close()
    print(options.to)


def ablate(options: argparse.Namespace) -> None:
    """Compare ways of curating the same pages, or of building the model, by training the same small model on each."""
    from smollab.experiments.data_ablation import shorten
    from smollab.experiments.summary import save_figures

    if options.seeds < 1:
        raise RecipeError(f"--seeds {options.seeds}: at least 1; 3 or more give a useful interval")
    name = options.recipe or f"ablation-{options.what}"
    recipe = load_recipe(name, dict(parse_override(text) for text in options.set))
    recipe = shorten(recipe, options.steps) if options.steps is not None else recipe
    folder = Path(options.run or Path("runs") / recipe.name)
    seeds, only = range(1, options.seeds + 1), tuple(filter(None, (options.only or "").split(",")))
    if options.what == "context":
        _ablate_context(recipe, folder, seeds)
        return
    compare = {"data": _ablate_data, "pdf": _ablate_pdf, "architecture": _ablate_architecture}[options.what]
    comparison = compare(recipe, folder, seeds, only, options)
    for path in (folder / "results.json", *save_figures(comparison, folder)):
        print(path)


def _ablate_data(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.data_ablation import VARIANTS, ablate_data, load_comparison
    from smollab.experiments.summary import corpus_table, score_table
    from smollab.progress import console

    tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
    with _steps_bar(len(seeds) * len(only or VARIANTS) * recipe.total_steps) as tell_steps:
        results = ablate_data(recipe, folder, seeds, only or tuple(VARIANTS), not options.as_is, tell, tell_steps)
    console.print(corpus_table(results))
    console.print(score_table(load_comparison(results)))
    return load_comparison(results)


def _ablate_pdf(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.data_ablation import load_comparison
    from smollab.experiments.pdf_ablation import RATIOS, ablate_pdf, read_ratios
    from smollab.experiments.summary import mixture_table, score_table
    from smollab.progress import console

    ratios = read_ratios(only) if only else RATIOS
    with _steps_bar(len(seeds) * len(ratios) * recipe.total_steps) as tell_steps:
        tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
        results = ablate_pdf(recipe, folder, seeds, ratios, tell, tell_steps)
    comparison = load_comparison(results)
    console.print(mixture_table(results))
    console.print(score_table(comparison))
    return comparison


def _ablate_architecture(
    recipe: Recipe, folder: Path, seeds: Sequence[int], only: tuple[str, ...], options: argparse.Namespace
) -> "Comparison":
    from smollab.experiments.architecture_ablation import (
        ablate_architecture,
        architecture_table,
        load_comparison,
        plan_variants,
    )
    from smollab.progress import console
    from smollab.workflow import run_recipe

    corpus = folder / "corpus"
    run_recipe(recipe, corpus, until="tokenize")
    made = corpus / "tokenize"
    steps = sum(variant.total_steps for variant in plan_variants(recipe, made / "tokenizer", only).values())
    with _steps_bar(len(seeds) * steps) as tell_steps:
        results = ablate_architecture(
            recipe, made / "tokens", made / "tokenizer", folder, seeds, only, progress=tell_steps
        )
    console.print(architecture_table(results))
    return load_comparison(results)


def _ablate_context(recipe: Recipe, folder: Path, seeds: Sequence[int]) -> None:
    from smollab.experiments.context_summary import context_table, draw_context
    from smollab.experiments.long_context import ablate_context
    from smollab.plots.style import to_png
    from smollab.progress import console

    tell = lambda line: console.print(f"  {line}", markup=False, soft_wrap=True)
    tell_trials = lambda done, count: tell(f"{done} of {count} trials done")
    results = ablate_context(recipe, folder, seeds, recipe.curate.workers, tell, tell_trials)
    console.print(context_table(results))
    (folder / "context.png").write_bytes(to_png(draw_context(results)))
    for path in (folder / "results.json", folder / "context.png"):
        print(path)


@contextmanager
def _steps_bar(total: int) -> Iterator[Callable[[int, int], None]]:
    """A bar over the optimizer steps of all runs; called with (steps done, steps in all)."""
    from smollab.progress import progress

    with progress("ablate", total) as advance:
        done = 0

        def tell_steps(now: int, steps: int) -> None:
            nonlocal done
            if now > done:
                advance(now - done, f"{now:,} of {steps:,} steps")
            done = max(done, now)

        yield tell_steps


def show_recipe(options: argparse.Namespace) -> None:
    """Print a recipe with every setting explained, as TOML that can be saved, changed and run."""
    if options.recipe is None:
        for path in sorted(RECIPES.glob("*.toml")):
            print(f"{path.stem:<12} {load_recipe(path.stem).description}")
        return
    print(to_toml(load_recipe(options.recipe, dict(parse_override(text) for text in options.set)), comments=True))


def info(options: argparse.Namespace) -> None:
    """Tell what this machine can do, with its speed measured now."""
    import platform

    import torch
    from rich.table import Table

    from smollab.hardware import cpu_model, has_fast_bfloat16, measure_matmul, memory_gib, training_device
    from smollab.progress import console

    device = training_device()
    table = Table(title=f"smollab {__version__}", title_justify="left", show_header=False)
    table.add_row("processor", f"{cpu_model()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads in use")
    table.add_row("memory", f"{memory_gib():.1f} GiB")
    name = torch.cuda.get_device_name() if device.type == "cuda" else "none; training runs on the CPU"
    table.add_row("accelerator", name)
    fast = has_fast_bfloat16()
    table.add_row("bfloat16", "in hardware" if fast else "emulated only: float32 is used, which is far faster here")
    for dtype in ("float32", "bfloat16"):
        size = 1024 if dtype == "float32" or fast else 256
        speed = measure_matmul(dtype, size)
        table.add_row(f"{dtype} matmul", f"{speed.gflops:,.1f} GFLOP/s, measured at {size} x {size}")
    table.add_row("software", f"Python {platform.python_version()}, torch {torch.__version__}")
    console.print(table)


def _explain(error: Exception) -> str:
    """An error as one line: what, why, and what to do."""
    if isinstance(error, OSError) and error.strerror:
        advice = "; free some space and run the same command again" if error.errno == 28 else ""
        return f"{error.filename}: {error.strerror}{advice}" if error.filename else f"{error.strerror}{advice}"
    text = " ".join(str(error).split()) or type(error).__name__
    known = isinstance(error, ValueError | OSError) or type(error).__module__.startswith("smollab")
    return text if known else f"{type(error).__name__}: {text} (set SMOLLAB_DEBUG=1 for the details)"


if __name__ == "__main__":
    sys.exit(main())
