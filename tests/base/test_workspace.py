"""The folder layout."""

from __future__ import annotations

from pathlib import Path

from corpus.base.workspace import Workspace


def test_layout(tmp_path: Path) -> None:
    """The layout of the design page, and relative names with forward slashes."""
    ws = Workspace(str(tmp_path))
    assert ws.documents("egov") == tmp_path / "documents" / "egov"
    assert ws.fetches("mod") == tmp_path / "fetches" / "mod"
    assert ws.state == tmp_path / "state.sqlite"
    assert ws.relative(ws.path("a", "b.parquet")) == "a/b.parquet"


def test_shards_are_sorted_and_whole(tmp_path: Path) -> None:
    """Shards come in one order; a commit under way (a hidden name) is none; documents lie a folder a source."""
    ws = Workspace(tmp_path)
    names = ["measures/b.parquet", "measures/a.parquet", "measures/.a.parquet.tmp-h-1-ff", "measures/x.txt"]
    names += ["documents/mod/0.parquet", "documents/egov/f.parquet", "documents/egov/.0.parquet.tmp-h-1-ff.parquet"]
    for name in names:
        ws.path(name).parent.mkdir(parents=True, exist_ok=True)
        ws.path(name).touch()
    assert [ws.relative(p) for p in ws.shards("measures")] == ["measures/a.parquet", "measures/b.parquet"]
    assert [ws.relative(p) for p in ws.shards("documents")] == ["documents/egov/f.parquet", "documents/mod/0.parquet"]
    assert ws.shards("absent") == []
