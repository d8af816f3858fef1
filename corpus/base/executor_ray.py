"""The `ray` executor: each call is a Ray Core task that Ray repeats for as long as its workers or nodes die.

A call commits its files by rename and names them after their content, so that a call which Ray runs twice, even twice
at once, leaves the same bytes. Every node needs this package, in the same version, and the workspace under the same
path (a shared file system); nothing else travels but the call and its receipt. Source: docs/cluster.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, TypeVar

from corpus.base.errors import UsageError

__all__ = ["run_ray"]

T = TypeVar("T")
R = TypeVar("R")
_STORE: Final = 100 << 20  # bytes of Ray's object store where we start it; calls and receipts are all that lies there
_AHEAD: Final = 4  # calls handed to Ray a CPU of the cluster: enough that none waits, few enough to stop soon


def run_ray(
    function: Callable[[T], R],
    items: Sequence[T],
    *,
    workers: int,
    address: str | None = None,
    name: Callable[[T], str] = str,
) -> Iterator[tuple[int, R]]:
    """Call `function` on each item as a task of the Ray cluster at `address`; yield (index, result) as they finish.

    Without an address a cluster of `workers` CPUs is started on this machine, once a process; it ends with it. An
    exception of the function is raised here as it was there. Raises UsageError where Ray is missing or not reached.
    """
    if not items:
        return
    ray = _connected(workers, address)
    task = ray.remote(max_retries=-1, num_cpus=1)(function)
    most = _AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting = list(enumerate(items))[::-1]
    running: dict[Any, int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < most:
                index, item = waiting.pop()
                running[task.options(name=name(item)).remote(item)] = index
            done, _ = ray.wait(list(running), num_returns=1)
            for reference in done:
                index = running.pop(reference)
                yield index, _result(ray, reference)
    finally:
        for reference in running:
            ray.cancel(reference, force=True)


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        if isinstance(cause, BaseException):
            raise cause from None  # the function's own; Ray's text repeats the trace of the other process
        raise


def _connected(workers: int, address: str | None) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no report goes anywhere
    try:
        import ray
    except ImportError as error:
        raise UsageError('--executor ray needs Ray: pip install "hakusho[cluster]", or use --executor local') from error
    if ray.is_initialized():
        return ray
    # "local" and not None: a file that a former cluster left in /tmp/ray would be taken for a running one.
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, "configure_logging": False}
    if address is None:
        options |= {"num_cpus": workers, "object_store_memory": _STORE, "include_dashboard": False}
    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise UsageError(
            f"cannot reach a Ray cluster at {address or 'this machine'}: {first}; see --ray-address"
        ) from error
    return ray
