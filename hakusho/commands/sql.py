"""`hakusho sql`: a query over the workspace's Parquet files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option, workers_option
from hakusho.report.options import memory_option

if TYPE_CHECKING:
    import duckdb

    from corpus.base.workspace import Workspace
    from hakusho.database import Table


@click.command(
    cls=ExampleCommand, example='hakusho sql "SELECT source, verdict, count(*) FROM rows GROUP BY ALL ORDER BY ALL"'
)
@click.argument("statement", required=False, metavar="[QUERY]")
@click.option("--file", "file", metavar="FILE", help="Run the query of a file; sql/… also names those that come along.")
@click.option("--list", "listing", is_flag=True, help="Name the tables, views and query files.")
@data_option
@workers_option
@memory_option
@json_option
def command(
    statement: str | None,
    file: str | None,
    workspace: Workspace,
    workers: int,
    memory_limit: str,
    *,
    listing: bool,
    as_json: bool,
) -> None:
    """Ask the workspace in DuckDB's SQL; its Parquet folders are views, read in place.

    One SELECT (or DESCRIBE, SUMMARIZE, SHOW, EXPLAIN), which reads the workspace and nothing else. Prints a table, long
    cells cut; with --json one object, {"columns": [names], "rows": [[values]]}, whole.
    """
    from corpus.base.errors import UsageError
    from hakusho.database import connect, query
    from hakusho.report.text import table
    from hakusho.report.values import plain

    if [statement is not None, file is not None, listing].count(True) != 1:
        raise UsageError("give one of QUERY, --file FILE and --list; see hakusho sql --help")
    with connect(workspace, threads=workers, memory_limit=memory_limit) as connection:
        found = (
            _listing(connection) if listing else query(connection, _read(str(file)) if statement is None else statement)
        )
    result = {"columns": found.columns, "rows": plain(found.rows)}
    emit(result, "" if as_json else table(found.columns, found.rows), as_json=as_json)


def _read(name: str) -> str:
    """The text of a query file: the user's, or by the same name one that came with the package."""
    from corpus.base.errors import InputError
    from corpus.base.sqlfiles import sql_folder

    own = sql_folder().parent / name
    path = own if not Path(name).exists() and name.startswith("sql/") else Path(name)
    try:
        return path.read_text(encoding="utf-8").strip().rstrip(";")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {name}; give a file with one SELECT, or one that --list names") from error


def _listing(connection: duckdb.DuckDBPyConnection) -> Table:
    from hakusho.database import Table, queries, query

    described = {item.name: item for kind in ("policy", "staging") for item in queries(kind)}
    views = query(
        connection,
        "SELECT table_name, string_agg(column_name, ', ' ORDER BY column_index) FROM duckdb_columns()"
        " WHERE NOT internal AND NOT ends_with(table_name, '_empty') GROUP BY ALL ORDER BY ALL",
    )
    rows = [
        ("view", name, described[name].header["title"] if name in described else columns)
        for name, columns in views.rows
    ]
    rows += [(kind, item.file, item.header["title"]) for kind in ("quality", "reports") for item in queries(kind)]
    return Table(["kind", "name", "about"], rows)
