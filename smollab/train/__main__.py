"""Pretraining under torchrun; the same as `smollab pretrain`, in several processes.

torchrun --nproc-per-node 4 -m smollab.train laptop --set parallel.shard=4
"""

import sys

from smollab.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["pretrain", *sys.argv[1:]]))
