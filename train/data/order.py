"""Which blocks a step trains on: a permutation that is computed, not stored.

Each epoch goes through all blocks once, in an order of its own. The order is a keyed bijection of 0..n-1, evaluated at
one position in constant time and memory: a balanced Feistel network over the next power of four, walked until the
result falls inside (Black and Rogaway, "Ciphers with Arbitrary Finite Domains", CT-RSA 2002). So the number of the
step alone says where a run stands, for a corpus of any size, and a resumed run goes on with exactly the next block: no
buffer of a shuffled stream is there to be lost.
"""

from __future__ import annotations

import functools
import hashlib
from dataclasses import asdict, dataclass

__all__ = ["Cursor", "batch_indices", "permuted"]

_ROUNDS = 6  # four make a pseudo-random permutation of large domains (Luby and Rackoff); small ones want some more
_MASK = 2**64 - 1


@dataclass(frozen=True)
class Cursor:
    """Where a run stands in its data, complete: what it takes next follows from these numbers and from nothing else."""

    step: int
    batch: int
    blocks: int
    seed: int

    def as_json(self) -> dict[str, int]:
        """The cursor with its epoch and its place in it, for a reader."""
        position = self.step * self.batch
        return asdict(self) | {"epoch": position // self.blocks, "position_in_epoch": position % self.blocks}


def batch_indices(step: int, batch: int, blocks: int, seed: int) -> list[int]:
    """The blocks of step `step` (from 0), `batch` of them; they may straddle two epochs."""
    positions = range(step * batch, (step + 1) * batch)
    return [permuted(p % blocks, blocks, seed, p // blocks) for p in positions]


def permuted(position: int, size: int, seed: int, epoch: int) -> int:
    """What stands at `position` (0 <= position < size) of an epoch's order of 0..size-1."""
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    keys = _keys(seed, epoch)
    value = position
    while True:  # at most four times the size, so fewer than four walks are expected
        value = _feistel(value, half, keys)
        if value < size:
            return value


def _feistel(value: int, half: int, keys: tuple[int, ...]) -> int:
    mask = (1 << half) - 1
    left, right = value >> half, value & mask
    for key in keys:
        left, right = right, left ^ (_mix(right ^ key) & mask)
    return left << half | right


def _mix(value: int) -> int:
    """The finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): each bit depends on all of them."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _MASK
    return value ^ (value >> 31)


@functools.lru_cache(maxsize=8)
def _keys(seed: int, epoch: int) -> tuple[int, ...]:
    digest = hashlib.sha512(f"order {seed} {epoch}".encode()).digest()
    return tuple(int.from_bytes(digest[8 * n : 8 * n + 8], "little") for n in range(_ROUNDS))
