"""The sandbox: the same results as in this process, and no document that takes more than its own outcome with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sandbox_readers import babble, burn, crash, greedy, patient

from corpus.base.errors import WorkerError
from corpus.extract import extract
from corpus.extract.sandbox import Request, Sandbox
from corpus.extract.wikitext import extract_wikitext


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A pool with small limits, shared by the tests of this file."""
    with Sandbox(2, memory=2**29, seconds=2.0) as pool:
        yield pool


def test_same_result(sandbox: Sandbox, samples: dict[str, bytes]) -> None:
    """Every format gives what the plain function gives, one by one and in a stream, in order."""
    expected = [extract(data, url=f"file:///{name}") for name, data in samples.items()]
    assert [sandbox.extract(data, url=f"file:///{name}") for name, data in samples.items()] == expected
    requests = [Request(data, f"file:///{name}") for name, data in samples.items()] * 3
    assert list(sandbox.map(iter(requests))) == expected * 3
    assert list(sandbox.map([])) == []
    assert sandbox.extract(b"", url="") == extract(b"", url="")


def test_call(sandbox: Sandbox) -> None:
    """Any reader can be called, with whatever it takes."""
    done = sandbox.call(extract_wikitext, "'''山'''は[[地形]]である。" * 30, title="山", lang="ja")
    assert done == extract_wikitext("'''山'''は[[地形]]である。" * 30, title="山", lang="ja")


@pytest.mark.parametrize(
    ("reader", "reason"),
    [(greedy, "memory"), (burn, "no end after 2 seconds"), (patient, "no end after 8 seconds"), (crash, "signal 11")],
)
def test_limits(sandbox: Sandbox, reader: object, reason: str) -> None:
    """Memory, processor and wall time end, and a crash is told; the next document is read as ever."""
    start = time.monotonic()
    done = sandbox.call(reader)  # type: ignore[arg-type]
    assert done.outcome == "unsupported"
    assert reason in done.reason
    assert time.monotonic() - start < 120
    assert sandbox.extract("次の文書です。".encode(), url="").outcome == "ok"


def test_one_bad_document_among_many() -> None:
    """In a stream, a document that kills its worker costs itself alone: those handed over behind it are read."""
    with Sandbox(1, memory=2**29, seconds=2.0) as pool:
        worker = pool._take()
        assert worker is not None
        pool._put(worker)
        results = pool.map(Request(f"文書{number}です。".encode(), "") for number in range(6))
        first = next(results)
        os.kill(worker.pid, signal.SIGKILL)
        rest = list(results)
    assert first.text == "文書0です。"
    outcomes = [done.outcome for done in rest]
    assert len(rest) == 5
    assert outcomes.count("unsupported") <= 1
    assert [done.text for done in rest if done.outcome == "ok"] == [
        f"文書{number}です。" for number, outcome in enumerate(outcomes, 1) if outcome == "ok"
    ]


def test_large_documents_both_ways(sandbox: Sandbox) -> None:
    """Documents and texts larger than a socket holds pass without the two sides waiting for each other."""
    texts = [f"{number} " + "これは長い文書の一行です。\n" * 40_000 for number in range(5)]
    done = list(sandbox.map(Request(text.encode(), "") for text in texts))
    assert [one.text for one in done] == [text.strip() for text in texts]


def test_an_answer_that_is_none(sandbox: Sandbox) -> None:
    """A worker that writes something else on its socket costs its own document, and is replaced."""
    done = sandbox.call(babble)
    assert (done.outcome, done.reason) == ("unsupported", "the reader gave an answer that is none")
    assert sandbox.extract(b"plain words", url="").outcome == "ok"


def test_a_stream_left_early(sandbox: Sandbox) -> None:
    """A caller that stops in the middle of a stream gets no stale answers later."""
    stream = sandbox.map(Request(f"文書{number}です。".encode(), "") for number in range(9))
    assert next(stream).text == "文書0です。"
    stream.close()  # type: ignore[attr-defined]
    assert [sandbox.extract(b"plain words", url="").text for _ in range(3)] == ["plain words"] * 3


def test_processes_leave_with_their_parent() -> None:
    """A parent that is killed leaves nobody behind, not even a reader in an endless loop."""
    code = (
        "import os, sys, threading, time\n"
        "from sandbox_readers import patient\n"
        "from corpus.extract.sandbox import Sandbox\n"
        "pool = Sandbox(1, seconds=600)\n"
        "pool.extract(b'plain words', url='')\n"
        "print(pool._idle[0].pid, pool._nursery._process.pid, flush=True)\n"
        "pool.call(patient)\n"
    )
    folders = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
    environment = {**os.environ, "PYTHONPATH": folders}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
        parent.kill()
    deadline = time.monotonic() + 20
    while any(_alive(pid) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_readers_that_cannot_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is one clear error, no outcome of a document."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with Sandbox() as pool, pytest.raises(WorkerError, match="could not be started"):
        pool.extract(b"plain words", url="")
