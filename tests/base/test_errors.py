"""The exception tree."""

from __future__ import annotations

import pickle
import re

import pytest

from corpus.base import errors
from corpus.base.errors import HakushoError

ALL = [getattr(errors, name) for name in errors.__all__]


def _drawn() -> dict[str, str]:
    """Class -> parent, as the docstring draws it."""
    parents: dict[str, str] = {}
    stack: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^( {4}[│├└─ ]*)([A-Z]\w+Error)\b", line)
        if not match or line.lstrip().startswith(("Traceback", ">>>")):
            continue
        depth, name = len(match[1]), match[2]
        while stack and stack[-1][0] >= depth:
            stack.pop()
        parents[name] = stack[-1][1] if stack else "Exception"
        stack.append((depth, name))
    return parents


def test_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """Every class stands in the drawing under its true parent, and nothing else does."""
    assert _drawn() == {kind.__name__: kind.__bases__[0].__name__ for kind in ALL}


@pytest.mark.parametrize("kind", ALL)
def test_exit_codes(kind: type[HakushoError]) -> None:
    """Wrong use ends with 2, every other failure with 1."""
    assert kind.exit_code == (2 if issubclass(kind, errors.UsageError) else 1)


@pytest.mark.parametrize("kind", ALL)
def test_errors_cross_process_borders(kind: type[HakushoError]) -> None:
    """A worker's error arrives in the driver as the same class with the same line."""
    again = pickle.loads(pickle.dumps(kind("one line")))
    assert type(again) is kind
    assert str(again) == "one line"
