"""The recipe: strict about every key, type and range; written as it was read; explained field by field."""

import dataclasses
import math
import tomllib
import typing

import pytest

from smollab import recipe as recipe_package
from smollab.recipe import (
    RECIPES,
    Curate,
    Recipe,
    RecipeError,
    Source,
    differences,
    field_docstrings,
    load_recipe,
    parse_override,
    to_toml,
)
from smollab.recipe.languages import KNOWN_LANGUAGES

SHIPPED = sorted(path.stem for path in RECIPES.glob("*.toml"))
SECTIONS = [cls for cls in vars(recipe_package).values() if dataclasses.is_dataclass(cls)]
SMALL = """
name = "small"
data.sources.web.address = "text:place"
stages = [{ name = "a", steps = 10, mixture = { web = 1 } }]
schedule = { warmup_steps = 2, decay_steps = 2 }
"""


@pytest.fixture
def load(tmp_path):
    """Loads the text of a recipe, by default a small one, with overrides."""

    def load(overrides=None, text: str = SMALL) -> Recipe:
        (tmp_path / "r.toml").write_text(text, encoding="utf-8")
        return load_recipe(tmp_path / "r.toml", overrides)

    return load


def test_some_recipes_are_shipped():
    assert {"laptop", "smoke", "smollm3-3b"} <= set(SHIPPED)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_recipe_loads_and_describes_itself(name):
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description.endswith(".") and len(recipe.description) < 130
    assert recipe.total_tokens > 0 or not recipe.stages  # those that only curate


@pytest.mark.parametrize("comments", [True, False])
@pytest.mark.parametrize("name", SHIPPED)
def test_a_recipe_is_written_as_it_was_read(load, name, comments):
    recipe = load_recipe(name)
    assert load(text=to_toml(recipe, comments)) == recipe


def test_awkward_strings_are_written_as_they_were_read(load):
    awkward = "quotes \" and ' and \\ and \n lines and tiếng Việt and # no comment"
    recipe = load({"description": awkward, "evaluate.prompts": [awkward, ""], "data.sources.web.steps": []})
    assert load(text=to_toml(recipe, comments=True)) == recipe
    assert recipe.description == awkward and recipe.data.sources["web"].steps == ()


def test_comments_explain_every_setting(load):
    text = to_toml(load(), comments=True)
    for docstring in field_docstrings(recipe_package.Train).values():
        assert f"# {docstring}" in text


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_every_field_has_a_docstring(cls):
    explained = field_docstrings(cls)
    assert [f.name for f in dataclasses.fields(cls) if not explained.get(f.name)] == []
    assert cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}(")  # dataclasses write one if there is none


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_sections_are_frozen_and_take_keywords_only(cls):
    assert cls.__dataclass_params__.frozen
    with pytest.raises(TypeError):
        cls("positional")


@pytest.mark.parametrize("cls", SECTIONS, ids=lambda cls: cls.__name__)
def test_defaults_pass_the_checks_of_recipes(cls):
    """What a recipe may leave out, it may also write."""
    from smollab.recipe.toml import _convert

    for name, hint in typing.get_type_hints(cls).items():
        default = next(f for f in dataclasses.fields(cls) if f.name == name).default
        if default is not dataclasses.MISSING and default is not None:
            assert _convert(hint, default, name) == default


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("mdel", "model"),
        ("model.hiden_size", "hidden_size"),
        ("curate.gopher_quality.minimum_word", "minimum_words"),
        ("data.sources.web.addr", "address"),
        ("stages.0.step", "steps"),
        ("train.batch_size", "batch_sequences"),
    ],
)
def test_an_unknown_key_at_any_depth_names_itself_and_the_nearest(load, key, nearest):
    with pytest.raises(RecipeError) as error:
        load({key: 1})
    assert f"unknown key '{key}'; did you mean '{nearest}'?" in str(error.value)


def test_an_unknown_key_like_no_other_lists_those_there_are(load):
    with pytest.raises(RecipeError, match=r"unknown key 'objective\.zzz'; known: name, chunk_tokens"):
        load({"objective.zzz": 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model.hidden_size", "large"),
        ("model.hidden_size", 64.0),
        ("model.hidden_size", True),
        ("model.tie_word_embeddings", 1),
        ("model", 3),
        ("optimizer.betas", [0.9]),
        ("optimizer.betas", [0.9, "a"]),
        ("optimizer.betas", 0.9),
        ("optimizer.name", "sgd"),
        ("schedule.decay", ["linear"]),
        ("stages", {"name": "a"}),
        ("stages.0.mixture", ["web"]),
        ("stages.0.mixture.web", "much"),
        ("data.sources", []),
        ("data.sources.web", "text:place"),
        ("evaluate.prompts", "one"),
        ("curate.language.languages", "en"),
    ],
    ids=str,
)
def test_a_value_of_the_wrong_type_names_the_key(load, key, value):
    with pytest.raises(RecipeError) as error:
        load({key: value})
    assert key in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"train.micro_batch_sequences": 0}, "train.micro_batch_sequences"),
        ({"train.checkpoint_every": 0}, "train.checkpoint_every"),
        ({"train.log_every": 0}, "train.log_every"),
        ({"train.keep_checkpoints": 0}, "train.keep_checkpoints"),
        ({"train.sequence_length": -4}, "train.sequence_length"),
        ({"train.sequence_length": 5000}, "train.sequence_length (5000) exceeds model.max_position_embeddings (4096)"),
        ({"train.micro_batch_sequences": 7}, "must be a multiple of train.micro_batch_sequences (7)"),
        ({"model.num_hidden_layers": 0}, "model.num_hidden_layers"),
        ({"model.num_key_value_heads": 3}, "num_key_value_heads (3)"),
        ({"model.hidden_size": 100}, "model.hidden_size"),
        ({"model.head_dim": 7}, "even"),
        ({"model.hidden_size": 48}, "even"),
        ({"optimizer.learning_rate": -0.1}, "optimizer.learning_rate"),
        ({"optimizer.learning_rate": math.nan}, "optimizer.learning_rate"),
        ({"optimizer.learning_rate": math.inf}, "optimizer.learning_rate"),
        ({"schedule.warmup_steps": 9}, "exceed the 10 steps"),
        ({"schedule.decay_steps": -1}, "schedule.decay_steps"),
        ({"stages.0.steps": 0}, "stages.0.steps"),
        ({"stages.0.mixture": {}}, "mixture"),
        ({"stages.0.mixture.web": 0}, "mixture"),
        ({"stages.0.mixture.web": -1}, "stages.0.mixture.web"),
        ({"stages.0.mixture.wbe": 1}, "mixes 'wbe', which is no source of [data]; did you mean 'web'?"),
        ({"data.held_out": 1.0}, "data.held_out"),
        ({"data.sources": {"a/b": {"address": "text:x"}}}, "a/b"),
        ({"name": "../elsewhere"}, "../elsewhere"),
        ({"name": ""}, "name"),
        ({"parallel.data": 0}, "parallel.data"),
    ],
    ids=str,
)
def test_a_value_that_makes_no_sense_names_the_key(load, overrides, named):
    with pytest.raises(RecipeError) as error:
        load(overrides)
    assert named in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["schedule.warmup_steps", "schedule.decay_steps", "train.evaluate_every", "train.seed"])
def test_zero_is_allowed_where_it_means_something(load, key):
    load({key: 0})


def test_a_missing_key_is_named(load):
    with pytest.raises(RecipeError, match=r"missing key 'data\.sources\.web\.address'"):
        load(text='name = "a"\n[data.sources.web]\nlanguage = "en"\n')
    with pytest.raises(RecipeError, match="missing key 'name'"):
        load(text="")


def test_broken_toml_and_missing_recipes_are_named(load, tmp_path):
    with pytest.raises(RecipeError, match=r"r\.toml: not valid TOML.*line 2"):
        load(text='name = "x"\nmodel = = 3')
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match=r"binary\.toml: not valid TOML"):
        load_recipe(tmp_path / "binary.toml")
    with pytest.raises(RecipeError, match=r"labtop: no such recipe.*laptop"):
        load_recipe("labtop")
    with pytest.raises(RecipeError, match=r"nowhere\.toml: no such recipe"):
        load_recipe("nowhere.toml")
    with pytest.raises(RecipeError, match="no such recipe"):
        load_recipe(tmp_path)


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("model.hidden_size=256", "model.hidden_size", 256),
        ("optimizer.learning_rate = 4e-3", "optimizer.learning_rate", 4e-3),
        ("optimizer.name=adamw", "optimizer.name", "adamw"),
        ('name="quoted"', "name", "quoted"),
        ("train.seed=007", "train.seed", "007"),
        ("description=a=b", "description", "a=b"),
        ("optimizer.betas=[0.9, 0.99]", "optimizer.betas", [0.9, 0.99]),
        ("model.tie_word_embeddings=false", "model.tie_word_embeddings", False),
    ],
)
def test_overrides_are_read_as_toml_and_else_as_words(text, key, value):
    assert parse_override(text) == (key, value)


def test_an_override_cannot_smuggle_in_further_keys():
    key, value = parse_override("name=1\nmodel.hidden_size=3")
    assert (key, value) == ("name", "1\nmodel.hidden_size=3")


@pytest.mark.parametrize("text", ["model.hidden_size", "", "=3"])
def test_an_override_without_key_or_value_says_what_is_expected(text):
    with pytest.raises(RecipeError, match="KEY=VALUE"):
        parse_override(text)


def test_overrides_reach_every_depth(load):
    recipe = load({"model.hidden_size": 64, "stages.0.steps": 30, "data.sources.pdf.address": "pdf:x", "name": "new"})
    assert (recipe.model.hidden_size, recipe.total_steps, recipe.name) == (64, 30, "new")
    assert recipe.data.sources["pdf"] == Source(address="pdf:x")


@pytest.mark.parametrize("key", ["stages.1.steps", "stages.x.steps", "name.x", "stages.0.name.x", "model..x", "."])
def test_an_override_that_leads_nowhere_is_refused(load, key):
    with pytest.raises(RecipeError):
        load({key: 1})


def test_a_language_of_a_source_may_be_mixed(load):
    assert load({"stages.0.mixture": {"web": 1, "web-fr": 2}}).stages[0].mixture == {"web": 1.0, "web-fr": 2.0}


def test_sources_know_kind_place_and_published_steps():
    source = Source(address="hub:org/name:config:split")
    assert (source.kind, source.place) == ("hub", "org/name:config:split")
    assert "minhash_dedup" in Source(address="warc:x").resolved_steps
    assert Source(address="warc:x", steps=()).resolved_steps == ()


def test_differences_are_told_by_leaf():
    old, new = {"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": 1, "c": 3}, "e": 0}
    told = ["a.c: 2 there, 3 here", "d: [1] there, None here", "e: None there, 0 here"]
    assert list(differences(old, new)) == told
    assert list(differences(old, old)) == []


def test_smollm3_is_as_published():
    recipe = load_recipe("smollm3-3b")
    assert recipe.train.batch_sequences * recipe.train.sequence_length == 2_359_296
    assert [stage.steps for stage in recipe.stages] == [3_450_000, 748_000, 522_000, 20_000, 22_000]
    assert dataclasses.asdict(recipe.model) == dataclasses.asdict(recipe_package.Model())
    optimizer = recipe.optimizer
    published = ("adamw", 2e-4, (0.9, 0.95), 1e-8, 0.1, 1.0)
    assert (
        optimizer.name,
        optimizer.learning_rate,
        optimizer.betas,
        optimizer.eps,
        optimizer.weight_decay,
        optimizer.max_grad_norm,
    ) == published


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("gopher_qualty.minimum_words", "no step 'gopher_qualty'.*did you mean 'gopher_quality'"),
        ("gopher_quality.minimum_wrds", "no setting 'minimum_wrds'.*did you mean 'minimum_words'"),
        ("gopher_repetition.top_n_grams.7", "no entry '7'"),
    ],
)
def test_thresholds_by_language_name_a_step_and_its_setting(key, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("fineweb2-2025", {"curate.by_language.fr": {key: 1.0}})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"curate.by_language.english": {}}, "by_language: 'english'.*such as 'en'"),
        ({"curate.language.languages": ["de", "fra"]}, "language.languages: 'fra'.*'fr'"),
        ({"curate.page_language.languages": ["pt-BR"]}, "page_language.languages: 'pt-BR'.*'pt'"),
    ],
)
def test_unknown_languages_are_refused_with_the_nearest(overrides, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe("fineweb2-2025", overrides)


def test_the_rest_of_the_languages_and_declared_ones_may_be_named():
    thresholds = {"gopher_quality.minimum_words": 1}
    overrides = {
        "curate.language.languages": ["en", "other"],
        "curate.by_language": {"other": thresholds, "tlh": thresholds},
        "data.sources.web.language": "tlh",
    }
    assert set(load_recipe("fineweb-2024", overrides).curate.by_language) == {"other", "tlh"}


def test_known_languages_are_those_that_identification_returns():
    from smollab.curate.language import _lid_176, _py3langid

    labels = {label.removeprefix("__label__") for label in _lid_176().predict("a", k=-1, threshold=-1.0)[0]}
    assert len(labels) > 100
    assert labels | set(map(str, _py3langid().nb_classes)) == KNOWN_LANGUAGES


def test_what_a_recipe_leaves_out_is_shown_with_what_holds_instead(load):
    text = to_toml(load({"data.sources.more.address": "jsonl:more.jsonl"}), comments=True)
    assert "# workers =   (left out)" in text
    steps = '["language", "exact_dedup", "minhash_dedup", "pii"]'
    assert f"# steps = {steps}   (left out: the default of this kind)" in text
    assert "for unfiltered web text give the steps of wet" in text


def test_fineweb_2024_is_pinned_and_equals_the_defaults_of_today():
    pinned, default = load_recipe("fineweb-2024").curate, Curate()
    for section in ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality"):
        assert getattr(pinned, section) == getattr(default, section)
    values = tomllib.loads((RECIPES / "fineweb-2024.toml").read_text())["curate"]
    for section in ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality"):
        assert set(values[section]) == {f.name for f in dataclasses.fields(getattr(default, section))}
