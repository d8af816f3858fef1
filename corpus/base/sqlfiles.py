"""The SELECTs of sql/, and the DuckDB in which a stage runs them: one thread, a bounded memory, the rest spilled."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.base.commit import scratch_folder, sha256_bytes
from corpus.base.errors import CorruptFileError, InputError, StorageError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Relations", "digest", "parquet", "relations", "select", "sql_folder"]

_BATCH = 20_000  # rows of a result that are in memory at once


def sql_folder() -> Path:
    """The folder of the .sql files: hakusho/sql in an installed wheel, sql/ beside the packages in a checkout.

    Raises InputError where neither is there.
    """
    top = Path(__file__).resolve().parent.parent.parent
    for folder in (top / "hakusho" / "sql", top / "sql"):
        if (folder / "reports").is_dir():
            return folder
    raise InputError(f"no SQL files in {top / 'sql'}; install the package again")


@functools.cache
def select(kind: str, name: str) -> str:
    """The text of sql/<kind>/<name>.sql."""
    return (sql_folder() / kind / f"{name}.sql").read_text(encoding="utf-8").strip().rstrip(";")


def digest(kind: str) -> str:
    """SHA-256 over the SELECTs of sql/<kind>: part of the configuration of each unit that they decide."""
    files = sorted((sql_folder() / kind).glob("*.sql"))
    return sha256_bytes(b"\0".join(file.name.encode() + b"\0" + file.read_bytes() for file in files))


def parquet(files: Sequence[Path]) -> str:
    """A read_parquet(…) over exactly these files, whatever characters their names hold; at least one."""
    names = ", ".join(f"'{_quoted(_literal(file))}'" for file in files)
    return f"read_parquet([{names}])"


def _literal(file: Path) -> str:
    return "".join(f"[{char}]" if char in "[*?" else char for char in file.as_posix())


def _quoted(text: str) -> str:
    return text.replace("'", "''")


class Relations:
    """A database in memory that holds the views a stage's SELECTs read."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def view(self, name: str, query: str) -> None:
        """Name a query; `parquet` gives what it reads from."""
        with _told():
            self._connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {query}')

    def register(self, name: str, table: pa.Table) -> None:
        """Name a table in memory."""
        self._connection.register(name, table)

    def stream(self, sql: str, schema: pa.Schema) -> Iterator[pa.Table]:
        """The rows of a SELECT, a bounded number at a time, as the columns of `schema`; one empty table for no rows."""
        import pyarrow as pa

        with _told():
            reader = self._connection.sql(sql).to_arrow_reader(_BATCH)
            none = True
            for batch in reader:
                none = False
                yield pa.Table.from_batches([batch]).select(schema.names).cast(schema)
        if none:
            yield schema.empty_table()

    def table(self, sql: str, schema: pa.Schema) -> pa.Table:
        """The rows of a SELECT as one table."""
        import pyarrow as pa

        return pa.concat_tables(list(self.stream(sql, schema)))


@contextlib.contextmanager
def relations(root: Path, memory: int) -> Iterator[Relations]:
    """Open a database that takes at most `memory` bytes and spills to a folder of its own below root/tmp.

    Raises InputError, in a query, where the memory does not do even so.
    """
    import duckdb

    options: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": f"{memory}B"}
    with scratch_folder(root / "tmp" / "duckdb") as spill, duckdb.connect(":memory:", config=options) as connection:
        connection.execute(f"SET temp_directory = '{_quoted(str(spill))}'")
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET autoinstall_known_extensions = false")
        yield Relations(connection)


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Errors of DuckDB as errors of ours, in one line."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise InputError(f"a join needs more memory: {_one_line(error)}; raise --memory") from error
    except duckdb.IOException as error:
        raise StorageError(f"DuckDB cannot read or spill: {_one_line(error)}; see that the drive has room") from error
    except duckdb.Error as error:
        if ".parquet" in str(error):
            raise CorruptFileError(f"{_one_line(error)}; run the command that made it again") from error
        raise


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split("\n\nPossible solutions")[0].split())
