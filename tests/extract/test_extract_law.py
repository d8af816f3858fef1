"""Statutes: everything that is law, once, in order; nothing that is not."""

from __future__ import annotations

import base64
import json
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from extract_samples import cpu_seconds
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.extract import Extracted, extract, law_tags, law_xml

URL = "https://laws.e-gov.go.jp/api/2/law_file/xml/503AC0000000001_20210401_000000000000000"


def by_kind(done: Extracted, kind: str) -> list[str]:
    """The sections of one kind, as text."""
    return [done.text[s.start : s.end] for s in done.sections if s.kind == kind]


def test_text(law: bytes) -> None:
    """The whole text, line by line: readings, contents, amending provisions gone; tables and items as lines."""
    done = extract(law, url=URL)
    assert (done.outcome, done.title, done.lang) == ("ok", "見本管理法", "ja")
    assert done.text.split("\n") == [
        "見本管理法",
        "令和三年法律第一号",
        "見本の管理に関する法律を次のように定める。",
        "第一章　総則",
        "（目的）",
        "第一条　この法律は、見本の涵養を目的とする。ただし、次のものを除く。",
        "一　小型見本　一キログラム未満のもの",
        "イ　木製",
        "２　前項の見本は、次の表による。",
        "区分　数量",
        "甲　十",
        "第二章　雑則",
        "第二条　旧法の一部を次のように改める。",
        "第九条　引用された条文である。",
        "附　則",
        "この法律は、公布の日から施行する。",
        "別表第一",
        "種類　手数料",
    ]


def test_sections(law: bytes) -> None:
    """Sections lie in order, cover all but line ends, and carry kind and heading path."""
    done = extract(law, url=URL)
    assert by_kind(done, "title") == ["見本管理法", "第一章　総則", "第二章　雑則", "附　則"]
    assert by_kind(done, "table") == ["区分　数量\n甲　十"]
    assert by_kind(done, "appendix") == ["別表第一\n種類　手数料"]
    assert by_kind(done, "note") == ["令和三年法律第一号"]
    article = next(s for s in done.sections if s.path == "第一章　総則 > 第一条" and s.kind == "body")
    assert article.level == 2
    assert done.text[article.start : article.end].startswith("（目的）\n第一条")
    assert all(a.end + 1 == b.start for a, b in zip(done.sections, done.sections[1:], strict=False))
    assert (done.sections[0].start, done.sections[-1].end) == (0, len(done.text))


def test_paragraphs_without_articles() -> None:
    """A law of paragraphs alone keeps them all."""
    body = "".join(
        f"<Paragraph Num='{n}'><ParagraphNum>{n}</ParagraphNum><ParagraphSentence><Sentence>第{n}の文。</Sentence>"
        "</ParagraphSentence></Paragraph>"
        for n in (1, 2, 3)
    )
    main = f"<LawTitle>規則</LawTitle><MainProvision>{body}</MainProvision>"
    law = f"<Law><LawNum>号</LawNum><LawBody>{main}</LawBody></Law>"
    assert extract(law.encode(), url=URL).text == "規則\n号\n1　第1の文。\n2　第2の文。\n3　第3の文。"


def test_pretty_printing_changes_nothing(law: bytes) -> None:
    """Indentation between elements is no text."""
    root = ET.fromstring(law)
    ET.indent(root)
    assert extract(ET.tostring(root, encoding="utf-8"), url=URL).text == extract(law, url=URL).text


def test_envelopes(law: bytes) -> None:
    """The answers of API v1 and v2 give what the file gives."""
    inner = law.split(b"?>", 1)[1]
    v1 = (
        b"<DataRoot><Result><Code>0</Code><Message/></Result><ApplData><LawFullText>"
        + inner
        + b"</LawFullText></ApplData></DataRoot>"
    )
    v2 = b"<law_data_response><law_info/><law_full_text>" + inner + b"</law_full_text></law_data_response>"
    expected = extract(law, url=URL).text
    assert extract(v1, url=URL, content_type="application/xml").text == expected
    assert extract(v2, url=URL, content_type="application/xml").text == expected


def test_api_errors() -> None:
    """An answer with an error code is an error page, one without a law empty."""
    error = "<DataRoot><Result><Code>1</Code><Message>法令がありません</Message></Result></DataRoot>".encode()
    assert extract(error, url=URL).outcome == "error_page"
    assert "法令がありません" in extract(error, url=URL).reason
    nothing = b"<DataRoot><Result><Code>0</Code></Result></DataRoot>"
    assert extract(nothing, url=URL).outcome == "empty"


def tree(node: ET.Element, empty: object) -> dict[str, Any]:
    """The JSON shape of API v2, whose attr is "" or {} where there are none."""
    children: list[object] = [node.text] if node.text and node.text.strip() else []
    for child in node:
        children.append(tree(child, empty))
        if child.tail and child.tail.strip():
            children.append(child.tail)
    return {"tag": node.tag, "attr": dict(node.attrib) or empty, "children": children}


def test_json_tree(law: bytes) -> None:
    """The JSON tree gives what the XML gives, whatever an empty attr looks like; XML in base64 too."""
    expected = extract(law, url=URL).text
    for empty in ("", {}, None):
        answer = {"law_info": {}, "law_full_text": tree(ET.fromstring(law), empty)}
        assert extract(json.dumps(answer).encode(), url=URL, content_type="application/json").text == expected
    packed = {"law_full_text": base64.b64encode(law).decode()}
    assert extract(json.dumps(packed).encode(), url=URL).text == expected


def test_json_that_is_no_law() -> None:
    """Errors, cut answers and other JSON are outcomes."""
    assert extract(b'{"code": "400", "message": "bad"}', url=URL).outcome == "error_page"
    assert extract(b'{"law_full_text": {"tag": "La', url=URL).outcome == "truncated"
    assert extract(b'{"a": 1}', url=URL).outcome == "unsupported"
    assert extract(b'{"a":' * 100_000, url=URL).outcome == "truncated"
    assert (
        extract(b'{"law_full_text": {"tag": "1 bad", "children": [{"tag": 5}, null]}}', url=URL).outcome
        == "unsupported"
    )


def test_cut_and_broken(law: bytes) -> None:
    """A law without its end is truncated; an entity bomb expands nothing."""
    assert extract(law[: len(law) // 2], url=URL).outcome == "truncated"
    assert extract(law.replace(b"</Sentence>", b"", 1), url=URL).outcome == "unsupported"
    bomb = b'<!DOCTYPE Law [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + law.split(b"?>", 1)[1]
    bombed = extract(bomb.replace("木製".encode(), b"&b;"), url=URL)
    assert "aaaa" not in bombed.text
    leak = b'<!DOCTYPE Law [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + law.split(b"?>", 1)[1]
    assert "root:" not in extract(leak.replace("木製".encode(), b"&x;"), url=URL).text


def test_short_old_page_without_articles() -> None:
    """A page of the old site with nothing but a table is known by its style sheet, and whole."""
    style = "".join(
        f" DIV.{name} {{ margin-left: 1em; text-indent: -1em; }}\n" for name in ("arttitle", "item", "number")
    )
    rows = "".join(f"<TR><TD>{n}時</TD><TD>半刻</TD></TR>" for n in "一二三四五六")
    page = f"<HTML><STYLE>{style}</STYLE><BODY>改暦ノ布告<TABLE>{rows}</TABLE>右之通被定候事</BODY></HTML>"
    done = extract(page.encode("cp932"), url="", content_type="text/html")
    assert (done.outcome, done.extractor) == ("ok", "law_html")
    assert all(f"{n}時　半刻" in done.text for n in "一二三四五六")
    assert done.text.endswith("右之通被定候事")


_NAMES = (
    *("Law", "LawNum", "LawTitle", "TOC", "MainProvision", "Chapter", "ChapterTitle", "Article", "ArticleCaption"),
    *("ArticleTitle", "Paragraph", "ParagraphNum", "Sentence", "Item", "ItemTitle", "Ruby", "Rt", "TableStruct"),
    *("TableRow", "TableColumn", "SupplProvision", "SupplProvisionLabel", "AppdxTable", "AppdxTableTitle", "Fig"),
    *("AmendProvision", "NewProvision", "Preamble", "Code", "x:Rt", "x:Item", "FigStruct", "FigStructTitle"),
)
_TEXTS = (
    "",
    "\n  ",
    "第一条",
    " 見本",
    "a&amp;lt;b",
    "&#x4e00;&#20108;&#128;",
    "行\r\nと\r列",
    "1 > 0",
    "\u3000",
    "]]",
)
_ATTRIBUTES = ("", " Num='1'", " AmendLawNum=''", ' AmendLawNum="令和&#51;"', ' Lang = "en"', ' Title="a>b"', "\n")


@st.composite
def elements(draw: st.DrawFn, depth: int = 0) -> str:
    """Elements of names that mean something in a law, in any order, nested in any way, with text between them."""
    found = []
    for _ in range(draw(st.integers(0 if depth else 1, 4))):
        name, text = draw(st.sampled_from(_NAMES)), draw(st.sampled_from(_TEXTS))
        inside = draw(elements(depth + 1)) if depth < 4 else ""
        head = f"{text}<{name}{draw(st.sampled_from(_ATTRIBUTES))}"
        found.append(f"{head}/>" if not inside and draw(st.booleans()) else f"{head}>{inside}</{name}>")
    return "".join(found) + draw(st.sampled_from(_TEXTS))


@given(elements(), st.sampled_from(("ja", "en")))
@example("<Article>a<ArticleTitle/><TableStruct><TableRow>b</TableRow></TableStruct></Article>", "ja")
@example("<Item>行と\r列、&#128;、&amp;lt;</Item>", "ja")
@example("<Ruby>漢<x:Rt>かん</x:Rt></Ruby><Ruby>字<Rt>じ</Rt></Ruby>", "ja")
@example("<SupplProvision AmendLawNum='x'><TOC/>a<Law>b</Law></SupplProvision><Item>c</Item><TOC>d</TOC>", "ja")
@example("<SupplProvision AmendLawNum=''>a</SupplProvision><SupplProvision AmendLawNum='x'>b</SupplProvision>", "ja")
@example(
    "<Item><Sentence>a</Sentence><Sentence>b</Sentence> <Sentence>一</Sentence><Sentence>c</Sentence></Item>", "en"
)
def test_both_ways_of_reading_are_one(inside: str, lang: str) -> None:
    """A document read a run of tags at a time gives what expat's events give, which a comment at the end asks for."""
    document = f"<?xml version='1.0'?>\n<Law Lang='{lang}' xmlns:x='urn:x'><LawBody>{inside}</LawBody></Law>\n"
    plain = law_xml.extract_xml(document.encode())
    assert plain == law_xml.extract_xml(f"{document}<!-- -->".encode())


def test_which_way_is_taken(law: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of tags where nothing but tags has angle brackets; expat's events else, and for what is very large."""
    taken: list[bool] = []
    split = law_tags.split

    def seen(document: str) -> list[str] | None:
        parts = split(document)
        taken.append(parts is not None)
        return parts

    monkeypatch.setattr(law_xml, "split", seen)
    text = law.decode()
    for document in (text, text.replace("目的", "目>的"), text.replace('Num="', 'Num="a>', 1)):
        assert law_xml.extract_xml(document.encode()).outcome == "ok"
    assert law_xml.extract_xml(text.replace("見本", "<![CDATA[見本]]>").encode()).outcome == "ok"
    assert law_xml.extract_xml(f"{text}<!-- -->".encode()).outcome == "ok"
    assert taken == [True, False, False]
    monkeypatch.setattr(law_xml, "_PLAIN_BYTES", len(law) - 1)
    assert law_xml.extract_xml(law).outcome == "ok"
    assert taken == [True, False, False]


def law_of(inside: str, lang: str = "ja") -> bytes:
    """A law of one provision."""
    head = f"<?xml version='1.0'?><Law Lang='{lang}'><LawNum>一号</LawNum><LawBody><LawTitle>見本法</LawTitle>"
    return f"{head}<MainProvision>{inside}</MainProvision></LawBody></Law>".encode()


@pytest.mark.parametrize("comment", ["", "<!-- -->"])
def test_an_empty_number_of_an_amending_law(comment: str) -> None:
    """A supplementary provision whose AmendLawNum is empty is the law's own, read either way."""
    provisions = "".join(
        f"<SupplProvision{number}><Item>附則{place}</Item></SupplProvision>"
        for place, number in enumerate(("", " AmendLawNum=''", ' AmendLawNum="" Extract="true"', " AmendLawNum='二号'"))
    )
    done = extract(law_of(f"<Item>本則</Item>{provisions}{comment}"), url=URL)
    assert done.text.split("\n")[2:] == ["本則", "附則0", "附則1", "附則2"]


def test_null_attributes() -> None:
    """In the JSON tree an attribute that is null is none: no amending law, no language "None"."""
    own, amending = (
        {"tag": "SupplProvision", "attr": {"AmendLawNum": number}, "children": [{"tag": "Item", "children": [text]}]}
        for number, text in ((None, "原始附則"), ("二号", "改正附則"))
    )
    body = {"tag": "LawBody", "children": [{"tag": "LawTitle", "children": ["見本法"]}, own, amending]}
    done = extract(json.dumps({"tag": "Law", "attr": {"Lang": None}, "children": [body]}).encode(), url=URL)
    assert (done.text.split("\n"), done.declared_lang) == (["見本法", "原始附則"], "")


def test_sentences_of_latin_script() -> None:
    """A blank stands between the sentences of an English law, none after Japanese, none in a Japanese law."""
    one, other = (
        "<Sentence>One.</Sentence><Sentence>Two.</Sentence>",
        "<Sentence>一。</Sentence><Sentence>二。</Sentence>",
    )
    inside = f"<Item><ItemTitle>(i)</ItemTitle>{one}</Item><Item>{other}</Item>"
    assert extract(law_of(inside, "en"), url=URL).text.split("\n")[2:] == ["(i)\u3000One. Two.", "一。二。"]
    assert extract(law_of(inside), url=URL).text.split("\n")[2:] == ["(i)\u3000One.Two.", "一。二。"]


@pytest.mark.parametrize(
    ("head", "repeated", "closing"),
    [
        ("", "<Chapter><ChapterTitle>章</ChapterTitle>", "</Chapter>"),
        ("", "<ChapterTitle>章</ChapterTitle>", ""),
        ("", "<AppdxTable><AppdxTableTitle>表</AppdxTableTitle>", "</AppdxTable>"),
        ("", "<ItemTitle>一", "</ItemTitle>"),
        ("<Item>", "<Column>欄</Column>", ""),
        ("<Item>", "<Column>\n</Column>", ""),
    ],
)
def test_time_grows_with_the_size(head: str, repeated: str, closing: str) -> None:
    """Headings and labels that nest without end, and lines of nothing but cells, are read in linear time."""

    def took(size: int) -> float:
        count = size // len((repeated + closing).encode())
        data = law_of(f"{head}{repeated * count}{closing * count}{head.replace('<', '</')}")
        return cpu_seconds(lambda: extract(data, url=URL))

    assert min(took(400_000) for _ in range(2)) < 8 * min(took(100_000) for _ in range(3)) + 0.02  # a square: 16
