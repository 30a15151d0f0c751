"""The data ablation at smoke size, from pages to a table; its corpus keeps its promises."""

import json

import pytest

from smollab.cli import main
from smollab.documents import read_documents
from smollab.experiments import VARIANTS, ablate_data, crawl
from smollab.experiments.data_ablation import load_comparison, shorten
from smollab.experiments.summary import draw_differences, draw_scores
from smollab.plots.style import to_png
from smollab.recipe import RecipeError, load_recipe

SMOKE = {
    "data.sources.web.limit": 70, "data.held_out": 0.1, "data.sources.jargon.limit": 6, "curate.workers": 1,
    "tokenizer.vocab_size": 320, "model.hidden_size": 32, "model.intermediate_size": 64,
    "model.num_hidden_layers": 2, "train.sequence_length": 64, "train.batch_sequences": 4,
    "train.micro_batch_sequences": 4, "evaluate.maximum_tokens": 2000,
}  # fmt: skip


@pytest.fixture(scope="module")
def ablated(tmp_path_factory):
    """Folder and results of a small ablation on copies and noise, and the lines it told."""
    folder, lines = tmp_path_factory.mktemp("ablation"), []
    recipe = shorten(load_recipe("ablation-data", SMOKE), 4)
    return folder, ablate_data(recipe, folder, (1, 2), tell=lines.append), lines


def test_results_say_what_was_compared(ablated):
    folder, results, _ = ablated
    assert results == json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert list(results["variants"]) == list(VARIANTS)
    assert set(results["scores"]) == {"guide", "jargon", "pages", "pages-filtered", "minimal pairs"}
    assert all(len(v) == 2 for rows in results["scores"].values() for v in rows.values())
    assert results["tokens_read"] == 4 * 4 * 64
    sizes = [row["characters"] for row in results["variants"].values()]
    assert sizes == sorted(sizes, reverse=True)
    for row in results["variants"].values():
        assert row["epochs"] == pytest.approx(results["tokens_read"] / row["tokens"], abs=0.01)
    assert str(folder) not in json.dumps(results)


def test_no_variant_holds_held_out_text(ablated):
    """Neither the held-out pages, nor their copies, nor pages that repeat a tenth of any held-out text."""
    folder, results, _ = ablated
    corpus = folder / "corpus"
    held_out = {d.id: d for d in read_documents(corpus / "pages.parquet")}
    assert len(held_out) == results["pages"]["held_out"] > 3
    overlap = crawl.Overlap.of(d.text for d in held_out.values())
    paths = {url.partition("://")[2].partition("/")[2] for url in held_out}
    for name in VARIANTS:
        documents = list(read_documents(*sorted((corpus / name / "kept").glob("*.parquet"))))
        assert documents
        assert not [d.id for d in documents if d.id.partition("://")[2].partition("/")[2] in paths]
        if name != "raw":  # all raw pages of a site share its menus
            assert [d.id for d in documents if overlap.share(d.text) > 0.2] == []


def test_variants_differ_by_their_steps_only(ablated):
    folder, _, _ = ablated
    texts = {
        name: {d.id: d.text for d in read_documents(*sorted((folder / "corpus" / name / "kept").glob("*.parquet")))}
        for name in VARIANTS
    }
    assert texts["deduplicated"].keys() < texts["filtered"].keys() < texts["extracted"].keys()
    assert all("You may also like" in text for url, text in texts["raw"].items() if "//copy-" in url)
    copies = [url for url in texts["filtered"] if "//copy-" in url]
    assert copies
    assert sum("//copy-" in url for url in texts["deduplicated"]) < len(copies) / 3


def test_held_out_shards_are_the_same_for_all_variants(ablated):
    folder, _, _ = ablated
    for name in ("guide", "jargon", "pages", "pages-filtered"):
        shards = {(folder / "corpus" / v / "tokens" / "held_out" / name / "tokens.bin").read_bytes() for v in VARIANTS}
        assert len(shards) == 1


def test_the_same_command_again_reuses_everything(ablated):
    folder, _, _ = ablated
    before = (folder / "results.json").read_bytes()
    times = {p: p.stat().st_mtime_ns for p in folder.rglob("scores.json")}
    lines = []
    ablate_data(shorten(load_recipe("ablation-data", SMOKE), 4), folder, (1, 2), tell=lines.append)
    assert lines == ["corpus: reused, nothing it depends on has changed"]
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("scores.json")} == times
    assert (folder / "results.json").read_bytes() == before


def test_figures_are_drawn(ablated):
    comparison = load_comparison(ablated[1])
    assert len(to_png(draw_scores(comparison))) > 5000
    assert to_png(draw_differences(comparison, "raw")) != to_png(draw_differences(comparison, "extracted"))


def test_command_line(ablated, tmp_path, capsys):
    """The verb, on pages as they are, for two variants and one seed."""
    settings = [argument for key, value in SMOKE.items() for argument in ("--set", f"{key}={value}")]
    command = ["ablate", "data", "--as-is", "--steps", "4", "--seeds", "1", "--only", "raw,extracted"]
    assert main([*command, "--run", str(tmp_path / "run"), *settings]) == 0
    output = capsys.readouterr().out
    assert "one seed: no interval" in output
    assert "filtered" not in output.partition("trained on")[2].partition("metric")[0]
    for name in ("results.json", "scores.png", "differences.png"):
        assert (tmp_path / "run" / name).is_file()
        assert name in output
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert results["pages"]["copies"] == results["pages"]["noise"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "0"], "at least 1"),
        (["--steps", "2"], "at least 4"),
        (["--only", "cooked"], "known: raw, extracted, filtered, deduplicated"),
        (["--set", 'data.sources.web.address="text:data_samples/text"'], "needs a source of pages"),
        (["--set", "stages.0.mixture.guide=1"], "train on { web = 1 } alone"),
    ],
)
def test_mistakes_are_named(arguments, message, tmp_path, capsys):
    assert main(["ablate", "data", "--run", str(tmp_path / "run"), *arguments]) == 1
    assert message in capsys.readouterr().err


def test_shorten_keeps_the_shape():
    recipe = shorten(load_recipe("ablation-data"), 100)
    assert (recipe.total_steps, recipe.schedule.warmup_steps, recipe.schedule.decay_steps) == (100, 5, 30)
    with pytest.raises(RecipeError, match="at least 4"):
        shorten(recipe, 3)
