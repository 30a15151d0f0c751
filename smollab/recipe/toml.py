"""Reading and writing recipes: TOML over the dataclasses of `sections`, strict about every key and type."""

import ast
import difflib
import inspect
import math
import re
import tomllib
import types
import typing
from dataclasses import MISSING, asdict, fields, is_dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from smollab.recipe.languages import KNOWN_LANGUAGES, OTHER_LANGUAGES
from smollab.recipe.sections import Recipe
from smollab.recipe.stages import plan_stages

T = typing.TypeVar("T")
RECIPES = Path(__file__).parents[1] / "recipes"
REPOSITORY = Path(__file__).parents[2]
SMALLEST_VOCABULARY = 259
"""Bytes and special tokens of a byte-level tokenizer."""
MAY_BE_ZERO = {
    *("watch_every", "noise_scale_every", "power_steps", "minimum_steps", "maximum_rollbacks"),
    *("warmup_steps", "decay_steps", "evaluate_every", "detail_every", "keep_best", "seed", "maximum_n_grams"),
    *("no_rope_layer_interval", "nope_layers", "sliding_window_layers"),
    *("attention_layers", "feature_layers"),
}


class RecipeError(ValueError):
    """A recipe that cannot be run; the message names the key, the cause and the way out."""


def load_recipe(name: str | Path, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe by name (`laptop`) or path (`my.toml`) and apply dotted overrides.

    Args:
        name: a recipe shipped with the package, or the path of a TOML file.
        overrides: dotted key -> value, such as `{"model.hidden_size": 256, "stages.0.steps": 10}`.

    Raises:
        RecipeError: no such recipe, broken TOML, an unknown key, or a value of the wrong type.
    """
    path = Path(name)
    if path.suffix != ".toml":
        path = RECIPES / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in RECIPES.glob("*.toml")))
        raise RecipeError(f"{name}: no such recipe. Shipped: {known}; or give the path of a .toml file.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not valid TOML: {error}") from None
    for key, value in (overrides or {}).items():
        _set(values, key, value)
    try:
        recipe = _build(Recipe, values, "")
    except RecipeError as error:
        raise RecipeError(f"{path}: {error}") from None
    _check(recipe, path)
    return recipe


def from_values(section: type[T], values: dict[str, Any]) -> T:
    """Build a section from nested plain values, as `dataclasses.asdict` and JSON give them.

    Raises:
        RecipeError: an unknown key or a value of the wrong type.
    """
    return typing.cast(T, _build(section, values, ""))


def resolve_place(place: str) -> Path:
    """A path in a recipe: as given, from the current folder, or else from the repository's."""
    path = Path(place).expanduser()
    return path if path.exists() else REPOSITORY / path


def parse_override(text: str) -> tuple[str, Any]:
    """Split `key=value`; the value is read as TOML, and as a plain string where it is not TOML."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key:
        raise RecipeError(f"--set {text}: expected KEY=VALUE, such as model.hidden_size=256")
    try:
        parsed = tomllib.loads(f"value = {value}")
    except tomllib.TOMLDecodeError:
        return key, value
    return key, parsed["value"] if len(parsed) == 1 else value


def to_toml(recipe: Any, comments: bool = False) -> str:
    """Write a recipe (or one section) as TOML that `load_recipe` reads back to an equal recipe."""
    import tomlkit

    return tomlkit.dumps(_table(recipe, comments))


def differences(old: Any, new: Any, place: str = "") -> typing.Iterator[str]:
    """Yield `model.hidden_size: 192 there, 256 here` for every leaf in which two nested tables differ."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(k for k in new if k not in old)]:
            yield from differences(old.get(key), new.get(key), f"{place}.{key}" if place else key)
    elif old != new:
        yield f"{place}: {old} there, {new} here"


def _check(recipe: Recipe, path: Path) -> None:
    for kind, name in [("name", recipe.name), *(("data.sources", name) for name in recipe.data.sources)]:
        if not re.fullmatch(r"\w[\w .-]*", name):  # they become names of files
            raise RecipeError(f"{path}: {kind}: {name!r} must be made of letters, digits, and - or _")
    if not recipe.data.held_out < 1:
        raise RecipeError(f"{path}: data.held_out ({recipe.data.held_out}) is a share below 1")
    for name, source in recipe.data.sources.items():
        if not source.kind or not source.place:
            raise RecipeError(
                f"{path}: data.sources.{name}.address: expected KIND:PLACE, such as warc:pages.warc.gz, "
                f"got {source.address!r}"
            )
    _check_languages(recipe, path)
    for language, thresholds in recipe.curate.by_language.items():
        for key in thresholds:
            _check_threshold(recipe.curate, key, f"{path}: curate.by_language.{language}")
    if not recipe.tokenizer.path and recipe.tokenizer.vocab_size < SMALLEST_VOCABULARY:
        raise RecipeError(
            f"{path}: tokenizer.vocab_size ({recipe.tokenizer.vocab_size}) must be at least {SMALLEST_VOCABULARY}: "
            "the 256 bytes and three special tokens"
        )
    if recipe.train.batch_sequences % recipe.train.micro_batch_sequences:
        raise RecipeError(
            f"{path}: train.batch_sequences ({recipe.train.batch_sequences}) must be a multiple of "
            f"train.micro_batch_sequences ({recipe.train.micro_batch_sequences})"
        )
    if recipe.train.keep_best and recipe.train.checkpoint_every % (recipe.train.evaluate_every or math.inf):
        raise RecipeError(
            f"{path}: train.keep_best needs a measurement at every checkpoint: train.checkpoint_every "
            f"({recipe.train.checkpoint_every}) must be a multiple of train.evaluate_every "
            f"({recipe.train.evaluate_every})"
        )
    going_back = [name for name, policy in asdict(recipe.monitor).items() if policy == "roll_back"]
    if going_back and recipe.train.seconds is not None:
        raise RecipeError(
            f"{path}: monitor.{going_back[0]} = 'roll_back' does not go with train.seconds (or --budget): a run that "
            "goes back in steps cannot end on time; take another policy"
        )
    try:
        plans = plan_stages(recipe)
    except ValueError as error:
        raise RecipeError(f"{path}: {error}") from None
    shared_steps = max((plan.schedule_steps for plan in plans if plan.stage.schedule is None), default=None)
    if shared_steps is not None and recipe.schedule.fixed_steps > shared_steps:
        raise RecipeError(
            f"{path}: schedule.warmup_steps + schedule.decay_steps exceed the {shared_steps} steps of the stages"
        )
    if recipe.train.sequence_length > recipe.model.max_position_embeddings:
        raise RecipeError(
            f"{path}: train.sequence_length ({recipe.train.sequence_length}) exceeds "
            f"model.max_position_embeddings ({recipe.model.max_position_embeddings})"
        )
    for stage in recipe.stages:
        if not sum(stage.mixture.values()):
            raise RecipeError(f"{path}: stage {stage.name!r}: its mixture gives no source a weight")
        for name in stage.mixture:
            if name not in recipe.data.sources and name.rpartition("-")[0] not in recipe.data.sources:
                raise RecipeError(
                    f"{path}: stage {stage.name!r} mixes {name!r}, which is no source of [data]"
                    + _suggest(name, recipe.data.sources)
                )


def _check_languages(recipe: Recipe, path: Path) -> None:
    """Refuse a code that no document will ever have: a threshold for it would silently do nothing."""
    curate = recipe.curate
    kept = {
        "curate.language.languages": curate.language.languages,
        "curate.page_language.languages": curate.page_language.languages or (),
    }
    declared = {source.language for source in recipe.data.sources.values()}  # of sources without identification
    for place, codes, known in [
        *((place, codes, KNOWN_LANGUAGES) for place, codes in kept.items()),
        ("curate.by_language", tuple(curate.by_language), KNOWN_LANGUAGES | declared),
    ]:
        for code in codes:
            if code != OTHER_LANGUAGES and code not in known:
                nearest = difflib.get_close_matches(code.lower()[:2], known, n=3, cutoff=0.5)
                raise RecipeError(
                    f"{path}: {place}: {code!r} is no language that can be told: write an ISO 639-1 code such as "
                    f"{', '.join(map(repr, nearest)) or repr('en')}, or {OTHER_LANGUAGES!r} for all that are not named"
                )


def _check_threshold(curate: Any, key: str, place: str) -> None:
    """Refuse a threshold for one language that no step would look at."""
    step, _, setting = key.partition(".")
    section = getattr(curate, step, None)
    if not is_dataclass(section):
        steps = [f.name for f in fields(curate) if is_dataclass(getattr(curate, f.name))]
        raise RecipeError(f"{place}: no step {step!r} in {key!r}{_suggest(step, steps)}")
    field, _, entry = setting.partition(".")
    known = [f.name for f in fields(section)]
    if field not in known:
        raise RecipeError(f"{place}: {step} has no setting {field!r}{_suggest(field, known)}")
    if entry and entry not in getattr(section, field):
        raise RecipeError(f"{place}: {step}.{field} has no entry {entry!r}")


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    """Put a value at a dotted key of nested dicts and lists."""
    *parents, last = key.split(".")
    node: Any = values
    try:
        for parent in parents:
            node = node[int(parent)] if isinstance(node, list) else node.setdefault(parent, {})
        if isinstance(node, list):
            node[int(last)] = value
        else:
            node[last] = value
    except (ValueError, IndexError, AttributeError, TypeError):
        raise RecipeError(f"--set {key}: no such place in the recipe") from None


def _build(cls: Any, values: Any, place: str) -> Any:
    """Build a dataclass from a mapping, refusing unknown keys and wrong types."""
    if not isinstance(values, dict):
        raise RecipeError(f"{place}: expected a table [{place}], got {values!r}")
    known = {f.name: f for f in fields(cls)}
    hints = typing.get_type_hints(cls)
    for key in values:
        if key not in known:
            where = f"{place}.{key}" if place else key
            raise RecipeError(f"unknown key {where!r}{_suggest(key, known)}")
    for name, f in known.items():
        if name not in values and f.default is MISSING and f.default_factory is MISSING:
            raise RecipeError(f"missing key {f'{place}.{name}' if place else name!r}")
    converted = {key: _convert(hints[key], value, f"{place}.{key}" if place else key) for key, value in values.items()}
    try:
        return cls(**converted)
    except ValueError as error:  # settings that contradict each other; it begins with one of them
        raise RecipeError(f"{place}.{error}") from None


def _convert(hint: Any, value: Any, place: str) -> Any:
    """Check a TOML value against a type hint and convert lists to tuples and tables to dataclasses."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if is_dataclass(hint):
        return _build(hint, value, place)
    if origin is Literal:
        if value not in arguments:
            raise RecipeError(f"{place}: {value!r} is not one of {', '.join(map(repr, arguments))}")
        return value
    if origin is types.UnionType:
        if value is None and type(None) in arguments:
            return None
        return _convert(next(a for a in arguments if a is not type(None)), value, place)
    if origin is tuple and isinstance(value, list | tuple):
        if arguments[-1] is not Ellipsis and len(value) != len(arguments):
            raise RecipeError(f"{place}: expected {len(arguments)} values, got {len(value)}")
        item = lambda i: arguments[0] if arguments[-1] is Ellipsis else arguments[i]
        return tuple(_convert(item(i), v, f"{place}.{i}") for i, v in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: _convert(arguments[1], v, f"{place}.{key}") for key, v in value.items()}
    if hint is float and type(value) is int:
        value = float(value)
    if origin is None and type(value) is hint:
        _check_range(value, place)
        return value
    expected = getattr(hint, "__name__", str(hint)) if origin is None else str(origin.__name__)
    raise RecipeError(f"{place}: expected {expected}, got {value!r}")


def _check_range(value: Any, place: str) -> None:
    """Numbers count or measure something: none is negative or infinite, and few whole ones may be zero."""
    name = place.rstrip(".0123456789").rpartition(".")[2]  # of an entry: of the list
    least = 0 if isinstance(value, float) or name in MAY_BE_ZERO or name.startswith("minimum_") else 1
    if isinstance(value, int | float) and not isinstance(value, bool) and not (least <= value < math.inf):
        raise RecipeError(f"{place}: must be at least {least} and finite, got {value}")


def _suggest(key: str, known: typing.Iterable[str]) -> str:
    nearest = difflib.get_close_matches(key, list(known), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}"


def _table(section: Any, comments: bool) -> Any:
    import tomlkit

    table = tomlkit.table() if not isinstance(section, Recipe) else tomlkit.document()
    texts = field_docstrings(type(section)) if comments else {}
    simple_first = sorted(fields(section), key=lambda f: _is_table(getattr(section, f.name)))
    for f in simple_first:
        value = getattr(section, f.name)
        if value is None:
            for line in _left_out(section, f.name, texts):
                table.add(tomlkit.comment(line))
            continue
        if comments and f.name in texts and (not _is_table(value) or _is_inline(value)):
            table.add(tomlkit.comment(texts[f.name]))
        table.add(f.name, _toml_value(value, comments))
    return table


def _left_out(section: Any, name: str, texts: dict[str, str]) -> list[str]:
    """Comments in the place of a setting that has no value: what it means, and what holds instead."""
    import tomlkit

    lines = [texts[name]] if name in texts else []
    if (instead := getattr(section, f"resolved_{name}", None)) is not None:
        return [*lines, f"{name} = {tomlkit.item(list(instead)).as_string()}   (left out: the default of this kind)"]
    return [*lines, f"{name} =   (left out)"] if texts else []


def _is_table(value: Any) -> bool:
    return is_dataclass(value) or (
        bool(value) and (isinstance(value, dict) or (isinstance(value, tuple) and is_dataclass(value[0])))
    )


def _is_inline(value: Any) -> bool:
    """Whether a value is a table of plain values, written on one line."""
    return isinstance(value, dict) and not any(is_dataclass(v) or isinstance(v, dict) for v in value.values())


def _toml_value(value: Any, comments: bool) -> Any:
    import tomlkit

    if is_dataclass(value):
        return _table(value, comments)
    if isinstance(value, dict):
        table = tomlkit.inline_table() if _is_inline(value) else tomlkit.table(is_super_table=True)
        for number, (key, v) in enumerate(value.items()):
            if isinstance(v, dict) and _is_inline(v) and not _is_inline(value):
                rows = tomlkit.table()
                rows.update(v)
                table.add(key, rows)
            else:
                table.add(key, _toml_value(v, comments and number == 0))  # explained once
        return table
    if isinstance(value, tuple):
        if value and is_dataclass(value[0]):
            tables = tomlkit.aot()
            for v in value:
                tables.append(_table(v, False))
            return tables
        return [_toml_value(v, comments) for v in value]
    return value


def field_docstrings(cls: type) -> dict[str, str]:
    """The string under each field of a dataclass, on one line: what `smollab recipe` prints as comments."""
    body = ast.parse(inspect.getsource(cls)).body[0].body  # type: ignore[attr-defined]
    return {
        statement.target.id: " ".join(following.value.value.split())
        for statement, following in pairwise(body)
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
        and isinstance(following.value.value, str)
    }
