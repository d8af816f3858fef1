"""The stage "normalised" keeps clean documents and books every drop."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.errors import LedgerError
from corpus.base.schemas import STANDING
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import StageReport, Task, run_tasks
from corpus.base.workspace import Workspace

LAW = "第一条　この法律は、公文書の管理に関する基本的事項を定めることにより、行政の適正な運営に資することを目的とする。"


def documents(path: Path, texts: dict[str, str]) -> Path:
    """A documents shard with what the stage reads of it."""
    rows = [{"id": key, "source": "egov", "title": " 表\u3000題 ", "text": text} for key, text in texts.items()]
    write_shard(path, pa.Table.from_pylist(rows))
    return path


def run(root: Path, texts: dict[str, str], **config: object) -> tuple[Workspace, StageReport]:
    """Run the stage over one shard."""
    workspace = Workspace(root)
    shard = documents(workspace.documents("egov") / "0.parquet", texts)
    task = Task("normalised", "egov-0", "corpus.text.stage:run", (shard,), config)
    return workspace, run_tasks(workspace, [task])


def test_keeps_and_drops(tmp_path: Path) -> None:
    """Each row is kept, normalised and sorted by id, or dropped with the reason that fits."""
    texts = {
        "b": LAW.replace("第一条", "第１条") * 2,
        "a": "The results of the tests are given in the tables for each of the blades. " * 4,
        "short": "第一条　目的",
        "foreign": "Закон о защите прав потребителей " * 20,
        "garbled": "ɹංୈ" * 60,
        "short-en": "The results of the tests.",
    }
    workspace, report = run(tmp_path, texts)
    table = read_shard(workspace.path("normalised", "egov-0.parquet"))
    assert table.column("id").to_pylist() == ["a", "b"]
    assert table.column("lang").to_pylist() == ["en", "ja"]
    assert table.column("title").to_pylist() == ["表 題"] * 2
    text = table.column("text")[1].as_py()
    assert text.startswith("第1条 この法律は")
    assert table.column("text_sha256")[1].as_py() == hashlib.sha256(text.encode()).hexdigest()
    assert report.dropped == {"too_short": 2, "no_language": 1, "garbled": 1}
    assert report.rows_in == 6


def test_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    """The output does not depend on the order of the rows."""
    texts = {key: LAW * 2 + key for key in "cab"}
    one, _ = run(tmp_path / "1", texts)
    two, _ = run(tmp_path / "2", dict(sorted(texts.items())))
    names = [Path("normalised/egov-0.parquet"), Path("ledger/normalised/egov-0.parquet")]
    assert [(one.root / name).read_bytes() for name in names] == [(two.root / name).read_bytes() for name in names]


def test_configuration(tmp_path: Path) -> None:
    """The least length is configuration."""
    _, report = run(tmp_path, {"a": "第一条　目的", "b": LAW * 2}, min_chars_ja=3)
    assert report.kept == 2


def test_dropping_everything_is_an_error(tmp_path: Path) -> None:
    """A shard of which nothing is left stops the stage with the reasons."""
    with pytest.raises(LedgerError, match="too_short"):
        run(tmp_path, {"a": "短い"})


def test_a_text_that_was_superseded_goes_first(tmp_path: Path) -> None:
    """The newer text of the page stays, and no copy of it is made; the ledger names it."""
    workspace = Workspace(tmp_path)
    shard = documents(workspace.documents("egov") / "0.parquet", {"a": LAW * 2, "b": LAW * 3})
    rows = [{"id": "a", "source": "egov", "supersedes": None, "superseded_by": "b", "reservations": []},
            {"id": "b", "source": "egov", "supersedes": "a", "superseded_by": None, "reservations": []}]  # fmt: skip
    standing = workspace.path("standing", "egov.parquet")
    write_shard(standing, pa.Table.from_pylist(rows, schema=STANDING))
    report = run_tasks(workspace, [Task("normalised", "egov-0", "corpus.text.stage:run", (shard, standing), {})])
    assert report.dropped == {"superseded": 1}
    assert read_shard(workspace.path("normalised", "egov-0.parquet")).column("id").to_pylist() == ["b"]
    books = read_shard(workspace.path("ledger", "normalised", "egov-0.parquet")).to_pylist()
    assert [row["detail"] for row in books if row["id"] == "a"] == ["b"]
