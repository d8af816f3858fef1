"""The documents of an input, a bounded number at a time, as the columns that the search reads.

A piece is a Parquet file, or some of its row groups; which of its columns are id, text, source, revision and work is
said by a mapping. A shard of the workspace is a piece whose columns have these names already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.base.errors import CorruptFileError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["COLUMNS", "DOCUMENTS", "check", "read", "split"]

COLUMNS: Final = {name: name for name in ("id", "text", "source", "revision", "work")}
DOCUMENTS: Final = pa.schema([pa.field(name, pa.string(), nullable=False) for name in COLUMNS])
_NEEDED: Final = ("id", "text")
_BATCH: Final = 2048  # documents in memory at once
_PIECE_ROWS: Final = 50_000
_PIECE_BYTES: Final = 128 << 20  # of columns as they lie decoded; a larger row group is a piece of its own


def split(path: Path, columns: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return the pieces of a Parquet file as ranges of row groups, each of some 50,000 documents or 128 MB.

    Raises InputError where it lacks the columns for id and text, CorruptFileError where it is no Parquet file.
    """
    check(path, columns)
    pieces: list[tuple[int, int]] = []
    start = rows = size = 0
    with _opened(path) as file:
        groups = file.metadata.num_row_groups
        for group in range(groups):
            rows += file.metadata.row_group(group).num_rows
            size += file.metadata.row_group(group).total_byte_size
            if rows >= _PIECE_ROWS or size >= _PIECE_BYTES or group == groups - 1:
                pieces.append((start, group + 1))
                start, rows, size = group + 1, 0, 0
    return pieces


def check(path: Path, columns: Mapping[str, str]) -> None:
    """Raise InputError unless the file has the columns for id and text, once each, of kinds that can be read."""
    with _opened(path) as file:
        schema = file.schema_arrow
    missing = [columns[name] for name in _NEEDED if columns[name] not in schema.names]
    if missing:
        there = ", ".join(schema.names) or "none"
        raise InputError(
            f"{path}: no column {' and '.join(missing)}; there are {there}: name yours with --id-column, --text-column"
        )
    for name in COLUMNS:
        if schema.names.count(columns[name]) > 1:
            raise InputError(f"{path}: column {columns[name]} occurs twice; keep one")
        if columns[name] in schema.names and not _readable(name, schema.field(columns[name]).type):
            kind = schema.field(columns[name]).type
            raise InputError(f"{path}: column {columns[name]} is {kind}; it must be text")


def read(
    path: Path, columns: Mapping[str, str] = COLUMNS, groups: Sequence[int] = (), *, only: Sequence[str] = ()
) -> Iterator[pa.Table]:
    """Yield the documents of a piece as DOCUMENTS tables (or their columns `only`), in order; "" where one has none.

    `groups` is (first, after the last) row group, by default all. Raises InputError for a row without id or text,
    CorruptFileError for bytes that are no text.
    """
    names = only or tuple(COLUMNS)
    with _opened(path) as file:
        there = file.schema_arrow.names
        wanted = [columns[name] for name in names if columns[name] in there]
        chosen = range(*groups) if groups else range(file.metadata.num_row_groups)
        batches = file.iter_batches(_BATCH, row_groups=list(chosen), columns=wanted)
        while True:
            try:
                batch = next(batches, None)
            except (pa.ArrowException, OSError) as error:
                raise _corrupt(path, error) from error
            if batch is None:
                return
            arrays = [_strings(path, batch, name, columns[name]) for name in names]
            yield pa.table(arrays, schema=pa.schema([DOCUMENTS.field(name) for name in names]))


def _strings(path: Path, batch: pa.RecordBatch, name: str, column: str) -> Any:
    if column not in batch.schema.names:
        return pa.array([""] * batch.num_rows, pa.string())
    array: Any = batch.column(column)
    try:
        if pa.types.is_dictionary(array.type):
            array = array.cast(array.type.value_type)  # a dictionary may hold its nulls among its values
        if array.null_count and name in _NEEDED:
            raise InputError(f"{path}: {array.null_count} row(s) without {column}; fill or remove them")
        made = array.cast(pa.string()).fill_null("")
        made.validate(full=True)  # Parquet does not hold its writer to UTF-8
    except pa.ArrowException as error:
        first = str(error).splitlines()[0]
        raise CorruptFileError(f"{path}: column {column} cannot be read as text ({first}); write it anew") from error
    return made


def _readable(name: str, kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return True
    if name == "text":
        return False
    if name == "id":
        return pa.types.is_integer(kind)
    return not pa.types.is_nested(kind)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}; give a Parquet or JSONL file") from error
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: Exception) -> CorruptFileError:
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return CorruptFileError(f"{path}: not a whole Parquet file ({first}); write it anew")
