"""One optimiser step: the batch in parts, each objective's losses, clipping, the update, a line of metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from train.objective import Batch, LanguageModel, Objective, take
from train.order import Cursor, batch_indices
from train.snapshot import Group, Standing
from train.tokens import Blocks

__all__ = ["Plan", "Stepper"]

_CLIP = 1.0  # largest norm of the gradient
_FLOOR = 0.1  # share of the learning rate that the cosine ends at


@dataclass(frozen=True)
class Plan:
    """How long and on how much: steps, blocks at once, warm-up steps, the seed of the order of the blocks.

    `accumulate`: how many times `batch` blocks make a step. `objectives`: what is descended; one of them gives "loss".
    """

    steps: int
    batch: int
    warmup: int
    seed: int
    accumulate: int = 1
    objectives: Sequence[Objective] = (LanguageModel(),)


class Stepper:
    """Takes steps: a model, its data, the groups that are trained with their optimiser, and the plan."""

    def __init__(
        self, model: nn.Module, blocks: Blocks, groups: Sequence[Group], optimizer: torch.optim.Optimizer, plan: Plan
    ) -> None:
        self.model, self.blocks, self.groups, self.optimizer, self.plan = model, blocks, groups, optimizer, plan

    def cursor(self, step: int) -> Cursor:
        """Where the data stands at a step (from 0)."""
        return Cursor(step, self.plan.batch * self.plan.accumulate, len(self.blocks), self.plan.seed)

    def take(self, at: Standing) -> float:
        """One step; the standing moves on with its line of metrics, and the loss before the update comes back.

        Raises TrainingError at a loss or gradient that is no number, before it touches a weight.
        """
        factor = _factor(at.step, self.plan)
        for group, state in zip(self.groups, self.optimizer.param_groups, strict=True):
            state["lr"] = group.lr * factor
        batches = list(self._batches(at.step))
        told = self._backward(batches, at.step)
        every = [parameter for group in self.groups for parameter in group.parameters.values()]
        norm = float(nn.utils.clip_grad_norm_(every, _CLIP))
        _require_number(norm, "norm of the gradient", at.step)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        at.seen += sum(int((batch.labels != -100).sum()) for batch in batches)
        at.step += 1
        loss = told.pop("loss")
        steps = {"step": at.step, "loss": loss, "lr_factor": factor, "grad_norm": norm, "tokens": at.seen}
        at.metrics.append(steps | told)
        return loss

    def _batches(self, step: int) -> Iterator[Batch]:
        """The parts of a step's blocks."""
        size, parts = self.plan.batch, self.plan.accumulate
        rows = batch_indices(step, size * parts, len(self.blocks), self.plan.seed)
        for part in range(parts):
            yield take(self.model, self.blocks, rows[part * size : (part + 1) * size], part, parts)

    def _backward(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Gradients of all parts; each loss of the whole step, before weighting, and the weights but that of "loss"."""
        of_part = [[objective.counts(batch, step) for objective in self.plan.objectives] for batch in batches]
        totals: Counter[str] = Counter()
        for part in of_part:
            for counts in part:
                totals.update(counts)
        weights = {name: weight for one in self.plan.objectives for name, weight in one.weights(step).items()}
        told: dict[str, float] = {}
        for batch, part in zip(batches, of_part, strict=True):
            whole: list[Tensor] = []
            for objective, counts in zip(self.plan.objectives, part, strict=True):
                if not any(counts.values()):
                    continue
                for name, loss in objective(self.model, batch, step).items():
                    if not counts[name]:
                        continue
                    _require_number(loss.item(), name if name == "loss" else f"loss {name}", step)
                    share = counts[name] / totals[name]
                    told[name] = told.get(name, 0.0) + share * loss.item()
                    whole.append(weights[name] * share * loss)
            if whole:
                sum(whole[1:], whole[0]).backward()  # type: ignore[no-untyped-call]
        return told | {f"{name}_weight": weights[name] for name in told if name != "loss"}


def _factor(step: int, plan: Plan) -> float:
    """Share of the learning rate at a step: linear warm-up, then a cosine down to a tenth."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(plan.steps - plan.warmup, 1)
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * done))


def _require_number(value: float, what: str, step: int) -> None:
    if not math.isfinite(value):
        raise TrainingError(
            f"the {what} is {value} at step {step + 1}; no weight was touched by it and earlier checkpoints stand: "
            "lower --lr and --gate-lr"
        )
