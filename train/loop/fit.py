"""The training loop, the same for pre-training the tiny base and for QLoRA, and the measurement of a loss.

One line of metrics a step, without any clock, so that a run's files depend on its inputs alone; speed is for the eye.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from corpus.base.errors import TrainingError
from corpus.base.progress import Progress
from train.checkpoint.snapshot import Group
from train.checkpoint.store import Store
from train.distributed import ranks
from train.loop.keeper import Keeper
from train.loop.objective import forward, take
from train.loop.signals import stop_wishes
from train.loop.step import Plan, Stepper
from train.loop.watch import Watch
from train.packing.tokens import Blocks

__all__ = ["Plan", "fit", "mean_loss", "reproducible"]


@contextlib.contextmanager
def reproducible(seed: int, threads: int) -> Iterator[None]:
    """Run with a seed, a fixed number of threads and deterministic kernels; afterwards all is as it was before.

    Python's and NumPy's generators are seeded as well: a checkpoint holds them, and equal runs write equal ones.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with this
    before_threads, before_strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    before_python, before_numpy = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(ranks.own_gpu()):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(True)
        torch.set_flush_denormal(True)  # a well-learnt text has tiny gradients, and a CPU is 10 times slower on them
        try:
            yield
        finally:
            random.setstate(before_python)
            np.random.set_state(before_numpy)
            torch.set_num_threads(before_threads)
            torch.use_deterministic_algorithms(before_strict)
            torch.set_flush_denormal(False)


def fit(
    model: nn.Module,
    blocks: Blocks,
    groups: Sequence[Group],
    plan: Plan,
    what: str,
    *,
    store: Store | None = None,
    config: Mapping[str, Any] | None = None,
    before_step: Callable[[int], None] | None = None,
    watch: Watch | None = None,
    tell: Callable[[Mapping[str, float]], None] | None = None,
) -> list[dict[str, float]]:
    """Train in place with AdamW, warm-up and a falling rate; return the metrics of each step.

    With a store the run goes on from its newest whole checkpoint, saves one as checkpoint.rule.RULE says and at the
    end, and on SIGINT or SIGTERM after the step under way. What comes out is the same to the bit as without any
    interruption. `before_step` is told each step's number, from 0; `watch` looks after each step and may end the run;
    `tell` gets each line of metrics made by this process.
    Metrics: step (from 1), loss (mean over the batch's predicted tokens, before the update), lr factor, norm of the
    gradient before clipping, tokens seen; of each further loss its value (before weighting) and weight; where the loss
    is scaled its scale, and skipped for a step that moved nothing; held_out where it was validated. Raises
    TrainingError at the first loss, gradient or weight that is no number, with the last good state in the model again,
    and where a signal stopped the run (exit status 128 + its number).
    """
    optimizer = torch.optim.AdamW(
        [{"params": list(g.parameters.values()), "lr": g.lr} for g in groups], weight_decay=0.0
    )
    stepper = Stepper(model, blocks, groups, optimizer, plan)
    keeper = Keeper(store, stepper, watch, config)
    at = keeper.begin()
    model.train()
    with stop_wishes() as wish, Progress(what, total=plan.steps, unit="steps", begun=at.step) as progress:
        before, started = at.seen, time.monotonic()
        while at.step < plan.steps and not (watch and watch.stopped):
            if before_step:
                before_step(at.step)
            try:
                loss = stepper.take(at)
                if watch:
                    watch.after(at, groups, plan.steps)
                stop = stepper.ranks.highest(wish.signal)
                over = at.step == plan.steps or bool(watch and watch.stopped)
                keeper.save(at, now=over or bool(stop))
            except TrainingError as error:
                raise keeper.back(error) from error
            if tell:
                tell(at.metrics[-1])
            rate = (at.seen - before) / max(time.monotonic() - started, 1e-9)
            progress.advance(note=f"loss {loss:.3f}, {rate:,.0f} tokens/s")
            if stop and not over:
                raise _stopped(stop, at.step, plan, store)
    return at.metrics


def _stopped(number: int, step: int, plan: Plan, store: Store | None) -> TrainingError:
    saved = "a checkpoint is saved: the same command goes on from it" if store else "nothing of it was saved"
    error = TrainingError(f"stopped by {signal.Signals(number).name} after step {step} of {plan.steps}; {saved}")
    error.exit_code = 128 + number
    return error


@torch.no_grad()
def mean_loss(model: nn.Module, blocks: Blocks, batch: int) -> float:
    """Mean negative log-likelihood in nats over every predicted token of the blocks; the model's mode is restored."""
    total, tokens = 0.0, 0
    training = model.training
    model.eval()
    for start in range(0, len(blocks), batch):
        part = take(model, blocks, range(start, min(start + batch, len(blocks))))
        predicted = int((part.labels[:, 1:] != -100).sum())
        total += forward(model, part).loss.item() * predicted if predicted else 0.0
        tokens += predicted
    model.train(training)
    return total / max(tokens, 1)
