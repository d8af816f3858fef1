"""The other side of corpus.extract.sandbox: a nursery process, and the workers it forks.

The nursery (`python -m corpus.extract.sandbox_worker FD`) imports the readers once and reads nothing that was fetched.
On its control socket it is told "fork" (with the worker's end of a socket) and "end PID"; it answers with a process id,
and with the exit status of the one it ended. When its parent is gone, the socket closes and it leaves; the kernel then
kills its workers (PR_SET_PDEATHSIG), whatever they are doing.

A worker answers one request after the other. A request, made by the trusted parent, is a pickle of (function, whether
the bytes that follow are its first argument, arguments, keywords). An answer is no pickle: corpus.extract.sandbox_wire.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import pickle
import resource
import signal
import socket
import sys
from typing import Any, Final

from corpus.extract.model import failure
from corpus.extract.sandbox_wire import encode, frame, receive, send

__all__ = ["main"]

_PR_SET_PDEATHSIG: Final = 1


def _nursery(control: socket.socket, memory: int, seconds: float) -> None:
    """Fork workers as told, until the parent is gone."""
    _load()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)  # a page makes many small objects, few cycles; the limit of memory stands
    control.sendall(b"ready")
    while True:
        message, handles, _, _ = socket.recv_fds(control, 64, 1)
        if not message:
            return
        word, _, number = message.decode().strip().partition(" ")
        if word == "fork":
            pid = os.fork()
            if not pid:
                control.close()
                _work(socket.socket(fileno=handles[0]), memory, seconds)
            os.close(handles[0])
            control.sendall(b"%20d" % pid)
        else:
            os.kill(int(number), signal.SIGKILL)
            _, status = os.waitpid(int(number), 0)
            control.sendall(b"%20d" % status)


def _load() -> None:
    """Import every reader and let it read something small of ours, so that a fork finds all at hand."""
    from corpus.extract import extract, wikitext
    from corpus.extract.pdf import miner

    page = "<html><head><title>t</title></head><body><p>A sentence of plain words, for once.</p></body></html>"
    for sample in (page.encode(), b"plain text", b"%PDF-1.4 nothing %%EOF", b"<Law/>", b"<PackIns/>"):
        extract(sample, url="https://example.org/")
    wikitext.extract_wikitext("'''A''' is a [[letter]].", title="A", lang="en")
    miner.load()


def _work(channel: socket.socket, memory: int, seconds: float) -> None:
    """The life of a worker; never returns."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nothing = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        while True:
            request, data = receive(channel)
            _limit_cpu(seconds)
            send(channel, frame(*_answer(request, data)))
    except (EOFError, OSError):
        code = 0
    finally:
        os._exit(code)


def _limit_cpu(seconds: float) -> None:
    """The kernel ends this process once the next request has used this much processor time."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _answer(request: bytes, data: bytes) -> tuple[bytes, bytes]:
    """The encoded result of one call; a reader that raises has failed on its document alone."""
    try:
        function, with_data, arguments, keywords = pickle.loads(request)  # made by our own parent
        return encode(function(*((data,) if with_data else ()), *arguments, **keywords))
    except ImportError as error:
        return json.dumps({"import_error": str(error)}).encode(), b""
    except MemoryError:
        return encode(failure("unsupported", "the reader ran out of memory"))
    except Exception as error:  # noqa: BLE001
        return encode(failure("unsupported", f"the reader failed: {type(error).__name__}: {error}"))


def main(words: list[str]) -> Any:
    """Entry point of the nursery: file descriptor, memory in bytes, seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _nursery(socket.socket(fileno=int(words[0])), int(words[1]), float(words[2]))


if __name__ == "__main__":
    main(sys.argv[1:])
