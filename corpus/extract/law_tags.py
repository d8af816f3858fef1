"""The events of plain XML, a run of tags at a time: most of what expat takes is its calls into Python.

expat has seen the document first, without handlers, so what is read here is well-formed. It is plain where it holds no
comment, declaration, processing instruction or CDATA section after its head, and no ">" but those that end tags: then
what stands between ">" and "<" is character data, and the rest is tags. Statutes repeat few runs of tags
('</Sentence></ItemSentence></Item><Item Num="2"><ItemTitle>'), so what a run does is worked out once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from corpus.extract.law_events import Handler, LawEvents, Source

__all__ = ["Tags", "split"]

_TEXT: Final = re.compile(">([^<]+)<")
_TAG: Final = re.compile(r"<(/?)([^\s/>]+)([^>]*)>")
_REFERENCE: Final = re.compile("&(?:#x([0-9A-Fa-f]+)|#([0-9]+)|([a-z]+));")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}  # the five that need no declaration
_LONGEST: Final = 2**12  # characters of a run, of which the longest in 429 statutes has 201
_KEPT: Final = 2**9  # characters of a run that is worth remembering
_VALUES: Final = re.compile(r"""=\s*(?:"[^"]+"|'[^']+')""")
_ATTRIBUTE: Final = re.compile(r"""([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")


class _Run(NamedTuple):
    """What adjacent tags do.

    `calls`: handlers and their tags where the run neither begins nor ends a law or what is left out, else None.
    `lowest` and `last`: the depth at its lowest point and at its end, 0 before the run.
    `tags`: whether it ends an element, its name, and its attributes where they may mean something.
    """

    calls: tuple[tuple[Handler, str], ...] | None
    lowest: int
    last: int
    tags: tuple[tuple[bool, str, list[str]], ...]


def split(document: str) -> list[str] | None:
    """Texts and the runs of tags that follow them, without first "<" and last ">"; None where it is not plain.

    The first text is "". The document is well-formed and holds no comment, declaration, processing instruction or CDATA
    section.
    """
    parts = _TEXT.split(document.replace("\r\n", "\n").replace("\r", "\n") if "\r" in document else document)
    # A ">" in a value ends a run too early: what follows is taken for text, and holds the one that ends the tag.
    fits = ">" not in "".join(parts[1::2]) and max(map(len, parts[::2])) <= _LONGEST
    return ["", *parts] if fits else None


class Tags(Source):
    """Gives LawEvents what a parser of XML gives, from a plain document."""

    def feed(self, parts: list[str], events: LawEvents) -> None:
        """Read what `split` gave; `events` was made for this source."""
        each = iter(parts)
        for text, tags in zip(each, each, strict=True):
            if text:
                self.CharacterDataHandler(_REFERENCE.sub(_character, text) if "&" in text else text)
            run = _run(tags) if len(tags) <= _KEPT else _run.__wrapped__(tags)
            if events.inside and run.calls is not None:
                for handler, tag in run.calls:
                    handler(events, tag)
            elif events.skip_depth + run.lowest > 0:
                events.skip_depth += run.last
            else:
                for closes, name, attributes in run.tags:
                    if not closes:
                        self.StartElementHandler(name, attributes)
                    elif self.EndElementHandler is not None:
                        self.EndElementHandler(name)


def _character(reference: re.Match[str]) -> str:
    number = int(reference[1], 16) if reference[1] else int(reference[2] or 0)
    return chr(number) if number else _NAMED[reference[3]]


@lru_cache(maxsize=2**15)
def _run(written: str) -> _Run:
    return _shape(written if "Lang" in written else _VALUES.sub('="1"', written))


@lru_cache(maxsize=2**13)
def _shape(written: str) -> _Run:
    """What a run does; numbers of articles make many of one, so values come only with Lang, else whether empty."""
    tags = tuple(_tags(written))
    depth = lowest = 0
    for closes, _, _ in tags:
        depth += -1 if closes else 1
        lowest = min(lowest, depth)
    turns = any(name in LawEvents.TURNS or ":" in name for _, name, _ in tags)
    return _Run(None if turns else tuple(_calls(tags)), lowest, depth, tags)


def _tags(run: str) -> Iterator[tuple[bool, str, list[str]]]:
    """The tags of a run; one of an empty element counts twice."""
    for slash, name, rest in _TAG.findall(f"{run}>" if run[:1] == "<" else f"<{run}>"):
        yield bool(slash), name, _attributes(rest) if name in LawEvents.TURNS or ":" in name else []
        if rest.endswith("/"):
            yield True, name, []


def _attributes(rest: str) -> list[str]:
    return [part for name, double, single in _ATTRIBUTE.findall(rest) for part in (name, double or single)]


def _calls(tags: Iterable[tuple[bool, str, list[str]]]) -> list[tuple[Handler, str]]:
    """What the tags call, but for lines that are ended twice and labels that hold nothing."""
    calls: list[tuple[Handler, str]] = []
    for closes, name, _ in tags:
        handler = (LawEvents.ENDS if closes else LawEvents.STARTS).get(name)
        last = calls[-1] if calls else None
        if handler is None or (handler is LawEvents.flush and last is not None and last[0] is handler):
            continue
        if closes and name in LawEvents.LABELS and last == (LawEvents.STARTS[name], name):
            calls.pop()
        else:
            calls.append((handler, name))
    return calls
