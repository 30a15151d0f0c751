"""The pinned recipe gives what it gave: page by page, reason by reason, text by text."""

import gzip
import json

from .golden.fineweb_2024 import GOLDEN, run_recipe


def test_the_recipe_of_2024_gives_the_golden_output(tmp_path):
    golden = json.loads(gzip.decompress(GOLDEN.read_bytes()))
    outcome = run_recipe(tmp_path)
    changed = {record: (golden.get(record), fate) for record, fate in outcome.items() if golden.get(record) != fate}
    assert not changed, f"{len(changed)} of {len(golden)} pages changed, such as {next(iter(changed.items()))}"
    assert outcome.keys() == golden.keys()
