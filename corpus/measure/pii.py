"""Personal data and secrets as spans, and the text with those masked.

What is kept although it was found (action "keep"), since it names an institution and not a person:

- PHONE: free-call and navigation lines (0120, 0800, 0570, +1 800 …) everywhere; any number that follows a word for a
  switchboard, desk or inquiry line (代表, 窓口, 問い合わせ …); in an official source (OFFICIAL) every number but a
  mobile one.
- EMAIL: in an official source, a role address (info@, webmaster@ …). A person's address is masked there too.
- POSTAL_CODE: in an official source, where it belongs to an office or a company.
- NAME: next to a public title (大臣, 議員, 裁判官 …). Names are looked for only near another masked span of the record.

A number kept once is kept in the whole text; a value masked once is masked wherever it stands in the text.
Nothing here logs or stores a matched value.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from corpus.measure.pii_rules import RULES
from corpus.measure.pii_spans import KEEP, MASK, Span, Spans, occurrences
from corpus.measure.pii_view import view

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OFFICIAL: Final = frozenset({"egov", "mod", "nasa", "pmda"})  # sources whose contacts are those of bodies and companies

_NEAR: Final = 200  # code points: how far a name may stand from what ties it to a person
_FREE_CALL: Final = re.compile(
    r"\(?0(?:120|570|800)(?:[^0-9]|[0-9]{6,7}$)|(?:\+?1[ .-]?)?\(?8(?:00|33|44|55|66|77|88)[) .-]"
)
_MOBILE: Final = re.compile(r"(?:\+81 ?-?\(?0?\)?|0)-?[6-9]0")
_DESK: Final = re.compile(
    r"(?:代表|問い?合わ?せ|窓口|相談|受付|事務局|センター|ダイヤル"
    r"|(?i:hotline|helpline|toll.free|switchboard|front desk))"
    r"[^0-9\n]{0,16}$"
)
_ROLE: Final = re.compile(
    r"(?i:info|contact|webmaster|postmaster|support|inquir(?:y|ies)|help(?:desk)?|press|pr|office|admin|no-?reply|toiawase"
    r"|koho|soumu|service)(?:[._+-][A-Za-z0-9._-]*)?@"
)
_TITLE: Final = re.compile(
    r"大臣|長官|次官|幕僚長|議員|裁判官|判事|検事|知事|市長|町長|村長|総裁|総理|大使|署名|著者|教授"
)
_SPREAD: Final = frozenset({"SECRET", "EMAIL", "MY_NUMBER", "CREDIT_CARD", "IP_ADDRESS", "PHONE"})
_LEAST: Final = 6  # code points: a shorter value may stand in the text by chance

SPANS: Final = pa.list_(
    pa.struct(
        [
            pa.field("start", pa.int32(), nullable=False, metadata={"doc": "first code point of the input text"}),
            pa.field("end", pa.int32(), nullable=False, metadata={"doc": "code point after the last one"}),
            pa.field("type", pa.string(), nullable=False, metadata={"doc": "what it is, e.g. PHONE"}),
            pa.field("action", pa.string(), nullable=False, metadata={"doc": "mask, or keep for an institution's"}),
        ]
    )
)

PII: Final = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False, metadata={"doc": "document id"}),
        pa.field("spans", SPANS, nullable=False, metadata={"doc": "personal data and secrets, in order, no overlap"}),
        pa.field("text", pa.string(), nullable=False, metadata={"doc": "text with every span to mask replaced"}),
    ],
    metadata={"table": "pii", "version": "1"},
)


def detect(text: str, *, official: bool = False) -> list[Span]:
    """Return the findings in a text, in order and without overlap; `official` as for a source of OFFICIAL."""
    seen = view(text)
    taken = Spans()
    for kind, rule in RULES:
        if kind == "NAME" and not any(span.action == MASK for span in taken):
            continue
        for start, end in rule(seen.text):
            if not taken.free(start, end) or (kind == "NAME" and not _tied(seen.text, start, end, taken)):
                continue
            taken.add(Span(start, end, kind, _action(kind, seen.text, start, end, official=official)))
    spans = _spread(seen.text, _same_everywhere(seen.text, taken))
    return [Span(*seen.span(span.start, span.end), span.type, span.action) for span in spans]


def mask(text: str, spans: Iterable[Span]) -> str:
    """Return the text with each span to mask replaced by its type in brackets, such as [EMAIL].

    The spans must be in order and not overlap, as `detect` returns them.
    """
    parts: list[str] = []
    done = 0
    for span in spans:
        if span.action == MASK:
            parts += [text[done : span.start], f"[{span.type}]"]
            done = span.end
    return "".join([*parts, text[done:]])


def masked_table(documents: pa.Table) -> pa.Table:
    """Return PII rows for a table with string columns id and text; column source, where there, tells official texts."""
    ids: list[Any] = documents["id"].to_pylist()
    texts: list[Any] = documents["text"].to_pylist()
    sources: list[Any] = documents["source"].to_pylist() if "source" in documents.column_names else [""] * len(ids)
    known = [isinstance(source, str) and source in OFFICIAL for source in sources]  # a user's source may be anything
    found = [detect(text, official=official) for text, official in zip(texts, known, strict=True)]
    spans: list[Any] = [[vars(span) for span in one] for one in found]
    masked = [mask(text, one) for text, one in zip(texts, found, strict=True)]
    columns: list[Any] = [pa.array(ids, pa.string()), pa.array(spans, SPANS), pa.array(masked, pa.string())]
    return pa.Table.from_arrays(columns, schema=PII)


def _action(kind: str, text: str, start: int, end: int, *, official: bool) -> str:
    """Keep what belongs to an institution; the rules stand at the head of this module."""
    found = text[start:end]
    kept = False
    if kind == "PHONE":
        line = text[max(0, start - 24) : start].rpartition("\n")[2]
        free = _FREE_CALL.match(found) is not None
        mobile = _MOBILE.match(found.lstrip("(")) is not None
        kept = free or (not mobile and (official or _DESK.search(line) is not None))
    elif kind == "EMAIL":
        kept = official and _ROLE.match(found) is not None
    elif kind == "POSTAL_CODE":
        kept = official
    elif kind == "NAME":
        kept = _TITLE.search(text[max(0, start - 8) : end + 6]) is not None
    return KEEP if kept else MASK


def _tied(text: str, start: int, end: int, taken: Spans) -> bool:
    """Whether another masked span stands in the same record: near, and with no blank line between."""
    return any(
        span.action == MASK and span.type != "NAME" and "\n\n" not in text[min(end, span.end) : max(start, span.start)]
        for span in taken.near(start, end, _NEAR)
    )


def _same_everywhere(text: str, spans: Spans) -> list[Span]:
    """A telephone number or address that is an institution's at one place is so at every place of the text."""
    kept = {text[span.start : span.end] for span in spans if span.action == KEEP and span.type in _SPREAD}
    return [
        Span(span.start, span.end, span.type, KEEP) if text[span.start : span.end] in kept else span for span in spans
    ]


def _spread(text: str, spans: Sequence[Span]) -> Spans:
    """Mask every further occurrence of a masked value, also where no rule saw it; a kept span gives way."""
    masked = [span for span in spans if span.action == MASK]
    kinds = {text[span.start : span.end]: span.type for span in masked if span.type in _SPREAD}
    further = [Span(at, at + len(value), kinds[value]) for at, value in occurrences(text, kinds, _LEAST)]
    further.sort(key=lambda span: (span.start - span.end, span))  # the longest first
    result = Spans()
    for span in (*masked, *further, *(span for span in spans if span.action == KEEP)):
        result.add(span)
    return result


__all__ = ["KEEP", "MASK", "OFFICIAL", "PII", "Span", "detect", "mask", "masked_table"]
