"""Scores on the PDFs whose text, order and cells are known do not fall; the scores themselves are right."""

import json
import math
import random
from pathlib import Path

import pytest
from apted import APTED, Config

from smollab.curate.pdf import pymupdf_engine, pypdfium2_engine
from smollab.curate.pdf.evaluation import (
    GoldDocument,
    PdfScore,
    block_tau,
    kendall_tau,
    levenshtein,
    read_markdown_tables,
    score_document,
    score_order,
    score_tables,
    table_forms,
    teds,
    tree_edit_distance,
)
from smollab.curate.pdf.read import read_document

SAMPLES = Path(__file__).resolve().parents[3] / "data_samples"
PDFS = SAMPLES / "pdf"
MADE = SAMPLES / "evaluation" / "pdf"
ROWS = [json.loads(line) for line in (MADE / "gold.jsonl").read_text(encoding="utf-8").splitlines()]
GOLD = {row["name"]: GoldDocument(**row) for row in ROWS}
MINIMUM = {
    "pymupdf": PdfScore(f1=0.975, order=0.97, tau=0.97, tables=0.93),
    "pypdfium2": PdfScore(f1=0.97, order=0.95, tau=0.95, tables=0.85),
}
"""Means over all documents that every version must reach."""


def read(name: str, engine) -> str:
    file = engine.open_pdf((MADE / f"{name}.pdf").read_bytes())
    try:
        return read_document(file).text
    finally:
        file.close()


@pytest.mark.parametrize("engine", [pymupdf_engine, pypdfium2_engine], ids=["pymupdf", "pypdfium2"])
def test_scores_on_the_made_documents(engine):
    scores = [score_document(read(name, engine), gold) for name, gold in GOLD.items()]
    minimum = MINIMUM[engine.__name__.rpartition(".")[2].removesuffix("_engine")]
    for key in PdfScore._fields:
        values = [value for score in scores if not math.isnan(value := getattr(score, key))]
        assert sum(values) / len(values) > getattr(minimum, key), key


@pytest.mark.parametrize("name", [name for name, gold in GOLD.items() if not gold.tables])
def test_documents_without_tables_get_none(name):
    assert read_markdown_tables(read(name, pymupdf_engine)) == []


def test_the_gold_is_varied():
    assert len(GOLD) >= 30 and len({gold.language for gold in GOLD.values()}) == 7
    assert sum(len(gold.tables) for gold in GOLD.values()) >= 35


def naive_levenshtein(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def test_levenshtein_equals_the_table_of_distances():
    chance = random.Random(0)
    assert levenshtein("kitten", "sitting") == 3
    for _ in range(400):
        a, b = (chance.choices("abc", k=chance.randint(0, 90)) for _ in range(2))
        assert levenshtein(a, b) == naive_levenshtein(a, b)


class Node:
    def __init__(self, name, children=()):
        self.name, self.children = name, list(children)


class Costs(Config):
    def rename(self, node1, node2):
        if isinstance(node1.name, int) or isinstance(node2.name, int):
            return float(node1.name != node2.name)
        return levenshtein(node1.name, node2.name) / max(len(node1.name), len(node2.name), 1)

    def children(self, node):
        return node.children


def tree(grid):
    return Node(1, [Node(1, [Node(cell) for cell in row]) for row in grid])


def test_tree_edit_distance_equals_apted():
    chance = random.Random(1)
    for _ in range(150):
        a, b = (
            [
                [chance.choice(["", "a", "ab", "xyz"]) for _ in range(chance.randint(0, 4))]
                for _ in range(chance.randint(0, 4))
            ]
            for _ in range(2)
        )
        expected = APTED(tree(a), tree(b), Costs()).compute_edit_distance()
        assert tree_edit_distance(a, b) == pytest.approx(expected)


def test_teds_by_hand():
    grid = [["a", "b"], ["c", "d"]]
    assert teds(grid, grid) == 1
    # 7 nodes; one cell of one letter differs: distance 1.
    assert teds(grid, [["a", "b"], ["c", "x"]]) == pytest.approx(1 - 1 / 7)
    # A row of two cells is missing: three nodes.
    assert teds(grid, [["a", "b"]]) == pytest.approx(1 - 3 / 7)
    # Half of the letters of one cell differ.
    assert teds([["ab"]], [["ax"]]) == pytest.approx(1 - 0.5 / 3)


def test_false_and_missing_tables_cost():
    grid = [["a", "b"], ["c", "d"]]
    assert score_tables([grid], [[grid]]) == 1
    assert score_tables([grid, grid], [[grid]]) == 0.5
    assert score_tables([], [[grid]]) == 0
    assert score_tables([grid], []) == 0
    assert math.isnan(score_tables([], []))


def test_heads_over_columns_may_be_joined_or_not():
    block = {
        "kind": "table",
        "rows": [["Item", "Plan", ""], ["", "2019", "2020"], ["Wells", "4", "5"]],
        "header_rows": 2,
        "spans": [[0, 0, 1, 2], [0, 1, 2, 1]],
    }
    joined = [["Item", "Plan 2019", "Plan 2020"], ["Wells", "4", "5"]]
    assert block["rows"] in table_forms(block) and joined in table_forms(block)


def test_kendall_tau_by_hand():
    assert kendall_tau([1, 2, 3]) == 1
    assert kendall_tau([3, 2, 1]) == -1
    assert kendall_tau([1, 3, 2]) == pytest.approx(1 / 3)
    assert kendall_tau([]) == 1


def test_order_of_blocks():
    first, second, third = ([f"{name}{i}" for i in range(8)] for name in "abc")
    assert block_tau(first + second + third, [first, second, third]) == 1
    assert block_tau(second + first + third, [first, second, third]) == pytest.approx(1 / 3)
    # A block that is not there does not count.
    assert block_tau(second + third, [first, second, third]) == 1


def test_order_of_words():
    words = [f"w{i}" for i in range(10)]
    assert score_order(words, words) == 1
    assert score_order(words[5:] + words[:5], words) == pytest.approx(0)
    assert score_order(words[:8], words) == pytest.approx(0.8)
    # Words of a footnote may stand anywhere, but not twice.
    assert score_order([*words[:5], "note", *words[5:]], words, ["note"]) == 1
    assert score_order([*words[:5], "note", "note", *words[5:]], words, ["note"]) == pytest.approx(1 - 1 / 11)


def test_markdown_tables_are_read():
    text = "before\n| a | b\\|c |\n| --- | :-: |\n| **1** | |\nbetween\n|x|y|\n|---|---|\n|1|2|\n| not a table"
    assert read_markdown_tables(text) == [[["a", "b|c"], ["1", ""]], [["x", "y"], ["1", "2"]]]


def test_a_perfect_text_has_perfect_scores():
    gold = GOLD["report-grid"]
    parts = []
    for block in gold.blocks:
        if block["kind"] == "table":
            first, *rest = ["| " + " | ".join(row) + " |" for row in block["rows"]]
            parts += [first, "|" + " --- |" * len(block["rows"][0]), *rest, ""]
        else:
            parts.append(block["text"])
    score = score_document("\n".join(parts), gold)
    assert score == pytest.approx((1, 1, 1, 1))
    worse = score_document("\n".join(parts[::-1]), gold)
    assert worse.order < 0.6 and worse.tau < 0
