"""Package inserts (添付文書): PackIns XML of the 2017 format, or the zip that holds it.

Text stands in Lang elements, a line each; <?enter?> is a line break. Section titles stand in comments before the
sections, sub-headings in Header, Caption and ItemCaption. Rows of tables and of interaction lists are lines of cells.
Numbers, codes and dates outside Lang are metadata and left out. Namespace .../prescription_drugs/package_insert/1.0.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract import pmda_sgml
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.xmlparse import MAX_BYTES, local_name, parse, root_name
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract_xml", "extract_zip"]

EXTRACTOR: Final = "pmda_xml"
VERSION: Final = "1"
MAX_MEMBERS: Final = 1000  # the zip of one insert holds its XML and some dozens of images
_HEADERS: Final = {"Header", "Caption", "ItemCaption", "CategoryName"}
_ROWS: Final = {"SimpTblRow", "TblRow", "Row", "Drug", "ContainedAmount", "InfoIndividualAdditive"}
_TABLES: Final = {"SimpleTable", "TblBlock", "Table", "CompositionTable", "PropertyTable"}
_NAMES: Final = {"GenericName", "TherapeuticClassification"}
_BLANK: Final = re.compile(r"[ \t\r\n]+")
_NUMBER: Final = re.compile(r"\s*[0-9０-９]+\s*[.．]")


@dataclass
class _State:
    builder: TextBuilder = field(default_factory=TextBuilder)
    brands: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    kind: str = "body"


def extract_zip(data: bytes) -> Extracted:
    """The insert in a zip: its first member, by name, that is an insert, XML or SGML; sizes are checked on the way."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:MAX_MEMBERS]
            members = sorted(name for name in names if name.lower().endswith((".xml", ".sgm", ".sgml")))
            for name in members:
                if archive.getinfo(name).flag_bits & 1:
                    return failure("encrypted", f"zip member {name} needs a password", EXTRACTOR, VERSION)
                with archive.open(name) as member:
                    body = member.read(MAX_BYTES + 1)
                if len(body) > MAX_BYTES:
                    return failure("unsupported", f"{name}: more than {MAX_BYTES} bytes", EXTRACTOR, VERSION)
                if pmda_sgml.is_sgml(body):
                    return pmda_sgml.extract(body)
                if root_name(body) == "PackIns":
                    return extract_xml(body)
    except Exception as error:  # noqa: BLE001  zipfile raises a dozen classes on a broken archive
        outcome = "truncated" if b"PK\x05\x06" not in data[-66000:] else "unsupported"
        return failure(outcome, f"broken zip: {type(error).__name__}: {error}", EXTRACTOR, VERSION)
    return failure("unsupported", f"no PackIns XML among {len(members)} XML members", EXTRACTOR, VERSION)


def extract_xml(data: bytes) -> Extracted:
    """An insert from PackIns XML bytes."""
    root = parse(data, EXTRACTOR, VERSION)
    if isinstance(root, Extracted):
        return root
    if local_name(root) != "PackIns":
        return failure("unsupported", f"the root is {local_name(root)}, not PackIns", EXTRACTOR, VERSION)
    state = _State(brands=_brands(root))
    brands = list(dict.fromkeys(state.brands.values()))
    for brand in brands:
        state.builder.add("title", brand)
    title = brands[0] if brands else ""
    comment = ""
    for child in root:
        if child.tag is etree.Comment:
            comment = " ".join((child.text or "").split())
            continue
        if local_name(child):
            _section(child, comment, state)
            comment = ""
    shown = sum(visible("".join(lang.itertext())) for lang in root.iter() if local_name(lang) == "Lang")
    return finish(state.builder, title=title, source_chars=shown, extractor=EXTRACTOR, version=VERSION)


def _brands(root: etree._Element) -> dict[str, str]:
    """Brand names by id (or by place where there is none), as ApprovalBrandNameRef names them."""
    found = {}
    for place, detail in enumerate(node for node in root.iter() if local_name(node) == "DetailBrandName"):
        name = next((node for node in detail.iter() if local_name(node) == "ApprovalBrandName"), None)
        text = " ".join(_lines(name, {})) if name is not None else ""
        if text:
            found[detail.get("id") or str(place)] = text
    return found


def _section(node: etree._Element, comment: str, state: _State) -> None:
    tag = local_name(node)
    if tag == "ApprovalEtc":  # brand names are the title; the rest is numbers and codes
        return
    if comment and tag not in _NAMES and any(local_name(part) == "Lang" for part in node.iter()):
        numbered = _NUMBER.match(comment) is not None
        state.builder.add("title", comment) if numbered else None
        state.path = [comment]
    else:
        state.path = [comment] if comment else []
    state.kind = "body"
    _walk(node, state)


def _walk(node: etree._Element, state: _State) -> None:
    """Depth is bounded by the parser (256), so recursion is safe."""
    tag = local_name(node)
    if not tag:
        return
    if tag == "Lang":
        for line in _lines(node, state.brands):
            state.builder.add(state.kind, line, state.path)
        return
    if tag in _HEADERS:
        heading = "　".join(_lines(node, state.brands))
        state.builder.add("title", heading, state.path)
        if heading:
            state.path.append(heading)
        return
    if tag in _ROWS:
        cells = [" ".join(_lines(cell, state.brands)) for cell in node if local_name(cell)]
        state.builder.add("table", "　".join(cell for cell in cells if cell), state.path)
        return
    height, kind = len(state.path), state.kind
    if tag in _TABLES:
        state.kind = "table"
    for child in node:
        _walk(child, state)
    del state.path[height:]
    state.kind = kind


def _lines(node: etree._Element, brands: dict[str, str]) -> list[str]:
    """The text of all Lang elements of a node; a line each, and one more at every <?enter?>."""
    out: list[str] = []
    for lang in [node] if local_name(node) == "Lang" else [part for part in node.iter() if local_name(part) == "Lang"]:
        parts = [lang.text or ""]
        for child in lang.iterdescendants():
            if child.tag is etree.ProcessingInstruction:
                parts.append("\0" if child.target == "enter" else "")
            elif local_name(child):
                parts.append(brands.get(child.get("ref", ""), "") if local_name(child).endswith("NameRef") else "")
                parts.append(child.text or "")
            parts.append(child.tail or "")
        out += [_BLANK.sub(" ", line).strip() for line in "".join(parts).split("\0")]
    return [line for line in out if line]
