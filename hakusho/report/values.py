"""Values of DuckDB as JSON knows them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

__all__ = ["plain"]


def plain(value: Any) -> Any:
    r"""A value of DuckDB as JSON (RFC 8259) knows it, whatever it is nested in; times, UUIDs and the like as text.

    JSON has no NaN and no infinity: both are null. Bytes are written in hexadecimal.

    >>> plain({"a": [float("nan"), Decimal("2.50"), b"\xff"]})
    {'a': [None, 2.5, 'ff']}
    """
    if isinstance(value, Decimal):
        value = int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value.hex() if isinstance(value, bytes) else str(value)
