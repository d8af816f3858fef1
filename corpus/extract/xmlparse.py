"""XML of strangers: parsed without entities, network or unbounded depth, or an outcome that says what is wrong."""

from __future__ import annotations

import codecs
import re
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.model import Extracted, failure

__all__ = ["ends_whole", "local_name", "parse", "root_name", "to_utf8"]

MAX_BYTES: Final = 64 * 2**20  # the largest law file is 7 MB, the largest package insert 2 MB
# Atomic groups: a head of many comments must not be tried in every way to part it.
_ROOT: Final = re.compile(
    rb"^\s*+(?>(?><\?[^>]*\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)\s*+)*+<([A-Za-z_][\w.:-]*)", re.DOTALL
)

_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)""")
_JAPANESE: Final = dict.fromkeys(("shift_jis", "sjis", "x-sjis", "windows-31j", "ms_kanji"), "cp932")


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
        outcome = "unsupported" if ends_whole(data) else "truncated"
        return failure(outcome, f"not well-formed XML: {error}", extractor, version)
    return root


def ends_whole(data: bytes) -> bool:
    """Whether the last bytes close the root element; also where there is no root that could be cut off."""
    name = root_name(data)
    tail = data[-400:]
    if name and data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        tail = tail.decode("utf-16-le" if data[:1] == b"\xff" else "utf-16-be", "ignore").encode()
    return not name or re.search(rb"</(?:[\w.-]+:)?" + name.encode() + rb"\s*>\s*(?:<!--.*-->\s*)?\Z", tail) is not None


def to_utf8(data: bytes) -> bytes:
    """XML bytes in UTF-8, from the encoding that a byte order mark or the declaration names.

    Raises LookupError for an encoding that Python does not know, UnicodeDecodeError for bytes that do not fit it.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16").encode()
    data = data.removeprefix(b"\xef\xbb\xbf")
    match = _DECLARED.match(data[:200].lstrip())
    name = match[1].decode("ascii").lower() if match else "utf-8"
    if name in ("utf-8", "utf8", "us-ascii", "ascii"):
        return data.lstrip() if data[:1].isspace() else data
    name = _JAPANESE.get(name, name)
    if not codecs.lookup(name)._is_text_encoding:  # noqa: SLF001
        raise LookupError(f"{name} is no encoding of text")
    return data.decode(name).lstrip().encode("utf-8", "replace")


def local_name(element: etree._Element) -> str:
    """The tag without its namespace; "" for comments, processing instructions and entity references."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""
