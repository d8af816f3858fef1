"""Zips and WARC: every document a row, damage told, nothing unpacked to disk."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from extract_samples import make_zip

from corpus.base.commit import sha256_bytes
from corpus.extract import archives
from corpus.extract.archives import is_warc, warc_members, zip_members
from corpus.extract.files import read_files
from corpus.extract.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Two readers for all of these tests: they cost seconds to start."""
    with Sandbox(2) as both:
        yield both


def law_zip(path: Path, law: bytes, count: int) -> Path:
    """A zip as the site of statutes makes it: folders by revision, a list, pictures."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("all_law_list.csv", "法令名".encode("cp932"))
        for number in reversed(range(count)):
            name = f"405AC{number:010d}_20240401_000000000000000"
            archive.writestr(f"{name}/{name}.xml", law.replace("見本".encode(), f"見本{number}".encode()))
        archive.writestr("pict/1.jpg", b"\xff\xd8\xff")
    return path


def test_a_zip_of_statutes_is_a_row_each(tmp_path: Path, law: bytes, sandbox: Sandbox) -> None:
    """In the order of names, without the list and the pictures."""
    path = law_zip(tmp_path / "all_xml.zip", law, 7)
    rows = list(read_files([("all_xml.zip", path)], sandbox, 2))
    assert [row["outcome"] for row in rows] == ["ok"] * 7
    assert len({row["id"] for row in rows}) == 7
    assert [row["raw_sha256"] for row in rows] == [sha256_bytes(member.data) for member in zip_members(path)]


def test_damaged_members_are_told(tmp_path: Path, law: bytes, sandbox: Sandbox) -> None:
    """A member whose bytes changed is an outcome; the others are read. A cut zip is one outcome."""
    path = law_zip(tmp_path / "x.zip", law, 3)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        middle = sorted(archive.infolist(), key=lambda info: info.filename)[1]
    data[middle.header_offset + 200] ^= 0xFF
    path.write_bytes(data)
    rows = list(read_files([("x.zip", path)], sandbox))
    assert [row["outcome"] for row in rows] == ["ok", "truncated", "ok"]
    path.write_bytes(data[: len(data) // 2])
    assert [member.lost.outcome for member in zip_members(path) if member.lost] == ["truncated"]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("錠剤".encode("cp932"), "錠剤"),
        ("能表".encode("cp932"), "能表"),  # the second bytes are a backslash and a letter
        ("錠a".encode(), "錠a"),  # UTF-8, and nobody said so
        (b"caf\x82", "café"),  # cp437, no cp932: "." cannot follow
    ],
)
def test_names_without_the_flag(tmp_path: Path, raw: bytes, name: str) -> None:
    """They are what their bytes can be; no name costs the documents of its zip."""
    path = tmp_path / "sgml.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for stem in ("A" * len(raw), "BBBB"):
            archive.writestr(f"{stem}.txt", f"text {stem}")
    path.write_bytes(path.read_bytes().replace(b"A" * len(raw) + b".txt", raw + b".txt"))
    found = {member.name: member.data for member in zip_members(path)}
    assert found == {"BBBB.txt": b"text BBBB", f"{name}.txt": f"text {'A' * len(raw)}".encode()}


def warc_record(url: str, status: str, body: bytes) -> bytes:
    """A gzipped response record (WARC 1.1, ISO 28500)."""
    answer = f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n".encode() + body
    head = f"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nContent-Length: {len(answer)}\r\n"
    kind = "Content-Type: application/http; msgtype=response\r\n\r\n"
    return gzip.compress(f"{head}{kind}".encode() + answer + b"\r\n\r\n", mtime=0)


def test_a_warc_is_its_answers(tmp_path: Path, samples: dict[str, bytes], sandbox: Sandbox) -> None:
    """Answers with status 200, with their URL and type; a cut file gives what stands before the cut."""
    warc = b"".join(
        warc_record(*answer)
        for answer in (
            ("https://ja.wikipedia.org/wiki/x", "200 OK", samples["wiki.html"]),
            ("https://www.mod.go.jp/none.html", "404 Not Found", b"<p>none"),
            ("https://www.mod.go.jp/x.html", "200 OK", samples["mod.html"]),
        )
    )
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(warc)
    assert is_warc(warc[:100], path.name)
    rows = list(read_files([(path.name, path)], sandbox))
    assert [(row["outcome"], row["extractor"]) for row in rows] == [("ok", "wiki_html"), ("ok", "mod_html")]
    path.write_bytes(warc[:-300])
    members = list(warc_members(path))
    assert members[0].data == samples["wiki.html"]
    assert members[-1].lost is None or members[-1].lost.outcome == "truncated"


BULK = "https://laws.e-gov.go.jp/bulkdownload?file_section=1&only_xml_flag=true"


def warc_of(folder: Path, *answers: tuple[str, bytes]) -> Path:
    """A WARC of answers with status 200."""
    path = folder / "crawl.warc.gz"
    path.write_bytes(b"".join(warc_record(url, "200 OK", body) for url, body in answers))
    return path


@pytest.mark.parametrize("count", [1, 7])
@pytest.mark.parametrize("in_memory", [0, 2**20])
def test_the_zip_of_an_answer_is_its_documents(
    tmp_path: Path,
    law: bytes,
    packins: bytes,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    in_memory: int,
) -> None:
    """As the zip itself gives them, one or many; the zip of one insert is that insert. Damage in it is told."""
    monkeypatch.setattr(archives, "_IN_MEMORY", in_memory)
    zipped = law_zip(tmp_path / "all_xml.zip", law, count)
    insert = make_zip({"9_x/9_x.xml": packins})
    page = ("https://www.info.pmda.go.jp/go/xml/9_x/", insert)
    cut = zipped.read_bytes()[:-40]
    path = warc_of(tmp_path, (BULK, zipped.read_bytes()), page, ("https://x.example/cut.zip", cut))
    rows = list(read_files([(path.name, path)], sandbox))
    own = list(read_files([(zipped.name, zipped)], sandbox))
    assert [row["text"] for row in rows[:-2]] == [row["text"] for row in own]
    assert [row["outcome"] for row in rows] == ["ok"] * count + ["ok", "truncated"]
    assert [row["extractor"] for row in rows[:-1]] == ["law_xml"] * count + ["pmda_xml"]
    assert rows[-2]["raw_sha256"] == sha256_bytes(insert)
    names = [member.name for member in warc_members(path)]
    assert names[0] == f"{BULK}#{next(zip_members(zipped)).name}"


def test_a_zip_in_a_zip_and_one_too_large(tmp_path: Path, law: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip inside is no document; a zip of more than the limit is told, and so is a member that unpacks to more."""
    inner = make_zip({"a.xml": law, "b.xml": law})
    path = warc_of(tmp_path, (BULK, make_zip({"a.xml": law, "b.zip": inner, "c.xml": b" " * 100_000})))
    assert [member.name.rpartition("#")[2] for member in warc_members(path)] == ["a.xml", "c.xml"]
    monkeypatch.setattr(archives, "MAX_MEMBER", 50_000)
    assert [member.lost is not None for member in warc_members(path)] == [False, True]
    monkeypatch.setattr(archives, "MAX_ZIP", 100)
    members = list(warc_members(path))
    assert [(member.name, member.lost.outcome if member.lost else "") for member in members] == [(BULK, "unsupported")]


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x1f\x8b\x08"])
def test_other_files_are_no_warc(head: bytes) -> None:
    """By bytes and name."""
    assert not is_warc(head, "x.zip")
