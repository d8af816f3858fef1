"""The books of a stage."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.base.errors import LedgerError
from corpus.base.ledger import check, counts, ledger_table
from corpus.base.schemas import LEDGER
from corpus.base.shards import write_shard

BOOKS = st.dictionaries(st.text(min_size=1), st.sampled_from(["", "short", "garbled"]), max_size=12)


def _table(books: dict[str, str]) -> pa.Table:
    kept = [key for key, reason in books.items() if not reason]
    return ledger_table("s", "u", kept, [(key, reason, "why") for key, reason in books.items() if reason])


def _rows(rows: list[tuple[str, str, str]]) -> pa.Table:
    columns = [["s"] * len(rows), ["u"] * len(rows), *([row[i] for row in rows] for i in range(3)), [""] * len(rows)]
    return pa.table([pa.array(c, pa.string()) for c in columns], schema=LEDGER)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=12)
@given(books=BOOKS, off=st.sampled_from([-1, 1, 5]))
def test_in_is_kept_plus_dropped(tmp_path: Path, books: dict[str, str], off: int) -> None:
    """Whatever was kept and dropped, the counts say so, the books balance at the true number and at no other."""
    table = _table(books)
    kept, dropped = counts(table)
    assert kept == sum(not reason for reason in books.values())
    assert dropped == {r: list(books.values()).count(r) for r in sorted(set(books.values()) - {""})}
    assert table.schema.equals(LEDGER, check_metadata=True)
    assert table["id"].to_pylist() == sorted(books)
    path = tmp_path / "l.parquet"
    write_shard(path, table)
    check(path, len(books))
    with pytest.raises(LedgerError, match="rows went in"):
        check(path, len(books) + off)


@pytest.mark.parametrize(
    "rows",
    [
        [("a", "kept", "")],
        [("a", "kept", ""), ("a", "kept", "")],
        [("a", "kept", ""), ("a", "dropped", "short")],
        [("a", "kept", ""), ("b", "lost", "short")],
        [("a", "kept", ""), ("b", "dropped", "")],
        [("a", "kept", ""), ("b", "dropped", "short"), ("c", "kept", "")],
    ],
    ids=["missing", "double", "both", "unknown-outcome", "no-reason", "one-too-many"],
)
def test_the_check_finds_what_is_wrong(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    """Two rows went in: each way to book them wrongly is a LedgerError of one line that names the file."""
    path = tmp_path / "l.parquet"
    write_shard(path, _rows(rows))
    with pytest.raises(LedgerError) as caught:
        check(path, 2)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_paths_with_pattern_signs(tmp_path: Path) -> None:
    """A workspace whose path holds [ * ? is read like any other, and only the file named."""
    folder = tmp_path / "a[bc]* 'q'?"
    write_shard(folder / "l.parquet", _table({"x": "", "y": "short"}))
    write_shard(folder / "l2.parquet", _table({"z": ""}))
    check(folder / "l.parquet", 2)


def test_booking_twice_or_without_reason_is_refused() -> None:
    """The table itself is not made from wrong books."""
    with pytest.raises(LedgerError, match="row a is booked twice"):
        ledger_table("s", "u", ["a"], [("a", "short", "")])
    with pytest.raises(LedgerError, match="row a is booked twice"):
        ledger_table("s", "u", ["a", "b", "a"], [])
    with pytest.raises(LedgerError, match="row a is dropped without a reason"):
        ledger_table("s", "u", [], [("a", "", "")])


def test_no_rows_are_balanced_books(tmp_path: Path) -> None:
    """An empty unit has an empty ledger of the right schema."""
    table = ledger_table("s", "u", [], [])
    assert table.num_rows == 0
    assert counts(table) == (0, {})
    write_shard(tmp_path / "l.parquet", table)
    check(tmp_path / "l.parquet", 0)
