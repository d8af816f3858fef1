"""Several processes with a part of every step each: torchrun --nproc-per-node 2 -m -- train.qlora ...

Data parallel: every process holds the whole model, unless train.distributed.fsdp cuts its base, and takes its blocks of
a step; gradients are summed in one message before the update, for what is trained is small. Since each part weighs as
much as it predicts, N processes with B blocks do what one does with N x B, but for rounding. Process 0 alone writes,
speaks and decides; the others follow it.
Without torchrun nothing here touches torch.distributed, and sums are of one.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import nn

from corpus.base.errors import HakushoError, TrainingError

__all__ = ["LEADER", "Leader", "Ranks", "follow", "here", "joined", "own_gpu"]

T = TypeVar("T")
Number = TypeVar("Number", int, float)

_WAIT = dt.timedelta(days=1)  # tokenising a large corpus takes process 0 long


@dataclass(frozen=True)
class Ranks:
    """The number of this process and how many there are."""

    rank: int = 0
    size: int = 1

    def total(self, numbers: Mapping[str, Number]) -> dict[str, Number]:
        """Sums over all processes, each of which may name others."""
        found: dict[str, Number] = {}
        for own in self.gather(dict(numbers)):
            for name, number in own.items():
                found[name] = found[name] + number if name in found else number
        return found

    def first(self, act: Callable[[], T]) -> T:
        """What process 0 makes of `act`, in all; where that raises a HakushoError, all raise it."""
        if self.size == 1:
            return act()
        made: list[Any] = [None]
        if self.rank == 0:
            try:
                made = [act()]
            except HakushoError as error:
                made = [error]
        torch.distributed.broadcast_object_list(made, src=0)
        if isinstance(made[0], HakushoError):
            raise made[0]
        return made[0]  # type: ignore[no-any-return]

    def same(self, value: T) -> T:
        """A value that all have found, as process 0 has it: on unlike devices the last digits may differ."""
        return self.first(lambda: value)

    def part_ways(self, seed: int) -> None:
        """From the same weights on, give each process but the first its own random numbers: dropout must differ."""
        if self.rank:
            torch.manual_seed(seed + self.rank)

    def place(self, device: str) -> str:
        """The device of this process, where each has a GPU of its own."""
        return f"cuda:{torch.cuda.current_device()}" if self.size > 1 and device == "cuda" else device

    def highest(self, number: int) -> int:
        """The largest of all processes' numbers, so that all do the same."""
        return int(max(self.gather(number)))

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, in their order."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        torch.distributed.all_gather_object(found, value)
        return found

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give each parameter the sum of its gradients; one that has none in any process keeps none."""
        if self.size == 1:
            return
        every = list(parameters)
        felt = zip(*self.gather([p.grad is not None for p in every]), strict=True)
        felt_ones = [p for p, anywhere in zip(every, felt, strict=True) if any(anywhere)]
        if not felt_ones:
            return
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in felt_ones]
        flat = torch.cat([part.flatten() for part in parts])
        torch.distributed.all_reduce(flat)
        for parameter, part in zip(felt_ones, torch.split(flat, [p.numel() for p in felt_ones]), strict=True):
            parameter.grad = part.view_as(parameter).clone()


@dataclass
class Leader:
    """Process 0's word to the others: what to work on, or that it is over."""

    ranks: Ranks
    waiting: bool = field(default=True)

    def send(self, job: Any) -> None:
        """Have all the others start on the same."""
        torch.distributed.broadcast_object_list([job], src=0)
        self.waiting = False  # until they are done with it

    def dismiss(self) -> None:
        """Send the others home, where they wait for work."""
        if self.waiting:
            torch.distributed.broadcast_object_list([None], src=0)


LEADER: ContextVar[Leader] = ContextVar("LEADER")


def here() -> Ranks:
    """Where this process stands among the others; alone, it is one of one."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return Ranks()
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Join the processes that torchrun has started, over gloo on CPUs and NCCL on GPUs.

    Raises TrainingError for more processes on this machine than it has GPUs.
    """
    from accelerate import PartialState  # type: ignore[import-untyped]

    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    if device == "cuda" and processes > (there := torch.cuda.device_count()):
        raise TrainingError(f"{processes} processes, and torch sees {there} GPUs here; use --nproc-per-node {there}")
    PartialState(cpu=device == "cpu", timeout=_WAIT)
    try:
        yield here()
    finally:
        torch.distributed.destroy_process_group()
        PartialState._reset_state()  # noqa: SLF001  it is a singleton without another way out


def follow(work: Callable[[Any], object]) -> None:
    """Work on what process 0 sends, until it sends nothing more."""
    while True:
        box: list[Any] = [None]
        torch.distributed.broadcast_object_list(box, src=0)
        if box[0] is None:
            return
        work(box[0])


def own_gpu() -> list[int]:
    """The number of the GPU that this process computes on, or none: only its random numbers matter here."""
    return [torch.cuda.current_device()] if torch.cuda.is_available() else []
