"""XML of strangers: parsed without entities, network or unbounded depth, or an outcome that says what is wrong."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.model import Extracted, failure

__all__ = ["local_name", "parse", "root_name"]

MAX_BYTES: Final = 64 * 2**20  # the largest law file is 7 MB, the largest package insert 2 MB
# Atomic groups: a head of many comments must not be tried in every way to part it.
_ROOT: Final = re.compile(
    rb"^\s*+(?>(?><\?[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)\s*+)*+<([A-Za-z_][\w.:-]*)", re.DOTALL
)


def root_name(data: bytes) -> str:
    """Local name of the root element, from the first bytes; "" where there is none. HTML names come in lower case."""
    head = data[:65536].removeprefix(b"\xef\xbb\xbf")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head.decode("utf-16", "ignore").encode()
    match = _ROOT.match(head)
    name = match[1].decode("ascii", "replace").rpartition(":")[2] if match else ""
    return name.lower() if name.lower() in ("html", "head", "body", "frameset") else name


def parse(data: bytes, extractor: str, version: str) -> etree._Element | Extracted:
    """The root element, or an outcome: "truncated" where the closing tag of the root is missing, else "unsupported"."""
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes of XML, more than {MAX_BYTES}", extractor, version)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_blank_text=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        name = root_name(data)
        whole = name and re.search(rb"</(?:[\w.-]+:)?" + name.encode() + rb"\s*>\s*\Z", data[-200:])
        outcome = "unsupported" if whole or not name else "truncated"
        return failure(outcome, f"not well-formed XML: {error}", extractor, version)
    return root


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; "" for comments, processing instructions and entity references."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
