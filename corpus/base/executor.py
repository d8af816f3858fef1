"""Where units of work run: in local processes, or as tasks of a Ray cluster (corpus.base.executor_ray).

The `local` executor spawns processes; a killed worker is replaced and its work repeated.
Python's process pool breaks as a whole when one worker dies: every call under way fails with it. So the pool is built
anew and what was under way is tried again; a call that was under way at two deaths is tried alone: if it kills its
worker, it is known by name, and only it fails. Workers leave when their parent is gone, also when that was killed.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import Literal, TypeVar

from corpus.base.errors import WorkerError

__all__ = ["MAX_DEATHS", "Executor", "run_local"]

T = TypeVar("T")
R = TypeVar("R")
MAX_DEATHS = 5  # a machine short of memory kills more than one worker, and not always the one at fault


@dataclass(frozen=True)
class Executor:
    """Where calls run: `workers` local processes, or the Ray cluster at `address` (None: one on this machine).

    Which of them it is changes when a call runs and never what it gives.
    """

    kind: Literal["local", "ray"] = "local"
    workers: int = 1
    address: str | None = None

    def run(
        self, function: Callable[[T], R], items: Sequence[T], *, name: Callable[[T], str] = str
    ) -> Iterator[tuple[int, R]]:
        """Call `function` on each item; yield (index of the item, result) as they finish.

        `function` and the items are picklable. An exception of the function is raised here, after no further work is
        begun. Raises WorkerError for an item that kills its workers, UsageError where Ray cannot be had.
        """
        if self.kind == "ray":
            from corpus.base.executor_ray import run_ray

            return run_ray(function, items, workers=self.workers, address=self.address, name=name)
        return run_local(function, items, workers=self.workers, name=name)


def run_local(
    function: Callable[[T], R], items: Sequence[T], *, workers: int, name: Callable[[T], str] = str
) -> Iterator[tuple[int, R]]:
    """Call `function` on each item in spawned processes; yield (index of the item, result) as they finish.

    `function` and the items are picklable. With one worker the calls are made in this process. An exception of the
    function is raised here, after no further work is begun. Raises WorkerError for an item that killed its worker
    MAX_DEATHS times.
    """
    if workers <= 1 or len(items) <= 1:
        for index, item in enumerate(items):
            yield index, function(item)
        return
    deaths = [0] * len(items)
    waiting = list(range(len(items)))
    while waiting:
        suspects = [index for index in waiting if deaths[index] >= MAX_DEATHS - 1]
        batch = suspects or waiting
        lost: list[int] = []
        done: set[int] = set()
        for index, result in _one_pool(function, items, batch, 1 if suspects else workers, lost):
            done.add(index)
            yield index, result
        for index in lost:
            deaths[index] += 1
            if deaths[index] >= MAX_DEATHS and suspects:
                raise WorkerError(
                    f"{name(items[index])}: its worker process died {deaths[index]} times (killed, or out of memory); "
                    "run again with --workers 1 to see why"
                )
        waiting = [index for index in waiting if index not in done]


def _one_pool(
    function: Callable[[T], R], items: Sequence[T], indices: Sequence[int], workers: int, lost: list[int]
) -> Iterator[tuple[int, R]]:
    """Work off `indices` in one pool until it breaks; those under way at that moment land in `lost`."""
    context = multiprocessing.get_context("spawn")
    pending = list(reversed(indices))
    running: dict[Future[R], int] = {}
    with ProcessPoolExecutor(min(workers, len(pending)), mp_context=context, initializer=_leave_with_parent) as pool:
        broken = False
        while running or (pending and not broken):
            while pending and len(running) < workers and not broken:
                index = pending.pop()
                try:
                    running[pool.submit(function, items[index])] = index
                except BrokenProcessPool:
                    pending.append(index)
                    broken = True
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=running.__getitem__):
                index = running.pop(future)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    lost.append(index)
                    broken = True
                    continue
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                yield index, result


def _leave_with_parent() -> None:
    """In a worker: end when the parent ends; a pool's worker holds both ends of its queue and would wait forever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # only ever called in a worker

    def watch() -> None:
        wait_for([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
