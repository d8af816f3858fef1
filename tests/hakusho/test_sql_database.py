"""DuckDB over a workspace: views in place, typed when empty, one clear line when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sample_workspace import DOCS, write_workspace

from corpus.base.errors import CorruptFileError, InputError, UsageError
from corpus.base.shards import write_shard
from corpus.base.sqlfiles import sql_folder
from corpus.base.workspace import Workspace
from corpus.dataset.build import build
from hakusho.database import connect, query

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


def test_files_older_than_a_column_have_it_as_null(tmp_path: Path) -> None:
    """History is never rewritten: what was fetched before a column came in is read with the column empty."""
    workspace = write_workspace(tmp_path)
    shards = workspace.shards("fetches")
    for path in shards:
        write_shard(path, pq.ParquetFile(path).read().drop_columns(["robots_rule", "robots_line"]))
    with connect(workspace) as connection:
        found = query(connection, "SELECT count(*), count(robots_rule), count(robots_line), count(url) FROM fetches")
    fetched = sum(pq.ParquetFile(path).metadata.num_rows for path in shards)
    assert found.rows == [(fetched, 0, 0, fetched)]


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
    with connect(workspace) as connection, pytest.raises(CorruptFileError) as caught:
        query(connection, "SELECT max(text), max(title), max(id) FROM normalised")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "statement",
    [
        "selec 1",
        "select nothing from rows",
        "select 1/",
        "",
        "-- no more",
        "select * from nowhere",
        "select error('x')",
    ],
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


@pytest.mark.parametrize(
    "statement",
    [
        "COPY (SELECT 1 AS a) TO '{root}/labels/evil.parquet'",
        "EXPLAIN ANALYZE COPY (SELECT 1 AS a) TO '{root}/labels/evil.parquet'",
        "/* a */ explain (analyze) COPY (SELECT 1 AS a) TO '{root}/labels/evil.parquet'",
        "EXPLAIN/**/ANALYZE COPY (SELECT 1 AS a) TO '{root}/labels/evil.parquet'",
        "ATTACH '{root}/evil.db'",
        "CREATE TABLE evil (a INT)",
        "DROP VIEW rows",
        "SET threads = 1",
        "PRAGMA threads = 1",
        "CALL pragma_version()",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT 1; SELECT 2",
        "SELECT 1; COPY (SELECT 1 AS a) TO '{root}/labels/evil.parquet'",
        "SELECT * FROM query('DROP VIEW rows')",
        "SELECT * FROM enable_logging(storage = 'file', storage_path = '{root}/evil')",
        "SELECT * FROM read_text('/etc/hostname')",
        "SELECT * FROM read_text('{root}/../secret.txt')",
        "SELECT * FROM '{root}/../secret.txt'",
        "SELECT * FROM glob('{root}/../*')",
        "SELECT * FROM read_csv('https://example.org/a.csv')",
        "SELECT * FROM sqlite_scan('{root}/state.sqlite', 'units')",
        "SELECT * FROM python_variable",
        "PIVOT labels ON verdict USING count(*)",
    ],
)
def test_a_query_only_reads_the_workspace(tmp_path: Path, statement: str) -> None:
    """Whatever writes, changes, loads or reads elsewhere is refused in one line, and nothing has changed after it."""
    python_variable = write_workspace(tmp_path / "it's [1]")
    (tmp_path / "secret.txt").write_text("secret", encoding="utf-8")
    before = sorted(tmp_path.rglob("*"))
    root = str(python_variable.root).replace("'", "''")
    with connect(python_variable) as connection:
        with pytest.raises(UsageError, match="bad query: ") as caught:
            query(connection, statement.format(root=root))
        assert "\n" not in str(caught.value)
        assert query(connection, "SELECT count(*) FROM rows").rows == [(len(DOCS),)]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "statement",
    ["DESCRIBE rows", "SUMMARIZE labels", "SHOW TABLES", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "FROM rows",
     "-- mine\nWITH a AS (SELECT 1) SELECT * FROM a;", "PIVOT labels ON verdict IN ('ALLOW') USING count(*)"],
)  # fmt: skip
def test_what_reads_is_run(tmp_path: Path, statement: str) -> None:
    """Every form of a question gets its rows."""
    with connect(write_workspace(tmp_path)) as connection:
        assert query(connection, statement).rows


@pytest.mark.parametrize("root", [".", "data", "link", "link/../data"])
def test_any_way_to_name_the_folder_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: str) -> None:
    """Relative, through a link, with dots in it: the lock knows the workspace again."""
    write_workspace(tmp_path / "data")
    (tmp_path / "link").symlink_to("data")
    monkeypatch.chdir(tmp_path / "data" if root == "." else tmp_path)
    with connect(Workspace(root)) as connection:
        assert query(connection, "SELECT count(title) FROM rows").rows == [(len(DOCS),)]


def test_a_query_larger_than_its_memory_spills_into_the_workspace(tmp_path: Path) -> None:
    """The lock leaves the workspace's tmp folder to DuckDB: a sort of 130 MB runs within 64 MB."""
    workspace = write_workspace(tmp_path)
    lines = "(SELECT i, repeat('x', 100) || i AS z FROM range(1200000) t(i))"
    with connect(workspace, memory_limit="64MB", threads=1) as connection:
        sort = (
            f"SELECT max(n), max(length(z)) FROM (SELECT z, row_number() OVER (ORDER BY hash(i), z) AS n FROM {lines})"
        )
        assert query(connection, sort).rows == [(1_200_000, 107)]
        assert workspace.path("tmp").is_dir()
