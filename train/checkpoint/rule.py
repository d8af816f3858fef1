"""When to save a checkpoint, how many to keep, whether to go on from one: manners of a run, no part of its result."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

__all__ = ["RULE", "Rule"]


@dataclass(frozen=True)
class Rule:
    """When to save (seconds of the monotonic clock, and steps where not 0), how many to keep, whether to go on.

    And whether metrics are shown to TensorBoard, too. None of it changes what a run makes, so it is no part of its key.
    """

    seconds: float = 180.0
    steps: int = 0
    keep: int = 10
    resume: bool = True
    tensorboard: bool = False


RULE: ContextVar[Rule] = ContextVar("RULE", default=Rule())  # noqa: B039  a frozen dataclass is no mutable default
