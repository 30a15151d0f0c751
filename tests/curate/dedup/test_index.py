import json
import shutil

import pytest

from smollab.curate.dedup import minhash_dedup
from smollab.curate.dedup.index import Index
from smollab.curate.errors import CurationError
from smollab.documents import Document, Drop
from smollab.recipe import MinHash, RecipeError

from ..making import prose
from .comparing import outcomes


def document(seed, extra=0, name=""):
    return Document(name or f"{seed}-{extra}", prose(seed, 40) + " More of it." * extra, "web", "en")


def add(tmp_path, snapshot, documents, publish=True, **settings):
    """Deduplicate a snapshot against the index and add what was kept; return id -> None or the drop's detail."""
    mine = MinHash(index=str(tmp_path / "index"), snapshot=snapshot, **settings)
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
    half = len(documents) // 2
    results = outcomes(minhash_dedup(mine), tmp_path / "run", documents[:half], documents[half:])
    if publish:
        Index.open(mine).publish(tmp_path / "run" / "work" / "part")
    return {before.id: after.detail if isinstance(after, Drop) else None for before, after in results}


def state(tmp_path):
    return {
        str(p.relative_to(tmp_path)): p.read_bytes() for p in sorted((tmp_path / "index").rglob("*")) if p.is_file()
    }


def test_a_new_snapshot_loses_what_earlier_ones_kept(tmp_path):
    one = add(tmp_path, "2024-10", [document(1), document(2), document(1, 1)])
    assert one == {"1-0": None, "2-0": None, "1-1": "of 1-0"}
    two = add(tmp_path, "2024-18", [document(3), document(2, 2), document(4), document(3, 1)])
    assert two == {"3-0": None, "2-2": "of 2-0 (snapshot 2024-10)", "4-0": None, "3-1": "of 3-0"}
    three = add(tmp_path, "2024-22", [document(4, 1), document(1, 3), document(5)])
    assert three == {"4-1": "of 4-0 (snapshot 2024-18)", "1-3": "of 1-0 (snapshot 2024-10)", "5-0": None}
    parts = json.loads((tmp_path / "index" / "index.json").read_text())["parts"]
    assert [(part["snapshot"], part["keys"]) for part in parts] == [("2024-10", 2), ("2024-18", 2), ("2024-22", 1)]


def test_a_snapshot_that_keeps_nothing_adds_no_part(tmp_path):
    add(tmp_path, "one", [document(1)])
    before = state(tmp_path)
    assert add(tmp_path, "two", [document(1, 1)]) == {"1-1": "of 1-0 (snapshot one)"}
    assert state(tmp_path) == before


def test_snapshot_by_snapshot_keeps_what_one_run_over_all_keeps(tmp_path):
    """Where near-duplicates come in groups that all resemble one another; see the module for where they do not."""
    everything = [document(i % 25, i // 25, f"{i}") for i in range(100)]
    together = outcomes(minhash_dedup(MinHash()), tmp_path / "together", everything)
    expected = [before.id for before, after in together if not isinstance(after, Drop)]
    kept = []
    for part in range(5):
        result = add(tmp_path, f"part {part}", everything[part * 20 : part * 20 + 20])
        kept += [id_ for id_, detail in result.items() if detail is None]
    assert kept == expected and len(kept) == 25


def test_a_cluster_leaves_whole_when_one_of_it_is_known(tmp_path):
    """A - B - C, where only neighbors resemble each other."""
    words = prose(1, 60).split()
    chain = [" ".join(words[start : start + 500]) for start in (0, 40, 80)]
    a, b, c = (Document(name, text, "web", "en") for name, text in zip("abc", chain, strict=True))
    wide = {"buckets": 40, "hashes_per_bucket": 4}
    assert add(tmp_path, "one", [a], **wide) == {"a": None}
    assert add(tmp_path, "two", [c, b], **wide) == {"c": "of a (snapshot one)", "b": "of a (snapshot one)"}


def test_running_a_snapshot_again_changes_nothing(tmp_path):
    add(tmp_path, "one", [document(1), document(2)])
    first = add(tmp_path, "two", [document(2, 1), document(3)])
    add(tmp_path, "three", [document(4)])
    before = state(tmp_path)
    assert add(tmp_path, "two", [document(2, 1), document(3)]) == first
    assert add(tmp_path, "one", [document(1), document(2)]) == {"1-0": None, "2-0": None}
    assert state(tmp_path) == before


def test_running_a_snapshot_again_with_other_documents_replaces_its_part(tmp_path):
    add(tmp_path, "one", [document(1), document(2)])
    add(tmp_path, "two", [document(3)])
    assert add(tmp_path, "one", [document(1, 1), document(5)]) == {"1-1": None, "5-0": None}
    parts = json.loads((tmp_path / "index" / "index.json").read_text())["parts"]
    assert [part["snapshot"] for part in parts] == ["one", "two"]
    assert len([path for path in (tmp_path / "index").iterdir() if path.is_dir()]) == 2
    later = add(tmp_path, "new", [document(2, 3), document(5, 2), document(3, 1)])
    assert later == {"2-3": None, "5-2": "of 5-0 (snapshot one)", "3-1": "of 3-0 (snapshot two)"}


def test_a_run_that_ends_early_leaves_the_index_as_it_was(tmp_path):
    add(tmp_path, "one", [document(1)])
    before = state(tmp_path)
    add(tmp_path, "two", [document(2)], publish=False)
    assert state(tmp_path) == before
    # Ended after the part was copied, before it was listed: half a folder of the same name is replaced.
    staged = json.loads((tmp_path / "run" / "work" / "part" / "part.json").read_text())
    (tmp_path / "index" / staged["folder"]).mkdir()
    assert add(tmp_path, "two", [document(2)]) == {"2-0": None}
    assert add(tmp_path, "three", [document(2, 1)]) == {"2-1": "of 2-0 (snapshot two)"}


def test_short_and_no_documents(tmp_path):
    assert add(tmp_path, "one", []) == {}
    short = [Document("a", "few words", "web"), Document("b", "few words", "web")]
    assert add(tmp_path, "two", short) == {"a": None, "b": None}
    assert add(tmp_path, "three", short) == {"a": None, "b": None}
    assert add(tmp_path, "four", [document(1)]) == {"1-0": None}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"seed": 2}, r"seed = 1, not 2"),
        ({"buckets": 9, "n_gram": 3}, r"n_gram = 5, not 3; buckets = 14, not 9"),
        ({"scope": "language"}, r"scope = 'all', not 'language'"),
    ],
)
def test_other_settings_than_the_index_has_are_refused(tmp_path, settings, message):
    add(tmp_path, "one", [document(1)])
    with pytest.raises(
        CurationError, match=rf"index\.json: made with {message}; set curate\.minhash_dedup to the same"
    ):
        add(tmp_path, "two", [document(1)], **settings)


def test_an_index_needs_a_name_for_the_snapshot_and_its_files(tmp_path):
    with pytest.raises(RecipeError, match=r"curate\.minhash_dedup\.snapshot: an index needs a name"):
        Index.open(MinHash(index=str(tmp_path)))
    add(tmp_path, "one", [document(1)])
    (keys,) = (tmp_path / "index").glob("part-*/keys.bin")
    keys.write_bytes(keys.read_bytes()[:-8])
    with pytest.raises(CurationError, match=r"the part of snapshot 'one' is damaged"):
        add(tmp_path, "two", [document(1)])
    (tmp_path / "index" / "index.json").write_text("[]")
    with pytest.raises(CurationError, match=r"index\.json: no index of near-duplicates"):
        add(tmp_path, "two", [document(1)])
