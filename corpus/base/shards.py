"""Reading and writing Parquet shards, and the files a user brings to a stand-alone command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.base.commit import FileRecord, commit_bytes, commit_file
from corpus.base.errors import CorruptFileError, EmptyInputError, InputError, UsageError

__all__ = ["ROW_GROUP", "read_input", "read_shard", "row_count", "write_output", "write_shard"]

ROW_GROUP = 1000  # rows; a dataset viewer reads one group at a time
_LEVEL = 3  # zstd: the knee of the curve, reading costs the same at any level


def write_shard(path: Path, table: pa.Table, *, level: int = _LEVEL) -> FileRecord:
    """Commit a table as Parquet; the same rows give the same bytes, however the table was put together.

    Raises StorageError.
    """
    whole = table.combine_chunks()

    def write(temporary: Path) -> None:
        pq.write_table(
            whole,
            temporary,
            compression="zstd",
            compression_level=level,
            row_group_size=ROW_GROUP,
            write_page_index=True,
            write_page_checksum=True,
            use_compliant_nested_type=False,  # names inside lists stay: a shard read and written is the same
        )

    return commit_file(path, write)


def read_shard(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a shard, or some of its columns.

    Raises InputError where the file is missing, CorruptFileError where it is no whole Parquet file.
    """
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            return file.read(columns=list(columns) if columns is not None else None)
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}") from error
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def row_count(path: Path) -> int:
    """Rows of a shard, by its footer."""
    try:
        with pq.ParquetFile(path) as file:
            return file.metadata.num_rows
    except FileNotFoundError as error:
        raise InputError(f"no such file: {path}") from error
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error


def read_input(path: Path) -> pa.Table:
    """A user's documents: Parquet or JSONL with at least the string columns id and text, one row a document.

    Raises InputError (missing, unreadable, a row without id or text, an id twice), EmptyInputError (no rows).
    """
    if not path.exists():
        raise InputError(f"no such file: {path}; give a Parquet or JSONL file with columns id and text")
    if path.suffix == ".parquet":
        table = read_shard(path)
    elif path.suffix in (".jsonl", ".ndjson"):
        table = _read_jsonl(path)
    else:
        raise UsageError(f"{path}: unknown kind of file {path.suffix!r}; give .parquet or .jsonl")
    missing = [name for name in ("id", "text") if name not in table.column_names]
    if missing:
        raise InputError(
            f"{path}: no column {' and '.join(missing)}; there are {', '.join(table.column_names) or 'none'}"
        )
    for name in ("id", "text"):
        if table.column_names.count(name) > 1:
            raise InputError(f"{path}: column {name} occurs twice; keep one")
    if table.num_rows == 0:
        raise EmptyInputError(f"{path}: no rows; give a file with at least one document")
    for name in ("id", "text"):
        table = _as_strings(table, name, path)
    seen: set[str] = set()
    for value in map(str, table.column("id").to_pylist()):
        if value in seen:
            raise InputError(f"{path}: id {value!r} occurs twice; ids must be unique")
        seen.add(value)
    return table


def write_output(path: Path, table: pa.Table) -> FileRecord:
    """Commit a table as Parquet or as JSONL, by the suffix. Raises UsageError for any other suffix, StorageError."""
    if path.suffix == ".parquet":
        return write_shard(path, table)
    if path.suffix in (".jsonl", ".ndjson"):
        lines = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in table.to_pylist())
        return commit_bytes(path, "".join(lines).encode())
    raise UsageError(f"{path}: unknown kind of file {path.suffix!r}; name it .parquet or .jsonl")


def _read_jsonl(path: Path) -> pa.Table:
    rows: list[dict[str, Any]] = []
    names: dict[str, None] = {}  # of all rows, in order of appearance: a key that only later rows have is kept too
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise CorruptFileError(f"{path}: line {number} is no JSON ({error}); mend or remove it") from error
            if not isinstance(row, dict):
                raise CorruptFileError(f"{path}: line {number} is no JSON object; mend or remove it")
            rows.append(row)
            names.update(dict.fromkeys(row))
    try:
        return (
            pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})
            if rows
            else pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())})
        )
    except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
        raise CorruptFileError(
            f"{path}: columns of mixed or unfit types ({str(error).splitlines()[0]}); make each column one type"
        ) from error


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a Parquet or JSONL file") from error


def _as_strings(table: pa.Table, name: str, path: Path) -> pa.Table:
    column = table.column(name)
    if column.null_count:
        raise InputError(f"{path}: {column.null_count} row(s) without {name}; fill or remove them")
    if not (
        pa.types.is_string(column.type)
        or pa.types.is_large_string(column.type)
        or (name == "id" and pa.types.is_integer(column.type))
    ):
        raise InputError(f"{path}: column {name} is {column.type}; it must be text")
    return table.set_column(table.column_names.index(name), name, column.cast(pa.string()))


def _corrupt(path: Path, error: Exception) -> InputError:
    if isinstance(error, PermissionError) or path.is_dir():
        why = "it is a folder" if path.is_dir() else "no permission"
        return InputError(f"cannot read {path}: {why}; give a Parquet file that you may read")
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return CorruptFileError(
        f"{path}: not a whole Parquet file ({first}); remove it and run the command that made it again"
    )
