"""`hakusho extract`: rows of local files, counts by outcome, one line for what cannot be."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from corpus.base.shards import read_input, read_shard
from corpus.extract.files import EXTRACTED
from hakusho.cli import main
from hakusho.commands.extract import _batches


def call(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `hakusho extract`."""
    with pytest.raises(SystemExit) as stop:
        main(["extract", *words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture
def folder(tmp_path: Path, samples: dict[str, bytes]) -> Path:
    """A folder of samples, one in a folder below, a hidden file, and an error page."""
    root = tmp_path / "in"
    (root / "below").mkdir(parents=True)
    for name in ("law.xml", "packins.zip", "report.pdf", "dump.xml.bz2"):
        (root / name).write_bytes(samples[name])
    (root / "below" / "wiki.html").write_bytes(samples["wiki.html"])
    (root / "below" / "error.html").write_bytes("<html><title>エラー</title><p>ありません".encode())
    (root / ".hidden").write_bytes(b"x")
    return root


def test_rows(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file and every page of a dump is a row, whatever its outcome, sorted by name."""
    out = tmp_path / "rows.parquet"
    status, text, _ = call(capsys, str(folder), "--out", str(out), "--json")
    assert status == 0
    told = json.loads(text)
    assert (told["files"], told["documents"], told["outcomes"]) == (6, 6, {"error_page": 1, "ok": 5})
    table = read_shard(out)
    assert table.schema.equals(EXTRACTED)
    files = table.column("file").to_pylist()
    assert files == ["below/error.html", "below/wiki.html", "dump.xml.bz2", "law.xml", "packins.zip", "report.pdf"]
    rows = table.to_pylist()
    assert len({row["id"] for row in rows}) == 6
    for row in rows:
        assert (row["outcome"] == "ok") == bool(row["text"])
        assert all(row["text"][s["start"] : s["end"]] for s in row["sections"])
    assert [row["title"] for row in rows if row["file"] == "dump.xml.bz2"] == ["見本山"]


def test_jsonl_is_the_same_and_repeatable(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSONL holds the same rows; a second run gives the same bytes."""
    for name in ("a.jsonl", "b.jsonl", "c.parquet"):
        assert call(capsys, str(folder), "--out", str(tmp_path / name))[0] == 0
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    lines = (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["id"] for line in lines] == read_shard(tmp_path / "c.parquet").column("id").to_pylist()


def test_human_output_tells_what_failed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person reads which file gave no text, and the counts."""
    status, text, _ = call(capsys, str(folder))
    assert status == 0
    assert "below/error.html: error_page" in text
    assert "6 files, 6 documents: 1 error_page, 5 ok; --out FILE keeps the texts" in text


def test_cut_dump_keeps_its_whole_pages(
    tmp_path: Path, samples: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """A dump that breaks off gives its pages and a row that says so."""
    data = samples["dump.xml"].replace(b"</mediawiki>", b"") + b"<page><title>cut"
    (tmp_path / "jawiki-x.xml").write_bytes(data)
    _, text, _ = call(capsys, str(tmp_path / "jawiki-x.xml"), "--json")
    assert json.loads(text)["outcomes"] == {"ok": 1, "truncated": 1}


def test_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file, an empty folder, a bad suffix, and nothing extracted are one line and a status."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "zero.pdf").write_bytes(b"")
    for words, status, said in (
        ([str(tmp_path / "none.pdf")], 1, "no such file"),
        ([str(tmp_path / "empty")], 1, "no files in"),
        ([str(tmp_path / "zero.pdf"), "--out", "x.csv"], 2, "unknown kind of file '.csv'"),
        ([str(tmp_path / "zero.pdf")], 1, "nothing could be extracted; zero.pdf: empty"),
        ([], 2, "name files or folders to read"),
    ):
        code, _, error = call(capsys, *words)
        assert code == status
        assert said in error
        assert len([line for line in error.splitlines() if not line.startswith("extract: ")]) == 1  # but progress


def test_files_of_one_name_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal names, and equal contents, give ids that differ, so that the rows go on to the other commands."""
    monkeypatch.chdir(tmp_path)
    for name in ("xa/x.txt", "xb/x.txt", "r/xa/x.txt", "r/y.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("A report on the safety of aircraft.\n")
    for words in (["xa/x.txt", "xb/x.txt", "r", "xa"], ["r", "xb", "xa/x.txt", "xb/x.txt"]):
        assert call(capsys, *words, "--out", "o.jsonl")[0] == 0
        table = read_input(tmp_path / "o.jsonl")
        assert table.column("file").to_pylist() == ["r/xa/x.txt", "xa/x.txt", "xb/x.txt", "y.txt"]
    assert call(capsys, "r", "--out", "o.jsonl")[0] == 0
    assert read_input(tmp_path / "o.jsonl").column("file").to_pylist() == ["xa/x.txt", "y.txt"]


def test_file_names_that_are_no_utf8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Old names are written with their bytes in hexadecimal; one that then looks like another is refused in a line."""
    (tmp_path / os.fsdecode(b"in")).mkdir()
    old = os.fsencode(tmp_path / "in") + b"/old\xe9.txt"
    Path(os.fsdecode(old)).write_text("A report on the safety of aircraft.\n")
    for out in ("o.jsonl", "o.parquet"):
        assert call(capsys, str(tmp_path / "in"), "--out", str(tmp_path / out), "--json")[0] == 0
        assert read_input(tmp_path / out).column("file").to_pylist() == ["old\\xe9.txt"]
    (tmp_path / "in" / "old\\xe9.txt").write_text("Another.\n")
    status, _, error = call(capsys, str(tmp_path / "in"))
    assert status == 1
    assert "rename one" in error
    assert error.count("\n") == 1


def test_a_page_that_stands_twice_in_a_dump_is_one_row(
    tmp_path: Path, samples: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    """Ids stay unique where a dump repeats a page byte for byte."""
    data = samples["dump.xml"]
    start, end = data.index(b"<page>"), data.rindex(b"</page>") + len(b"</page>")
    (tmp_path / "jawiki-x.xml").write_bytes(data[:end] + data[start:end] + data[end:])
    status, text, _ = call(capsys, str(tmp_path / "jawiki-x.xml"), "--out", str(tmp_path / "o.jsonl"), "--json")
    assert status == 0
    assert json.loads(text)["outcomes"] == {"ok": 1}
    assert read_input(tmp_path / "o.jsonl").num_rows == 1


def test_rows_are_written_by_number_and_by_size() -> None:
    """Five hundred rows at once, or fewer where their texts are long; none is lost."""
    rows = [{"text": "x" * size} for size in (*[1] * 1100, *[2_500_000] * 3)]
    batches = list(_batches(iter(rows)))
    assert [len(batch) for batch in batches] == [500, 500, 102, 1]
    assert [row for batch in batches for row in batch] == rows
