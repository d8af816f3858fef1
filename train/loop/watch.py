"""What is looked at between steps: the loss on held-out blocks, the text that the model writes; and when to stop early.

Looking changes nothing: weights, gradients, random numbers and the model's mode are afterwards as before. What has been
seen goes into checkpoints, so a resumed run stops at the same step and keeps the same best state.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from train.checkpoint.snapshot import Group, Standing
from train.checkpoint.store import Snapshot
from train.distributed import ranks
from train.loop.step import require_number

__all__ = ["Look", "Watch", "undisturbed"]


@dataclass(frozen=True)
class Look:
    """How often, in steps, the held-out loss and a sample are taken (0: never), and how patient to be.

    `patience`: the run stops after so many validations without a new least loss, and takes the weights of the least one
    back; 0: it goes to its end and keeps its last ones.
    """

    validate_steps: int = 0
    patience: int = 0
    sample_steps: int = 0


@contextlib.contextmanager
def undisturbed(model: nn.Module, seed: int) -> Iterator[None]:
    """Look at a model: without gradients, in evaluation mode, with a seed; then all is as it was."""
    training = model.training
    with torch.random.fork_rng(ranks.own_gpu()), torch.no_grad():
        torch.manual_seed(seed)
        model.eval()
        try:
            yield
        finally:
            model.train(training)


class Watch:
    """Looks at a run after its steps. `loss`: the held-out loss; `sample`: what the model writes."""

    def __init__(
        self, look: Look, model: nn.Module, seed: int, *, loss: Callable[[], float], sample: Callable[[], str]
    ) -> None:
        self.look, self.model, self.seed, self._loss, self._sample = look, model, seed, loss, sample
        self.best: float | None = None
        self.best_step = self.worse = 0
        self.samples: list[dict[str, Any]] = []
        self._kept: dict[str, Tensor] = {}

    @property
    def stopped(self) -> bool:
        """Whether patience is at its end."""
        return 0 < self.look.patience <= self.worse

    def after(self, at: Standing, groups: Sequence[Group], steps: int) -> None:
        """Look, if it is time to, after a step of a run of `steps`; the held-out loss goes into the step's metrics.

        Raises TrainingError for a held-out loss that is no number.
        """
        if self.look.validate_steps and (at.step % self.look.validate_steps == 0 or at.step == steps):
            with undisturbed(self.model, self.seed):
                loss = self._loss()
            require_number(loss, "held-out loss", at.step - 1)
            at.metrics[-1]["held_out"] = loss
            self._note(loss, at.step, groups)
        if self.look.sample_steps and at.step % self.look.sample_steps == 0:
            with undisturbed(self.model, self.seed):
                self.samples.append({"step": at.step, "text": self._sample()})

    def take_best_back(self, groups: Sequence[Group]) -> bool:
        """Give the groups the weights of the least held-out loss, where patience asks for them; whether it did."""
        if not self._kept:
            return False
        with torch.no_grad():
            for name, parameter in _named(groups).items():
                parameter.copy_(self._kept[name])
        return True

    def parts(self) -> Mapping[str, Mapping[str, Tensor]]:
        """The tensors of a checkpoint."""
        return {"best": self._kept} if self._kept else {}

    def state(self) -> Mapping[str, Any]:
        """The plain values of a checkpoint."""
        seen = {"best": self.best, "best_step": self.best_step, "worse": self.worse, "samples": self.samples}
        return {"watch": seen}

    def restore(self, snapshot: Snapshot) -> None:
        """Go on from a checkpoint."""
        seen = snapshot.state["watch"]
        self.best, self.best_step, self.worse = seen["best"], seen["best_step"], seen["worse"]
        self.samples = list(seen["samples"])
        self._kept = dict(snapshot.parts.get("best", {}))

    def _note(self, loss: float, step: int, groups: Sequence[Group]) -> None:
        if self.best is not None and loss >= self.best:
            self.worse += 1
            return
        self.best, self.best_step, self.worse = loss, step, 0
        if self.look.patience:
            self._kept = {name: parameter.detach().clone() for name, parameter in _named(groups).items()}


def _named(groups: Sequence[Group]) -> dict[str, nn.Parameter]:
    return {f"{group.name}/{name}": parameter for group in groups for name, parameter in group.parameters.items()}
