"""Readers of fetched bytes in child processes with limits of memory, processor and wall time.

    with Sandbox(workers=2) as sandbox:
        done = sandbox.extract(data, url="https://example.org/a.pdf", content_type="application/pdf")
        for done in sandbox.map(Request(data, url) for data, url in files):
            ...

The result is the one of corpus.extract.extract, to the byte. Workers are used again from document to document; one that
runs out of memory or time, or dies, is replaced, and only the document it was reading has the outcome "unsupported"
with the reason. The processes leave with their parent, even when it is killed.

`Sandbox` may be shared by threads. It forks from a process of its own that loads the readers once and reads nothing
(see corpus.extract.sandbox_worker), so a program that uses it needs no `if __name__ == "__main__"`, and a replacement
costs milliseconds.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Condition, Lock
from types import TracebackType
from typing import Any, Final, Self

from corpus.base.errors import WorkerError
from corpus.extract.model import Extracted, failure
from corpus.extract.sandbox_wire import decode, frame, receive, send

__all__ = ["MEMORY", "SECONDS", "Request", "Sandbox"]

MEMORY: Final = 2**30  # bytes of address space of a worker
SECONDS: Final = 25.0  # of processor time a document
_BUSY: Final = 4  # times as long on the clock: what a reader takes must not depend on what else the machine does
_START_SECONDS: Final = 120.0  # for the readers to load, on a busy machine
_AHEAD: Final = 2  # documents handed to a worker at a time, so that it never waits for the next
_WINDOW: Final = 8  # documents a worker that may be under way or waiting for their turn


@dataclass(frozen=True)
class Request:
    """One document to read: its bytes, where they came from, and the media type as the server named it."""

    data: bytes
    url: str
    content_type: str = ""


def _extract(data: bytes, url: str, content_type: str) -> Extracted:
    """What a worker calls for a Request."""
    from corpus.extract import extract

    return extract(data, url=url, content_type=content_type)


class _DiedError(Exception):
    """A worker ended in the middle; the message says how."""


class _Worker:
    """One child: requests go out, answers come back in the same order."""

    def __init__(self, nursery: _Nursery) -> None:
        self._nursery = nursery
        self.channel, other = socket.socketpair()
        with other:
            try:
                self.pid = nursery.fork(other)
            except WorkerError:
                self.channel.close()
                raise
        self.channel.setblocking(False)  # a worker that waits to be heard reads nothing meanwhile
        self.waiting: deque[tuple[bytes, bytes]] = deque()
        self.outgoing: deque[memoryview] = deque()
        self.deadline = 0.0

    def ask(self, request: bytes, data: bytes) -> None:
        """Hand over a call, as much as the socket takes now. Its clock starts when the one before it is answered."""
        if not self.waiting:
            self._start_clock()
        self.waiting.append((request, data))
        self.outgoing.extend(frame(request, data))
        self.push()

    def push(self) -> None:
        """Send what the socket takes of what is still to be sent."""
        try:
            send(self.channel, self.outgoing)
        except BlockingIOError:
            return
        except OSError:  # told by the next answer, which will not come
            self.outgoing.clear()

    def answer(self) -> Extracted:
        """The next answer. Raises _DiedError where none comes, ImportError where a reader cannot be loaded."""
        try:
            done = decode(*receive(self.channel, self._wait))
        except TimeoutError:
            self.end()
            raise _DiedError(f"no end after {_BUSY * self._nursery.seconds:g} seconds") from None
        except (EOFError, OSError):
            raise _DiedError(_cause(self.end(), self._nursery)) from None
        except ValueError:
            self.end()
            raise _DiedError("the reader gave an answer that is none") from None
        self.waiting.popleft()
        self._start_clock()
        return done

    def _start_clock(self) -> None:
        self.deadline = time.monotonic() + _BUSY * self._nursery.seconds

    def _wait(self) -> None:
        """Until there is something to read, or room to send. Raises TimeoutError."""
        rest = self.deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        _ready([self], rest)

    def end(self) -> int:
        """Kill the process; its exit status as os.waitpid gives it."""
        self.channel.close()
        return self._nursery.end(self.pid)


def _cause(status: int, nursery: _Nursery) -> str:
    """Why a process died, in words."""
    number = status & 0x7F
    if number == signal.SIGXCPU:
        return f"no end after {nursery.seconds:g} seconds of processor time"
    if number in (signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGKILL):
        return f"the reader asked for more than {nursery.memory >> 20} MiB, or crashed (signal {number})"
    return f"the reader crashed ({f'signal {number}' if number else f'exit status {status >> 8}'})"


class _Nursery:
    """The process that forks workers."""

    def __init__(self, memory: int, seconds: float) -> None:
        self.memory, self.seconds = memory, seconds
        self._lock = Lock()
        self._control, other = socket.socketpair()
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(dict.fromkeys(part or os.curdir for part in (root, *sys.path)))  # what we can import
        words = [str(other.fileno()), str(memory), str(seconds)]
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "corpus.extract.sandbox_worker", *words],
                pass_fds=(other.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )
        self._control.settimeout(_START_SECONDS)
        self._ready = False

    def fork(self, channel: socket.socket) -> int:
        """Start a worker with this end of a socket; its process id. Raises WorkerError where none can be started."""
        with self._lock:
            if not self._ready:
                self._wait()
            return int(self._ask(b"fork", [channel.fileno()]))

    def end(self, pid: int) -> int:
        """Kill a worker; its status."""
        with self._lock:
            return int(self._ask(b"end %d" % pid, []))

    def _wait(self) -> None:
        try:
            self._ready = self._control.recv(5) == b"ready"
        except OSError:
            self._ready = False
        if not self._ready:
            raise WorkerError(self._complaint())

    def _ask(self, word: bytes, handles: list[int]) -> bytes:
        try:
            socket.send_fds(self._control, [word], handles)
            answer = b""
            while len(answer) < 20:
                part = self._control.recv(20 - len(answer))
                if not part:
                    raise WorkerError(self._complaint())
                answer += part
        except OSError as error:
            raise WorkerError(f"the processes of the readers are gone ({error.strerror or error})") from error
        return answer

    def _complaint(self) -> str:
        """The last line that the process said."""
        self._process.kill()
        said = (self._process.communicate()[1] or b"").decode(errors="replace").strip().splitlines()
        return f"the readers could not be started in a process of their own: {said[-1] if said else 'no word why'}"

    def close(self) -> None:
        """End everything: the workers die with their nursery."""
        self._control.close()
        if self._process.stderr is not None:
            self._process.stderr.close()
        self._process.kill()
        self._process.wait()


def _ready(workers: Sequence[_Worker], seconds: float) -> list[socket.socket]:
    """The channels with something to read, at once or within so long; whoever has room is sent more on the way."""
    sending = [worker for worker in workers if worker.outgoing]
    ready, room, _ = select.select([w.channel for w in workers], [w.channel for w in sending], [], seconds)
    for worker in sending:
        if worker.channel in room:
            worker.push()
    return ready


def _heard(workers: Sequence[_Worker]) -> list[int]:
    """The workers that have answered or died, or whose time is over."""
    asked = [worker for worker in workers if worker.waiting]
    rest = max(0.0, min(worker.deadline for worker in asked) - time.monotonic())
    ready = _ready(asked, rest)
    late = time.monotonic()
    return [
        number
        for number, worker in enumerate(workers)
        if worker.waiting and (worker.channel in ready or worker.deadline <= late)
    ]


class Sandbox:
    """A pool of `workers` reader processes, each with at most `memory` bytes and `seconds` a document."""

    def __init__(self, workers: int = 1, *, memory: int = MEMORY, seconds: float = SECONDS) -> None:
        self._size, self._memory, self._seconds = max(1, workers), memory, seconds
        self._nursery: _Nursery | None = None
        self._idle: list[_Worker] = []
        self._out = 0
        self._free = Condition()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all processes. The sandbox may be used again; they are then started anew."""
        with self._free:
            if self._nursery is not None:
                self._nursery.close()
            for worker in self._idle:
                worker.channel.close()
            self._nursery, self._idle = None, []

    def extract(self, data: bytes, *, url: str, content_type: str = "") -> Extracted:
        """corpus.extract.extract in a worker."""
        return self._one(_extract, data, url, content_type)

    def call(self, function: Callable[..., Extracted], *arguments: Any, **keywords: Any) -> Extracted:
        """Any reader, a function of a module, in a worker; what it is given is copied there."""
        return self._one(function, None, *arguments, **keywords)

    def map(self, requests: Iterable[Request]) -> Iterator[Extracted]:
        """The results of many documents, in their order, read by all workers at once."""
        tasks = ((pickle.dumps((_extract, True, (one.url, one.content_type), {})), one.data) for one in requests)
        workers = [self._take()]
        try:
            while len(workers) < self._size and (more := self._take(wait=False)) is not None:
                workers.append(more)
            yield from self._spread(tasks, workers)  # type: ignore[arg-type]
        finally:
            for worker in workers:
                self._put(worker)

    def _spread(self, tasks: Iterator[tuple[bytes, bytes]], workers: list[_Worker]) -> Iterator[Extracted]:
        """Documents go to whoever is free; results wait until those before them are there."""
        done: dict[int, Extracted] = {}
        places: list[deque[int]] = [deque() for _ in workers]  # numbers of the documents that each worker holds
        task = next(tasks, None)
        asked = given = 0
        while True:
            while task is not None and asked - given < _WINDOW * len(workers):
                turn = min(range(len(workers)), key=lambda n: len(places[n]))
                if len(places[turn]) >= _AHEAD:
                    break
                workers[turn].ask(*task)
                places[turn].append(asked)
                asked += 1
                task = next(tasks, None)
            if given in done:
                yield done.pop(given)
                given += 1
            elif given == asked:
                return
            else:
                for turn in _heard(workers):
                    workers[turn], result = self._answer(workers[turn])
                    done[places[turn].popleft()] = result

    def _one(
        self, function: Callable[..., Extracted], data: bytes | None, *arguments: Any, **keywords: Any
    ) -> Extracted:
        worker = self._take()
        assert worker is not None
        try:
            worker.ask(pickle.dumps((function, data is not None, arguments, keywords)), data or b"")
            worker, done = self._answer(worker)
        finally:
            self._put(worker)
        return done

    def _answer(self, worker: _Worker) -> tuple[_Worker, Extracted]:
        """(the worker, or the one that took its place, the next result)."""
        try:
            return worker, worker.answer()
        except _DiedError as died:
            worker.waiting.popleft()
            fresh = self._start()
            for request, data in worker.waiting:  # what waited behind it has done nothing wrong
                fresh.ask(request, data)
            return fresh, failure("unsupported", str(died))

    def _start(self) -> _Worker:
        if self._nursery is None:
            self._nursery = _Nursery(self._memory, self._seconds)
        return _Worker(self._nursery)

    def _take(self, *, wait: bool = True) -> _Worker | None:
        """An idle worker, or a new one while there are fewer than the pool may have."""
        with self._free:
            while not self._idle and self._out >= self._size:
                if not wait:
                    return None
                self._free.wait()
            worker = self._idle.pop() if self._idle else self._start()
            self._out += 1
            return worker

    def _put(self, worker: _Worker | None) -> None:
        with self._free:
            self._out -= 1
            if worker is not None and not worker.waiting and self._nursery is not None:
                self._idle.append(worker)
            elif worker is not None and self._nursery is not None:
                worker.end()  # it was left in the middle
            self._free.notify()
