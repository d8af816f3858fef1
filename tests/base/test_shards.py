"""Shards, and the files a user brings."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.base.errors import CorruptFileError, EmptyInputError, InputError, UsageError
from corpus.base.schemas import DOCUMENTS
from corpus.base.shards import ROW_GROUP, read_input, read_shard, row_count, stream_output, write_output, write_shard

FIXTURE = HealthCheck.function_scoped_fixture


def _table(rows: int, start: int = 0) -> pa.Table:
    numbers = range(start, start + rows)
    return pa.table(
        {
            "id": [f"{n:06d}" for n in numbers],
            "text": [None if n % 7 == 0 else f"第{n}条 " * (n % 5) for n in numbers],
            "tags": [["a"] * (n % 3) for n in numbers],
        }
    )


@settings(suppress_health_check=[FIXTURE], deadline=None, max_examples=8)
@given(cuts=st.lists(st.integers(0, 1200), max_size=6), lead=st.integers(1, 9))
def test_the_same_rows_give_the_same_bytes(tmp_path: Path, cuts: list[int], lead: int) -> None:
    """However a table was chunked, sliced or put together, its shard has the same bytes."""
    whole = _table(1200)
    edges = [0, *sorted(cuts), 1200]
    parts = [whole.slice(a, b - a) for a, b in itertools.pairwise(edges)]
    pieced = pa.concat_tables(parts)
    sliced = pa.concat_tables([whole.slice(0, lead), whole]).slice(lead)
    hashes = {write_shard(tmp_path / f"{n}.parquet", t).sha256 for n, t in enumerate((whole, pieced, sliced))}
    assert len(hashes) == 1
    assert read_shard(tmp_path / "1.parquet").equals(whole)
    again = write_shard(tmp_path / "again.parquet", read_shard(tmp_path / "1.parquet"))
    assert hashes == {again.sha256}


def test_long_texts_in_pieces_give_the_same_bytes(tmp_path: Path) -> None:
    """Texts that fill many pages: where pages and dictionaries end does not depend on how the table was chunked."""
    texts = [f"{n:07d} {n * n:x}" * 150 for n in range(1, 1500)]
    whole = pa.table({"id": [str(n) for n in range(1, 1500)], "text": texts})
    pieced = pa.concat_tables([whole.slice(at, 37) for at in range(0, 1499, 37)])
    assert write_shard(tmp_path / "a.parquet", whole).sha256 == write_shard(tmp_path / "b.parquet", pieced).sha256


def test_row_groups_columns_and_counts(tmp_path: Path) -> None:
    """Row groups are of fixed size; columns can be chosen; the footer counts rows; the schema's words survive."""
    path = tmp_path / "a.parquet"
    write_shard(path, _table(2 * ROW_GROUP + 1))
    with pq.ParquetFile(path) as file:
        assert [file.metadata.row_group(i).num_rows for i in range(3)] == [ROW_GROUP, ROW_GROUP, 1]
        assert file.metadata.row_group(0).column(0).compression == "ZSTD"
    assert read_shard(path, ["tags", "id"]).column_names == ["tags", "id"]
    assert row_count(path) == 2 * ROW_GROUP + 1
    write_shard(path, DOCUMENTS.empty_table())
    assert read_shard(path).schema.equals(DOCUMENTS, check_metadata=True)


def _one_line(error: pytest.ExceptionInfo[BaseException], path: Path) -> None:
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("keep", [0, 3, 100, -100, -4])
def test_a_truncated_shard_is_a_corrupt_file(tmp_path: Path, keep: int) -> None:
    """Cut anywhere, the reader and the row count say so in one line that names the file."""
    path = tmp_path / "a.parquet"
    write_shard(path, _table(500))
    path.write_bytes(path.read_bytes()[:keep])
    for read in (read_shard, row_count):
        with pytest.raises(CorruptFileError, match="not a whole Parquet file") as caught:
            read(path)
        _one_line(caught, path)


def test_a_flipped_bit_in_the_data_is_a_corrupt_file(tmp_path: Path) -> None:
    """Page checksums: no flipped bit in a data page reads as other rows, wherever it is."""
    path = tmp_path / "a.parquet"
    table = pa.table({"id": [f"{n:06d}" for n in range(300)], "text": [f"{n * n:x} text" for n in range(300)]})
    write_shard(path, table)
    whole = path.read_bytes()
    with pq.ParquetFile(path) as file:
        chunks = [file.metadata.row_group(0).column(i) for i in range(2)]
    spans = [(c.dictionary_page_offset or c.data_page_offset, c.total_compressed_size) for c in chunks]
    for start, size in spans:
        for where in range(start, start + size, max(1, size // 40)):
            path.write_bytes(whole[:where] + bytes([whole[where] ^ 4]) + whole[where + 1 :])
            try:
                same = read_shard(path).equals(table)
            except CorruptFileError:
                continue
            assert same, where  # a bit of a page header that decides nothing


def test_missing_files_and_folders(tmp_path: Path) -> None:
    """A missing file, a folder: InputError with the path, not "remove it"."""
    with pytest.raises(InputError, match="no such file"):
        read_shard(tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no such file"):
        row_count(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").mkdir()
    (tmp_path / "b.jsonl").mkdir()
    for name in ("b.parquet", "b.jsonl"):
        with pytest.raises(InputError) as caught:
            read_input(tmp_path / name)
        _one_line(caught, tmp_path / name)
        assert "remove it" not in str(caught.value)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
ROWS = st.lists(
    st.fixed_dictionaries({"id": TEXT, "text": TEXT}, optional={"n": st.integers(-9, 9), "lang": TEXT}),
    min_size=1, max_size=6, unique_by=lambda row: row["id"],
)  # fmt: skip


@settings(suppress_health_check=[FIXTURE], deadline=None, max_examples=30)
@given(rows=ROWS, suffix=st.sampled_from([".jsonl", ".ndjson", ".parquet"]))
def test_output_reads_back_as_input(tmp_path: Path, rows: list[dict[str, object]], suffix: str) -> None:
    """Any rows, line separators and controls in the text included, come back, with columns only later rows have."""
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    table = read_input(tmp_path / "in.jsonl")
    assert [{k: v for k, v in row.items() if v is not None} for row in table.to_pylist()] == rows
    path = tmp_path / f"out{suffix}"
    write_output(path, table)
    again = read_input(path)
    assert again.select(table.column_names).to_pylist() == table.to_pylist()
    first = path.read_bytes()
    write_output(path, again)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_streams(name: str, tmp_path: Path) -> None:
    """Tables go to the file one by one, with the same rows as at once; a failure on the way leaves the old file."""
    tables = [pa.table({"id": [f"{n}-{m}" for m in range(2000)], "n": list(range(2000))}) for n in range(4)]
    sizes: list[int] = []

    def coming(fails: bool = False) -> Iterator[pa.Table]:
        for table in tables:
            sizes.append(sum(file.stat().st_size for file in tmp_path.iterdir()))
            yield table
        if fails:
            raise InputError("no more")

    stream_output(tmp_path / name, tables[0].schema, coming())
    assert sizes == sorted(set(sizes))
    whole = pa.concat_tables(tables)
    before = (tmp_path / name).read_bytes()
    with pytest.raises(InputError):
        stream_output(tmp_path / name, tables[0].schema, coming(fails=True))
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [before]
    write_output(tmp_path / f"whole-{name}", whole)
    if name.endswith(".jsonl"):
        assert (tmp_path / f"whole-{name}").read_bytes() == before
    else:
        assert read_shard(tmp_path / name).equals(read_shard(tmp_path / f"whole-{name}"))


def test_jsonl_of_other_makes(tmp_path: Path) -> None:
    """A byte order mark, CRLF, blank lines, no last newline, whole numbers as ids: all read."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": 1, "text": "a"}\r\n\r\n{"id": 2, "text": "\xe7\xac\xac"}')
    assert read_input(path).to_pylist() == [{"id": "1", "text": "a"}, {"id": "2", "text": "第"}]


@pytest.mark.parametrize(
    ("content", "kind", "said"),
    [
        (b'{"id": "a", "text": "x"}\n{"id": "b", ', CorruptFileError, "line 2 is no JSON"),
        (b'{"id": "a", "text": "x"}\n["b"]\n', CorruptFileError, "line 2 is no JSON object"),
        (b'{"id": "a", "text": "\xff"}\n', CorruptFileError, "line 1 is no JSON"),
        (
            b'{"id": "a", "text": "x"}\n\n{"id": "b", "text": "\\ud800"}\n',
            CorruptFileError,
            "line 3, column 'text': half",
        ),
        (b'{"id": "a", "text": "x", "n": ["\\udc00"]}\n', CorruptFileError, "line 1, column 'n': half"),
        (b'{"id": "a", "text": "x", "\\ud800": 1}\n', CorruptFileError, "line 1, column '\\ud800': half"),
        (
            b'{"id": 1, "text": "x"}\n{"id": 99999999999999999999999, "text": "a"}\n',
            CorruptFileError,
            "line 2, column 'id'",
        ),
        (
            b'{"id": "a", "text": "x", "n": 1}\n{"id": "b", "text": "y", "n": "1"}\n',
            CorruptFileError,
            "line 2, column 'n': a string",
        ),
        (b"[" * 100_000, CorruptFileError, "line 1 is no JSON"),
        (b"", EmptyInputError, "no rows"),
        (b"\n \n", EmptyInputError, "no rows"),
        (b'{"id": "a"}\n', InputError, "no column text; there are id"),
        (b'{"x": "a"}\n', InputError, "no column id and text"),
        (b'{"id": "a", "text": null}\n', InputError, "1 row(s) without text"),
        (b'{"text": "x"}\n{"id": "b", "text": "x"}\n', InputError, "1 row(s) without id"),
        (b'{"id": "a", "text": 5}\n', InputError, "column text is int64"),
        (b'{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}\n', InputError, "id 'a' occurs twice"),
    ],
)
def test_jsonl_that_is_wrong(tmp_path: Path, content: bytes, kind: type[InputError], said: str) -> None:
    """Each fault is one line that names the file, and the place where there is one."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_input(path)
    assert type(caught.value) is kind
    assert said in str(caught.value)
    _one_line(caught, path)


def test_the_line_named_is_the_first_that_does_not_fit(tmp_path: Path) -> None:
    """Among many rows the very line is named, and no value is shown: it may be personal data."""
    path = tmp_path / "a.jsonl"
    rows = [{"id": str(n), "text": "x", "n": n if n < 700 else f"secret {n}"} for n in range(1000)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with pytest.raises(CorruptFileError, match="line 701, column 'n': a string") as caught:
        read_input(path)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_only_the_columns_asked_for_are_read(tmp_path: Path, suffix: str) -> None:
    """A column that a command does not name cannot fail it; one that is not there is left out."""
    path = tmp_path / f"a{suffix}"
    if suffix == ".jsonl":
        path.write_text('{"n": 1, "source": "s", "id": "a", "text": "x"}\n{"n": "1", "id": "b", "text": "y"}\n')
        with pytest.raises(CorruptFileError):
            read_input(path)
    else:
        rows = [["s", None], ["a", "b"], ["x", "y"], [1, 2], [3, 4]]
        pq.write_table(pa.table(rows, names=["source", "id", "text", "n", "n"]), path)
    wanted = [{"id": "a", "text": "x", "source": "s"}, {"id": "b", "text": "y", "source": None}]
    table = read_input(path, ("source", "revision"))
    assert sorted(table.column_names) == ["id", "source", "text"]
    assert table.to_pylist() == wanted
    assert sorted(read_input(path, ()).column_names) == ["id", "text"]


@pytest.mark.parametrize("columns", [None, ()])
def test_text_however_parquet_holds_it(tmp_path: Path, columns: tuple[str, ...] | None) -> None:
    """Dictionaries, views and large strings are text, dictionaries of whole numbers are ids; all come as strings."""
    path = tmp_path / "a.parquet"
    kinds = [pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
    for kind in [*kinds, pa.dictionary(pa.int8(), pa.large_string())]:
        columns_of = {name: pa.array(found, pa.string()).cast(kind) for name, found in (("id", "ab"), ("text", "第x"))}
        pq.write_table(pa.table(columns_of), path)
        table = read_input(path, columns)
        assert table.to_pylist() == [{"id": "a", "text": "第"}, {"id": "b", "text": "x"}]
        assert set(table.schema.types) == {pa.string()}
    pq.write_table(pa.table({"id": pa.array([7, 8]).dictionary_encode(), "text": ["x", "y"]}), path)
    assert read_input(path, columns).column("id").to_pylist() == ["7", "8"]


def test_parquet_text_that_is_no_utf8(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 in a column called text are one line, as a null in a dictionary or bytes for ids are."""
    path = tmp_path / "a.parquet"
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"a\xff"], pa.binary()).buffers())
    pq.write_table(pa.table({"id": ["a"], "text": broken}), path)
    with pytest.raises(CorruptFileError, match="column text cannot be read as text") as caught:
        read_input(path)
    _one_line(caught, path)
    pq.write_table(pa.table({"id": ["a", "b"], "text": pa.array(["x", None]).dictionary_encode()}), path)
    with pytest.raises(InputError, match=r"1 row\(s\) without text"):
        read_input(path)
    pq.write_table(pa.table({"id": [b"a"], "text": ["x"]}), path)
    with pytest.raises(InputError, match="column id is binary; it must be text"):
        read_input(path)


def test_input_by_name(tmp_path: Path) -> None:
    """A missing file and an unknown suffix say what is wanted; so does an output's suffix."""
    with pytest.raises(InputError, match="give a Parquet or JSONL file"):
        read_input(tmp_path / "a.parquet")
    (tmp_path / "a.csv").touch()
    with pytest.raises(UsageError, match=r"give \.parquet or \.jsonl"):
        read_input(tmp_path / "a.csv")
    with pytest.raises(UsageError, match=r"name it \.parquet or \.jsonl"):
        write_output(tmp_path / "b.csv", _table(1))


def test_parquet_with_a_column_twice(tmp_path: Path) -> None:
    """Two columns of one name are refused: which one is meant is not ours to guess."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table([["a"], ["b"], ["c"]], names=["id", "text", "text"]), path)
    with pytest.raises(InputError, match="column text occurs twice"):
        read_input(path)


def test_jsonl_output_of_times(tmp_path: Path) -> None:
    """Values that JSON has no word for are written as text."""
    time = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    write_output(tmp_path / "a.jsonl", pa.table({"id": ["a"], "time": [time]}))
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {"id": "a", "time": "2026-01-02 00:00:00+00:00"}


def test_jsonl_output_of_bytes_and_numbers_without_end(tmp_path: Path) -> None:
    """Bytes are Base64; numbers that JSON lacks are null, inside lists too; so every line is JSON."""
    nan = float("nan")
    columns = {"id": ["a", "b"], "raw": [b"\xff\x00", None], "n": [nan, 1.5], "m": [[float("inf"), 2.0], []]}
    write_output(tmp_path / "a.jsonl", pa.table(columns))

    def refuse(word: str) -> float:
        raise AssertionError(word)

    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=refuse) for line in lines] == [
        {"id": "a", "raw": "/wA=", "n": None, "m": [None, 2.0]},
        {"id": "b", "raw": None, "n": 1.5, "m": []},
    ]
