"""Multistream dumps by their index: the same rows as page by page, in order; damage and wrong indexes told."""

from __future__ import annotations

import bz2
from pathlib import Path

import pytest
from extract_samples import WIKITEXT, make_dump

from corpus.base.errors import CorruptFileError, InputError
from corpus.extract import wikistreams
from corpus.extract.files import read_files
from corpus.extract.sandbox import Sandbox
from corpus.extract.wikistreams import index_of, read_parallel, spans


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    """A dump of twelve pages in streams of three, with its index."""
    whole = make_dump([(f"見本山{n}", 0, WIKITEXT) for n in range(12)])
    head, *rest = whole.split(b"<page>")
    last, tail = rest[-1].split(b"</page>")
    pages = [b"<page>" + page for page in [*rest[:-1], last + b"</page>"]]
    data, index = bz2.compress(head), []
    for first in range(0, 12, 3):
        index += [f"{len(data)}:{n}:見本山{n}" for n in range(first, first + 3)]
        data += bz2.compress(b"".join(pages[first : first + 3]))
    path = tmp_path / "jawiki-20261101-pages-articles-multistream.xml.bz2"
    path.write_bytes(data + bz2.compress(tail))
    named = tmp_path / "jawiki-20261101-pages-articles-multistream-index.txt.bz2"
    named.write_bytes(bz2.compress("\n".join(index).encode()))
    return path


def test_rows_do_not_depend_on_workers(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One process or two, with the index or by the streams' first bytes: the same rows in the order of the file."""
    monkeypatch.setattr(wikistreams, "_AT_ONCE", 1)
    with Sandbox() as sandbox:
        alone = list(read_files([(dump.name, dump)], sandbox))
        both = list(read_files([(dump.name, dump)], sandbox, 2))
    assert [row["title"] for row in alone] == [f"見本山{n}" for n in range(12)]
    assert alone == both
    assert {fact["name"] for fact in alone[0]["facts"]} == {"revision_id", "timestamp"}
    index = index_of(dump)
    assert index is not None
    named, searched = ({span.start for span in spans(dump, "ja", given)} for given in (index, None))
    assert len(named) == 5
    assert named < searched  # the stream of the last line has no page that the index could name


def test_damage_is_told_after_the_pages_before_it(dump: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged stream ends the reading with an error; the streams before it have been given."""
    monkeypatch.setattr(wikistreams, "_AT_ONCE", 1)
    third = spans(dump, "ja")[3]
    data = bytearray(dump.read_bytes())
    data[third.start + 40] ^= 0xFF
    dump.write_bytes(data)
    titles = []
    with pytest.raises(CorruptFileError):
        titles.extend(done.title for _, _, done in read_parallel(dump, lang="ja", workers=1))
    assert titles == [f"見本山{n}" for n in range(6)]


def test_a_wrong_index_is_told(dump: Path) -> None:
    """An index of another day points elsewhere."""
    index = index_of(dump)
    assert index is not None
    index.write_bytes(bz2.compress(b"17:1:x\n"))
    with pytest.raises(CorruptFileError, match="not the index"):
        spans(dump, "ja", index)
    index.write_bytes(b"BZh9 no")
    with pytest.raises(CorruptFileError, match="no index"):
        spans(dump, "ja", index)
    with pytest.raises(InputError):
        spans(dump.with_name("none.bz2"), "ja")
