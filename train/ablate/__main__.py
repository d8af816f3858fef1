"""The command `python -m train.ablate`."""

from __future__ import annotations

import sys

from train.ablate.ablation import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
