"""Whether the end of a page is missing: many that are whole never close their body, and some that do not were cut."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

__all__ = ["cut_inside", "is_wiki"]

_TAG: Final = re.compile(rb"<[A-Za-z/!][^<>]*\Z")
_OPENED: Final = re.compile(rb"<(?:html|body)\b", re.IGNORECASE)
_CLOSED: Final = re.compile(rb"</(?:html|body)\s*>", re.IGNORECASE)
_WHOLE: Final = re.compile(rb"</html\s*>", re.IGNORECASE)
_END: Final = 20_000  # bytes at the end of a page in which it is closed
_BLOCK: Final = re.compile(
    r"<(/?)(p|li|td|th|dt|dd|pre|h[1-6]|div|table|tr|ul|ol|dl|hr|form|section|article|main|blockquote|center)\b",
    re.IGNORECASE,
)
_OF_TEXT: Final = ("p", "li", "td", "th", "dt", "dd", "pre", "h1", "h2", "h3", "h4", "h5", "h6")
_HABIT: Final = 2  # blocks of a kind by which one sees that their author closes them


def is_wiki(data: bytes) -> bool:
    """Whether MediaWiki made a page."""
    return b"mw-parser-output" in data or b'id="mw-content-text"' in data


def cut_inside(data: bytes, text: str) -> str:
    """What a page ends inside of, by its bytes and their text; "" for a whole one."""
    end = max(0, len(data) - _END)
    opened = _OPENED.search(data) is not None
    if opened and is_wiki(data) and not _WHOLE.search(data, end):
        return "an article"  # MediaWiki closes every page
    if _CLOSED.search(data, end):
        return ""
    if _TAG.search(data, max(0, len(data) - 3000)):
        return "a tag"
    if opened and text.endswith("\ufffd"):
        return "a character"
    return "a paragraph" if opened and _in_a_block(text) else ""


def _in_a_block(text: str) -> bool:
    """Whether a page ends with text in a block of a kind that it closes wherever else it opens one."""
    last = text[text.rfind(">") + 1 :]
    if not last.strip() or last[-1].isspace():
        return False
    blocks = [(tag[1], tag[2].lower()) for tag in _BLOCK.finditer(text)]
    if not blocks or blocks[-1][0] or blocks[-1][1] not in _OF_TEXT:
        return False
    kind = blocks[-1][1]
    count = Counter(slash for slash, name in blocks if name == kind)
    return count["/"] >= _HABIT and count[""] == count["/"] + 1
