"""Power cuts in a crawl: from every state that one can leave, the same command ends with every document, each once.

States are drawn by lot from those of a recorded crawl. Number and seed: HAKUSHO_CUTS and HAKUSHO_CUTS_SEED.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import crawl_driver
import pytest
import replay
from crawl_driver import PAGES, START, url_of
from replay import Op, Tree

from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from crawlers.archive.reader import read_answer
from crawlers.documents import settle

CUTS, SEED = int(os.environ.get("HAKUSHO_CUTS", "25")), int(os.environ.get("HAKUSHO_CUTS_SEED", "1"))


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, strace: str, python: str, environment: Mapping[str, str]
) -> list[Op]:
    """The system calls of a crawl from its start to its end."""
    folder = tmp_path_factory.mktemp("crawl")
    root = folder / "root"
    root.mkdir()
    return replay.record(strace, [python, crawl_driver.__file__, str(root)], root, folder / "log", environment)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder for the states; in memory where the machine has such, since a real disk makes each cost a second."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK):
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            yield Path(folder) / "w"
    else:
        yield tmp_path / "w"


def rows(root: Path, folder: str) -> list[dict[str, object]]:
    """All rows of the committed shards of a folder."""
    paths = sorted(path for path in (root / folder).glob("*.parquet") if not path.name.startswith("."))
    return [row for path in paths for row in read_shard(path).to_pylist()]


def finished(root: Path) -> bool:
    """Whether the harvest is at its end, so that the same command would begin a new one."""
    if not (root / "state.sqlite").exists():
        return False
    with contextlib.closing(sqlite3.connect(root / "state.sqlite")) as db:
        found = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'harvests'").fetchone()
        return bool(found and db.execute("SELECT 1 FROM harvests WHERE state = 'finished'").fetchone())


def after(root: Path, marks: Sequence[bytes], tree: Tree) -> list[str]:
    """Go on from a state as the same command would; what is wrong in the end."""
    shutil.rmtree(root, ignore_errors=True)
    for name, content in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    asked: list[str] = []
    if finished(root):
        settle(Workspace(root), "mod")
    else:
        asked, _ = asyncio.run(crawl_driver.crawl(root, lambda _: None))
    faults = []
    pages = Counter(str(row["key"]) for row in rows(root, "documents/mod"))
    if pages != {str(number): 1 for number in range(PAGES)}:
        faults.append(f"documents: {sorted(pages.items())}")
    booked = marks[-1].decode().split() if marks else []
    faults += [f"page {key} was booked and asked again" for key in booked if url_of(int(key)) in asked]
    faults += [f"{url} asked twice in one run" for url, times in Counter(asked).items() if times > 1]
    history = rows(root, "fetches/mod")
    told = Counter(str(row["url"]) for row in history if row["documents"])
    if told != {url_of(number): 1 for number in range(PAGES)} or START not in {row["url"] for row in history}:
        faults.append(f"history: {told}")
    for row in history:
        try:
            body = read_answer(root / str(row["warc_file"]), int(str(row["warc_offset"]))).response.body
        except Exception as error:  # noqa: BLE001  any way to fail is a fault of the archive
            faults.append(f"archive: {row['url']}: {error}")
        else:
            if hashlib.sha256(body).hexdigest() != row["raw_sha256"]:
                faults.append(f"archive: {row['url']}: other bytes")
    faults += [f"left behind: {path}" for path in root.rglob("*.tmp-*")]
    return faults


def found(ops: list[Op], place: Path, number: int) -> list[tuple[int, list[str]]]:
    """The faults of so many states."""
    every = []
    for marks, tree in replay.samples({}, ops, number, random.Random(SEED)):
        try:
            faults = after(place, marks, tree)
        except Exception as error:  # noqa: BLE001  a state that cannot be gone on from is a fault
            faults = [repr(error)]
        if faults:
            every.append((len(marks), faults))
    return every


def test_no_cut_loses_or_doubles_anything(recorded: list[Op], place: Path) -> None:
    """Documents, history and archive are whole in the end; what was booked before the cut is not asked again."""
    assert [op.data.split()[-1:] for op in recorded if op.kind == "mark"][-1] == [b"5"]
    assert found(recorded, place, CUTS) == []


@pytest.mark.parametrize("suffix", [".warc.gz", ".parquet", "state.sqlite-wal"])
def test_each_sync_is_needed(recorded: list[Op], place: Path, suffix: str) -> None:
    """Without the synchronisation of the archive, of shards or of the frontier, what was booked is lost."""
    kept = [op for op in recorded if op.kind != "sync" or suffix not in op.path]
    assert len(kept) < len(recorded)
    assert any(_broken(place, marks, tree) for marks, tree in _worst(kept))


def _worst(ops: list[Op]) -> Iterator[tuple[list[bytes], Tree]]:
    """The states right after each commit in which all that is pending is lost."""
    disk, marks = replay.Disk({}), list[bytes]()
    for op in ops:
        disk.do(op)
        if op.kind == "mark":
            marks.append(op.data)
            yield list(marks), next(disk.cuts())


def _broken(place: Path, marks: list[bytes], tree: Tree) -> bool:
    try:
        return bool(after(place, marks, tree))
    except Exception:  # noqa: BLE001  a state that cannot be gone on from is a fault
        return True
