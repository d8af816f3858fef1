"""A user's own files: columns of any name, more files later, evaluation sets, what stays, a pair explained."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hakusho.cli import main

TEXT = (
    "第一条　この法律は、航空機の航行の安全を図るための方法を定めることを目的とする。"
    "第二条　この法律で航空機とは飛行機をいう。"
)
NEAR = TEXT.replace("第二条", "第弐条")
QUIZ = "Which aircraft first exceeded Mach 1 in level flight? The Bell X-1, in October 1947."


def call(*words: str) -> int:
    """Run the command in this process; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        main(list(words))
    return int(leaving.value.code or 0)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with packed JSONL and Parquet whose columns are called url and body, and an evaluation set."""
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [{"url": 1, "body": TEXT, "n": 7}, {"url": 2, "body": "x " * 40 + QUIZ, "n": None}]
    with gzip.open(folder / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    table = pa.table({"extra": [[1], [2]], "url": ["3", "4"], "body": pa.array([NEAR, "別の文書"]).dictionary_encode()})
    pq.write_table(table, folder / "c.parquet")
    (tmp_path / "quiz.jsonl").write_text(json.dumps({"question": QUIZ}) + "\n")
    return folder


def search(files: Path, *more: str) -> int:
    """Search the folder."""
    out = str(files.parent / "out")
    columns = ("--id-column", "url", "--text-column", "body", "--threshold", "0.6", "--rows", "4")
    return call("dedup", str(files), "--out", out, "--workers", "1", "--json", *columns, *more)


def test_any_columns_sets_and_what_stays(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Copy and contaminated document go; each file is written again without them, with every column it had."""
    out = files.parent / "out"
    against = ("--against", str(files.parent / "quiz.jsonl"), "--against-column", "question")
    assert search(files, "--write-kept", *against) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["documents"], told["kept"], told["near_duplicates"], told["contaminated"]) == (4, 2, 1, 1)
    assert (out / "kept" / "00000-b.jsonl").read_text() == json.dumps({"url": 1, "body": TEXT, "n": 7}) + "\n"
    kept = pq.read_table(out / "kept" / "00001-c.parquet")
    assert kept.column_names == ["extra", "url", "body"]
    assert kept.select(["extra", "url"]).to_pylist() == [{"extra": [2], "url": "4"}]
    assert call("why", "3", "--search", str(out)) == 0
    story = capsys.readouterr().out.splitlines()
    assert story[0].startswith("left out: near_duplicate of 1, Jaccard 0.")
    assert [line.strip() for line in story if "条" in line] == [
        "- 第弐条 この法律で航空機とは飛行機をいう。",
        "+ 第二条 この法律で航空機とは飛行機をいう。",
    ]
    assert call("why", "2", "--search", str(out)) == 0
    assert capsys.readouterr().out.startswith("left out: holds 0 of quiz.jsonl")
    assert call("why", "9", "--search", str(out)) == 1
    assert "no document '9' among those searched" in capsys.readouterr().err


def test_a_file_that_is_added_leaves_the_others_signed(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that comes first by name: only it is signed; the tables are those of a search over all at once."""
    assert search(files) == 0
    signed = {path: path.stat().st_ino for path in (files.parent / "out" / "work" / "dedup" / "signatures").iterdir()}
    pq.write_table(pa.table({"url": ["0"], "body": [TEXT]}), files / "a.parquet")
    assert search(files) == 0
    assert {path: path.stat().st_ino for path in signed} == signed
    grown = (files.parent / "out" / "duplicates.parquet").read_bytes()
    assert call("dedup", str(files), "--out", str(files.parent / "anew"), "--workers", "1", "--id-column", "url",
                "--text-column", "body", "--threshold", "0.6", "--rows", "4") == 0  # fmt: skip
    assert (files.parent / "anew" / "duplicates.parquet").read_bytes() == grown
    capsys.readouterr()
