"""What a user may set about near-duplicate search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from corpus.base.errors import ConfigError


@dataclass(frozen=True)
class DedupSettings:
    """Threshold and banding of the search. Raises ConfigError when a value cannot work.

    Two documents of Jaccard J share a band with probability 1 - (1 - J**rows)**bands: with 16 x 8 that is one half
    at J = 0.67 and over 0.97 at J = 0.8. A lower threshold wants fewer rows, or it will not be reached.
    """

    threshold: float = field(
        default=0.7, metadata={"help": "exact Jaccard from which two documents are copies, above 0, at most 1"}
    )
    bands: int = field(default=16, metadata={"help": "bands of the signature, each one chance to meet"})
    rows: int = field(default=8, metadata={"help": "slots in a band that must all agree"})
    versions: Literal["newest", "all"] = field(
        default="newest", metadata={"help": "which near copies of one work stay: its newest version, or all of them"}
    )
    seed: int = field(default=1, metadata={"help": "seed of the permutations, 0 to 4294967295"})

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise ConfigError(f"dedup threshold is {self.threshold}: give a number above 0 and at most 1")
        if self.bands < 1 or self.rows < 1 or self.bands * self.rows > 4096:
            raise ConfigError(
                f"dedup bands x rows is {self.bands} x {self.rows}: give at least 1 each and 4096 slots in all"
            )
        if not 0 <= self.seed < 1 << 32:
            raise ConfigError(f"dedup seed is {self.seed}: give a number from 0 to 4294967295")

    @property
    def num_perm(self) -> int:
        """Slots in a signature: bands times rows."""
        return self.bands * self.rows
