"""The stages over a small workspace: tables, ledger, the same bytes whatever the number of workers."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.commit import sha256_file
from corpus.base.errors import EmptyInputError
from corpus.base.executor import Executor
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import StageReport, run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup.settings import DedupSettings
from corpus.dedup.stages import tasks
from corpus.dedup.tables import CLUSTERS, DUPLICATES, SIGNATURES

LAW = "第一条　この法律は、航空機の航行の安全を図るための方法を定めることを目的とする。" * 3
PAPER = "The white paper describes the security environment and the budget of the fiscal year in detail. " * 3


def workspace(root: Path) -> Workspace:
    """Two normalised shards and their documents: a law, its copy in an encyclopaedia, a near copy, and another text."""
    made = Workspace(root)
    egov = [("e1", "2023-04-01", LAW), ("e2", "2024-04-01", LAW + "附則"), ("e3", "2024-04-01", PAPER)]
    wikipedia = [("w1", "77", LAW), ("w2", "78", "まったく別の内容をもつ百科事典の項目である。")]
    for source, rows in (("egov", egov), ("wikipedia", wikipedia)):
        texts = [
            {"id": key, "source": source, "text": text, "text_sha256": hashlib.sha256(text.encode()).hexdigest()}
            for key, _, text in rows
        ]
        write_shard(made.path("normalised", f"{source}-0.parquet"), pa.Table.from_pylist(texts))
        revisions = [
            {"id": key, "key": {"e2": "e1_2024-04-01"}.get(key, key), "revision": revision} for key, revision, _ in rows
        ]
        write_shard(made.documents(source) / "0.parquet", pa.Table.from_pylist(revisions))
    return made


def run(made: Workspace, executor: Executor | None = None, settings: DedupSettings | None = None) -> list[StageReport]:
    """All stages."""
    return [run_tasks(made, stage, executor=executor) for stage in tasks(made, settings)]


def test_the_workspace_gets_its_tables_and_its_books(tmp_path: Path) -> None:
    """The newest law stays for its copies; tables follow their schemas; the ledger accounts for every document."""
    made = workspace(tmp_path)
    report = run(made)[-1]
    duplicates = read_shard(made.path("dedup", "duplicates.parquet"))
    assert [(row["id"], row["keeper"], row["cluster"], row["rule"]) for row in duplicates.to_pylist()] == [
        ("e1", "e2", "e1", "version"),
        ("w1", "e2", "e1", "near_duplicate"),
    ]
    assert read_shard(made.path("dedup", "versions.parquet")).to_pylist() == [
        {"id": "e1", "work": "egov:e1", "revision": "2023-04-01", "newest": "e2", "cluster": "e1"},
        {"id": "e2", "work": "egov:e1", "revision": "2024-04-01", "newest": "e2", "cluster": "e1"},
    ]
    clusters = read_shard(made.path("dedup", "clusters.parquet"))
    assert {row["id"]: row["cluster"] for row in clusters.to_pylist()} == {
        "e1": "e1", "e2": "e1", "e3": "e3", "w1": "e1", "w2": "w2",
    }  # fmt: skip
    assert duplicates.schema.equals(DUPLICATES)
    assert clusters.schema.equals(CLUSTERS)
    assert read_shard(made.path("dedup", "signatures", "egov-0.parquet")).schema.equals(SIGNATURES)
    assert (report.rows_in, report.kept, dict(report.dropped)) == (5, 3, {"near_duplicate": 1, "version": 1})
    ledger = read_shard(made.path("ledger", "dedup", "all.parquet")).to_pylist()
    assert {row["id"]: (row["outcome"], row["reason"], row["detail"]) for row in ledger}["w1"] == (
        "dropped", "near_duplicate", "e2",
    )  # fmt: skip


def test_an_exact_copy_is_booked_as_one(tmp_path: Path) -> None:
    """Where only the exact copy is left to find, the reason is exact_duplicate."""
    made = workspace(tmp_path)
    assert dict(run(made, settings=DedupSettings(threshold=1.0))[-1].dropped) == {"exact_duplicate": 1}


def test_bytes_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    """One, two and three workers give byte-identical signatures, tables and ledger."""
    digests = []
    for workers in (1, 2, 3):
        made = workspace(tmp_path / str(workers))
        run(made, Executor(workers=workers))
        files = sorted(made.path("dedup").rglob("*.parquet")) + sorted(made.path("ledger").rglob("*.parquet"))
        digests.append({made.relative(path): sha256_file(path) for path in files})
    assert len(digests[0]) == 14
    assert digests[0] == digests[1] == digests[2]


def test_nothing_is_done_twice_and_a_threshold_signs_nothing_again(tmp_path: Path) -> None:
    """A second run skips all; another threshold clusters again but keeps the signatures."""
    made = workspace(tmp_path)
    run(made)
    assert [report.done for report in run(made)] == [0] * 6
    assert [report.done for report in run(made, settings=DedupSettings(threshold=0.97))] == [0, 0, 0, 0, 1, 1]
    assert [report.done for report in run(made, settings=DedupSettings(bands=8))] == [2, 1, 1, 1, 1, 1]


def test_a_workspace_may_have_any_name(tmp_path: Path) -> None:
    """A workspace folder called documents is no trap."""
    made = workspace(tmp_path / "documents")
    assert run(made)[-1].kept == 3


def test_no_normalised_documents_is_one_clear_line(tmp_path: Path) -> None:
    """An empty workspace raises EmptyInputError."""
    with pytest.raises(EmptyInputError, match="no normalised documents"):
        next(tasks(Workspace(tmp_path)))
