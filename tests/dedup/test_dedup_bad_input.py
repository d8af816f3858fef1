"""Bad input: one clear line and a non-zero exit, or a right result at a bounded price; never a wrong cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corpus.base.shards import read_shard
from corpus.dedup import gather
from hakusho.cli import main

TEXT = "第一条　この法律は、航空機の航行の安全を図るための方法を定めることを目的とする。" * 3
NO_UTF8 = pa.Array.from_buffers(
    pa.string(),
    1,
    [None, pa.py_buffer((0).to_bytes(4, "little") + (3).to_bytes(4, "little")), pa.py_buffer(b"a\xed\xa0")],
)


def call(*words: str) -> int:
    """Run the command in this process; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        main(["dedup", "--workers", "1", *words])
    return int(leaving.value.code or 0)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": ["b", "b"], "text": [TEXT, TEXT]}, "id 'b' occurs more than once"),
        ({"id": ["a"], "text": [TEXT]}, "id 'a' occurs more than once"),
        ({"id": ["b", "c"], "text": [TEXT, None]}, "1 row(s) without text"),
        ({"id": ["b", None], "text": [TEXT, TEXT]}, "1 row(s) without id"),
        ({"id": ["b"], "body": [TEXT]}, "no column text; there are id, body"),
        ({"id": ["b"], "text": [7]}, "column text is int64; it must be text"),
        ({"id": ["b"], "text": NO_UTF8}, "cannot be read as text"),
    ],
)
def test_a_bad_file_among_good_ones_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: dict[str, list[object]], message: str
) -> None:
    """Repeated ids, nulls, another schema, bytes that are no UTF-8: file and fault are named, and no table is left."""
    pq.write_table(pa.table({"id": ["a"], "text": [TEXT]}), tmp_path / "good.parquet")
    pq.write_table(pa.table(columns), tmp_path / "odd.parquet")
    assert call(str(tmp_path), "--out", str(tmp_path / "out")) == 1
    error = capsys.readouterr().err.strip()
    assert message in error
    assert "\n" not in error
    assert list((tmp_path / "out").glob("*.parquet")) == []


def test_a_lone_surrogate_is_named_by_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON may hold one, UTF-8 may not."""
    (tmp_path / "a.jsonl").write_text('{"id": "a", "text": "x"}\n{"id": "b", "text": "\\ud800"}\n')
    assert call(str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "out")) == 1
    assert "a.jsonl: line 2, column 'text': half of a surrogate pair" in capsys.readouterr().err


def test_identical_documents_are_compared_with_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three thousand copies share sixteen bands and give no candidate pair: their text is never even fetched."""

    def refuse(*_: object) -> dict[str, str]:
        raise AssertionError("a text was asked for")

    monkeypatch.setattr(gather, "_texts", lambda table, ids: refuse(table, ids) if ids else {})
    rows = "".join(json.dumps({"id": str(number), "text": TEXT}) + "\n" for number in range(3000))
    (tmp_path / "a.jsonl").write_text(rows)
    assert call(str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "out")) == 0
    duplicates = read_shard(tmp_path / "out" / "duplicates.parquet")
    assert (duplicates.num_rows, set(duplicates["keeper"].to_pylist())) == (2999, {"0"})
    assert (
        read_shard(tmp_path / "out" / "work" / "dedup" / "candidates.parquet")["compared"].to_pylist() == [False] * 3000
    )


def test_a_long_document_finds_its_copy(tmp_path: Path) -> None:
    """Two of 600,000 characters beside short and empty ones: the pair, its Jaccard, and nobody else."""
    long = "".join(chr(0x4E00 + number * number % 20_000) for number in range(600_000))
    texts = {"long": long, "copy": long[:-9] + "終", "short": TEXT, "none": "", "blank": " \n"}
    pq.write_table(pa.table({"id": list(texts), "text": list(texts.values())}), tmp_path / "a.parquet")
    assert call(str(tmp_path / "a.parquet"), "--out", str(tmp_path / "out")) == 0
    told = {
        row["id"]: (row["keeper"], row["rule"])
        for row in read_shard(tmp_path / "out" / "duplicates.parquet").to_pylist()
    }
    assert told["copy"] == ("long", "near_duplicate")
    assert "short" not in told
    assert set(told) <= {"copy", "none", "blank"}
