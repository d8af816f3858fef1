"""The figures of an evaluation, against hand-made cases."""

from __future__ import annotations

import pytest

from corpus.base.errors import EmptyInputError
from labeling.evaluate import Judged, evaluate, wilson


def test_figures() -> None:
    """Accuracy, lenient accuracy, coverage, precision, macro-F1, ECE and confusion are those counted by hand."""
    rows = [
        Judged("a", "a", 0.95),
        Judged("a", "b", 0.95, frozenset({"b"})),
        Judged("b", "b", 0.15, abstained=True),
        Judged("b", "c", 1.0),
    ]
    found = evaluate(rows)
    assert found["n"] == 4
    assert [found[name]["value"] for name in ("accuracy", "acceptable", "coverage", "precision")] == [
        0.5,
        0.75,
        0.75,
        0.3333,
    ]
    assert found["macro_f1"] == pytest.approx((2 / 3 + 1 / 2) / 2, abs=1e-4)
    assert found["ece"] == pytest.approx((abs(2.9 - 1) + abs(0.15 - 1)) / 4, abs=1e-4)
    assert found["confusion"] == {"a": {"a": 1, "b": 1}, "b": {"b": 1, "c": 1}}


def test_wilson() -> None:
    """The interval is the textbook one, holds the share and stays in 0 to 1."""
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-3)
    assert wilson(10, 10) == pytest.approx((0.7225, 1), abs=1e-3)
    assert wilson(0, 0) == (0.0, 1.0)


def test_nothing_to_evaluate() -> None:
    """No rows are an error, not a division by zero."""
    with pytest.raises(EmptyInputError):
        evaluate([])
