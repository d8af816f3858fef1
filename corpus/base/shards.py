"""Reading and writing Parquet shards, and the files a user brings to a stand-alone command."""

from __future__ import annotations

import base64
import bisect
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from corpus.base.commit import FileRecord, commit_file
from corpus.base.errors import CorruptFileError, EmptyInputError, InputError, UsageError

__all__ = [
    "ROW_GROUP",
    "read_input",
    "read_shard",
    "row_count",
    "stream_output",
    "write_output",
    "write_shard",
    "write_stream",
]

ROW_GROUP = 1000  # rows; a dataset viewer reads one group at a time
_NEEDED = ("id", "text")
_JSONL = (".jsonl", ".ndjson")
_UNFIT = (pa.ArrowException, UnicodeEncodeError, OverflowError)  # what pa.array says of values it cannot hold
_JSON_KINDS = {
    str: "a string",
    bool: "a truth value",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
_LEVEL = 3  # zstd: the knee of the curve, reading costs the same at any level


def write_shard(path: Path, table: pa.Table, *, level: int = _LEVEL) -> FileRecord:
    """Commit a table as Parquet; the same rows give the same bytes, however the table was put together.

    Raises StorageError.
    """
    return write_stream(path, table.schema, [table], level=level)


def write_stream(path: Path, schema: pa.Schema, tables: Iterable[pa.Table], *, level: int = _LEVEL) -> FileRecord:
    """Commit tables of one schema, one after the other, as one Parquet file; only one is in memory at a time.

    Raises StorageError.
    """

    def write(temporary: Path) -> None:
        with pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            compression_level=level,
            write_page_index=True,
            write_page_checksum=True,
            use_compliant_nested_type=False,  # names inside lists stay: a shard read and written is the same
        ) as writer:
            for table in tables:
                writer.write_table(table.combine_chunks(), row_group_size=ROW_GROUP)

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


def read_input(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """A user's documents: Parquet or JSONL with at least the string columns id and text, one row a document.

    `columns` names what is read beside id and text, where it is there; None reads every column. Whole numbers may be
    ids; ids come back as text. Raises InputError (missing, unreadable, a row without id or text, an id twice),
    EmptyInputError (no rows).
    """
    if not path.exists():
        raise InputError(f"no such file: {path}; give a Parquet or JSONL file with columns id and text")
    wanted = None if columns is None else dict.fromkeys((*_NEEDED, *columns))
    if path.suffix == ".parquet":
        table = _read_parquet(path, wanted)
    elif path.suffix in _JSONL:
        table = _read_jsonl(path, wanted)
    else:
        raise UsageError(f"{path}: unknown kind of file {path.suffix!r}; give .parquet or .jsonl")
    if table.num_rows == 0:
        raise EmptyInputError(f"{path}: no rows; give a file with at least one document")
    for name in _NEEDED:
        table = _as_strings(table, name, path)
    seen: set[str] = set()
    for value in map(str, table.column("id").to_pylist()):
        if value in seen:
            raise InputError(f"{path}: id {value!r} occurs twice; ids must be unique")
        seen.add(value)
    return table


def write_output(path: Path, table: pa.Table) -> FileRecord:
    """Commit a table as Parquet or as JSONL, by the suffix: `stream_output` of one table."""
    return stream_output(path, table.schema, [table])


def stream_output(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> FileRecord:
    """Commit tables of one schema as one file, Parquet or JSONL by the suffix; only one is in memory at a time.

    What JSON has no word for is written so in JSONL: bytes as Base64 (RFC 4648), numbers that are not finite as null,
    times and decimals as text. Raises UsageError for any other suffix, StorageError.
    """
    if path.suffix == ".parquet":
        return write_stream(path, schema, tables)
    if path.suffix in _JSONL:

        def write(temporary: Path) -> None:
            with temporary.open("w", encoding="utf-8", newline="") as file:
                for table in tables:
                    file.writelines(map(_json_line, table.to_pylist()))

        return commit_file(path, write)
    raise UsageError(f"{path}: unknown kind of file {path.suffix!r}; name it .parquet or .jsonl")


def _json_line(row: dict[str, Any]) -> str:
    try:
        return json.dumps(row, ensure_ascii=False, default=_json_text, allow_nan=False) + "\n"
    except ValueError:
        return json.dumps(_finite(row), ensure_ascii=False, default=_json_text) + "\n"


def _json_text(value: object) -> str:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_parquet(path: Path, wanted: Mapping[str, None] | None) -> pa.Table:
    try:
        names = pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise _corrupt(path, error) from error
    _check_names(path, names, wanted or _NEEDED)
    if wanted is None:
        return read_shard(path)
    chosen = [name for name in wanted if name in names]
    return read_shard(path, chosen).select(chosen)


def _read_jsonl(path: Path, wanted: Mapping[str, None] | None) -> pa.Table:
    rows: list[tuple[int, dict[str, Any]]] = []
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
            rows.append((number, row))
            names.update(dict.fromkeys(row))
    if not rows:
        return pa.table({name: pa.array([], pa.string()) for name in _NEEDED})
    _check_names(path, list(names), _NEEDED)
    chosen = [name for name in names if wanted is None or name in wanted]
    return pa.table({name: _column(path, name, rows) for name in chosen})


def _column(path: Path, name: str, rows: Sequence[tuple[int, dict[str, Any]]]) -> pa.Array[Any]:
    """One key of all rows. Raises CorruptFileError that names the first line whose value does not go with the rest."""
    found = [row.get(name) for _, row in rows]
    try:
        name.encode()  # a key may hold what no text does, too
        made: pa.Array[Any] = pa.array(found)
    except _UNFIT:
        at = bisect.bisect_left(range(1, len(found)), 1, key=lambda count: not _fits(found[:count]))
    else:
        return made
    where = f"{path}: line {rows[at][0]}, column {name!r}"
    if not _encodes((name, found[at])):
        raise CorruptFileError(f"{where}: half of a surrogate pair, which is no character; mend or remove it")
    kind = _JSON_KINDS.get(type(found[at]), "null")  # the value itself may be personal data
    raise CorruptFileError(
        f"{where}: {kind} that does not go with the lines before it, or is out of range; make the column one type"
    )


def _fits(found: Sequence[Any]) -> bool:
    try:
        pa.array(found)
    except _UNFIT:
        return False
    return True


def _encodes(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_names(path: Path, names: Sequence[str], single: Iterable[str]) -> None:
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        raise InputError(f"{path}: no column {' and '.join(missing)}; there are {', '.join(names) or 'none'}")
    for name in single:
        if names.count(name) > 1:
            raise InputError(f"{path}: column {name} occurs twice; keep one")


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; give a Parquet or JSONL file") from error


def _as_strings(table: pa.Table, name: str, path: Path) -> pa.Table:
    """The table with column `name` as plain strings, however Parquet or Arrow stored them."""
    column = table.column(name)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    try:
        column = column.cast(kind)  # a dictionary may hold its nulls among its values
        if column.null_count:
            raise InputError(f"{path}: {column.null_count} row(s) without {name}; fill or remove them")
        if not text and not (name == "id" and pa.types.is_integer(kind)):
            raise InputError(f"{path}: column {name} is {kind}; it must be text")
        column = column.cast(pa.string())
        column.validate(full=True)  # Parquet does not hold its writer to UTF-8
    except pa.ArrowException as error:
        first = str(error).splitlines()[0]
        raise CorruptFileError(f"{path}: column {name} cannot be read as text ({first}); write it anew") from error
    return table.set_column(table.column_names.index(name), name, column)


def _corrupt(path: Path, error: Exception) -> InputError:
    if isinstance(error, PermissionError) or path.is_dir():
        why = "it is a folder" if path.is_dir() else "no permission"
        return InputError(f"cannot read {path}: {why}; give a Parquet file that you may read")
    first = (str(error).splitlines() or [type(error).__name__])[0]
    return CorruptFileError(
        f"{path}: not a whole Parquet file ({first}); remove it and run the command that made it again"
    )
