"""Statute text to 法令標準XML (schema version 3).

The text has one unit a line: `第一章　総則`, `（目的）`, `第一条　…`, `２　…` (paragraph), `一　…` (item), `イ　…`
(subitem), `|cell|cell|` (row of a table), `附　則`, `附　則（令和…号）` (of an amending law), `別表（第…条関係）`,
`制定文　…`. A wide blank inside an item parts its columns; `{涵|かん}` is Ruby.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

DIGITS = "〇一二三四五六七八九"
_NUM = "[一二三四五六七八九十百]+"
_LEVELS = {"章": "Chapter", "節": "Section"}
_HEADING = re.compile(rf"第({_NUM})(章|節)　.+")
_CAPTION = re.compile(r"（[^（）]+）")
_ARTICLE = re.compile(rf"(第({_NUM})条(?:の({_NUM}))?)　(.+)")
_PARAGRAPH = re.compile(r"([０-９]+)　(.+)")
_ITEM = re.compile(rf"({_NUM})　(.+)")
_SUBITEM = re.compile(r"([イロハニホヘト])　(.+)")
_SUPPL = re.compile(r"附　則(?:（(.+)）)?")
_RUBY = re.compile(r"\{([^|{}]+)\|([^|{}]+)\}")
_BORDER = {"BorderTop": "solid", "BorderBottom": "solid", "BorderLeft": "solid", "BorderRight": "solid"}


def number(kanji: str) -> int:
    """百二十三 -> 123."""
    total, digit = 0, 0
    for c in kanji:
        if c in DIGITS:
            digit = DIGITS.index(c)
        else:
            total, digit = total + (digit or 1) * {"十": 10, "百": 100}[c], 0
    return total + digit


def sentences(text: str) -> list[str]:
    """Cut at 。 outside brackets."""
    out, depth, start = [], 0, 0
    for at, c in enumerate(text, 1):
        depth += (c in "（「") - (c in "）」")
        if c == "。" and depth <= 0:
            out.append(text[start:at])
            start = at
    return out + ([text[start:]] if text[start:] else [])


def _sub(parent: ET.Element, tag: str, text: str = "", **attrs: str) -> ET.Element:
    node = ET.SubElement(parent, tag, attrs)
    at, last = 0, None
    for match in _RUBY.finditer(text):
        _hang(node, last, text[at : match.start()])
        last = ET.SubElement(node, "Ruby")
        last.text = match[1]
        ET.SubElement(last, "Rt").text = match[2]
        at = match.end()
    _hang(node, last, text[at:])
    return node


def _hang(node: ET.Element, last: ET.Element | None, text: str) -> None:
    if last is None:
        node.text = text or None
    else:
        last.tail = text or None


def _put(parent: ET.Element, tag: str, text: str, *, columns: bool = False) -> None:
    """Hang a sentence holder: sentences, main clause and proviso told apart, or columns."""
    holder = _sub(parent, tag)
    if columns and "　" in text:
        for n, part in enumerate(text.split("　"), 1):
            _sub(_sub(holder, "Column", Num=str(n)), "Sentence", part, Num="1", WritingMode="vertical")
        return
    parts = sentences(text)
    proviso = len(parts) == 2 and parts[1].startswith("ただし")
    for n, part in enumerate(parts, 1):
        function = {"Function": "main" if n == 1 else "proviso"} if proviso else {}
        _sub(holder, "Sentence", part, Num=str(n), WritingMode="vertical", **function)


class _Builder:
    """Reads lines and hangs what they say under the right parent of one law body."""

    def __init__(self, body: ET.Element) -> None:
        self.body = body
        self.root = self.parent = _sub(body, "MainProvision")
        self.caption = ""
        self.article: ET.Element | None = None
        self.paragraph: ET.Element | None = None
        self.table: ET.Element | None = None

    def line(self, line: str) -> None:
        if line.startswith("|"):
            self.row(line.strip("|").split("|"))
            return
        self.table = None
        if line.startswith("別表"):
            self.table = self.appendix(line)
        elif line.startswith("制定文　"):
            self.enact(line.removeprefix("制定文　"))
        elif match := _SUPPL.fullmatch(line):
            self.supplement(match[1])
        elif match := _HEADING.fullmatch(line):
            self.heading(match)
        elif _CAPTION.fullmatch(line):
            self.caption = line
        else:
            self.provision(line)

    def provision(self, line: str) -> None:
        if match := _ARTICLE.fullmatch(line):
            self.article = _sub(
                self.parent, "Article", Num=str(number(match[2])) + (f"_{number(match[3])}" if match[3] else "")
            )
            if self.caption:
                _sub(self.article, "ArticleCaption", self.caption)
            _sub(self.article, "ArticleTitle", match[1])
            self.caption = ""
            self.open_paragraph("", match[4])
        elif match := _PARAGRAPH.fullmatch(line):
            self.open_paragraph(match[1], match[2])
        elif self.paragraph is not None and (match := _ITEM.fullmatch(line)):
            item = _sub(self.paragraph, "Item", Num=str(number(match[1])))
            _sub(item, "ItemTitle", match[1])
            _put(item, "ItemSentence", match[2], columns=True)
        elif self.paragraph is not None and (match := _SUBITEM.fullmatch(line)):
            item = self.paragraph.findall("Item")[-1]
            node = _sub(item, "Subitem1", Num=str(len(item.findall("Subitem1")) + 1))
            _sub(node, "Subitem1Title", match[1])
            _put(node, "Subitem1Sentence", match[2])
        else:
            self.open_paragraph("", line)

    def open_paragraph(self, label: str, text: str) -> None:
        parent = self.parent if self.article is None else self.article
        self.paragraph = _sub(parent, "Paragraph", Num=str(len(parent.findall("Paragraph")) + 1))
        if self.caption:  # 項建て: the caption belongs to the paragraph
            _sub(self.paragraph, "ParagraphCaption", self.caption)
            self.caption = ""
        _sub(self.paragraph, "ParagraphNum", label)
        _put(self.paragraph, "ParagraphSentence", text)

    def heading(self, match: re.Match[str]) -> None:
        tag = _LEVELS[match[2]]
        chapters = self.root.findall("Chapter")
        self.parent = _sub(chapters[-1] if tag == "Section" else self.root, tag, Num=str(number(match[1])))
        _sub(self.parent, tag + "Title", match[0])
        self.article = self.paragraph = None

    def enact(self, text: str) -> None:
        node = ET.Element("EnactStatement")
        node.text = text
        self.body.insert(1, node)

    def supplement(self, amending: str | None) -> None:
        attrs = {"AmendLawNum": amending, "Extract": "true"} if amending else {}
        self.root = self.parent = _sub(self.body, "SupplProvision", **attrs)
        _sub(self.root, "SupplProvisionLabel", "附　則")
        self.article = self.paragraph = None

    def appendix(self, line: str) -> ET.Element:
        title, _, related = line.partition("（")
        node = _sub(self.body, "AppdxTable")
        _sub(node, "AppdxTableTitle", title, WritingMode="vertical")
        if related:
            _sub(node, "RelatedArticleNum", "（" + related)
        return _sub(_sub(node, "TableStruct"), "Table", WritingMode="vertical")

    def row(self, cells: list[str]) -> None:
        if self.table is None:
            if self.paragraph is None:
                raise ValueError("a table row stands before any paragraph")
            self.table = _sub(_sub(self.paragraph, "TableStruct"), "Table", WritingMode="vertical")
        row = _sub(self.table, "TableRow")
        for cell in cells:
            _sub(_sub(row, "TableColumn", **_BORDER), "Sentence", cell, Num="1", WritingMode="vertical")


def _contents(body: ET.Element, main: ET.Element) -> None:
    """Put the table of contents before the main provision of a law that has chapters."""
    if main.find("Chapter") is None:
        return
    toc = ET.Element("TOC")
    _sub(toc, "TOCLabel", "目次")
    for chapter in main.findall("Chapter"):
        node = _toc_entry(toc, chapter)
        for section in chapter.findall("Section"):
            _toc_entry(node, section)
    _sub(_sub(toc, "TOCSupplProvision"), "SupplProvisionLabel", "附則")
    body.insert(1, toc)


def _toc_entry(parent: ET.Element, part: ET.Element) -> ET.Element:
    node = _sub(parent, "TOC" + part.tag, Num=part.get("Num", ""))
    _sub(node, part.tag + "Title", part.findtext(part.tag + "Title") or "")
    titles = [title.text or "" for title in part.findall("Article/ArticleTitle")]
    if titles:
        _sub(node, "ArticleRange", f"（{titles[0]}）" if len(titles) == 1 else f"（{titles[0]}―{titles[-1]}）")
    return node


def build(lines: list[str], law_num: str, title: dict[str, str], attrs: dict[str, str]) -> ET.Element:
    """Make a Law element: its number, title ({"LawTitle": …, "Kana": …, "Abbrev": …}), attributes and lines of text."""
    law = ET.Element("Law", attrs)
    _sub(law, "LawNum", law_num)
    body = _sub(law, "LawBody")
    _sub(body, "LawTitle", title["LawTitle"], **{k: v for k, v in title.items() if k != "LawTitle" and v})
    builder = _Builder(body)
    main = builder.root
    for line in lines:
        if line:
            builder.line(line)
    _contents(body, main)
    return law


def to_bytes(law: ET.Element) -> bytes:
    """Serialise as the site does: UTF-8 with a declaration, no indentation."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(law, "unicode")}\n'.encode()


def tree(node: ET.Element, empty: object) -> dict[str, object]:
    """Give the JSON shape of API v2: tag, attr, children; `empty` stands for no attributes ("" or {})."""
    children: list[object] = [node.text] if node.text else []
    for child in node:
        children.append(tree(child, empty))
        if child.tail:
            children.append(child.tail)
    return {"tag": node.tag, "attr": dict(node.attrib) or empty, "children": children}
