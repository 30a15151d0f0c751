"""Pillar 1: from web pages and PDF files to clean, unique, good documents.

A *step* takes a document and returns a document, or a drop that says why the document left. A recipe lists
the steps of each source; `curate` runs them over all shards and writes what stayed, what left, and the
funnel.
"""

from smollab.curate.errors import CurationError
from smollab.curate.funnel import Funnel, ReasonCount, SourceFunnel, StepCount
from smollab.curate.pipeline import curate
from smollab.curate.progress import Bars, Progress, Update
from smollab.curate.steps import GLOBAL_STEPS, LOCAL_STEPS, make_step

__all__ = [
    "GLOBAL_STEPS",
    "LOCAL_STEPS",
    "Bars",
    "CurationError",
    "Funnel",
    "Progress",
    "ReasonCount",
    "SourceFunnel",
    "StepCount",
    "Update",
    "curate",
    "make_step",
]
