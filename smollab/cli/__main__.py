"""`python -m smollab.cli` is `smollab`."""

import sys

from smollab.cli import main

if __name__ == "__main__":
    sys.exit(main())
