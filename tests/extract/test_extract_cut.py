"""Pages whose end is missing, and whole ones that never close their body."""

from __future__ import annotations

import pytest
from extract_samples import WIKI_PAGE

from corpus.extract import extract

SAID = "".join(f"<p>見本市は、第{n}回の説明会を市民会館で開き、その内容を広報に載せました。</p>\n" for n in range(20))
PAGE = f"<html><head><title>お知らせ</title></head><body><h1>お知らせ</h1>{SAID}</body></html>"
PLAIN = SAID.replace("</p>", "").replace("\n", "")
URL = "https://www.example.go.jp/a.html"


def outcome(data: bytes) -> tuple[str, str]:
    """Outcome and reason of a page."""
    done = extract(data, url=URL, content_type="text/html")
    return done.outcome, done.reason


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp"])
def test_cut_in_a_character_or_a_paragraph(encoding: str) -> None:
    """A page cut anywhere in its text is no document."""
    data = PAGE.encode(encoding)
    at = data.index("第15回".encode(encoding))
    for more in range(6):
        outcomes = outcome(data[: at + more])
        assert outcomes in [("truncated", f"the page ends inside {what}") for what in ("a character", "a paragraph")]


def test_cut_in_a_character_of_any_page() -> None:
    """Half a character is the mark of a cut where nothing else is."""
    data = f"<html><body>{PLAIN}".encode()
    assert outcome(data)[0] == "ok"
    assert outcome(data[:-1]) == ("truncated", "the page ends inside a character")


@pytest.mark.parametrize(
    "body",
    [
        SAID,
        SAID.rstrip(),
        f"{SAID}<p>以上",  # cut
        f"{SAID}<p>以上\n",
        f"{SAID}<hr>見本市 広報課",
        f"{SAID}<div>見本市 広報課",
        f"{SAID}<p>以上</p><address>見本市 広報課",
        PLAIN,
        f"{PLAIN}<p>以上</p><p>見本市 広報課",
        f"{SAID}<p>以上<p>見本市 広報課",
        f"<p>見本市から{SAID}見本市 広報課",
        f"{SAID.replace('p>', 'div>')}<div>見本市 広報課",
        SAID.replace("<p>", "").replace("</p>", "<br>") + "見本市 広報課",
    ],
)
def test_pages_that_do_not_close_their_body(body: str) -> None:
    """They are whole where they end after a block or blanks, or do not close their paragraphs elsewhere either."""
    data = f"<HTML><HEAD><TITLE>お知らせ</TITLE></HEAD><BODY>{body}".encode()
    assert outcome(data)[0] == ("truncated" if body.endswith("以上") else "ok")
    assert outcome(data + b"</BODY>")[0] == "ok"
    if not body.endswith("\n"):
        assert outcome(f"<h1>お知らせ</h1>{body}".encode())[0] == "ok"  # a fragment opens nothing


def test_wiki_pages() -> None:
    """An article without the end that MediaWiki writes was cut, wherever; a fragment was not."""
    assert outcome(WIKI_PAGE.encode())[0] == "ok"
    whole = WIKI_PAGE[: WIKI_PAGE.index("</html>")].rstrip()
    assert outcome(whole.encode()) == ("truncated", "the page ends inside an article")
    said = SAID.replace("見本市", "見本山")
    assert outcome(f'<div class="mw-parser-output">{said}</div>'.encode())[0] == "ok"
