"""One optimiser step: the batch in parts, each objective's losses, clipping, the update, a line of metrics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from train.checkpoint.snapshot import Group, Standing
from train.data.order import Cursor, batch_indices
from train.distributed import ranks
from train.loop.objective import Batch, LanguageModel, Objective, take
from train.loop.schedule import Curve, factor
from train.packing.tokens import Blocks

__all__ = ["Plan", "Stepper", "require_number"]


@dataclass(frozen=True)
class Plan:
    """How long and on how much: steps, blocks at once, warm-up steps, the seed of the order of the blocks.

    `accumulate`: how many times `batch` blocks make a step. `objectives`: what is descended; one of them gives "loss".
    `curve`, `lr_end`: how the learning rate falls and to which share. `clip`: largest norm of the gradient, 0: any.
    `loss_scale`: by what the loss is multiplied at first, so that small gradients survive float16; 0: not at all.
    """

    steps: int
    batch: int
    warmup: int
    seed: int
    accumulate: int = 1
    objectives: Sequence[Objective] = (LanguageModel(),)
    curve: Curve = "cosine"
    lr_end: float = 0.1
    clip: float = 1.0
    loss_scale: float = 0.0


class Stepper:
    """Takes steps: a model, its data, the groups that are trained with their optimiser, and the plan."""

    def __init__(
        self, model: nn.Module, blocks: Blocks, groups: Sequence[Group], optimizer: torch.optim.Optimizer, plan: Plan
    ) -> None:
        self.model, self.blocks, self.groups, self.optimizer, self.plan = model, blocks, groups, optimizer, plan
        self.ranks = ranks.here()
        device = next(model.parameters()).device.type
        self.scaler = torch.amp.GradScaler(device, plan.loss_scale or 1.0, enabled=plan.loss_scale > 0)

    def cursor(self, step: int) -> Cursor:
        """Where the data stands at a step (from 0)."""
        size = self.plan.batch * self.plan.accumulate * self.ranks.size
        return Cursor(step, size, len(self.blocks), self.plan.seed)

    def take(self, at: Standing) -> float:
        """One step; the standing moves on with its line of metrics, and the loss before the update comes back.

        Raises TrainingError at a loss or gradient that is no number, before it touches a weight.
        """
        plan = self.plan
        share = factor(plan.curve, at.step, plan.steps, plan.warmup, plan.lr_end)
        for group, state in zip(self.groups, self.optimizer.param_groups, strict=True):
            state["lr"] = group.lr * share
        batches = list(self._batches(at.step))
        told = self._backward(batches, at.step)
        moved = self._update(at.step)
        seen = sum(int((batch.labels != -100).sum()) for batch in batches)
        at.seen += sum(self.ranks.gather(seen))
        at.step += 1
        loss = told.pop("loss")
        at.metrics.append({"step": at.step, "loss": loss, "lr_factor": share} | moved | {"tokens": at.seen} | told)
        return loss

    def state(self) -> dict[str, Any]:
        """What a checkpoint must hold besides the optimiser: how losses are scaled."""
        return {"loss_scaler": self.scaler.state_dict()} if self.scaler.is_enabled() else {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on with the state of a checkpoint."""
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["loss_scaler"])

    def _update(self, step: int) -> dict[str, float]:
        """Clip and step; the norm before clipping. Where scaled ones overflow, no weight moves."""
        every = [parameter for group in self.groups for parameter in group.parameters.values()]
        self.ranks.sum_gradients(every)
        self.scaler.unscale_(self.optimizer)
        norm = float(nn.utils.clip_grad_norm_(every, self.plan.clip or math.inf))
        scaled = self.scaler.is_enabled()
        if not scaled:
            require_number(norm, "norm of the gradient", step)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        if scaled and self.scaler.get_scale() < 1:
            raise TrainingError(f"gradients overflow float16 at step {step + 1} even unscaled; use --dtype bfloat16")
        moved = {"grad_norm": norm} if math.isfinite(norm) else {"skipped": 1.0}
        return moved | ({"loss_scale": self.scaler.get_scale()} if scaled else {})

    def _batches(self, step: int) -> Iterator[Batch]:
        """The parts of a step's blocks that are this process's."""
        size, mine = self.plan.batch, self.plan.accumulate
        parts = mine * self.ranks.size
        rows = batch_indices(step, size * parts, len(self.blocks), self.plan.seed)
        for part in range(self.ranks.rank * mine, (self.ranks.rank + 1) * mine):
            yield take(self.model, self.blocks, rows[part * size : (part + 1) * size], part, parts)

    def _backward(self, batches: Sequence[Batch], step: int) -> dict[str, float]:
        """Gradients of all parts; each loss of the whole step, before weighting, and the weights but that of "loss"."""
        of_part = [[objective.counts(batch, step) for objective in self.plan.objectives] for batch in batches]
        own: Counter[str] = Counter()  # of this process
        for part in of_part:
            for counts in part:
                own.update(counts)
        totals = self.ranks.total(own)
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
                    share = counts[name] / totals[name]
                    told[name] = told.get(name, 0.0) + share * loss.item()
                    whole.append(weights[name] * share * loss)
            if whole:
                self.scaler.scale(sum(whole[1:], whole[0])).backward()  # type: ignore[no-untyped-call]
        told = self.ranks.total(told)
        for name, value in told.items():
            require_number(value, name if name == "loss" else f"loss {name}", step)
        return told | {f"{name}_weight": weights[name] for name in told if name != "loss"}


def require_number(value: float, what: str, step: int) -> None:
    """Raise TrainingError for a value of step `step` (from 0) that is no number."""
    if not math.isfinite(value):
        raise TrainingError(
            f"the {what} is {value} at step {step + 1}; no weight was touched by it and earlier checkpoints stand: "
            "lower --lr and --gate-lr"
        )
