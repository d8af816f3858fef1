"""numba's decorator with types, so that strict typing reaches through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    F = TypeVar("F", bound=Callable[..., object])
    I64 = NDArray[np.int64]
    Mask = NDArray[np.bool_]
    U8 = NDArray[np.uint8]
    U32 = NDArray[np.uint32]
    U64 = NDArray[np.uint64]
    i64 = int  # what compiled code counts and indexes with, as the types see it
else:
    i64 = np.int64

__all__ = ["compiled", "i64", "inlined"]


def compiled(function: F) -> F:
    """Compile at the first call, for this machine's widest vectors; kept on disk; runs without the interpreter's lock.

    Everything that compiled code calls must stand in the same file: numba's store on disk only sees changes of it.
    """
    return cast("F", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


def inlined(function: F) -> F:
    """Compile for the use of compiled code only: no way in from Python is made, which halves the time it takes."""
    options: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("F", numba.njit(nogil=True, error_model="numpy", **options)(function))
