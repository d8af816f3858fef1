"""The `local` executor: spawned processes; a killed worker is replaced and its work repeated.

Python's process pool breaks as a whole when one worker dies: every call under way fails with it. So the pool is built
anew and what was under way is tried again, one call at a time once anything has died twice: a call that kills its
worker is then known by name, and only it fails.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from corpus.base.errors import WorkerError

__all__ = ["MAX_DEATHS", "run_local"]

T = TypeVar("T")
R = TypeVar("R")
MAX_DEATHS = 3


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
        careful = any(deaths[index] >= 2 for index in waiting)
        lost: list[int] = []
        yield from _one_pool(function, items, waiting, 1 if careful else workers, lost)
        for index in lost:
            deaths[index] += 1
            if deaths[index] >= MAX_DEATHS and careful:
                raise WorkerError(
                    f"{name(items[index])}: its worker process died {deaths[index]} times (killed, or out of memory); "
                    "run again with --workers 1 to see why"
                )
        waiting = lost


def _one_pool(
    function: Callable[[T], R], items: Sequence[T], indices: Sequence[int], workers: int, lost: list[int]
) -> Iterator[tuple[int, R]]:
    """Work off `indices` in one pool; those that a broken pool takes down land in `lost`."""
    context = multiprocessing.get_context("spawn")
    pending = list(reversed(indices))
    running: dict[Future[R], int] = {}
    with ProcessPoolExecutor(min(workers, len(pending)), mp_context=context) as pool:
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
    lost.extend(reversed(pending))
