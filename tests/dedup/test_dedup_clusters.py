"""Components of the verified candidate graph, where one bucket is all there is."""

from __future__ import annotations

import itertools

import numpy as np

from corpus.dedup.clusters import components
from corpus.dedup.settings import DedupSettings
from corpus.dedup.verify import Verifier


def test_one_bucket_connects_through_any_of_its_members() -> None:
    """In one bucket with the edges 0-1 and 0-2 alone all three are connected, whatever their order."""
    letters = [chr(0x4E00 + number) for number in range(60)]
    windows = ["".join(letters[start : start + 40]) for start in (8, 0, 16)]
    for texts in itertools.permutations(windows):
        verifier = Verifier(texts.__getitem__, budget=1)
        chosen = DedupSettings(threshold=0.5, bands=1, rows=1)
        assert components(np.zeros((3, 1), dtype=np.uint32), chosen, verifier) == [0, 0, 0]
