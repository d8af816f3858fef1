"""Every committed file of a chain of two stages, damaged in every way: found, put aside, rebuilt to the same bytes."""

from __future__ import annotations

from pathlib import Path

import base_stages
import pytest

from corpus.base.commit import sha256_file
from corpus.base.errors import CorruptFileError
from corpus.base.stages import StageReport, Task, run_tasks
from corpus.base.workspace import Workspace


def _chain(ws: Workspace) -> list[StageReport]:
    first = run_tasks(ws, base_stages.tasks_of(ws))
    second = [Task("again", path.stem, "base_stages:shout", (path,)) for path in ws.shards("loud")]
    return [first, run_tasks(ws, second)]


def _hashes(ws: Workspace) -> dict[str, str]:
    return {ws.relative(p): sha256_file(p) for p in ws.root.rglob("*.parquet")}


@pytest.mark.parametrize(
    "damage", ["cut-at-0", "cut-in-half", "cut-by-1", "flip-first", "flip-middle", "flip-last", "longer"]
)
def test_every_committed_file(tmp_path: Path, damage: str) -> None:
    """Whichever file was hurt, one more run gives everything back, and only the units that it hurt are redone."""
    ws = base_stages.corpus_of(tmp_path / "data", shards=1)
    _chain(ws)
    before = _hashes(ws)
    for name in (name for name in before if not name.startswith("in/")):
        path = ws.path(name)
        whole = path.read_bytes()
        where = {"flip-first": 0, "flip-middle": len(whole) // 2, "flip-last": -1}.get(damage)
        hurt = bytearray(whole)
        if where is not None:
            hurt[where] ^= 1
        lengths = {"cut-at-0": 0, "cut-in-half": len(whole) // 2, "cut-by-1": len(whole) - 1}
        path.write_bytes(bytes(hurt)[: lengths.get(damage)] + (b"\0" if damage == "longer" else b""))
        reports = _chain(ws)
        assert sum(report.done for report in reports) == 1, name
        assert [one for report in reports for one in report.healed] == [name]
        assert path.read_bytes() == whole
        assert _hashes(ws) == before
        assert len(list(ws.path("quarantine").iterdir())) == 1
        next(ws.path("quarantine").iterdir()).unlink()


def test_a_damaged_source_is_named_and_not_read(tmp_path: Path) -> None:
    """What no stage of ours made (here a recorded shard of documents) cannot be rebuilt: one line names it."""
    from corpus.base.commit import record_of
    from corpus.base.manifest import Manifest

    ws = base_stages.corpus_of(tmp_path / "data", shards=1)
    path = ws.path("in", "s00.parquet")
    with Manifest(ws) as manifest:
        manifest.record([record_of(path)])
    _chain(ws)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CorruptFileError, match=r"s00\.parquet: its content is not what was committed"):
        _chain(ws)
