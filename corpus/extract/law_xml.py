"""Statutes: 法令標準XML as a file or in the envelopes of the e-Gov API, and the JSON tree of API v2.

Kept: title, law number (a note), enactment statement and preamble, headings, articles with paragraphs, items and
subitems, original supplementary provisions, tables as rows of cells, appendices.
Left out by rule: the table of contents (it doubles every heading), readings (Ruby/Rt), figures, and the supplementary
provisions of amending laws (SupplProvision whose AmendLawNum is not empty), the same sentences in hundreds of laws.
Format: XMLSchemaForJapaneseLaw_v3.xsd.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, Final
from xml.parsers import expat

from corpus.extract.law_events import LawEvents, Source
from corpus.extract.law_tags import Tags, split
from corpus.extract.model import Extracted, failure, finish
from corpus.extract.xmlparse import MAX_BYTES, ends_whole, root_name, to_utf8
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract_json", "extract_xml"]

EXTRACTOR: Final = "law_xml"
VERSION: Final = "3"
_PLAIN_BYTES: Final = 16 * 2**20  # up to here the whole of it may be in memory several times
_UNFIT: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class _EntityError(ValueError):
    """The document declares entities, which no law does and bombs are made of."""


def extract_xml(data: bytes) -> Extracted:
    """A law from XML bytes: Law itself, DataRoot of API v1, or the answer of API v2."""
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes of XML, more than {MAX_BYTES}", EXTRACTOR, VERSION)
    try:
        events = _read(to_utf8(data))
    except (expat.ExpatError, ValueError, LookupError) as error:
        outcome = "unsupported" if isinstance(error, _EntityError) or ends_whole(data) else "truncated"
        return failure(outcome, f"not well-formed XML: {error}", EXTRACTOR, VERSION)
    return _finish(events, root_name(data))


def _read(document: bytes) -> LawEvents:
    """The events of a document in UTF-8."""
    parts = _parts(document) if len(document) <= _PLAIN_BYTES else None
    if parts is None:
        parser = _parser()
        events = LawEvents(parser)
        parser.Parse(document, True)
    else:
        tags = Tags()
        events = LawEvents(tags)
        tags.feed(parts, events)
    return events


def _parts(document: bytes) -> list[str] | None:
    """What law_tags.split makes of a plain document, which expat has seen as a whole before any of it counts."""
    parser = _parser()
    others: list[str] = []
    for what in ("Comment", "ProcessingInstruction", "StartDoctypeDecl", "StartCdataSection"):
        setattr(parser, f"{what}Handler", lambda *_, what=what: others.append(what))
    parser.Parse(document, True)
    start = document.find(b"?>") + 2 if document.startswith(b"<?xml") else 0
    return split(document[start:].decode()) if not others else None


def _parser() -> Any:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = parser.ordered_attributes = True
    parser.EntityDeclHandler = _refuse
    return parser


def _refuse(*_: object) -> None:
    raise _EntityError("it declares entities")


class _Tree(Source):
    """The JSON tree as a source of the events that a parser of XML gives."""

    def feed(self, tree: object) -> None:
        """Walk {tag, attr, children}; an attr of "" or null is none, children of unknown type are passed over."""
        work: list[tuple[bool, Any]] = [(False, tree)]
        while work:
            closing, node = work.pop()
            if closing:
                if self.EndElementHandler is not None:
                    self.EndElementHandler(node)
            elif isinstance(node, str):
                self.CharacterDataHandler(_UNFIT.sub("", node))
            elif isinstance(node, bool | int | float):
                self.CharacterDataHandler(str(node))
            elif isinstance(node, list):
                work.extend((False, part) for part in reversed(node))
            elif isinstance(node, dict) and isinstance(node.get("tag"), str):
                self._element(node, work)

    def _element(self, node: dict[str, Any], work: list[tuple[bool, Any]]) -> None:
        attributes = node.get("attr")
        flat: list[str] = []
        for name, value in attributes.items() if isinstance(attributes, dict) else ():
            flat += [str(name), str(value)] if value is not None else []
        self.StartElementHandler(node["tag"], flat)
        children = node.get("children")
        work.append((True, node["tag"]))
        if isinstance(children, list):
            work.extend((False, part) for part in reversed(children))
        elif children not in (None, ""):
            work.append((False, children))


def extract_json(data: bytes) -> Extracted:
    """A law from the JSON answer of API v2: law_full_text is a tree of {tag, attr, children}, or XML, or its base64."""
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError) as error:
        ends = data.rstrip().endswith(b"}")
        return failure("unsupported" if ends else "truncated", f"not valid JSON: {error}", EXTRACTOR, VERSION)
    tree = answer.get("law_full_text") if isinstance(answer, dict) else None
    if isinstance(answer, dict) and answer.get("tag") == "Law":
        tree = answer  # the tree alone, as some keep it
    if isinstance(tree, str):
        try:
            xml = tree.encode() if tree.lstrip("\ufeff \r\n\t").startswith("<") else base64.b64decode(tree)
        except (ValueError, binascii.Error) as error:
            return failure("unsupported", f"law_full_text is neither XML nor base64: {error}", EXTRACTOR, VERSION)
        return extract_xml(xml)
    if not isinstance(tree, dict):
        said = str(answer.get("message") or answer.get("code") or "") if isinstance(answer, dict) else ""
        outcome = "error_page" if said else "unsupported"
        return failure(outcome, f"JSON without law_full_text {said}", EXTRACTOR, VERSION)
    source = _Tree()
    events = LawEvents(source)
    source.feed(tree)
    return _finish(events, "the JSON")


def _finish(events: LawEvents, where: str) -> Extracted:
    """The document of what the events gave, or the outcome of an answer without a law."""
    if not events.laws:
        said = "".join(events.outside)
        code = said.partition("\0")[2].partition("\n")[0].strip()
        outcome = "error_page" if code not in ("", "0") or "rror" in where else "empty"
        outcome = "unsupported" if where == "the JSON" else outcome
        message = " ".join(said.replace("\0", " ").split())
        return failure(outcome, f"no Law element in {where}: {message}", EXTRACTOR, VERSION)
    if not events.bodies:
        return failure("empty", "a Law without LawBody", EXTRACTOR, VERSION)
    return finish(
        events.builder,
        title=events.title,
        left_out=visible("".join(events.skipped)),
        extractor=EXTRACTOR,
        version=VERSION,
        declared_lang=events.lang,
        facts={"law_num": events.number} if events.number else None,
    )
