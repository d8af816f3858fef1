"""Run the checks of sql/quality and the reports of sql/reports, and write report.html and report.json.

Neither file holds a clock or a path of this machine: the same workspace gives the same bytes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from corpus.base.commit import commit_bytes
from corpus.base.errors import EmptyInputError
from corpus.base.manifest import Manifest
from hakusho.database import Query, connect, queries, query
from hakusho.report.values import plain

if TYPE_CHECKING:
    import duckdb

    from corpus.base.workspace import Workspace

__all__ = ["SHOWN", "Check", "Page", "Statement", "collect", "write"]

SHOWN = 20
"""Offending rows of a check that the page shows; the check's SQL gives all."""


@dataclass(frozen=True)
class Check:
    """A check: `state` is pass, warning or fail; `offending` counts all its rows, `rows` are the first 20."""

    name: str
    file: str
    title: str
    grain: str
    fails_when: str
    severity: str
    state: str
    offending: int
    columns: list[str]
    rows: list[list[Any]]


@dataclass(frozen=True)
class Statement:
    """A report: one SELECT and its rows; `bars` names the columns drawn as bars."""

    name: str
    file: str
    title: str
    grain: str
    about: str
    bars: list[str]
    columns: list[str]
    rows: list[list[Any]]


@dataclass(frozen=True)
class Page:
    """All of it: the one-row overview, the checks, the reports."""

    overview: dict[str, Any]
    checks: list[Check]
    reports: list[Statement]

    @property
    def failed(self) -> list[Check]:
        """The checks of severity error that found something."""
        return [check for check in self.checks if check.state == "fail"]

    def plain(self) -> dict[str, Any]:
        """The page as JSON values."""
        return asdict(self)


def collect(workspace: Workspace, *, threads: int = 2, memory_limit: str = "2GB") -> Page:
    """Run every check and report over a workspace.

    Raises EmptyInputError where nothing was ever fetched (checks that looked at nothing have not passed), InputError
    where there is no workspace, CorruptFileError.
    """
    with connect(workspace, threads=threads, memory_limit=memory_limit) as connection:
        overview = query(connection, "SELECT * FROM overview").records()[0]
        if not overview["fetches"] and not overview["documents"]:
            raise EmptyInputError(
                f"nothing to report in {workspace.root}; harvest first (scrapy crawl egov --help shows how)"
            )
        checks = [_check(connection, item) for item in queries("quality")]
        reports = [_statement(connection, item) for item in queries("reports")]
    return Page(overview, checks, reports)


def write(workspace: Workspace, page: Page) -> bool:
    """Commit data/reports/report.html and report.json; whether anything changed. Raises StorageError."""
    from hakusho.report.page import html

    text = json.dumps(page.plain(), ensure_ascii=False, indent=1) + "\n"
    contents = {"report.html": html(page).encode(), "report.json": text.encode()}
    changed = {
        name: data
        for name, data in contents.items()
        if not (path := workspace.path("reports", name)).is_file() or path.read_bytes() != data
    }
    if changed:
        files = [commit_bytes(workspace.path("reports", name), data) for name, data in changed.items()]
        with Manifest(workspace) as manifest:
            manifest.record(files)
    return bool(changed)


def _check(connection: duckdb.DuckDBPyConnection, item: Query) -> Check:
    offending = int(query(connection, f"SELECT count(*) FROM (\n{item.sql}\n)").rows[0][0])
    shown = query(connection, f"SELECT * FROM (\n{item.sql}\n) LIMIT {SHOWN if offending else 0}")
    severity = item.header["severity"]
    state = "pass" if not offending else ("fail" if severity == "error" else "warning")
    return Check(
        item.name,
        item.file,
        item.header["title"],
        item.header["grain"],
        item.header["fails when"],
        severity,
        state,
        offending,
        shown.columns,
        _plain_rows(shown.rows),
    )


def _statement(connection: duckdb.DuckDBPyConnection, item: Query) -> Statement:
    found = query(connection, item.sql)
    header = item.header
    bars = [name.strip() for name in header.get("bars", "").split(",") if name.strip()]
    title, grain, about = header["title"], header["grain"], header["columns"]
    return Statement(item.name, item.file, title, grain, about, bars, found.columns, _plain_rows(found.rows))


def _plain_rows(rows: list[tuple[Any, ...]]) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in rows]
