"""Statutes: 法令標準XML as a file or in the envelopes of the e-Gov API, and the JSON tree of API v2.

Kept: title, law number (a note), enactment statement and preamble, headings, articles with paragraphs, items and
subitems, original supplementary provisions, tables as rows of cells, appendices.
Left out by rule: the table of contents (it doubles every heading), readings (Ruby/Rt), figures, and the supplementary
provisions of amending laws (SupplProvision[@AmendLawNum]), the same sentences in hundreds of laws.
Format: XMLSchemaForJapaneseLaw_v3.xsd.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.xmlparse import local_name, parse
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract_json", "extract_xml"]

EXTRACTOR: Final = "law_xml"
VERSION: Final = "1"

_SKIP: Final = {"TOC", "Rt", "Fig", "FigStruct", "LawNum"}
_LEVELS: Final = ("Part", "Chapter", "Section", "Subsection", "Division")
_HEADINGS: Final = {"SupplProvisionLabel"} | {f"{level}Title" for level in _LEVELS}
_CONTAINERS: Final = {"SupplProvision", *_LEVELS}
_LABELS: Final = (
    {"ArticleTitle", "ParagraphNum", "ItemTitle", "ClassTitle"} | {f"Subitem{n}Title" for n in range(1, 11)}
)  # fmt: skip
_LINES: Final = (
    {
        *("EnactStatement", "Preamble", "ArticleCaption", "Article", "Paragraph", "Item", "Class", "List", "Sublist1"),
        *("Sublist2", "Sublist3", "TableRow", "TableHeaderRow", "TableStructTitle", "RemarksLabel", "Remarks", "Note"),
        *("RelatedArticleNum", "SupplNote", "AmendProvisionSentence", "NewProvision", "QuoteStruct", "ArithFormula"),
        *("FormatStruct", "StyleStruct", "NoteStruct", "AppdxTableTitle", "AppdxStyleTitle", "AppdxFormatTitle"),
        *("AppdxNoteTitle", "AppdxFigTitle", "SupplProvisionAppdxTableTitle", "SupplProvisionAppdxStyleTitle"),
        *("TableStruct", "ParagraphCaption"),
    }
    | {f"Subitem{n}" for n in range(1, 11)}
)  # fmt: skip
_CELLS: Final = {"Column", "TableColumn", "TableHeaderColumn"}
_INDENT: Final = re.compile(r"\s*\n\s*")  # pretty-printing; no meaning inside a Japanese sentence


@dataclass
class _State:
    """Where the walk stands: the line being built, and the kind and path it will get."""

    builder: TextBuilder = field(default_factory=TextBuilder)
    line: str = ""
    path: list[str] = field(default_factory=list)
    article: str = ""
    kind: str = "body"

    def write(self, text: str | None) -> None:
        if text:
            self.line += _INDENT.sub("", text)

    def flush(self, kind: str | None = None) -> None:
        self.builder.add(kind or self.kind, self.line, [*self.path, self.article])
        self.line = ""


def extract_xml(data: bytes) -> Extracted:
    """A law from XML bytes: Law itself, DataRoot of API v1, or the answer of API v2."""
    root = parse(data, EXTRACTOR, VERSION)
    if isinstance(root, Extracted):
        return root
    law = root if local_name(root) == "Law" else next((node for node in root.iter() if local_name(node) == "Law"), None)
    if law is None:
        message = " ".join(" ".join(text.split()) for text in root.itertext() if text.strip())
        code = next((node.text for node in root.iter("Code")), "")
        outcome = "error_page" if code not in ("", "0", None) or "rror" in local_name(root) else "empty"
        return failure(outcome, f"no Law element in {local_name(root)}: {message}", EXTRACTOR, VERSION)
    return _extract(law)


def extract_json(data: bytes) -> Extracted:
    """A law from the JSON answer of API v2: law_full_text is a tree of {tag, attr, children}, or XML in base64."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        ends = data.rstrip().endswith(b"}")
        return failure("unsupported" if ends else "truncated", f"not valid JSON: {error}", EXTRACTOR, VERSION)
    tree = answer.get("law_full_text") if isinstance(answer, dict) else None
    if isinstance(tree, str):
        try:
            return extract_xml(tree.encode() if tree.lstrip().startswith("<") else base64.b64decode(tree))
        except (ValueError, binascii.Error) as error:
            return failure("unsupported", f"law_full_text is neither XML nor base64: {error}", EXTRACTOR, VERSION)
    if not isinstance(tree, dict):
        said = str(answer.get("message") or answer.get("code") or "") if isinstance(answer, dict) else ""
        outcome = "error_page" if said else "unsupported"
        return failure(outcome, f"JSON without law_full_text {said}", EXTRACTOR, VERSION)
    law = _element(tree)
    return _extract(law) if law is not None else failure("unsupported", "no law tree in the JSON", EXTRACTOR, VERSION)


def _element(tree: dict[str, Any]) -> etree._Element | None:
    """The element of a JSON tree; an attr of "" or null counts as none, children of unknown type are passed over."""
    holder = etree.Element("holder")
    work: list[tuple[etree._Element, Any]] = [(holder, tree)]
    while work:
        parent, node = work.pop()
        if isinstance(node, str):
            _append_text(parent, node)
            continue
        if not isinstance(node, dict) or not isinstance(node.get("tag"), str):
            continue
        try:
            child = etree.SubElement(parent, node["tag"])
            attributes = node.get("attr")
            for name, value in attributes.items() if isinstance(attributes, dict) else ():
                child.set(str(name), str(value))
        except ValueError:  # a tag or attribute that XML does not allow
            continue
        children = node.get("children")
        if isinstance(children, list):
            # Depth first in document order: what follows a child must wait until that child is whole.
            work.extend((child, part) for part in reversed(children))
    return holder[0] if len(holder) else None


def _append_text(parent: etree._Element, text: str) -> None:
    text = "".join(c for c in text if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe"))
    if len(parent):
        parent[-1].tail = (parent[-1].tail or "") + text
    else:
        parent.text = (parent.text or "") + text


def _extract(law: etree._Element) -> Extracted:
    body = law.find("LawBody")
    if body is None:
        return failure("empty", "a Law without LawBody", EXTRACTOR, VERSION)
    state = _State()
    title = body.find("LawTitle")
    name = _plain(title) if title is not None else ""
    state.builder.add("title", name)
    number = law.find("LawNum")
    if number is not None:
        state.builder.add("note", _plain(number))
    for child in body:
        if child is not title:
            _walk(child, state, 0)
    state.flush()
    shown = visible("".join(law.itertext(tag=etree.Element)))
    return finish(state.builder, title=name, source_chars=shown, extractor=EXTRACTOR, version=VERSION)


def _plain(node: etree._Element) -> str:
    """All text of an element but readings, on one line."""
    state = _State()
    _content(node, state, 0)
    return " ".join(part for part in (*state.builder.parts, state.line.strip(" \u3000")) if part)


def _walk(node: etree._Element, state: _State, depth: int) -> None:
    """Write one element (not its tail), opening and closing the lines and sections that it stands for."""
    tag = local_name(node)
    if not tag or tag in _SKIP or (tag == "SupplProvision" and node.get("AmendLawNum")):
        return
    if tag in _HEADINGS and depth == 0:
        state.flush()
        heading = _plain(node)
        state.builder.add("title", heading, state.path)
        state.path.append(heading)
    elif tag in _CONTAINERS and depth == 0:
        _container(node, state)
    elif tag.startswith(("Appdx", "SupplProvisionAppdx")) and not tag.endswith("Title"):
        _appendix(node, state, depth)
    elif tag == "Article" and depth == 0:
        state.flush()
        title = node.find("ArticleTitle")
        state.article = _plain(title) if title is not None else ""
        _content(node, state, depth + 1)
        state.flush()
        state.article = ""
    elif tag == "TableStruct" and state.kind == "body":
        state.flush()
        state.kind = "table"
        _content(node, state, depth + 1)
        state.flush()
        state.kind = "body"
    elif tag in ("MainProvision", "SupplProvisionMain"):
        _content(node, state, depth)
    else:
        _inline(node, tag, state, depth)


def _container(node: etree._Element, state: _State) -> None:
    state.flush()
    height = len(state.path)
    _content(node, state, 0)
    state.flush()
    del state.path[height:]


def _appendix(node: etree._Element, state: _State, depth: int) -> None:
    state.flush()
    title = next((child for child in node if local_name(child).endswith("Title")), None)
    kept, article, kind = list(state.path), state.article, state.kind
    state.kind, state.article = "appendix", ""
    state.path.append(_plain(title) if title is not None else "")
    _content(node, state, depth + 1)
    state.flush()
    state.path, state.article, state.kind = kept, article, kind


def _inline(node: etree._Element, tag: str, state: _State, depth: int) -> None:
    """Everything inside a provision: lines, labels, cells, and running text."""
    if tag in _LINES and not (tag == "Paragraph" and state.line.strip(" \u3000") == state.article):
        state.flush()
    if tag in _CELLS and state.line and not state.line.endswith("\u3000"):
        state.line += "\u3000"
    before = len(state.line)
    _content(node, state, depth + 1)
    if tag in _LABELS and len(state.line) > before:
        state.line += "\u3000"
    if tag in _LINES:
        state.flush()


def _content(node: etree._Element, state: _State, depth: int) -> None:
    state.write(node.text)
    for child in node:
        _walk(child, state, depth)
        state.write(child.tail)
