"""The books of a stage: every input row kept or dropped with a reason, and the check that none is missing."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from corpus.base.errors import LedgerError
from corpus.base.schemas import LEDGER
from corpus.base.shards import read_shard

if TYPE_CHECKING:
    import duckdb

__all__ = ["Drop", "check", "counts", "ledger_table"]

Drop = tuple[str, str, str]
"""(id, reason code, detail) of a dropped row."""


def ledger_table(stage: str, unit: str, kept: Iterable[str], dropped: Sequence[Drop]) -> pa.Table:
    """The ledger of one unit, sorted by id. Raises LedgerError where an id is booked twice or a drop has no reason."""
    rows = [(key, "kept", "", "") for key in kept] + [
        (key, "dropped", reason, detail) for key, reason, detail in dropped
    ]
    rows.sort()
    twice = [one[0] for one, next_one in itertools.pairwise(rows) if one[0] == next_one[0]]
    if twice:
        raise LedgerError(
            f"{stage} {unit}: row {twice[0]} is booked twice; this is a fault of the stage, please report it"
        )
    for key, outcome, reason, _ in rows:
        if outcome == "dropped" and not reason:
            raise LedgerError(
                f"{stage} {unit}: row {key} is dropped without a reason; this is a fault of the stage, please report it"
            )
    columns = (
        [[stage] * len(rows), [unit] * len(rows), *(list(column) for column in zip(*rows, strict=True))]
        if rows
        else [[]] * 6
    )
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, LEDGER, strict=True)], schema=LEDGER
    )


def counts(ledger: pa.Table) -> tuple[int, dict[str, int]]:
    """Rows kept, and rows dropped by reason, of a table with the column reason."""
    counted: Any = pc.value_counts(ledger.column("reason"))
    reasons: dict[str, int] = {row["values"]: row["counts"] for row in counted.to_pylist()}
    kept = reasons.pop("", 0)
    return kept, dict(sorted(reasons.items()))


@functools.cache
def _database() -> duckdb.DuckDBPyConnection:
    """One database in memory a process: opening one costs more than a unit's whole bookkeeping."""
    import duckdb

    return duckdb.connect(config={"threads": 1})


def check(ledgers: Path, rows_in: int) -> None:
    """Hold the conservation law in = kept + dropped over a ledger file, in SQL.

    Raises LedgerError where rows are missing, booked twice or of an unknown outcome.
    """
    booked_rows = read_shard(ledgers, ["id", "outcome", "reason"])  # not by name: a path may hold [ or *
    with _database().cursor() as db:
        db.register("booked_rows", booked_rows)
        row = db.execute(
            """
            SELECT count(*) AS booked, count(DISTINCT id) AS ids,
                   count(*) FILTER (outcome = 'kept' OR (outcome = 'dropped' AND reason <> '')) AS explained
            FROM booked_rows
            """
        ).fetchone()
    assert row is not None  # an aggregate without GROUP BY gives one row
    booked, ids, explained = row
    if not booked == ids == explained == rows_in:
        raise LedgerError(
            f"{ledgers}: {rows_in} rows went in, {booked} are booked ({ids} ids, {explained} with an outcome); "
            "this is a fault of the stage, please report it"
        )
