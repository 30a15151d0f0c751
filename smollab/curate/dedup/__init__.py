"""Deduplication: global steps, which must see all documents.

- `byte_dedup`, `exact_dedup`, `url_dedup`: the same bytes, the same text, the same address;
- `minhash_dedup`: nearly the same text;
- `paragraph_dedup`, `line_dedup`: parts of a text that occurred elsewhere.

All work in the same three moves, which is what lets them be spread over processes or machines: `describe` turns each
document into a few 64-bit keys without looking at any other, `compare` looks only at the keys, and `carry_out` does to
each document what was found.
"""

from smollab.curate.dedup.exact import byte_dedup, exact_dedup, url_dedup
from smollab.curate.dedup.minhash import minhash_dedup
from smollab.curate.dedup.pieces import PieceDedup
from smollab.curate.dedup.table import Shards

__all__ = ["PieceDedup", "Shards", "byte_dedup", "exact_dedup", "minhash_dedup", "url_dedup"]
