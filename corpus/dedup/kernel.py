"""Which kernel does the work: the compiled one where numba can be imported, else numpy; both give the same bits.

The environment variable HAKUSHO_KERNEL=numpy (or numba) decides otherwise. numba is imported at the first use only.
"""

from __future__ import annotations

import os
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Final, Protocol, cast

from corpus.base.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from corpus.dedup.folding import FoldTables
    from corpus.dedup.minhash import Signed

    U8 = NDArray[np.uint8]
    U32 = NDArray[np.uint32]
    U64 = NDArray[np.uint64]
    I64 = NDArray[np.int64]

__all__ = ["Kernel", "kernel"]


_NAMES: Final = ("sign_rows", "verify_pairs", "band_rows", "chain", "join_all")


class Kernel(Protocol):
    """What a kernel module offers."""

    def sign_rows(
        self, data: U8, offsets: I64, missing: NDArray[np.bool_], fold: FoldTables, a: U32, b: U32, to: Signed
    ) -> None:
        """Fill the row of `to` for every text data[offsets[i]:offsets[i + 1]]."""

    def verify_pairs(
        self, data: U8, offsets: I64, left: I64, right: I64, threshold: float, parents: I64, fold: FoldTables,
        jaccards: NDArray[np.float64],
    ) -> None:  # fmt: skip
        """Fill `jaccards` for texts left[i] and right[i]: exact from `threshold` on, else -1; NaN: joined."""

    def band_rows(self, slots: U32, rows: int, keys: U64) -> None:
        """Fill keys[band, i] from the `rows` slots of each band of signature i."""

    def chain(self, keys: U64, heads: I64, previous: I64) -> None:
        """Fill previous[i] with the last row before i of the same key, or -1; `heads` is -1 everywhere, 2**k > rows."""

    def join_all(self, parents: I64, left: I64, right: I64) -> None:
        """Join the ends of every edge; then parents[i] is the least number of i's component."""


@cache
def _load(name: str) -> Kernel:
    if name in ("", "numba"):
        try:
            from corpus.dedup import graph_numba, kernel_numba
        except ImportError as error:
            if name:
                raise UsageError("HAKUSHO_KERNEL is numba, which cannot be imported: pip install numba") from error
        else:
            parts: list[ModuleType] = [kernel_numba, graph_numba]
            functions = {name: part.__dict__[name] for name in _NAMES for part in parts if name in part.__dict__}
            return cast("Kernel", SimpleNamespace(**functions))
    elif name != "numpy":
        raise UsageError(f"HAKUSHO_KERNEL is {name!r}: give numba or numpy, or leave it out")
    from corpus.dedup import kernel_numpy

    return cast("Kernel", kernel_numpy)


def kernel() -> Kernel:
    """Return the kernel. Raises UsageError for an unknown name, or numba where it is asked for and cannot be had."""
    return _load(os.environ.get("HAKUSHO_KERNEL", ""))
