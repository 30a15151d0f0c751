"""smollab: learn and do efficient language-model pretraining.

Importing this package is instant: torch and transformers are loaded by the modules that need them.
"""

__version__ = "0.1.0"
