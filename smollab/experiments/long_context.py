"""The context ablation: which positions, and which way to extend them, let a small model read beyond its training?

Two models that differ only in their positions learn to find a key in short text:

    RoPE          the rotary embedding in all layers
    RoPE + NoPE   in three of four layers; the fourth has no position at all, as in SmolLM3

Each is then asked for keys in texts up to eight times longer than those of its training,

    as trained        nothing is changed
    interpolation, NTK-aware, YaRN   the frequencies are changed for the length asked, without training
    longer            continued training on four times longer text, with theta as before
    longer, theta     the same with a larger theta: SmolLM3's recipe in miniature

Everything else is equal: seeds, texts, keys, steps, and the tokens of a step. The short training is done once for each
positions and seed, and its end is where both continued trainings begin.

What it cannot show: how much of this carries over to a model that is twenty thousand times larger and reads text, not
keys. The task needs one thing only, to look back at one sentence.
"""

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smollab import __version__
from smollab.curate.engines import ProcessEngine, Tick
from smollab.documents import Document
from smollab.evaluate.passkey import DEPTHS, NEEDLE, Passkey, PasskeyScores, draw_keys, evaluate_passkey
from smollab.experiments import crawl
from smollab.experiments.compare import Comparison
from smollab.recipe import Recipe, RecipeError, plan_stages
from smollab.tokens.shards import TokenShard, write_shard
from smollab.tokens.tokenize import is_held_out, tokenizer_hash
from smollab.tokens.tokenizer import BOS, load_tokenizer, save_tokenizer, token_id, train_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from smollab.model.transformer import Transformer

POSITIONS = {"RoPE": 0, "RoPE + NoPE": 4}
"""Name -> `model.no_rope_layer_interval`."""
AS_TRAINED, LONGER, RAISED = "as trained", "longer", "longer, theta"
SCALINGS = {"interpolation": "interpolation", "NTK-aware": "ntk", "YaRN": "yarn"}
"""Name -> method of `smollab.model.extend`."""
TIMES_LONGER = (1, 2, 4, 8)
DIGITS, KEYS, MOST_MENTIONS = 2, 8, 8
"""Two digits are one token, as all numbers of up to three digits are in SmolLM3's tokenizer."""
NUMBER_REPEATS, NEEDLE_REPEATS = 2500, 3000
"""Often enough for byte-pair encoding to give every number and every word of the sentence a token."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class ContextTrial:
    """One kind of positions with one seed; a task of an engine."""

    folder: Path
    positions: str
    recipe: Recipe
    tokens: Path

    @property
    def name(self) -> str:
        """For messages."""
        return f"{self.positions}, seed {self.recipe.train.seed}"

    @property
    def output(self) -> Path:
        """Exists when the trial is done."""
        return self.folder / "scores.json"


def ablate_context(
    recipe: Recipe,
    folder: Path,
    seeds: Sequence[int],
    workers: int | None = None,
    tell: Tell = lambda line: None,
    progress: Callable[[int, int], None] = lambda trials_done, trials: None,
) -> dict[str, Any]:
    """Train, extend and ask; trials that are done are kept while settings, text and code are the same.

    Args:
        recipe: two stages, of which the second is the continued training; its sources are the filler.
        folder: receives `tokens/`, `trials/`, `models/` of the first seed, and `results.json`.
        seeds: of initialization and data.
        workers: processes; None: one per core.
        tell: called with a line on each thing done.
        progress: called with (trials done, trials in all).

    Returns:
        What `results.json` holds: `scores` (length -> variant -> one accuracy per seed), `maps` (variant -> mean
        accuracy by length and depth), `lengths`, `depths`, `trained`, `continued`, `questions`, `seeds`, `recipe`.

    Raises:
        RecipeError: not two stages of one source each.
        ValueError: too little text, or a number that is not one token.
    """
    if len(recipe.stages) != 2 or any(len(stage.mixture) != 1 for stage in recipe.stages):
        raise RecipeError(f"{recipe.name}: a context ablation has two stages of one source each")
    fingerprint = _fingerprint(recipe)
    write_tokens(recipe, folder / "tokens", fingerprint, tell)
    trials = [
        ContextTrial(
            folder / "trials" / fingerprint / f"{name.replace(' + ', '-').lower()}-{seed}",
            name,
            replace(
                recipe,
                model=replace(recipe.model, no_rope_layer_interval=interval),
                train=replace(recipe.train, seed=seed),
            ),
            folder / "tokens",
        )
        for seed in seeds
        for name, interval in POSITIONS.items()
    ]
    progress(sum(trial.output.exists() for trial in trials), len(trials))
    with ProcessEngine(workers) as engine:
        engine.map_shards(run_trial, trials, lambda finished, steps: progress(finished, len(trials)))
    results = _collect(recipe, trials, seeds)
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return results


def load_context_comparison(results: dict[str, Any]) -> Comparison:
    """Accuracy by length (`256`, ...) and variant (`RoPE, YaRN`, ...), with intervals."""
    return Comparison(tuple(results["seeds"]), dict(results["scores"]))


def write_tokens(recipe: Recipe, folder: Path, fingerprint: str, tell: Tell = lambda line: None) -> None:
    """Write a tokenizer, a shard for each stage, and the held-out filler, unless they are there.

    Raises:
        ValueError: too little text, or a number that is not one token.
    """
    marker = folder / "fingerprint"
    if marker.exists() and marker.read_text(encoding="utf-8") == fingerprint:
        return
    texts = _read_texts(recipe)
    train = [text for name, text in texts if not is_held_out(name, recipe.data.held_out)]
    numbers = draw_keys(DIGITS, 9 * 10 ** (DIGITS - 1), np.random.default_rng(0))
    lessons = [" ".join(numbers)] * NUMBER_REPEATS + [NEEDLE.format(key=numbers[0]) * NEEDLE_REPEATS]
    tokenizer = train_tokenizer([*train, *lessons], recipe.tokenizer.vocab_size)
    several = [key for key in numbers if len(Passkey.of(tokenizer, key).key) != 1]
    if several:
        raise ValueError(f"{len(several)} numbers are several tokens; raise tokenizer.vocab_size")
    encode = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    filler = np.concatenate([encode(text) for text in train])
    held_out = np.concatenate([encode(text) for name, text in texts if is_held_out(name, recipe.data.held_out)])
    vocab_size, fingerprint_of_tokenizer = tokenizer.get_vocab_size(), tokenizer_hash(tokenizer)
    for plan in plan_stages(recipe):
        documents = passkey_documents(
            tokenizer, filler, plan.sequence_length, plan.stage.steps * plan.batch_sequences + 1, recipe.train.seed
        )
        (source,) = plan.stage.mixture
        write_shard(
            folder / "train" / source, ((row, len(row)) for row in documents), vocab_size, fingerprint_of_tokenizer
        )
    write_shard(folder / "held_out" / "filler", [(held_out.tolist(), 0)], vocab_size, fingerprint_of_tokenizer)
    save_tokenizer(tokenizer, folder / "tokenizer", recipe.model.max_position_embeddings)
    marker.write_text(fingerprint, encoding="utf-8")
    tell(f"{len(filler):,} tokens of filler to train on, {len(held_out):,} for the questions")


def passkey_documents(
    tokenizer: "Tokenizer", filler: np.ndarray, length: int, count: int, seed: int
) -> list[list[int]]:
    """Training documents of exactly `length` tokens: real text, in which one key is said 2 to 8 times.

    Only the first time it cannot be known. So one document asks up to seven questions, and the model learns in
    hundreds of steps what one question a document would take thousands for.

    Raises:
        ValueError: too little text, or no room for the sentences.
    """
    generator = np.random.default_rng([seed, length])
    bos, keys = token_id(tokenizer, BOS), draw_keys(DIGITS, 9 * 10 ** (DIGITS - 1), generator)
    sentences = [Passkey.of(tokenizer, key).sentence for key in keys]
    shortest = 1 + MOST_MENTIONS * max(map(len, sentences))
    if not shortest <= length < len(filler):
        raise ValueError(f"a document of {length} tokens must have {shortest} at least, and less than {len(filler)}")
    documents = []
    for _ in range(count):
        sentence = sentences[int(generator.integers(len(sentences)))]
        mentions = int(generator.integers(2, MOST_MENTIONS + 1))
        room = length - 1 - mentions * len(sentence)
        start = int(generator.integers(len(filler) - room))
        text, row, last = filler[start : start + room].tolist(), [bos], 0
        for cut in sorted(generator.integers(room + 1, size=mentions).tolist()):
            row += text[last:cut] + sentence
            last = cut
        documents.append(row + text[last:])
    return documents


def run_trial(trial: ContextTrial, tick: Tick) -> None:
    """Train one model, continue it in two ways, and ask all of them."""
    import torch

    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        result = {name: _as_json(scores) for name, scores in _scores(trial).items()}
    finally:
        torch.set_num_threads(threads)
    unfinished = trial.output.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    unfinished.replace(trial.output)
    tick(1)


def _scores(trial: ContextTrial) -> dict[str, PasskeyScores]:
    from smollab.model.extend import extend
    from smollab.model.huggingface import save_huggingface

    recipe, tokenizer = trial.recipe, load_tokenizer(trial.tokens / "tokenizer")
    short = plan_stages(recipe)[0]
    lengths = [times * short.sequence_length for times in TIMES_LONGER]
    filler = TokenShard(trial.tokens / "held_out" / "filler").document(0)
    ask = lambda model_at, which: evaluate_passkey(model_at, tokenizer, filler, which, DEPTHS, KEYS, DIGITS)
    trained = _train(recipe, trial.tokens, tokenizer.get_vocab_size())
    kept = replace(recipe, stages=(recipe.stages[0], replace(recipe.stages[1], rope_theta=None)))
    continued = {AS_TRAINED: trained[0], LONGER: _continue(kept, trial.tokens, trained)}
    continued[RAISED] = _continue(recipe, trial.tokens, trained)
    scores = {name: ask(lambda n, m=model: extend(m, n), lengths) for name, model in continued.items()}
    for name, method in SCALINGS.items():  # at the trained length they change nothing
        scores[name] = ask(lambda n, m=method: extend(continued[AS_TRAINED], n, m, short.sequence_length), lengths[1:])
    trial.folder.mkdir(parents=True, exist_ok=True)
    save_huggingface(copy.deepcopy(continued[AS_TRAINED]).half(), trial.folder / "model")
    save_tokenizer(tokenizer, trial.folder / "model", short.sequence_length)
    return scores


def _train(recipe: Recipe, tokens: Path, vocab_size: int) -> "tuple[Transformer, list[Any]]":
    """The first stage: a model and its optimizers."""
    from smollab.model.config import ModelConfig
    from smollab.model.transformer import Transformer
    from smollab.optim import build_optimizers

    model = Transformer(ModelConfig.from_recipe(recipe.model, vocab_size), recipe.train.seed)
    optimizers = build_optimizers(model, recipe.optimizer)
    _run_stage(recipe, 0, tokens, model, optimizers)
    return model, optimizers


def _continue(recipe: Recipe, tokens: Path, trained: "tuple[Transformer, list[Any]]") -> "Transformer":
    """The second stage, on a copy."""
    model, optimizers = copy.deepcopy(trained)
    _run_stage(recipe, 1, tokens, model, optimizers)
    return model


def _run_stage(recipe: Recipe, number: int, tokens: Path, model: "Transformer", optimizers: list[Any]) -> None:
    """The training loop without its log and its checkpoints."""
    from smollab.train.data import begin_stage, open_mixture
    from smollab.train.step import set_learning_rates, train_step

    plan, mixture = plan_stages(recipe)[number], open_mixture(recipe, tokens / "train")
    begin_stage(plan, model, mixture, plan.begin)
    for step in range(plan.begin, plan.end):
        batch, _ = mixture.next_batch(plan.batch_sequences)
        set_learning_rates(optimizers, recipe, plan, step)
        train_step(model, optimizers, batch, recipe)


def _as_json(scores: PasskeyScores) -> dict[str, Any]:
    return {
        "lengths": scores.lengths,
        "accuracy": [scores.accuracy(length).value for length in scores.lengths],
        "probability": np.round(scores.probability.mean(axis=(1, 2)), 4).tolist(),
        "map": np.round(scores.map, 4).tolist(),
    }


def _collect(recipe: Recipe, trials: Sequence[ContextTrial], seeds: Sequence[int]) -> dict[str, Any]:
    short, long = plan_stages(recipe)
    scores: dict[str, dict[str, list[float]]] = {}
    maps: dict[str, list[np.ndarray]] = {}
    for trial in trials:
        for name, row in json.loads(trial.output.read_text(encoding="utf-8")).items():
            variant = f"{trial.positions}, {name}"
            for length, accuracy in zip(row["lengths"], row["accuracy"], strict=True):
                scores.setdefault(str(length), {}).setdefault(variant, []).append(accuracy)
            maps.setdefault(variant, []).append(np.asarray(row["map"]))
    return {
        "scores": scores,
        "maps": {name: np.round(np.mean(rows, axis=0), 4).tolist() for name, rows in maps.items()},
        "lengths": [times * short.sequence_length for times in TIMES_LONGER],
        "depths": list(DEPTHS),
        "trained": {"length": short.sequence_length, "theta": short.rope_theta, "steps": short.stage.steps},
        "continued": {"length": long.sequence_length, "theta": long.rope_theta, "steps": long.stage.steps},
        "questions": len(DEPTHS) * KEYS,
        "chance": 1 / (9 * 10 ** (DIGITS - 1)),
        "seeds": list(seeds),
        "recipe": recipe.name,
        "version": __version__,
    }


def _read_texts(recipe: Recipe) -> list[tuple[str, str]]:
    """Name and text of each document of the sources, without hard line breaks; equal sources are read once."""
    addresses = {source.address: (name, source) for name, source in recipe.data.sources.items()}
    documents: list[Document] = [d for name, source in addresses.values() for d in crawl.read_pages(name, source)]
    if not documents:
        raise ValueError(f"{recipe.name}: its sources hold no text")
    return [(document.id, crawl.join_lines(document.text)) for document in documents]


def _fingerprint(recipe: Recipe) -> str:
    """Hash of what the trials depend on: settings, texts and code."""
    from smollab.train.configuration import code_fingerprint

    package = Path(__file__).parents[1]
    places = ("experiments/long_context.py", "evaluate/passkey.py", "model/extend.py", "model/yarn.py", "model/rope.py")
    code = [hashlib.sha256((package / place).read_bytes()).hexdigest() for place in places]
    sections = {name: asdict(getattr(recipe, name)) for name in ("data", "tokenizer", "model", "optimizer", "schedule")}
    stages, train = [asdict(stage) for stage in recipe.stages], asdict(recipe.train)
    texts = hashlib.sha256(json.dumps(_read_texts(recipe)).encode()).hexdigest()
    everything = json.dumps([sections, stages, train, texts, code, code_fingerprint()], sort_keys=True)
    return hashlib.sha256(everything.encode()).hexdigest()[:16]
