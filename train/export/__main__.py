"""The command `python -m train.export`."""

from __future__ import annotations

import sys

from train.export.plain import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
