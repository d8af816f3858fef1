"""Package inserts (添付文書): PackIns XML of the 2017 format, or the zip that holds it.

Text stands in Lang elements, a line each (pmda_words). Titles of sections and of their numbered parts stand in comments
before them, sub-headings in Header, Caption and ItemCaption; where there is more than one brand, its name heads what is
its own. Rows of tables and of interaction lists are lines of cells, and so is what the head says of a brand (storage).
Numbers, codes and dates outside Lang are metadata and left out. Namespace .../prescription_drugs/package_insert/1.0.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract import pmda_sgml
from corpus.extract.model import Extracted, TextBuilder, failure, finish
from corpus.extract.pmda_numbers import heading_number, numbers_by_id
from corpus.extract.pmda_words import BloatError, Words, langs
from corpus.extract.xmlparse import MAX_BYTES, local_name, parse, root_name
from corpus.text.scripts import visible

__all__ = ["EXTRACTOR", "VERSION", "extract_xml", "extract_zip"]

EXTRACTOR: Final = "pmda_xml"
VERSION: Final = "2"
MAX_MEMBERS: Final = 1000  # the zip of one insert holds its XML and some dozens of images
_HEADERS: Final = {"Header", "Caption", "ItemCaption", "CategoryName"}
_ROWS: Final = {"SimpTblHead", "SimpTblRow", "TblRow", "Row", "Drug", "ContainedAmount", "InfoIndividualAdditive"}
_TABLES: Final = {"SimpleTable", "TblBlock", "Table", "CompositionTable", "PropertyTable"}
_NAMES: Final = {"GenericName", "TherapeuticClassification"}
_METADATA: Final = {"PackageInsertNo", "CompanyIdentifier", "DateOfPreparationOrRevision", "Sccj", "ApprovalEtc"}
# What the PMDA's page writes before the facts of a brand, which in the XML have names of elements alone.
_LABELS: Final = {
    "StorageMethod": "貯法",
    "ShelfLife": "有効期間",
    "RegulatoryClassification": "規制区分",
    "StandardName": "基準名",
}
_MAX_HEADING: Final = 200  # characters of a heading in the path of each section below it, which are many
_ADDED: Final = 2  # characters of names and paths for each byte of the file; real files stay below a half


@dataclass
class _State:
    """Where in the document the reader stands. `where` is the path joined, made once for all lines below it."""

    words: Words
    builder: TextBuilder = field(default_factory=TextBuilder)
    path: list[str] = field(default_factory=list)
    where: str = ""
    kind: str = "body"

    def add(self, kind: str, line: str) -> None:
        """One line under the headings of now. Raises BloatError where paths make far more than the document holds."""
        sections = len(self.builder.spans)
        self.builder.append(kind, line, self.where, len(self.path))
        if len(self.builder.spans) > sections:
            self.words.spend(len(self.where))

    def enter(self, height: int, *headings: str) -> None:
        """These headings stand below the first `height` of the path."""
        if not headings and len(self.path) == height:
            return
        self.path[height:] = [heading[:_MAX_HEADING] for heading in headings if heading]
        self.where = " > ".join(self.path)


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
    state = _State(Words(_brands(root), numbers_by_id(root), _embedded(root), _ADDED * len(data)))
    brands = list(dict.fromkeys(state.words.brands.values()))
    try:
        for brand in brands:
            state.add("title", brand)
        for child, comment in _with_comments(root):
            _section(child, comment, state)
    except BloatError:
        return failure(
            "unsupported", "references and headings make far more text than the file holds", EXTRACTOR, VERSION
        )
    return finish(
        state.builder,
        title=brands[0] if brands else "",
        left_out=max(0, _shown(root) - state.words.read),
        extractor=EXTRACTOR,
        version=VERSION,
    )


def _with_comments(node: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """Each child element, with the comment right before it."""
    comment = ""
    for child in node:
        if child.tag is etree.Comment:
            comment = " ".join((child.text or "").split())
        elif local_name(child):
            yield child, comment
            comment = ""


def _shown(root: etree._Element) -> int:
    """Visible characters of all Lang elements, and of what stands outside of them in the sections."""
    inside = [text for lang in langs(root) for text in _texts(lang)]
    sections = [child for child in root if local_name(child) and local_name(child) not in _METADATA]
    bare = [text for section in sections for text in _texts(section, without="Lang")]
    return visible("".join((*inside, *bare)))


def _texts(node: etree._Element, without: str = "") -> Iterator[str]:
    """The texts of a node and all below it, comments and instructions aside; those in `without` elements if named."""
    if local_name(node) and local_name(node) != without:
        if node.text and not node.text.isspace():
            yield node.text
        for child in node:
            yield from _texts(child, without)
            if child.tail and not child.tail.isspace():
                yield child.tail


def _brands(root: etree._Element) -> dict[str, str]:
    """Brand names by id (or by place where there is none), as ApprovalBrandNameRef names them."""
    found = {}
    for place, detail in enumerate(node for node in root.iter() if local_name(node) == "DetailBrandName"):
        name = next((node for node in detail.iter() if local_name(node) == "ApprovalBrandName"), None)
        text = " ".join(Words().lines(name)) if name is not None else ""
        if text:
            found[detail.get("id") or str(place)] = text
    return found


def _embedded(root: etree._Element) -> dict[str, str]:
    """The names and amounts of the composition that EmbeddingText repeats elsewhere, by id."""
    wanted = {node.get("ref") for node in root.iter() if local_name(node) == "EmbeddingText"}
    if not wanted:
        return {}
    parts = (node for top in root if local_name(top) == "CompositionAndProperty" for node in top.iter())
    texts = ((part.get("id"), [lang for lang in part if local_name(lang) == "Lang"]) for part in parts)
    return {
        name: " ".join(line for lang in own for line in Words().lines(lang))[:_MAX_HEADING]
        for name, own in texts
        if own and name in wanted
    }


def _section(node: etree._Element, comment: str, state: _State) -> None:
    tag = local_name(node)
    titled = heading_number(comment) and tag not in _NAMES and next(langs(node), None) is not None
    state.kind = "body"
    state.enter(0)
    if titled:
        state.add("title", comment)
    state.enter(0, comment)
    if tag == "ApprovalEtc":
        for brand, _ in _with_comments(node):
            _head(brand, state)
        return
    _walk(node, state)


def _head(brand: etree._Element, state: _State) -> None:
    """What the head says of a brand, a row each: its name in English, storage, regulation."""
    name = state.words.brands.get(brand.get("id", ""), "")
    state.enter(1, name if _many(state) else "")
    for fact, _ in _with_comments(brand):
        if local_name(fact) == "ApprovalBrandName":
            state.words.lines(fact)  # it is the title, and counts as read
            continue
        parts = [fact] if local_name(fact) in _LABELS else list(fact)
        for part in parts:
            cells = state.words.lines(part)
            if cells:
                state.add("table", "　".join([_LABELS.get(local_name(part), ""), *cells]))


def _many(state: _State) -> bool:
    return len(set(state.words.brands.values())) > 1


def _walk(node: etree._Element, state: _State) -> None:
    """Depth is bounded by the parser (256), so recursion is safe."""
    tag = local_name(node)
    if tag == "Lang":
        for line in state.words.lines(node):
            state.add(state.kind, line)
        return
    if tag in _ROWS:
        cells = [" ".join(state.words.lines(cell)) for cell in node if local_name(cell)]
        state.add("table", "　".join(cell for cell in cells if cell))
        return
    height, kind = len(state.path), state.kind
    if tag in _TABLES:
        state.kind = "table"
    if tag.endswith("ForBrand") and _many(state) and (brand := _brand_of(node, state)):
        state.add("title", brand)
        state.enter(height, brand)
    _children(node, state)
    state.enter(height)
    state.kind = kind


def _children(node: etree._Element, state: _State) -> None:
    """A heading is of what follows it, up to the next one beside it; a title in a comment of the element after it."""
    height = len(state.path)
    for child, comment in _with_comments(node):
        if local_name(child) in _HEADERS:
            heading = "　".join(state.words.lines(child))
            state.enter(height)
            state.add("title", heading)
            state.enter(height, heading)
            continue
        above = len(state.path)
        if heading_number(comment) and next(langs(child), None) is not None:
            state.add("title", comment)
            state.enter(above, comment)
        _walk(child, state)
        state.enter(above)


def _brand_of(node: etree._Element, state: _State) -> str:
    """The brand that a part is for: of its own reference, or of those that it begins with."""
    references = [node.get("ref", "")] + [
        child.get("ref", "") for child in node if local_name(child).endswith("NameRef")
    ]
    return state.words.brand(" ".join(references))
