"""Wikitext outside a dump: told from text, data and code, and read like a page of a dump."""

from __future__ import annotations

import json

import pytest

from corpus.extract import extract

ARTICLE = """{{Infobox bridge|name=Sample Bridge|length={{convert|120|m}}}}
'''Sample Bridge''' is a bridge over the [[Sample River|river]] in the north of the made-up county. It opened in 1931.

== History ==
Work began in 1928, and {{convert|3|km|mi}} of road were laid to it.<ref>A book.</ref> It has carried trains ever since.
"""
TEXT = """Sample Bridge
Sample Bridge is a bridge over the river in the north of the made-up county. It opened in 1931.
History
Work began in 1928, and 3 km of road were laid to it. It has carried trains ever since."""


@pytest.mark.parametrize(
    ("url", "content_type"),
    [
        ("file:///en/Sample_Bridge.txt", ""),
        ("file:///Sample%20Bridge.wiki", ""),
        ("https://en.wikipedia.org/w/index.php?title=Sample_Bridge&action=raw", "text/x-wiki; charset=UTF-8"),
    ],
)
def test_wikitext_by_itself(url: str, content_type: str) -> None:
    """By its marks, name or type; its title comes from the address, and no template is left."""
    done = extract(ARTICLE.encode(), url=url, content_type=content_type)
    assert (done.outcome, done.extractor, done.title) == ("ok", "wikitext", "Sample Bridge")
    assert done.text == TEXT


def test_the_wiki_s_language_by_host_or_script() -> None:
    """Double commas that a lost template leaves are closed up where the text is Japanese."""
    page = "{{Infobox 橋}}\n'''見本橋'''は、{{失われたひな型|あ}}、[[見本川]]に架かる橋である。1931年に開通した。"
    for url in ("https://ja.wikipedia.org/wiki/x?title=見本橋", "file:///見本橋.txt"):
        done = extract((page * 3).encode(), url=url)
        assert (done.title, done.extractor) == ("見本橋", "wikitext")
        assert "、、" not in done.text


@pytest.mark.parametrize("page", ["#REDIRECT [[Sample Bridge]]", "#転送 [[見本橋]]"])
def test_a_redirect_by_itself_is_no_document(page: str) -> None:
    """It says where to, and no more."""
    assert extract(page.encode(), url="file:///x.txt").outcome == "redirect"


@pytest.mark.parametrize(
    ("data", "content_type", "outcome", "extractor"),
    [
        ("As others have shown [[1]], the bridge is '''safe''. " * 5, "", "ok", "plain"),
        ("a = [[0] * 3 for _ in range(3)]\nb = '''text''' if a else {{1}}\n" * 5, "", "ok", "plain"),
        ("See [[the notes]] for a list of all the bridges of the county. " * 5, "", "ok", "plain"),
        ("{ a set of braces } and a sentence of plain words after it. " * 5, "", "ok", "plain"),
        (json.dumps({"a": ["[[x]] '''y'''"]}), "", "unsupported", "law_xml"),
        ('{\n  "cut": "in the mid', "", "truncated", "law_xml"),
        ("{x", "application/json", "truncated", "law_xml"),
        ("{\\rtf1\\ansi A sentence.}", "", "unsupported", ""),
    ],
)
def test_what_is_no_wikitext(data: str, content_type: str, outcome: str, extractor: str) -> None:
    """Prose, code, braces and JSON with a mark or two stay what they are; Rich Text is told by name."""
    done = extract(data.encode(), url="file:///x", content_type=content_type)
    assert (done.outcome, done.extractor) == (outcome, extractor)
