"""The ablation of train.ablate on the dataset of a workspace, kept as a result with the machine that it ran on.

    ./run && python -m benchmarks.ablation --data data/miniature
    python -m benchmarks.ablation --data data --steps 60 --batch 2

The words are those of `python -m train.ablate`. Losses do not depend on the load of the machine; CPU seconds do, some.
Keeps benchmarks/results/ablation.json: numbers of every run, of the rates tried, and what they come to; no text.
"""

from __future__ import annotations

import sys

from benchmarks.common import keep
from corpus.base.config import parse_cli
from train import libraries
from train.ablate.ablation import Config, ablate
from train.ablate.table import table


def main() -> None:
    """Ablate, print and keep."""
    libraries.offline()
    words = {"prog": "python -m benchmarks.ablation", "section": "ablate"}
    about = {"description": "Ablate and keep the result.", "example": "python -m benchmarks.ablation --data data"}
    result = ablate(parse_cli(Config, sys.argv[1:], **words, **about))
    sys.stdout.write(f"{table(result)}\nkept in {keep('ablation', result)}\n")


if __name__ == "__main__":
    main()
