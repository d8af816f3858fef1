"""Files of every kind beside each other: one stream of documents over all workers, rows in the files' order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from extract_samples import make_zip

from corpus.extract.files import find_files, read_files
from corpus.extract.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two readers for all of these tests: they cost seconds to start."""
    with Sandbox(2) as both:
        yield both


@pytest.fixture
def folder(tmp_path: Path, samples: dict[str, bytes]) -> Path:
    """Documents, archives, two dumps in a row, a link to nothing and a pipe."""
    for name in ("law.xml", "mod.html", "dump.xml", "dump.xml.bz2", "plain.txt", "report.pdf", "wiki.html"):
        (tmp_path / name).write_bytes(samples[name])
    (tmp_path / "laws.zip").write_bytes(make_zip({f"{n}.xml": samples["law.xml"] for n in "cab"}))
    (tmp_path / "gone.xml").symlink_to(tmp_path / "nowhere.xml")
    os.mkfifo(tmp_path / "pipe.txt")
    return tmp_path


def test_rows_stand_in_the_order_of_their_files(folder: Path, sandbox: Sandbox) -> None:
    """They are those of each file read alone, whatever number of workers."""
    files = find_files([folder])
    rows = list(read_files(files, sandbox, 2))
    assert rows == [row for file in files for row in read_files([file], sandbox)]
    with Sandbox(1) as one:
        assert list(read_files(files, one)) == rows
    names = [name for name, _ in files]
    assert [row["file"] for row in rows] == sorted((row["file"] for row in rows), key=names.index)
    assert {row["file"] for row in rows} == set(names)


def test_links_to_nothing_and_pipes_are_told(folder: Path, sandbox: Sandbox) -> None:
    """Neither passes in silence, and nobody waits for what comes out of a pipe."""
    told = {row["file"]: (row["outcome"], row["reason"]) for row in read_files(find_files([folder]), sandbox)}
    no_file = ("unsupported", "no regular file, or a link to nothing")
    assert (told["gone.xml"], told["pipe.txt"]) == (no_file, no_file)


def test_workers_read_over_the_borders_of_files(folder: Path, sandbox: Sandbox) -> None:
    """While the first file is read, the others' turn has come."""
    opened = []

    def files() -> Iterator[tuple[str, Path]]:
        for number in range(8):
            opened.append(number)
            yield f"{number}.xml", folder / "law.xml"

    next(read_files(files(), sandbox))
    assert len(opened) > 2


def test_a_file_larger_than_any_document_is_not_read(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its size is enough to say so."""
    monkeypatch.setattr("corpus.extract.files.MAX_MEMBER", 100)
    (tmp_path / "x.txt").write_bytes(b"A sentence of plain words. " * 5)
    [row] = read_files([("x.txt", tmp_path / "x.txt")], sandbox)
    assert (row["outcome"], row["reason"], row["raw_sha256"]) == ("unsupported", "135 bytes, more than 100", "")
