"""The command `python -m train.qlora`."""

from __future__ import annotations

import sys

from train.qlora.training import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
