"""smollab: learn and do efficient language-model pretraining.

Importing this package is instant: torch and transformers are loaded by the modules that need them.
"""

import os

# Threads that wait for each other should sleep, not spin: when anything else runs on the machine (a browser beside
# the notebook is enough), spinning threads take the cores from those they wait for, and a training step of a small
# model becomes several times slower. OpenMP reads this when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
