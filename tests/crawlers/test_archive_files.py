"""Files of the raw archive: WARC 1.1 that others read too, rotated, with digests that count and tails that mend."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from scrapy.http import HtmlResponse, Response
from warcio.archiveiterator import ArchiveIterator  # type: ignore[import-untyped]

from corpus.base.errors import CorruptFileError
from corpus.base.workspace import Workspace
from crawlers.archive.reader import arguments_of, notes, read_answer, repair, whole_size
from crawlers.archive.writer import Archive, member

URL = "https://www.mod.go.jp/a?b=防衛"


def written(workspace: Workspace, number: int = 3, size: int = 2**20) -> list[Path]:
    """An archive of some answers, the last a 304."""
    archive = Archive(workspace, "mod", "run", size=size, info={"description": 'arguments {"limit":"3"}'})
    for one in range(number):
        page = HtmlResponse(
            URL, body=f"<p>頁{one}</p>".encode(), headers={"Content-Type": "text/html", "X-N": ["1", "2"]}
        )
        archive.add(*member(URL, page, {"request": one, "名": "値"}))
    archive.add(*member(URL, Response(URL, status=304, headers={"ETag": '"x"'}), {"request": number}))
    archive.close()
    return sorted(workspace.path("raw", "mod").glob("*.warc.gz"))


def test_another_reader_finds_whole_records(tmp_path: Path) -> None:
    """Warcio reads every record with its digests checked; a 304 is a revisit with its profile."""
    (path,) = written(Workspace(tmp_path))
    with path.open("rb") as file:
        records = [(record.rec_type, record.content_stream().read(), record.rec_headers)
                   for record in ArchiveIterator(file, check_digests="raise")]  # fmt: skip
    assert [kind for kind, _, _ in records] == ["warcinfo", *["metadata", "response"] * 3, "metadata", "revisit"]
    assert records[2][1].decode() == "<p>頁0</p>"
    assert records[-1][2].get_header("WARC-Profile").endswith("server-not-modified")
    assert all(headers.get_header("WARC-Block-Digest").startswith("sha256:") for _, _, headers in records[1:])
    assert records[1][2].get_header("WARC-Refers-To") == records[2][2].get_header("WARC-Record-ID")
    assert arguments_of(path) == '{"limit":"3"}'


def test_answers_come_back_as_they_were(tmp_path: Path) -> None:
    """URL, status, headers (also repeated ones) and body, found by the notes in front of them."""
    (path,) = written(Workspace(tmp_path))
    found = list(notes(path))
    assert [noted.note["request"] for noted in found] == [0, 1, 2, 3]
    answer = read_answer(path, found[1].offset).response
    assert (answer.url, answer.status, answer.body.decode()) == (HtmlResponse(URL).url, 200, "<p>頁1</p>")
    assert answer.headers.getlist("X-N") == [b"1", b"2"]
    assert read_answer(path, found[3].offset).response.status == 304


def test_a_full_file_is_followed_by_the_next(tmp_path: Path) -> None:
    """Each file that is full is closed, and begins with its own warcinfo."""
    paths = written(Workspace(tmp_path), 6, size=1500)
    assert len(paths) > 2
    assert [noted.note["request"] for path in paths for noted in notes(path)] == list(range(7))
    assert {arguments_of(path) for path in paths} == {'{"limit":"3"}'}


def test_a_torn_tail_is_cut_off_and_kept(tmp_path: Path) -> None:
    """Whatever a cut left behind the last whole record goes to quarantine/; the records before it stand."""
    workspace = Workspace(tmp_path)
    (path,) = written(workspace)
    whole = path.read_bytes()
    last = list(notes(path))[-1].offset
    path.write_bytes(whole[: last + 40])
    assert repair(workspace, path)
    assert path.read_bytes() == whole[:last]
    assert whole_size(path) == last
    assert [aside.read_bytes() for aside in (tmp_path / "quarantine").iterdir()] == [whole[last : last + 40]]


def test_other_bytes_are_told_by_their_digest(tmp_path: Path) -> None:
    """A record whose body is not what was received is no answer."""
    (path,) = written(Workspace(tmp_path), 1)
    offset = next(notes(path)).offset
    record = gzip.decompress(path.read_bytes()[offset : list(notes(path))[1].offset]).partition(
        b"WARC/1.1\r\nWARC-Type: metadata"
    )[0]
    changed = record.replace("頁0".encode(), "頁9".encode())
    assert changed != record
    path.write_bytes(path.read_bytes()[:offset] + gzip.compress(changed))
    with pytest.raises(CorruptFileError, match="no whole record"):
        read_answer(path, offset)
