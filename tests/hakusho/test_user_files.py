"""The commands that take a user's own files, one after the other, as a user chains them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.shards import read_shard, write_shard
from hakusho.cli import main


def call(*words: str) -> int:
    """Run the command line; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        main(list(words))
    return int(leaving.value.code or 0)


def test_files_of_one_name_go_the_whole_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two copies of a file in two folders are extracted, masked, and found to be copies of each other."""
    monkeypatch.chdir(tmp_path)
    for folder in ("xa", "xb"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text("Write to taro@example.jp about the report.\n", encoding="utf-8")
    assert call("extract", "xa/x.txt", "xb/x.txt", "--out", "o.jsonl") == 0
    assert call("pii", "o.jsonl", "--out", "p.jsonl") == 0
    made = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["text"] for row in made] == ["Write to [EMAIL] about the report."] * 2
    assert call("dedup", "o.jsonl", "--out", "d") == 0
    assert read_shard(tmp_path / "d" / "duplicates.parquet").column("rule").to_pylist() == ["exact_duplicate"]


@pytest.mark.parametrize(("verb", "said"), [("pii", "Ids are written as text"), ("label", "ids become text")])
def test_help_says_what_becomes_of_ids(verb: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever joins the output to the input knows that whole numbers come back as text."""
    assert call(verb, "--help") == 0
    assert said in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "words",
    [
        ("pii", "in.jsonl", "--out", "in.jsonl"),
        ("pii", "in.jsonl", "--out", "link.jsonl"),
        ("label", "in.jsonl", "--out", "in.jsonl"),
        ("extract", "in.jsonl", "--out", "in.jsonl"),
        ("extract", ".", "--out", "in.jsonl"),
        ("dedup", "d/duplicates.parquet", "--out", "d"),
        ("dedup", "d", "--out", "d"),
    ],
)
def test_no_command_writes_over_what_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """The only copy of a user's data is not replaced by a mistyped word."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"id": "1", "text": "Write to taro@example.jp about it."}\n', encoding="utf-8")
    (tmp_path / "link.jsonl").symlink_to("in.jsonl")
    table = pa.table({"id": ["1"], "text": ["Not what a search wrote."]})
    write_shard(tmp_path / "d" / "duplicates.parquet", table)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert call(*words) == 2
    assert "among the files read" in (told := capsys.readouterr().err) or "one of the files read" in told
    assert {path: path.read_bytes() for path in before} == before
