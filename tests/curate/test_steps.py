import subprocess
import sys

import pytest

from smollab.curate.steps import GLOBAL_STEPS, LOCAL_STEPS, check_steps, make_step
from smollab.documents import Document, Drop
from smollab.recipe import CODE_STEPS, PDF_STEPS, TEXT_STEPS, WEB_STEPS, Curate, Decontaminate, RecipeError

from .dedup.comparing import outcomes
from .making import page, prose


@pytest.mark.parametrize("steps", [WEB_STEPS, PDF_STEPS, TEXT_STEPS, CODE_STEPS])
def test_the_published_chains_exist(steps):
    check_steps("web", steps)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("gopher_qualty", "did you mean 'gopher_quality'?"),
        ("dedup", "did you mean"),
        ("zzz", "known: url, "),
    ],
)
def test_an_unknown_step_names_the_nearest(step, message):
    with pytest.raises(RecipeError, match=r"data\.sources\.web\.steps: no curation step") as error:
        check_steps("web", ["url", step])
    assert message in str(error.value)


def test_a_step_listed_twice():
    with pytest.raises(RecipeError, match="listed twice"):
        check_steps("web", ["pii", "pii"])


@pytest.mark.parametrize("name", LOCAL_STEPS)
def test_every_step_keeps_the_contract(name, tmp_path):
    """A document or a drop with a countable reason comes back, whatever goes in; the input is not changed."""
    (tmp_path / "set.jsonl").write_text('{"text": "an example of eight words or a few more"}', encoding="utf-8")
    evaluations = {str(tmp_path / "set.jsonl"): ("text",)}
    step = make_step(name, Curate(decontaminate=Decontaminate(evaluations=evaluations)))
    odd = [("\ufffd\x00\ud800", b"\xff\x00<p"), ("a" * 10**6, b"<" * 999)]
    for text, raw in [("", b""), (prose(1), page(prose(1))), *odd]:
        document = Document("https://site/1", text, "web", "en", {"url": "https://site/1"}, raw)
        before = (document.text, dict(document.metadata))
        result = step(document)
        assert isinstance(result, Document | Drop)
        assert (document.text, document.metadata) == before
        if isinstance(result, Drop):
            assert result.reason.startswith(f"{name}: ")
            assert "\n" not in result.reason
        else:
            assert result.id == document.id


@pytest.mark.parametrize("name", GLOBAL_STEPS)
def test_every_global_step_keeps_the_contract(name, tmp_path):
    """Every document comes back in order, as itself, edited, or as a drop; the first of equals stays."""
    step = GLOBAL_STEPS[name](Curate())
    assert step.name == name
    texts = [prose(1), prose(2), prose(1), "", "few words", "\ufffd\x00 \u200b", "a" * 10**6]
    documents = [
        Document(str(i), t, "web", "en", {"url": f"http://a/{i % 2}"}, t.encode()) for i, t in enumerate(texts)
    ]
    results = outcomes(step, tmp_path / "some", documents)
    assert [before for before, _ in results] == documents
    assert results[0][1] is documents[0] or results[0][1].text == documents[0].text
    dropped = [int(before.id) for before, after in results if isinstance(after, Drop)]
    assert dropped == ([2, 3, 4, 5, 6] if name == "url_dedup" else [2])
    assert all(after.reason.startswith(f"{name}: ") for _, after in results if isinstance(after, Drop))
    assert outcomes(step, tmp_path / "none", [], []) == []


def test_curation_imports_neither_torch_nor_transformers():
    code = (
        "import sys, smollab.curate;"
        "print([m for m in ('torch', 'transformers', 'datasets', 'pymupdf', 'py3langid') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
