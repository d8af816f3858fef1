"""A user's own files as pieces of the search: Parquet as it lies, JSONL (also .gz, .zst) brought into Parquet first.

Of a JSONL file only id, text, source, revision and work are read; what cannot be right is named by its line.
"""

from __future__ import annotations

import io
import json
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from corpus.base.errors import CorruptFileError, EmptyInputError, InputError, UsageError
from corpus.base.shards import read_shard
from corpus.base.stages import Task
from corpus.dedup.pieces import COLUMNS, DOCUMENTS, split
from corpus.dedup.stages import Piece
from corpus.dedup.tables import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from corpus.base.stages import Job
    from corpus.base.workspace import Workspace

__all__ = ["bring", "bring_tasks", "expand", "kept_tasks", "lines", "pieces", "place", "value_of", "write_kept"]

_JSONL: Final = (".jsonl", ".ndjson")
_PACKED: Final = (".gz", ".zst")
_ROWS: Final = 5_000  # documents, or
_SIZE: Final = 32 << 20  # bytes of text, in memory at once


def expand(inputs: Sequence[Path]) -> list[Path]:
    """Return the files meant: those named, and every Parquet and JSONL file below a folder that is named, in order.

    Raises InputError for a path that is not there, EmptyInputError for a folder without such a file, UsageError for
    another kind of file.
    """
    found: list[Path] = []
    for path in inputs:
        if path.is_dir():
            below = sorted(item for item in path.rglob("*") if item.is_file() and _kind(item))
            below = [item for item in below if not any(part.startswith(".") for part in item.relative_to(path).parts)]
            if not below:
                raise EmptyInputError(f"{path}: no .parquet or .jsonl file in this folder")
            found += below
        elif not path.exists():
            raise InputError(f"no such file: {path}; give a Parquet or JSONL file, or a folder of them")
        elif not _kind(path):
            kinds = ".parquet, .jsonl, .jsonl.gz or .jsonl.zst"
            raise UsageError(f"{path}: unknown kind of file {path.suffix!r}; give {kinds}")
        else:
            found.append(path)
    return [path.absolute() for path in found]


def bring_tasks(files: Sequence[Path], columns: Mapping[str, str]) -> list[Task]:
    """Return the tasks that bring the JSONL files among `files` into Parquet, each at `place`."""
    config = {"columns": dict(columns)}
    return [
        Task("imported", _name(path), "corpus.dedup.files:bring", (path,), config)
        for path in files
        if _kind(path) == "jsonl"
    ]


def place(workspace: Workspace, path: Path) -> Path:
    """Return the Parquet file with the documents of a user's file: itself, or what its JSONL was brought into."""
    return path if _kind(path) == "parquet" else workspace.path("imported", f"{_name(path)}.parquet")


def pieces(workspace: Workspace, files: Sequence[Path], columns: Mapping[str, str]) -> list[Piece]:
    """Return the pieces of `files`, once their JSONL has been brought in.

    Raises InputError for a file that lacks a column, EmptyInputError where no file has a document.
    """
    found: list[Piece] = []
    for path in files:
        held = place(workspace, path)
        names = dict(columns if held == path else COLUMNS)
        found += [
            Piece(f"{_name(path)}-{first:05d}", held, names, (first, after)) for first, after in split(held, names)
        ]
    if not found:
        raise EmptyInputError(f"{', '.join(map(str, files))}: no rows; give files with at least one document")
    return found


def bring(job: Job) -> None:
    """Bring one JSONL file in: imported/<name>.parquet (DOCUMENTS, in the order of the file)."""
    columns = cast("dict[str, str]", job.config["columns"])
    job.commit_stream(f"imported/{job.name}.parquet", DOCUMENTS, _tables(job.inputs[0], columns), level=1)


def kept_tasks(workspace: Workspace, files: Sequence[Path], columns: Mapping[str, str]) -> list[Task]:
    """Return the tasks that write each file again without what goes, to kept/<number>-<name>, every column kept."""
    drops = [workspace.path("dedup", "duplicates.parquet"), *workspace.shards("contaminated")]
    config = {"id": columns["id"]}
    return [
        Task("kept", f"{number:05d}", "corpus.dedup.files:write_kept", (path, *drops), config)
        for number, path in enumerate(files)
    ]


def write_kept(job: Job) -> None:
    """Write one file again without the documents that the tables drop, in its own kind (JSONL unpacked)."""
    path, *drops = job.inputs
    ids: set[str] = {key for drop in drops for key in values(read_shard(drop, ["id"]), "id")}
    column = str(job.config["id"])
    name = path.name.removesuffix(path.suffix) if path.suffix in _PACKED else path.name
    if _kind(path) == "parquet":
        gone = pa.array(sorted(ids), pa.string())
        with pq.ParquetFile(path) as file:
            tables = (_without(pa.Table.from_batches([batch]), column, gone) for batch in file.iter_batches(2048))
            job.commit_stream(f"kept/{job.name}-{name}", file.schema_arrow, tables)
        return

    def write(temporary: Path) -> None:
        with temporary.open("wb") as out:
            out.writelines(
                line.rstrip(b"\r\n") + b"\n" for _, line, row in lines(path) if str(row.get(column)) not in ids
            )

    job.commit(f"kept/{job.name}-{name}", write)


def _without(table: pa.Table, column: str, gone: Any) -> pa.Table:
    keys: Any = table[column]
    if pa.types.is_dictionary(keys.type):
        keys = keys.cast(keys.type.value_type)
    return table.filter(pc.invert(pc.is_in(keys.cast(pa.string()), value_set=gone)))


def lines(path: Path) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    """Yield (number, line, object) of each line of a JSONL file that is not blank.

    Raises CorruptFileError for a line that is no JSON object, or a packed file that is damaged.
    """
    try:
        with pa.input_stream(str(path), compression="detect") as stream, io.BufferedReader(cast("Any", stream)) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line, _object(path, number, line)
    except (pa.ArrowException, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptFileError(f"cannot read {path}: {first}; write it anew") from error


def _object(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path}: line {number} is no JSON ({error}); mend or remove it") from error
    if not isinstance(row, dict):
        raise CorruptFileError(f"{path}: line {number} is no JSON object; mend or remove it")
    return row


def _tables(path: Path, columns: Mapping[str, str]) -> Iterator[pa.Table]:
    rows: list[dict[str, str]] = []
    size = 0
    for number, _, row in lines(path):
        found = {
            name: value_of(path, number, row, (name, columns[name]), needed=name in ("id", "text")) for name in COLUMNS
        }
        rows.append(found)
        size += len(rows[-1]["text"])
        if len(rows) >= _ROWS or size >= _SIZE:
            yield pa.Table.from_pylist(rows, schema=DOCUMENTS)
            rows, size = [], 0
    yield pa.Table.from_pylist(rows, schema=DOCUMENTS)


def value_of(path: Path, number: int, row: Mapping[str, Any], place: tuple[str, str], *, needed: bool = True) -> str:
    """A value of a line as text; `place` is what it is (id, text, …) and its column; "" where it may be missing.

    Raises InputError that names line and column, and never the value: it may be personal.
    """
    name, column = place
    value = row.get(column)
    where = f"{path}: line {number}, column {column!r}"
    if value is None and needed:
        there = ", ".join(map(repr, row)) or "none"
        hint = "fill or remove it" if column in row else f"there are {there}: name yours with --{name}-column"
        raise InputError(f"{where}: nothing there; {hint}")
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str if name == "text" else str | int | float):
        raise InputError(f"{where}: {type(value).__name__} where text must be; make the column one type")
    text = str(value)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        hint = "half of a surrogate pair, which is no character"
        raise CorruptFileError(f"{where}: {hint}; mend or remove it") from error
    return text


def _name(path: Path) -> str:
    """A name of its own for a file, whichever others are searched with it: more files must not sign it again."""
    digest = blake2b(str(path).encode("utf-8", "surrogateescape"), digest_size=6).hexdigest()
    return f"{path.name.partition('.')[0][:40]}-{digest}"


def _kind(path: Path) -> str:
    name = path.name.removesuffix(path.suffix) if path.suffix in _PACKED else path.name
    if path.suffix == ".parquet":
        return "parquet"
    return "jsonl" if Path(name).suffix in _JSONL else ""
