"""Package inserts: by section, line breaks kept, zips unpacked within limits."""

from __future__ import annotations

import io
import zipfile

import pytest
from extract_samples import make_zip

from corpus.extract import extract, pmda_xml

URL = "https://www.info.pmda.go.jp/go/xml/999999_9999999F1020_1_02/"


def test_text(packins: bytes) -> None:
    """Sections with their titles, <?enter?> a line break, brand references filled in, rows as lines, codes left out."""
    done = extract(packins, url=URL)
    assert (done.outcome, done.title, done.lang) == ("ok", "ミホン錠５㎎", "ja")
    assert done.text.split("\n") == [
        "ミホン錠５㎎",
        "ミホンスタチン",
        "2.禁忌（次の患者には投与しないこと）",
        "本剤の成分に対し過敏症の既往歴のある患者",
        "重篤な肝障害のある患者",
        "肝硬変の患者",
        "6.用法及び用量",
        "成人",
        "〈ミホン錠５㎎〉通常、１日１回５㎎を経口投与する。",
        "10.相互作用",
        "甲薬 乙薬　作用が増強する。",
        "3.組成",
        "添加剤　乳糖水和物",
    ]


def test_sections(packins: bytes) -> None:
    """Kinds and paths tell titles, body and tables apart."""
    done = extract(packins, url=URL)
    found = [(s.kind, s.path, done.text[s.start : s.end]) for s in done.sections]
    assert ("body", "6.用法及び用量 > 成人", "〈ミホン錠５㎎〉通常、１日１回５㎎を経口投与する。") in found
    assert ("table", "10.相互作用", "甲薬 乙薬　作用が増強する。") in found
    assert ("title", "", "2.禁忌（次の患者には投与しないこと）") in found
    assert ("body", "一般的名称", "ミホンスタチン") in found


def test_zip_is_the_same(packins: bytes) -> None:
    """The zip gives what the XML gives, whatever else lies in it."""
    data = make_zip({"a/readme.xml": b"<x/>", "a/image.jpg": b"\xff\xd8", "a/b.xml": packins})
    assert extract(data, url=URL, content_type="application/zip") == extract(packins, url=URL)


def test_zip_without_insert(packins: bytes) -> None:
    """A zip without an insert is told; a cut one is truncated."""
    assert extract(make_zip({"a.txt": b"x"}), url=URL).outcome == "unsupported"
    assert extract(make_zip({"a.xml": packins})[:300], url=URL).outcome == "truncated"


def test_zip_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member is not unpacked beyond the limit, whatever its header says."""
    monkeypatch.setattr(pmda_xml, "MAX_BYTES", 100_000)
    done = extract(make_zip({"a.xml": b" " * 50_000_000}), url=URL)
    assert done.outcome == "unsupported"
    assert "100000" in done.reason


def test_locked_zip(packins: bytes) -> None:
    """A zip with a password is encrypted."""
    data = bytearray(make_zip({"a.xml": packins}))
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    assert zipfile.is_zipfile(io.BytesIO(bytes(data)))
    assert extract(bytes(data), url=URL).outcome == "encrypted"
