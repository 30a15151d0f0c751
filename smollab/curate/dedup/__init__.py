"""Deduplication: steps that must see all documents. Exact by a hash of the text, near by MinHash.

Both work in the same two moves, which is what lets them be spread over processes or machines: `describe`
turns each document into a few 64-bit keys without looking at any other, and `find_originals` looks only at
the keys.
"""

from smollab.curate.dedup.exact import ExactDedup
from smollab.curate.dedup.minhash import MinHashDedup

__all__ = ["ExactDedup", "MinHashDedup"]
