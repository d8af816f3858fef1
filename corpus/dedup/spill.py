"""What a search keeps on disk instead of in memory: the keys of every band, and the texts that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.dedup.bands import candidates, pairs_of
from corpus.dedup.minhash import Buffers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["BandFiles", "TextFile", "candidates_within"]

# Bytes for each row of a band while its candidates are looked for: keys, numbers, the table of buckets, pairs.
_ROW = 96


class BandFiles:
    """The keys of all bands, one file of uint64 a band, in the order of the rows."""

    def __init__(self, folder: Path, bands: int) -> None:
        self._paths = [folder / f"band-{band:04d}.u64" for band in range(bands)]
        self._files = [path.open("wb") for path in self._paths]

    def add(self, keys: NDArray[np.uint64]) -> None:
        """Append rows: uint64 (bands, rows)."""
        for file, row in zip(self._files, keys, strict=True):
            file.write(np.ascontiguousarray(row).data)

    def close(self) -> None:
        """No more rows."""
        for file in self._files:
            file.close()

    def band(self, number: int) -> NDArray[np.uint64]:
        """One band's keys, mapped: only what is looked at is read."""
        path = self._paths[number]
        return np.memmap(path, np.uint64, "r") if path.stat().st_size else np.empty(0, dtype=np.uint64)


class TextFile:
    """Texts one behind the other in one file, read back as the kernel reads Arrow's buffers."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._sizes: list[NDArray[np.int64]] = []

    def add(self, texts: Buffers) -> None:
        """Append texts."""
        first, last = int(texts.offsets[0]), int(texts.offsets[-1])
        self._file.write(texts.data[first:last].data)
        self._sizes.append(np.diff(texts.offsets))

    def buffers(self) -> Buffers:
        """All texts, mapped; no more can be added."""
        self._file.close()
        sizes = np.concatenate(self._sizes) if self._sizes else np.empty(0, dtype=np.int64)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(sizes)])
        data = np.memmap(self._path, np.uint8, "r") if offsets[-1] else np.zeros(1, dtype=np.uint8)
        return Buffers(data, offsets, np.zeros(sizes.size, dtype=np.bool_))


def candidates_within(keys: NDArray[np.uint64], memory: int) -> NDArray[np.uint64]:
    """Return `candidates(keys)`, a part of the keys at a time where a whole band would take more than `memory`."""
    parts = max(1, -(-keys.size * _ROW // memory))
    if parts == 1:
        return candidates(keys)
    found = []
    for part in range(parts):
        rows = np.flatnonzero((keys >> np.uint64(7)) % np.uint64(parts) == part)
        left, right = pairs_of(candidates(keys[rows]))
        found.append(rows[left].astype(np.uint64) << np.uint64(32) | rows[right].astype(np.uint64))
    return np.sort(np.concatenate(found))
