"""The PDF ablation at smoke size: held-out documents are nobody's training text; arms differ in mixture."""

import json

import pytest

from smollab.documents import read_documents
from smollab.experiments import crawl
from smollab.experiments.data_ablation import load_comparison, shorten
from smollab.experiments.pdf_ablation import ablate_pdf, name_of, read_ratios
from smollab.experiments.summary import mixture_table
from smollab.recipe import RecipeError, load_recipe
from smollab.tokens.shards import TokenShard

SMOKE = {
    "data.sources.web.limit": 60, "data.sources.pdf.address": "pdf:data_samples/pdf", "data.held_out": 0.3,
    "data.sources.jargon.limit": 4, "curate.workers": 1, "tokenizer.vocab_size": 320, "model.hidden_size": 32,
    "model.intermediate_size": 64, "model.num_hidden_layers": 2, "train.sequence_length": 64,
    "train.batch_sequences": 4, "train.micro_batch_sequences": 4, "evaluate.maximum_tokens": 1000,
}  # fmt: skip


@pytest.fixture(scope="module")
def ablated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pdf-ablation")
    recipe = shorten(load_recipe("ablation-pdf", SMOKE), 4)
    return folder, recipe, ablate_pdf(recipe, folder, (1, 2), (0, 0.5))


def test_results_say_what_was_compared(ablated):
    folder, _, results = ablated
    assert results == json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert list(results["variants"]) == ["web", "pdf 50 %"]
    assert set(results["scores"]) == {"web", "pdf", "guide", "jargon", "minimal pairs"}
    assert results["variants"]["web"]["epochs"].keys() == {"web"}
    assert str(folder) not in json.dumps(results)
    comparison = load_comparison(results)
    assert comparison.seeds == (1, 2)
    first, second = (comparison.scores["pdf"][name] for name in ("web", "pdf 50 %"))
    assert first != second  # the mixture reached the training
    assert mixture_table(results).row_count == 2


def test_no_training_document_repeats_held_out_text(ablated):
    folder, _, results = ablated
    train = [d for n in ("web", "pdf") for d in read_documents(folder / "corpus" / "train" / f"{n}-00000.parquet")]
    kept = list(read_documents(*sorted((folder / "corpus" / "curated" / "kept").glob("*.parquet"))))
    held_out = {d.id for d in kept} - {d.id for d in train}
    assert len(held_out) >= sum(row["held_out"] for row in results["documents"].values()) > 10
    guide = crawl.read_pages("guide", load_recipe("ablation-pdf").data.sources["guide"])
    overlap = crawl.Overlap.of(crawl.join_lines(d.text) for d in guide)
    assert max(overlap.share(d.text) for d in train) <= crawl.MOST_OVERLAP
    assert results["documents"]["pdf"]["overlapping"] > 0  # the guide itself, which is among the PDFs


def test_the_tokenizer_and_held_out_shards_are_shared(ablated):
    folder, _, _ = ablated
    tokens = folder / "corpus" / "tokens"
    assert {p.name for p in (tokens / "train").iterdir()} == {"web", "pdf"}
    assert all(len(TokenShard(p)) for p in (tokens / "held_out").iterdir())


def test_another_run_reuses_the_corpus(ablated):
    folder, recipe, results = ablated
    lines: list[str] = []
    assert ablate_pdf(recipe, folder, (1, 2), (0, 0.5), tell=lines.append) == results
    assert lines == ["corpus: reused, nothing it depends on has changed"]


def test_ratios_and_sources_are_checked(ablated):
    folder, recipe, _ = ablated
    assert read_ratios(["0", "0.25"]) == (0, 0.25)
    assert [name_of(ratio) for ratio in (0, 0.25)] == ["web", "pdf 25 %"]
    with pytest.raises(RecipeError, match="shares of PDF tokens"):
        read_ratios(["half"])
    with pytest.raises(RecipeError, match="from 0 to 1"):
        ablate_pdf(recipe, folder, (1,), (0, 25))
    with pytest.raises(RecipeError, match="needs a source 'pdf'"):
        ablate_pdf(load_recipe("ablation-data"), folder, (1,))
