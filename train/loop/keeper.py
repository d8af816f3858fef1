"""A run and its checkpoints: where it begins, when it is saved, what it goes back to where its numbers break."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from corpus.base.errors import TrainingError
from train.checkpoint.rule import RULE
from train.checkpoint.snapshot import Standing, capture, restore
from train.checkpoint.store import Snapshot, Store, Timer
from train.loop.step import Stepper
from train.loop.watch import Watch

__all__ = ["Keeper"]


class Keeper:
    """Saves a run into a store, or, without one, nothing; `config` stands in the checkpoints for a reader."""

    def __init__(
        self, store: Store | None, stepper: Stepper, watch: Watch | None, config: Mapping[str, Any] | None
    ) -> None:
        self.store, self.stepper, self.watch, self.config = store, stepper, watch, config or {}
        self._timer = Timer(RULE.get())

    def begin(self) -> Standing:
        """Where to begin: at the newest whole checkpoint of this run, or at zero."""
        snapshot = self.store.newest() if self.store and RULE.get().resume else None
        if snapshot is None:
            return Standing()
        sys.stderr.write(f"going on from the checkpoint at step {snapshot.step} of {self.stepper.plan.steps}\n")
        return self._restore(snapshot)

    def save(self, at: Standing, *, now: bool) -> None:
        """Save if it is time to, or `now`. Raises TrainingError, and saves nothing, where a weight is no number."""
        ranks = self.stepper.ranks
        if self.store is None or not ranks.highest(now or self._timer.due(at.step)):
            return
        for group in self.stepper.groups:
            for name, parameter in group.parameters.items():
                if not torch.isfinite(parameter).all():
                    raise TrainingError(f"{name} holds what is no number after step {at.step}; lower --lr, --gate-lr")
        snapshot = capture(self.stepper.groups, self.stepper.optimizer, at, self.stepper.cursor(at.step), self.config)
        parts, state = dict(snapshot.parts), dict(snapshot.state) | self.stepper.state()
        for rank, random in enumerate(ranks.gather(parts["random"])[1:], start=1):
            parts[f"random_{rank}"] = random
        if self.watch:
            parts |= self.watch.parts()
            state |= self.watch.state()
        whole, store = replace(snapshot, parts=parts, state=state), self.store
        ranks.first(lambda: str(store.save(whole)))
        self._timer.saved()

    def back(self, error: TrainingError) -> TrainingError:
        """After numbers broke: give the model its last good state, and say in the error what to do with it."""
        snapshot = self.store.newest() if self.store else None
        if snapshot is None:
            return TrainingError(f"{error}; nothing was saved before it")
        self._restore(snapshot)
        return TrainingError(
            f"{error}; the model is back at step {snapshot.step}, whose checkpoint stands; the same command would meet "
            "it again, other options start at zero"
        )

    def _restore(self, snapshot: Snapshot) -> Standing:
        stepper = self.stepper
        if stepper.ranks.rank:
            own = {"random": snapshot.parts[f"random_{stepper.ranks.rank}"]}
            snapshot = replace(snapshot, parts={**snapshot.parts, **own})
        standing = restore(snapshot, stepper.groups, stepper.optimizer, stepper.cursor(snapshot.step))
        stepper.restore(snapshot.state)
        if self.watch:
            self.watch.restore(snapshot)
        return standing
