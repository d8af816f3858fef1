"""DuckDB over a workspace: its Parquet folders, read in place as views, and the SELECTs of sql/ beside them.

Nothing is stored: the database lives in memory and the Parquet files stay the only truth. A folder that holds no file
yet is an empty view with the right columns, so every report also runs on an empty workspace. Queries only read: one
SELECT at a time, over the files of the workspace and no others, without extensions and without the network.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.base.errors import CorruptFileError, InputError, UsageError
from corpus.base.sqlfiles import sql_folder
from corpus.base.workspace import Workspace

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Query", "Table", "connect", "queries", "query"]

_FILES = {
    "fetches": "fetches/*/*.parquet",
    "documents": "documents/*/*.parquet",
    "ledger": "ledger/*/*.parquet",
    "standing": "standing/*.parquet",
    "harvests": "harvests/*.parquet",
    "normalised": "normalised/*.parquet",
    "measures": "measures/*.parquet",
    "pii": "pii/*.parquet",
    "labels": "labels/*.parquet",
    "duplicates": "dedup/duplicates.parquet",
    "clusters": "dedup/clusters.parquet",
    "versions": "dedup/versions.parquet",
    "contaminated": "contaminated/*.parquet",
    "boilerplate_lines": "boilerplate/lines/*.parquet",
    "boilerplate_documents": "boilerplate/documents/*.parquet",
    "dataset": "dataset/*/*.parquet",
    "attribution": "dataset/ATTRIBUTION.parquet",
}
_DATASET_PATH = r"(?:^|[/\\])([^/\\]+)[/\\]([a-z]+)-[0-9]+-of-[0-9]+\.parquet$"
_EXPLAIN = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*explain\b(?:\s+analyze\b|\s*\([^)]*\))?", re.IGNORECASE | re.DOTALL)
_HEADER = re.compile(r"-- (title|grain|columns|fails when|severity|bars|order): *(.*)")


@dataclass(frozen=True)
class Query:
    """One .sql file: its stem, its path below sql/, its header fields (title, grain, columns, …) and its SELECT."""

    name: str
    file: str
    header: dict[str, str]
    sql: str


@dataclass(frozen=True)
class Table:
    """A result: column names and rows of Python values."""

    columns: list[str]
    rows: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def queries(kind: str) -> list[Query]:
    """The .sql files of one folder of sql/ (policy, staging, quality, reports), by order in the header, then name."""
    found = [_read_query(path) for path in sorted((sql_folder() / kind).glob("*.sql"))]
    return sorted(found, key=lambda one: (int(one.header.get("order", "0")), one.name))


def connect(workspace: Workspace, *, threads: int = 2, memory_limit: str = "2GB") -> duckdb.DuckDBPyConnection:
    """Open an in-memory database with a view a table of the workspace, a policy table and a staging SELECT.

    It is locked: it reads and spills below the workspace's folder alone, and none of its options can be changed.
    Raises InputError where the workspace's folder is missing, CorruptFileError (naming the file) where a Parquet file
    of it cannot be read.
    """
    import duckdb

    if not workspace.root.is_dir():
        raise InputError(f"no workspace at {workspace.root}; harvest first, or name its folder with --data")
    try:
        connection = duckdb.connect(":memory:", config={"threads": threads, "memory_limit": memory_limit})
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET autoinstall_known_extensions = false")
        connection.execute(f"SET temp_directory = '{_quote(str(workspace.path('tmp')))}'")
    except duckdb.Error as error:
        raise UsageError(f"DuckDB does not start: {_one_line(error)}; mind threads and memory limit") from error
    for name, schema in _schemas().items():
        _create_source_view(connection, workspace, name, schema)
    for kind in ("policy", "staging"):
        for item in queries(kind):
            connection.execute(f'CREATE VIEW "{item.name}" AS {item.sql}')
    _lock(connection, workspace)
    return connection


def query(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object] | None = None) -> Table:
    """Run one SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN), with values for its $names, and fetch its rows.

    Raises UsageError, in one line, where it is wrong or no such statement, CorruptFileError where a file it reads is
    damaged, InputError where it needs more memory.
    """
    import duckdb

    try:
        _only_reads(connection, sql)
        cursor = connection.execute(sql, values) if values else connection.execute(sql)
        columns = [str(column[0]) for column in cursor.description or []]
        return Table(columns, cursor.fetchall() if columns else [])
    except duckdb.OutOfMemoryException as error:
        raise InputError(f"the query needs more memory: {_one_line(error)}; raise --memory-limit") from error
    except duckdb.PermissionException as error:
        raise UsageError(f"bad query: it reads the workspace and nothing else; {_one_line(error)}") from error
    except duckdb.Error as error:
        if _of_a_file(error):
            raise CorruptFileError(f"cannot read the workspace: {_one_line(error)}") from error
        raise UsageError(f"bad query: {_one_line(error)}") from error


def _only_reads(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Raise UsageError unless the text is exactly one statement that writes nothing."""
    import duckdb

    statements = connection.extract_statements(sql)
    if not statements:
        raise UsageError('bad query: nothing to run; give one statement, e.g. "SELECT * FROM overview"')
    if len(statements) > 1:
        raise UsageError(f"bad query: {len(statements)} statements; give one")
    kind, explained = statements[0].type, statements
    if kind == duckdb.StatementType.EXPLAIN:  # EXPLAIN ANALYZE runs what it explains
        explained = connection.extract_statements(_EXPLAIN.sub("", statements[0].query, count=1))
    if [one.type for one in explained] != [duckdb.StatementType.SELECT]:
        hint = "; name the values of a PIVOT: ON column IN (…)" if kind == duckdb.StatementType.MULTI else ""
        raise UsageError(
            f"bad query: only a SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN of one) runs here, not {kind.name}{hint}"
        )


def _of_a_file(error: duckdb.Error) -> bool:
    """Whether an error comes from a file's bytes; what the Parquet reader finds inside one has no class of its own."""
    import duckdb

    text = str(error)
    unclassed = type(error) is duckdb.Error and "extension" not in text
    return unclassed or isinstance(error, duckdb.IOException) or ".parquet'" in text


def _lock(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """From here on nothing outside the workspace is read, nothing is loaded and no option changes.

    DuckDB holds the pattern of a view against the allowed folders as it stands, and each file it finds as well.
    """
    root = workspace.root.as_posix()
    folders = ", ".join(f"'{_quote(name)}/'" for name in sorted({root, _glob_literal(root)}))
    connection.execute(f"SET allowed_directories = [{folders}]")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET python_enable_replacements = false")  # a table's name is never a Python variable
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _read_query(path: Path) -> Query:
    header: dict[str, str] = {}
    key = ""
    lines = path.read_text(encoding="utf-8").splitlines()
    for line in lines:
        if not line.startswith("--"):
            break
        if match := _HEADER.fullmatch(line):
            key = match[1]
            header[key] = match[2].strip()
        elif key:
            header[key] = f"{header[key]} {line.removeprefix('--').strip()}"
    sql = "\n".join(lines).strip().rstrip(";")
    return Query(path.stem, f"sql/{path.parent.name}/{path.name}", header, sql)


def _create_source_view(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, name: str, schema: pa.Schema
) -> None:
    import duckdb

    if not any(workspace.root.glob(_FILES[name])):
        connection.register(f"{name}_empty", schema.empty_table())
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM {name}_empty")
        return
    pattern = _quote(f"{_glob_literal(workspace.root.as_posix())}/{_FILES[name]}")
    select = f"SELECT * FROM read_parquet('{pattern}', union_by_name = true)"
    if name == "dataset":
        select = (
            "SELECT * EXCLUDE (filename),"
            f" replace(regexp_extract(filename, '{_DATASET_PATH}', 1), 'data', 'default') AS config,"
            f" regexp_extract(filename, '{_DATASET_PATH}', 2) AS split"
            f" FROM read_parquet('{pattern}', union_by_name = true, filename = true)"
        )
    try:
        connection.execute(f"CREATE VIEW {name} AS {select}")
        held = {column[0] for column in connection.execute(f"DESCRIBE {name}").fetchall()}
        if not held.issuperset(schema.names):  # files older than a column, which the history of fetches keeps
            connection.register(f"{name}_empty", schema.empty_table())
            select = f"{select} UNION ALL BY NAME SELECT * FROM {name}_empty"
            connection.execute(f"CREATE OR REPLACE VIEW {name} AS {select}")
    except duckdb.Error as error:
        raise CorruptFileError(f"cannot read {name}: {_one_line(error)}; run the stage again to rebuild it") from error


def _glob_literal(path: str) -> str:
    return re.sub(r"([\[*?])", r"[\1]", path)


def _quote(text: str) -> str:
    return text.replace("'", "''")


def _one_line(error: Exception) -> str:
    """DuckDB's message without the drawing of the query and the advice below it."""
    text = str(error).split("\n\nLINE ")[0].split("\n\nPossible solutions")[0]  # what it proposes is locked here
    return " ".join(text.split())


def _schemas() -> dict[str, pa.Schema]:
    """The columns of each view while its folder is empty; the first three are the source's own schemas."""
    import pyarrow as pa

    from corpus.base.schemas import DOCUMENTS, FETCHES, HARVESTS, LEDGER, STANDING
    from corpus.dataset.layout import ATTRIBUTION, ROWS
    from corpus.dedup import tables

    text, i32 = pa.string(), pa.int32()
    names = pa.list_(text)
    span = pa.struct([("start", i32), ("end", i32), ("type", text), ("action", text)])

    def schema(**columns: pa.DataType) -> pa.Schema:
        return pa.schema(list(columns.items()))

    return {
        "fetches": FETCHES,
        "documents": DOCUMENTS,
        "ledger": LEDGER,
        "standing": STANDING,
        "harvests": HARVESTS,
        "normalised": schema(id=text, source=text, lang=text, title=text, text=text, text_sha256=text),
        "measures": schema(id=text, source=text, chars=i32),
        "pii": schema(id=text, spans=pa.list_(span), text=text),
        "labels": schema(
            id=text,
            source=text,
            verdict=text,
            verdict_score=pa.float64(),
            domain=text,
            domain_score=pa.float64(),
            domain_content=text,
            domain_source=text,
            abstained=pa.bool_(),
            hazards=names,
            rules=names,
            evidence=names,
            policy_version=text,
        ),
        "duplicates": tables.DUPLICATES,
        "clusters": tables.CLUSTERS,
        "versions": tables.VERSIONS,
        "contaminated": tables.CONTAMINATED,
        "boilerplate_lines": tables.BOILERPLATE_LINES,
        "boilerplate_documents": tables.BOILERPLATE_DOCUMENTS,
        "dataset": ROWS.append(pa.field("config", text)).append(pa.field("split", text)),
        "attribution": ATTRIBUTION,
    }
