"""DuckDB over a workspace: views in place, typed when empty, one clear line when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sample_workspace import DOCS, write_workspace

from corpus.base.errors import CorruptFileError, InputError, UsageError
from corpus.base.shards import write_shard
from corpus.base.workspace import Workspace
from corpus.dataset.build import build
from hakusho.database import connect, query, sql_folder

VIEWS = {
    "fetches", "documents", "ledger", "normalised", "measures", "pii", "labels", "duplicates", "clusters", "dataset",
    "attribution",
}  # fmt: skip


def test_empty_views_have_the_types_of_full_ones(tmp_path: Path) -> None:
    """Each view of an empty workspace has the columns and types that the same view has over the files."""
    full = write_workspace(tmp_path / "full")
    build(full)
    types = {}
    for name in ("empty", "full"):
        (tmp_path / name).mkdir(exist_ok=True)
        with connect(Workspace(tmp_path / name)) as connection:
            types[name] = {
                view: query(connection, f"SELECT column_name, column_type FROM (DESCRIBE {view})").rows
                for view in VIEWS - {"measures"}  # its columns are the measures that were taken
            }
            assert query(connection, "SELECT id, source FROM measures LIMIT 0").columns == ["id", "source"]
    assert types["empty"] == types["full"]


@pytest.mark.parametrize("name", ["d[1]", "it's *here?", "白書"])
def test_any_folder_name_works(tmp_path: Path, name: str) -> None:
    """Brackets, stars, quotes and Japanese in the path of a workspace are nothing but letters."""
    with connect(write_workspace(tmp_path / name)) as connection:
        assert query(connection, "SELECT count(*) FROM documents").rows == [(len(DOCS),)]


def test_configuration_and_split_come_from_the_path(tmp_path: Path) -> None:
    """A dataset row knows its configuration and split by the file it lies in."""
    workspace = write_workspace(tmp_path)
    build(workspace)
    with connect(workspace) as connection:
        rows = query(connection, "SELECT DISTINCT config, split FROM dataset ORDER BY ALL").rows
    assert {config for config, _ in rows} == {"default", "cc_by_sa", "restricted"}
    assert {split for _, split in rows} == {"train", "validation", "test"}


def test_rows_holds_one_row_a_document(tmp_path: Path) -> None:
    """The joined view neither loses nor doubles a document."""
    workspace = write_workspace(tmp_path)
    build(workspace)
    with connect(workspace) as connection:
        assert query(connection, "SELECT count(*), count(DISTINCT id) FROM rows").rows == [(len(DOCS), len(DOCS))]


def test_a_missing_workspace_is_one_line(tmp_path: Path) -> None:
    """A folder that is not there is named."""
    with pytest.raises(InputError, match=r"no workspace at .*nowhere"):
        connect(Workspace(tmp_path / "nowhere"))


def test_a_corrupt_shard_is_named(tmp_path: Path) -> None:
    """A truncated Parquet file is one line with its name, whether it is met at the start or in the middle."""
    workspace = write_workspace(tmp_path)
    path = workspace.shards("labels")[0]
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(CorruptFileError, match=path.name) as caught:
        connect(workspace)
    assert "\n" not in str(caught.value)


def test_a_shard_damaged_in_its_middle_is_one_line(tmp_path: Path) -> None:
    """A file whose footer is whole and whose pages are not is found by the query that reads it."""
    workspace = write_workspace(tmp_path)
    path = workspace.shards("normalised")[0]
    table = pq.ParquetFile(path).read()
    write_shard(path, table)
    data = bytearray(path.read_bytes())
    data[4:200] = bytes(196)
    path.write_bytes(bytes(data))
    with connect(workspace) as connection, pytest.raises((CorruptFileError, UsageError)) as caught:
        query(connection, "SELECT max(text), max(title), max(id) FROM normalised")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "statement", ["selec 1", "select nothing from rows", "select 1/", "", "-- no more", "select * from nowhere"]
)
def test_a_bad_query_is_one_line(tmp_path: Path, statement: str) -> None:
    """The message says what is wrong, in one line, without a drawing of the query."""
    with connect(Workspace(tmp_path)) as connection, pytest.raises(UsageError, match="bad query: ") as caught:
        query(connection, statement)
    assert "\n" not in str(caught.value)


def test_a_memory_limit_that_is_none(tmp_path: Path) -> None:
    """An unreadable option is wrong use."""
    with pytest.raises(UsageError, match="memory"):
        connect(Workspace(tmp_path), memory_limit="much")


def test_the_sql_files_are_found(root: Path) -> None:
    """In a checkout they are the ones of the project's own folder."""
    assert sql_folder() == root / "sql"


def test_nothing_is_written_by_asking(tmp_path: Path) -> None:
    """Opening and asking leaves no file behind."""
    workspace = write_workspace(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with connect(workspace) as connection:
        query(connection, "SELECT * FROM rows ORDER BY id")
    assert sorted(tmp_path.rglob("*")) == before
