"""What must start at once must not load torch or transformers."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "datasets", "matplotlib", "pyarrow", "tokenizers", "pandas")


@pytest.mark.parametrize("module", ["smollab", "smollab.cli", "smollab.recipe", "smollab.documents", "smollab.curate"])
def test_light_modules_load_nothing_heavy(module):
    program = f"import sys, {module}; print(*(name for name in {HEAVY} if name in sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    allowed = {"pyarrow"} if module == "smollab.curate" else set()
    assert set(loaded) <= allowed


def test_the_test_notices_a_heavy_import():
    program = "import sys, smollab.batch, smollab.model.norms; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "True\n"
