"""The training loop, the same for pre-training the tiny base and for QLoRA, and the measurement of a loss.

One line of metrics a step, without any clock, so that a run's files depend on its inputs alone; speed is for the eye.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from corpus.base.progress import Progress
from train.data import Blocks, batch_indices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Group", "Plan", "fit", "mean_loss", "reproducible"]

_CLIP = 1.0  # largest norm of the gradient
_FLOOR = 0.1  # share of the learning rate that the cosine ends at


@dataclass(frozen=True)
class Group:
    """Parameters that share a learning rate."""

    parameters: list[nn.Parameter]
    lr: float


@dataclass(frozen=True)
class Plan:
    """How long and on how much: steps, blocks a step, warm-up steps, the seed of the order of the blocks."""

    steps: int
    batch: int
    warmup: int
    seed: int


@contextlib.contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Run with a seed, a fixed number of threads and deterministic kernels; afterwards all is as it was before."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    before_threads, before_strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        torch.set_flush_denormal(True)  # a well-learnt text has tiny gradients, and a CPU is 10 times slower on them
        try:
            yield
        finally:
            torch.set_num_threads(before_threads)
            torch.use_deterministic_algorithms(before_strict)
            torch.set_flush_denormal(False)


def fit(model: nn.Module, blocks: Blocks, groups: Sequence[Group], plan: Plan, what: str) -> list[dict[str, float]]:
    """Train in place with AdamW, warm-up and cosine; return the metrics of each step.

    Metrics: step (from 1), loss (mean over the batch's predicted tokens, before the update), lr factor, norm of the
    gradient before clipping, tokens seen. Raises TrainingError at the first loss that is no number.
    """
    optimizer = torch.optim.AdamW([{"params": g.parameters, "lr": g.lr} for g in groups], weight_decay=0.0)
    every = [parameter for group in groups for parameter in group.parameters]
    metrics: list[dict[str, float]] = []
    seen = 0
    model.train()
    started = time.monotonic()
    with Progress(what, total=plan.steps, unit="steps") as progress:
        for step in range(plan.steps):
            rows = batch_indices(step, plan.batch, len(blocks.ids), plan.seed)
            factor = _factor(step, plan)
            for group, state in zip(groups, optimizer.param_groups, strict=True):
                state["lr"] = group.lr * factor
            loss = _loss(model, blocks.ids[rows], blocks.labels[rows])
            _require_number(loss, step)
            loss.backward()  # type: ignore[no-untyped-call]
            norm = float(nn.utils.clip_grad_norm_(every, _CLIP))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            seen += int((blocks.labels[rows] != -100).sum())
            metrics.append(
                {"step": step + 1, "loss": loss.item(), "lr_factor": factor, "grad_norm": norm, "tokens": seen}
            )
            rate = seen / max(time.monotonic() - started, 1e-9)
            progress.advance(note=f"loss {loss.item():.3f}, {rate:,.0f} tokens/s")
    return metrics


@torch.no_grad()
def mean_loss(model: nn.Module, blocks: Blocks, batch: int) -> float:
    """Mean negative log-likelihood in nats over every predicted token of the blocks; the model's mode is restored."""
    total, tokens = 0.0, 0
    training = model.training
    model.eval()
    for start in range(0, len(blocks.ids), batch):
        rows = slice(start, start + batch)
        predicted = int((blocks.labels[rows, 1:] != -100).sum())
        total += _loss(model, blocks.ids[rows], blocks.labels[rows]).item() * predicted if predicted else 0.0
        tokens += predicted
    model.train(training)
    return total / max(tokens, 1)


def _loss(model: nn.Module, ids: NDArray[np.int32], labels: NDArray[np.int32]) -> Tensor:
    """Mean over the predicted tokens of some blocks; the model shifts the labels and leaves out -100."""
    device = next(model.parameters()).device
    output: Any = model(
        input_ids=torch.from_numpy(ids).long().to(device),
        labels=torch.from_numpy(labels).long().to(device),
        use_cache=False,
    )
    loss: Tensor = output.loss
    return loss


def _factor(step: int, plan: Plan) -> float:
    """Share of the learning rate at a step: linear warm-up, then a cosine down to a tenth."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(plan.steps - plan.warmup, 1)
    return _FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * done))


def _require_number(loss: Tensor, step: int) -> None:
    if not torch.isfinite(loss):
        raise TrainingError(
            f"the loss is {loss.item()} at step {step + 1}; nothing was saved: lower --lr and --gate-lr"
        )
