r"""How good extracted text is, beside what is known of a document: its words, their order, its tables.

    words    F1 over words, as for web pages (`curate.html.score_words`)
    order    1 - Levenshtein(words of the output, words of the gold) / the longer of the two
             Kendall's tau between the order of the gold blocks and that of their places in the output
    tables   TEDS(a, b) = 1 - TreeEditDistance(a, b) / max(|a|, |b|)

A table is a tree: a root, its rows, their cells. Renaming a cell costs the normalized edit distance of the two texts,
everything else 1. Blocks that stand beside the flow of the text (footnotes, figures, side notes) are right anywhere,
so they are no part of the order. Nor are tables of contents, which may be left out.

**Source**: TEDS from Zhong, ShafieiBavani and Jimeno Yepes 2020, *Image-based table recognition*, section 5; the tree
edit distance is Zhang and Shasha's (1989); the bit-parallel Levenshtein distance is Hyyrö's (2003).

**Deviations**: Markdown knows no cells over several columns, so a gold table is compared in two forms, its heads in
rows of their own or joined to one, and the better counts.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|\w+")
_TABLE_ROW = re.compile(r"\s*\|.*\|\s*")
_RULE_CELL = re.compile(r":?-+:?")
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_ANCHOR_WORDS = 4
_COMMON_WORDS = 1 / 3
"""Of the smaller of two tables; with less in common they are no pair."""

CONTENTS = "contents"
"""Kind of a block that is a table of contents."""

Grid = Sequence[Sequence[str]]
"""The cells of a table, row by row."""


@dataclass(frozen=True)
class GoldDocument:
    """What is known of a document."""

    name: str
    language: str
    layout: str
    blocks: list[dict[str, Any]]
    """In reading order: `kind`, `text` or `rows` with `header_rows` and `spans`, `floating` if it is."""

    @property
    def text(self) -> str:
        """All texts, those of tables row by row; without `contents`."""
        return "\n".join(_text(block) for block in self.blocks if block["kind"] != CONTENTS)

    @property
    def contents(self) -> str:
        """The tables of contents, which an output may leave out: they say nothing that the text does not."""
        return "\n".join(_text(block) for block in self.blocks if block["kind"] == CONTENTS)

    @property
    def tables(self) -> list[list[Grid]]:
        """For each table the forms in which it is right."""
        return [table_forms(block) for block in self.blocks if block["kind"] == "table"]


class PdfScore(NamedTuple):
    """All between 0 and 1 but `tau`, which is between -1 and 1."""

    f1: float
    """Over words."""
    order: float
    """Normalized edit similarity over words, tables and floating blocks left out."""
    tau: float
    """Kendall's tau over the blocks that were found."""
    tables: float
    """Sum of TEDS over the greater number of tables, gold or found; NaN where there are none."""


def score_document(text: str, gold: GoldDocument) -> PdfScore:
    """Compare an extracted text, tables as Markdown, with a document.

    A raised number is a word of its own, as it is where it is written in brackets: the mark of a footnote.
    """
    apart = [bool(block.get("floating")) or block["kind"] in ("table", CONTENTS) for block in gold.blocks]
    flow = [_text(block) for block, away in zip(gold.blocks, apart, strict=True) if not away]
    floating = [_text(block) for block, away in zip(gold.blocks, apart, strict=True) if away]
    found = read_markdown_tables(text)
    return PdfScore(
        _score_words(words_of(_without_rules(text)), words_of(gold.text), words_of(gold.contents)),
        score_order(words_of(without_tables(text)), words_of("\n".join(flow)), words_of("\n".join(floating))),
        block_tau(words_of(text), [words_of(block) for block in flow]),
        score_tables(found, gold.tables),
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text in small letters."""
    return _WORD.findall(_lower_digits(text).lower())


def _lower_digits(text: str) -> str:
    """Write raised numbers as words of their own."""
    return _RAISED.sub(lambda number: f" {unicodedata.normalize('NFKC', number[0])} ", text)


def _score_words(words: Sequence[str], gold: Sequence[str], optional: Sequence[str]) -> float:
    """Return the F1 over words as `curate.html.score_words` does; optional ones are neither missed nor too many."""
    found, wanted = Counter(words), Counter(gold)
    found -= (found - wanted) & Counter(optional)
    common = (found & wanted).total()
    return 2 * common / (found.total() + wanted.total()) if found or wanted else 1.0


def score_order(words: Sequence[str], gold: Sequence[str], floating: Sequence[str] = ()) -> float:
    """Return the normalized edit similarity of two sequences of words; words of floating blocks may be in the first.

    As many insertions are free as there are words of floating blocks in the output beyond those of the gold.
    """
    if not words and not gold:
        return 1.0
    beyond = (Counter(words) - Counter(gold)) & Counter(floating)
    distance = max(0, levenshtein(words, gold) - beyond.total())
    return max(0.0, 1 - distance / max(len(words) - beyond.total(), len(gold), 1))


def levenshtein(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Return the edit distance of two sequences: insertions, deletions, substitutions of one element each.

    A column of the table of distances is two integers with a bit for each element of `a`, so the cost is
    `len(b)` operations on integers of `len(a)` bits.
    """
    if not a or not b:
        return len(a) or len(b)
    where: dict[Hashable, int] = {}
    for i, element in enumerate(a):
        where[element] = where.get(element, 0) | (1 << i)
    full, last = (1 << len(a)) - 1, 1 << (len(a) - 1)
    up, down, distance = full, 0, len(a)
    for element in b:
        same = where.get(element, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        grows, falls = down | (full & ~(diagonal | up)), up & diagonal
        distance += bool(grows & last) - bool(falls & last)
        grows, falls = ((grows << 1) | 1) & full, (falls << 1) & full
        up, down = falls | (full & ~(diagonal | grows)), grows & diagonal
    return distance


def block_tau(words: Sequence[str], blocks: Sequence[Sequence[str]]) -> float:
    """Return Kendall's tau between the order of blocks and that of their places among words; 1 for less than two.

    A block's place is the median of the places of its word sequences that are unique in the output.
    """
    grams: dict[tuple[str, ...], int] = {}
    for place in range(len(words) - _ANCHOR_WORDS + 1):
        gram = tuple(words[place : place + _ANCHOR_WORDS])
        grams[gram] = -1 if gram in grams else place
    places = []
    for block in blocks:
        found = sorted(
            place
            for i in range(len(block) - _ANCHOR_WORDS + 1)
            if (place := grams.get(tuple(block[i : i + _ANCHOR_WORDS]), -1)) >= 0
        )
        if found:
            places.append(found[len(found) // 2])
    return kendall_tau(places)


def kendall_tau(places: Sequence[float]) -> float:
    """Return (pairs in order - pairs out of order) / pairs; 1 for less than two."""
    pairs = [(a < b) - (a > b) for i, a in enumerate(places) for b in places[i + 1 :]]
    return sum(pairs) / len(pairs) if pairs else 1.0


def read_markdown_tables(text: str) -> list[list[list[str]]]:
    """Return the cells of the pipe tables in a text."""
    tables: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not _TABLE_ROW.fullmatch(line):
            inside = False
            continue
        cells = [_clean(cell) for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if cells and all(_RULE_CELL.fullmatch(cell) for cell in cells):
            continue
        if not inside:
            tables.append([])
        tables[-1].append(cells)
        inside = True
    return [table for table in tables if len(table) > 1 or len(table[0]) > 1]


def without_tables(text: str) -> str:
    """Return a text without the lines of its pipe tables."""
    return "\n".join(line for line in text.splitlines() if not _TABLE_ROW.fullmatch(line))


def score_tables(found: Sequence[Grid], gold: Sequence[Sequence[Grid]]) -> float:
    """Return the sum of TEDS of the best pairs over the greater number of tables; NaN if there are none.

    Args:
        found: tables of the output.
        gold: for each table of the document the forms in which it is right.
    """
    if not gold and not found:
        return float("nan")
    words = [[_table_words(table) for table in tables] for tables in (found, [forms[0] for forms in gold])]
    pairs = [
        (max(teds(table, form) for form in forms), i, j)
        for i, table in enumerate(found)
        for j, forms in enumerate(gold)
        if _in_common(words[0][i], words[1][j])
    ]
    used: set[tuple[str, int]] = set()
    total = 0.0
    for score, i, j in sorted(pairs, reverse=True):
        if ("found", i) not in used and ("gold", j) not in used:
            used |= {("found", i), ("gold", j)}
            total += score
    return total / max(len(found), len(gold))


def _table_words(table: Grid) -> set[str]:
    return {word for row in table for cell in row for word in words_of(cell)}


def _in_common(a: set[str], b: set[str]) -> bool:
    """Tell whether two tables may be one; most pairs are not, and comparing their trees costs much."""
    return len(a & b) >= _COMMON_WORDS * min(len(a), len(b))


def table_forms(block: dict[str, Any]) -> list[Grid]:
    """Return the forms in which a gold table is right in Markdown.

    As it is; with its heads joined to one row; and each of the two with a spanning cell's text in all its places.
    """
    rows, heads = [list(row) for row in block["rows"]], block["header_rows"]
    repeated = [list(row) for row in rows]
    for row, column, width, height in block.get("spans", ()):
        for r in range(row, row + height):
            for c in range(column, column + width):
                repeated[r][c] = rows[row][column]
    forms: list[Grid] = [rows]
    if block.get("spans"):
        forms.append(repeated)
    if heads > 1:
        top = [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*repeated[:heads], strict=True)]
        forms += [[top, *rows[heads:]], [top, *repeated[heads:]]]
    return forms


def teds(a: Grid, b: Grid) -> float:
    """Return the similarity of two tables: 1 - their tree edit distance over the nodes of the larger one."""
    sizes = [1 + sum(1 + len(row) for row in grid) for grid in (a, b)]
    return 1 - tree_edit_distance(a, b) / max(sizes)


def tree_edit_distance(a: Grid, b: Grid) -> float:
    """Return the edit distance of two tables as ordered trees (Zhang and Shasha 1989).

    Nodes are numbered in postorder: the cells of a row, the row, ..., the root. `leftmost` is the first leaf below a
    node; a keyroot is the last node with its leftmost leaf.
    """
    (names_a, left_a, keys_a), (names_b, left_b, keys_b) = _postorder(a), _postorder(b)
    distance = [[0.0] * len(names_b) for _ in names_a]
    for i in keys_a:
        for j in keys_b:
            _forest_distance(i, j, names_a, left_a, names_b, left_b, distance)
    return distance[-1][-1]


def _postorder(grid: Grid) -> tuple[list[str | None], list[int], list[int]]:
    """Return texts (None for rows and the root), leftmost leaves and keyroots in postorder."""
    names: list[str | None] = []
    left: list[int] = []
    for row in grid:
        start = len(names)
        names += [_clean(cell).lower() for cell in row] + [None]
        left += [*range(start, start + len(row)), start]
    names.append(None)
    left.append(0)
    keys = sorted({leaf: node for node, leaf in enumerate(left)}.values())
    return names, left, keys


def _forest_distance(
    i: int,
    j: int,
    names_a: list[str | None],
    left_a: list[int],
    names_b: list[str | None],
    left_b: list[int],
    distance: list[list[float]],
) -> None:
    la, lb = left_a[i], left_b[j]
    width = j - lb + 2
    above = [float(c) for c in range(width)]
    table = [above]
    for x in range(la, i + 1):
        row = [above[0] + 1]
        first_a = left_a[x] == la
        for y in range(lb, j + 1):
            c = y - lb + 1
            best = min(above[c] + 1, row[c - 1] + 1)
            if first_a and left_b[y] == lb:
                best = min(best, above[c - 1] + _rename(names_a[x], names_b[y]))
                distance[x][y] = best
            else:
                best = min(best, table[left_a[x] - la][left_b[y] - lb] + distance[x][y])
            row.append(best)
        table.append(row)
        above = row


def _rename(a: str | None, b: str | None) -> float:
    if a is None or b is None:
        return float(a is not b)
    return _text_distance(a, b)


@lru_cache(maxsize=100_000)
def _text_distance(a: str, b: str) -> float:
    return levenshtein(a, b) / max(len(a), len(b)) if a != b else 0.0


def _clean(cell: str) -> str:
    """Return the text of a cell: escapes undone, emphasis and line breaks gone."""
    cell = re.sub(r"<br\s*/?>", " ", cell)
    cell = re.sub(r"\*\*|__|(?<!\w)[*_`]+|[*_`]+(?!\w)", "", cell) if len(cell.strip()) > 2 else cell
    return " ".join(re.sub(r"\\([\\|*_`#~\[\]<>])", r"\1", cell).split())


def _without_rules(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not re.fullmatch(r"[|:\s-]+", line))


def _text(block: dict[str, Any]) -> str:
    if block["kind"] == "table":
        return "\n".join(" ".join(cell for cell in row if cell) for row in block["rows"])
    return str(block["text"])
