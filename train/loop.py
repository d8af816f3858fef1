"""The training loop, the same for pre-training the tiny base and for QLoRA, and the measurement of a loss.

One line of metrics a step, without any clock, so that a run's files depend on its inputs alone; speed is for the eye.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from corpus.base.progress import Progress
from train.checkpoint import Store, Timer
from train.checkpoint_rule import RULE
from train.losses import pet_weight, second_difference, triples
from train.order import Cursor, batch_indices
from train.signals import stop_wishes
from train.snapshot import Group, Standing, capture, restore
from train.tokens import Blocks

__all__ = ["Plan", "fit", "mean_loss", "reproducible"]

_CLIP = 1.0  # largest norm of the gradient
_FLOOR = 0.1  # share of the learning rate that the cosine ends at


@dataclass(frozen=True)
class Plan:
    """How long and on how much: steps, blocks a step, warm-up steps, the seed of the order of the blocks.

    `pet`: the weights of the penalty of train.losses in its three phases; none: it is off.
    """

    steps: int
    batch: int
    warmup: int
    seed: int
    pet: tuple[float, ...] = ()


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
) -> list[dict[str, float]]:
    """Train in place with AdamW, warm-up and cosine; return the metrics of each step.

    With a store the run goes on from its newest whole checkpoint, saves one as checkpoint_rule.RULE says and at the
    end, and on SIGINT or SIGTERM after the step under way. What comes out is the same to the bit as without any
    interruption. `before_step` is told each step's number, from 0.
    Metrics: step (from 1), loss (mean over the batch's predicted tokens, before the update), lr factor, norm of the
    gradient before clipping, tokens seen; with PET its value (before weighting) and weight. Raises TrainingError at the
    first loss or gradient that is no number, before it touches a weight, and where a signal stopped the run (exit
    status 128 + its number).
    """
    optimizer = torch.optim.AdamW(
        [{"params": list(g.parameters.values()), "lr": g.lr} for g in groups], weight_decay=0.0
    )
    at = _start(store, groups, optimizer, plan, blocks)
    timer = Timer(RULE.get())
    model.train()
    with stop_wishes() as wish, Progress(what, total=plan.steps, unit="steps") as progress:
        progress.advance(at.step)
        before, started = at.seen, time.monotonic()
        while at.step < plan.steps:
            if before_step:
                before_step(at.step)
            loss = _step(model, blocks, groups, optimizer, plan, at)
            rate = (at.seen - before) / max(time.monotonic() - started, 1e-9)
            progress.advance(note=f"loss {loss:.3f}, {rate:,.0f} tokens/s")
            if store and (timer.due(at.step) or wish.signal or at.step == plan.steps):
                store.save(capture(groups, optimizer, at, _cursor(at, plan, blocks), config or {}))
                timer.saved()
            if wish.signal and at.step < plan.steps:
                raise _stopped(wish.signal, at.step, plan, store)
    return at.metrics


def _start(
    store: Store | None, groups: Sequence[Group], optimizer: torch.optim.Optimizer, plan: Plan, blocks: Blocks
) -> Standing:
    """Where to begin: at the newest whole checkpoint of this run, or at zero."""
    snapshot = store.newest() if store and RULE.get().resume else None
    if snapshot is None:
        return Standing()
    sys.stderr.write(f"going on from the checkpoint at step {snapshot.step} of {plan.steps}\n")
    return restore(snapshot, groups, optimizer, _cursor(Standing(snapshot.step), plan, blocks))


def _step(
    model: nn.Module,
    blocks: Blocks,
    groups: Sequence[Group],
    optimizer: torch.optim.Optimizer,
    plan: Plan,
    at: Standing,
) -> float:
    """One optimiser step; the standing moves on, and the loss before the update comes back."""
    rows = batch_indices(at.step, plan.batch, len(blocks), plan.seed)
    factor = _factor(at.step, plan)
    for group, state in zip(groups, optimizer.param_groups, strict=True):
        state["lr"] = group.lr * factor
    ids, labels = _tensors(model, blocks, rows)
    output = _forward(model, ids, labels, hidden=bool(plan.pet))
    loss: Tensor = output.loss
    _require_number(loss.item(), "loss", at.step)
    whole, parts = _with_pet(output, ids, labels, blocks.pad, plan, at.step)
    whole.backward()  # type: ignore[no-untyped-call]
    norm = float(nn.utils.clip_grad_norm_([p for group in groups for p in group.parameters.values()], _CLIP))
    _require_number(norm, "norm of the gradient", at.step)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    at.seen += int((labels != -100).sum())
    at.step += 1
    told = {"step": at.step, "loss": loss.item(), "lr_factor": factor, "grad_norm": norm, "tokens": at.seen}
    at.metrics.append(told | parts)
    return loss.item()


def _cursor(at: Standing, plan: Plan, blocks: Blocks) -> Cursor:
    return Cursor(at.step, plan.batch, len(blocks), plan.seed)


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
        ids, labels = _tensors(model, blocks, range(start, min(start + batch, len(blocks))))
        predicted = int((labels[:, 1:] != -100).sum())
        total += _forward(model, ids, labels).loss.item() * predicted if predicted else 0.0
        tokens += predicted
    model.train(training)
    return total / max(tokens, 1)


def _forward(model: nn.Module, ids: Tensor, labels: Tensor, *, hidden: bool = False) -> Any:
    """Answer with `loss`, the mean over predicted tokens; the model shifts the labels and leaves out -100."""
    return model(input_ids=ids, labels=labels, use_cache=False, output_hidden_states=hidden)


def _tensors(model: nn.Module, blocks: Blocks, places: Iterable[int]) -> tuple[Tensor, Tensor]:
    """Ids and labels of some blocks, where the model is."""
    device = next(model.parameters()).device
    ids, labels = (torch.from_numpy(part).long().to(device) for part in blocks.take(places))
    return ids, labels


def _with_pet(
    output: Any, ids: Tensor, labels: Tensor, end: int, plan: Plan, step: int
) -> tuple[Tensor, dict[str, float]]:
    """The loss to descend, and what of it goes into the metrics beside the language model's."""
    loss: Tensor = output.loss
    if not plan.pet:
        return loss, {}
    penalty = second_difference(output.hidden_states[-1], triples(ids, labels, end))
    _require_number(penalty.item(), "penalty PET", step)
    weight = pet_weight(step, plan.steps, plan.pet)
    return loss + weight * penalty, {"pet": penalty.item(), "pet_weight": weight}


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
