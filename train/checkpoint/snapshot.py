"""From a run in memory to a snapshot and back, to the bit: parameters, optimiser, random numbers, metrics, cursor."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from corpus.base.errors import TrainingError
from train.checkpoint.store import Snapshot
from train.data.order import Cursor
from train.distributed import ranks

__all__ = ["Group", "Standing", "capture", "restore"]


@dataclass(frozen=True)
class Group:
    """A part of the model that is trained: its parameters by name, which share a learning rate."""

    name: str
    parameters: Mapping[str, nn.Parameter]
    lr: float


@dataclass
class Standing:
    """How far a run has come: steps done, tokens seen, the metrics of each step."""

    step: int = 0
    seen: int = 0
    metrics: list[dict[str, float]] = field(default_factory=list)


def capture(
    groups: Sequence[Group],
    optimizer: torch.optim.Optimizer,
    standing: Standing,
    cursor: Cursor,
    config: Mapping[str, Any],
) -> Snapshot:
    """Everything that decides how the run goes on; tensors are the live ones, so write them before the next step."""
    parts: dict[str, dict[str, Tensor]] = {group.name: dict(group.parameters) for group in groups}
    tensors, numbers = _optimizer_state(optimizer)
    parts["optimizer"] = tensors
    parts["random"] = _random_tensors()
    version, words, gauss = random.getstate()
    state = {
        "optimizer": numbers,
        "learning_rates": [group["lr"] for group in optimizer.param_groups],
        "cursor": cursor.as_json(),
        "tokens": standing.seen,
        "metrics": standing.metrics,
        "python_random": [version, list(words), gauss],
        "config": dict(config),
    }
    return Snapshot(standing.step, parts, state)


def restore(snapshot: Snapshot, groups: Sequence[Group], optimizer: torch.optim.Optimizer, cursor: Cursor) -> Standing:
    """Put a snapshot into the parameters, the optimiser and the generators; where the run stands with it.

    Raises TrainingError where the snapshot is of other parameters or of other data.
    """
    for group in groups:
        saved = snapshot.parts.get(group.name, {})
        if saved.keys() != group.parameters.keys():
            raise TrainingError(f"the checkpoint's part {group.name} holds other parameters; start with --resume no")
        with torch.no_grad():
            for name, parameter in group.parameters.items():
                parameter.copy_(saved[name])
    if snapshot.state["cursor"] != cursor.as_json():
        raise TrainingError("the checkpoint stands in other data; start with --resume no")
    _restore_optimizer(optimizer, snapshot)
    _restore_random(snapshot)
    return Standing(snapshot.step, snapshot.state["tokens"], list(snapshot.state["metrics"]))


def _optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors: dict[str, Tensor] = {}
    numbers: dict[str, Any] = {}
    for index, values in optimizer.state_dict()["state"].items():
        for key, value in values.items():
            (tensors if isinstance(value, Tensor) else numbers)[f"{index}.{key}"] = value
    return tensors, numbers


def _restore_optimizer(optimizer: torch.optim.Optimizer, snapshot: Snapshot) -> None:
    state: dict[int, dict[str, Any]] = {}
    for name, value in (*snapshot.parts["optimizer"].items(), *snapshot.state["optimizer"].items()):
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
    for group, lr in zip(optimizer.param_groups, snapshot.state["learning_rates"], strict=True):
        group["lr"] = lr


def _random_tensors() -> dict[str, Tensor]:
    name, words, position, has_gauss, gauss = np.random.get_state()
    del name
    found = {
        "torch": torch.get_rng_state(),
        "numpy_words": torch.from_numpy(np.asarray(words, dtype=np.uint32).view(np.int32).copy()),
        "numpy_rest": torch.tensor([position, has_gauss, gauss], dtype=torch.float64),
    }
    return found | {f"cuda_{index}": torch.cuda.get_rng_state(index) for index in ranks.own_gpu()}


def _restore_random(snapshot: Snapshot) -> None:
    found = snapshot.parts["random"]
    torch.set_rng_state(found["torch"])
    position, has_gauss, gauss = found["numpy_rest"].tolist()
    words = found["numpy_words"].numpy().view(np.uint32)
    np.random.set_state(("MT19937", words, int(position), int(has_gauss), gauss))
    version, python_words, python_gauss = snapshot.state["python_random"]
    random.setstate((version, tuple(python_words), python_gauss))
    for index in ranks.own_gpu():
        if f"cuda_{index}" in found:
            torch.cuda.set_rng_state(found[f"cuda_{index}"], index)
