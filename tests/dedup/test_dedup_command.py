"""`hakusho dedup` on files and on a workspace, as a user calls it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.shards import read_shard, write_shard
from hakusho.cli import main

TEXT = "航空機の安全に関する報告書は、毎年一回公表される。事故の原因を調べ、対策をまとめている。"


def call(*words: str) -> int:
    """Run the command line; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        main(["dedup", "--workers", "1", *words])
    return int(leaving.value.code or 0)


def jsonl(path: Path, rows: list[dict[str, object]]) -> str:
    """Write rows as JSONL."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def test_files_of_both_kinds_give_both_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Parquet and JSONL together are searched as one corpus, and the counts are printed as JSON."""
    first = jsonl(tmp_path / "a.jsonl", [{"id": "1", "text": TEXT}, {"id": "2", "text": TEXT + "別"}])
    second = tmp_path / "b.parquet"
    write_shard(second, pa.table({"id": ["3"], "text": [TEXT], "revision": [7]}))
    out = tmp_path / "out"
    assert call(first, str(second), "--out", str(out), "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["documents"], answer["kept"], answer["clusters"]) == (3, 1, 1)
    assert read_shard(out / "clusters.parquet").to_pylist() == [{"id": key, "cluster": "1"} for key in "123"]
    assert [(row["id"], row["keeper"]) for row in read_shard(out / "duplicates.parquet").to_pylist()] == [
        ("1", "3"),
        ("2", "3"),
    ]


@pytest.mark.parametrize(
    ("rows", "words", "status", "message"),
    [
        ([{"id": "1", "text": TEXT}, {"id": "1", "text": TEXT}], ["--out", "o"], 1, "id '1' occurs more than once"),
        (
            [{"id": "1", "text": None}, {"id": "2", "text": "x"}],
            ["--out", "o"],
            1,
            "line 1, column 'text': nothing there",
        ),
        ([{"id": "1", "text": TEXT}], [], 2, "needs --out"),
        ([{"id": "1", "text": TEXT}], ["--out", "o", "--threshold", "2"], 2, "threshold is 2.0"),
        ([{"id": "1"}], ["--out", "o"], 1, "name yours with --text-column"),
    ],
)
def test_bad_input_is_one_clear_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    rows: list[dict[str, object]],
    words: list[str],
    status: int,
    message: str,
) -> None:
    """A fault of the input or of the call is one line on stderr and leaves no output behind."""
    monkeypatch.chdir(tmp_path)
    assert call(jsonl(tmp_path / "a.jsonl", rows), *words) == status
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("o/*.parquet"))


def test_flags_steer_the_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A threshold that nothing but a copy reaches keeps the near duplicate, a lower one finds it."""
    rows: list[dict[str, object]] = [{"id": "1", "text": TEXT}, {"id": "2", "text": TEXT + "別"}]
    source = jsonl(tmp_path / "a.jsonl", rows)
    for threshold, kept in (("1", 2), ("0.5", 1)):
        words = ("--threshold", threshold, "--bands", "32", "--rows", "4")
        assert call(source, "--out", str(tmp_path / "o"), "--json", *words) == 0
        assert json.loads(capsys.readouterr().out)["kept"] == kept


def test_columns_that_are_not_read_cannot_fail_the_search(tmp_path: Path) -> None:
    """A column of mixed types that has no part in the search stops nothing."""
    rows: list[dict[str, object]] = [{"id": "1", "text": TEXT, "n": 1}, {"id": "2", "text": "x", "n": "1"}]
    assert call(jsonl(tmp_path / "a.jsonl", rows), "--out", str(tmp_path / "o")) == 0


def test_the_same_id_in_two_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids must be unique over all inputs together."""
    files = [jsonl(tmp_path / name, [{"id": "1", "text": TEXT}]) for name in ("a.jsonl", "b.jsonl")]
    assert call(*files, "--out", str(tmp_path / "o")) == 1
    assert "id '1' occurs more than once" in capsys.readouterr().err


def test_without_files_the_workspace_is_brought_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without IN the normalised documents of --data are searched; a second call does nothing."""
    digest = hashlib.sha256(TEXT.encode()).hexdigest()
    rows = [{"id": key, "source": "egov", "text": TEXT, "text_sha256": digest} for key in "ab"]
    write_shard(tmp_path / "normalised" / "egov-0.parquet", pa.Table.from_pylist(rows))
    keys = [{"id": key, "key": key, "revision": "1"} for key in "ab"]
    write_shard(tmp_path / "documents" / "egov" / "0.parquet", pa.Table.from_pylist(keys))
    assert call("--data", str(tmp_path), "--workers", "1") == 0
    assert "dedup: 1 of 1 units done; 1 of 2 rows kept (dropped: 1 exact_duplicate)" in capsys.readouterr().out
    assert call("--data", str(tmp_path), "--workers", "1") == 0
    assert capsys.readouterr().out.count("up to date") == 7
    assert call("--data", str(tmp_path), "--out", "x") == 2
