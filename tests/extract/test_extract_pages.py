"""General pages as sites build them: what is said is kept, what the site puts around it goes."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

import pytest

from benchmarks.extraction_pages import general_pages
from corpus.extract import Extracted, extract
from corpus.extract.blocks import Block
from corpus.extract.html_layout import furniture

URL = "https://www.example.jp/a.html"
SAID = [f"見本市は、第{n}回の説明会を市民会館で開き、その内容を広報に載せることを決めました。" for n in range(1, 9)]


def of_kind(done: Extracted, kind: str) -> str:
    """The sections of one kind."""
    return "\n".join(done.text[s.start : s.end] for s in done.sections if s.kind == kind)


def read(body: str) -> Extracted:
    """What comes out of a page with this body."""
    page = f"<!DOCTYPE html><html><head><title>お知らせ</title></head><body>{body}</body></html>"
    return extract(page.encode(), url=URL, content_type="text/html")


def paragraphs(said: list[str]) -> str:
    """Each as a paragraph."""
    return "".join(f"<p>{text}</p>" for text in said)


def test_every_layout() -> None:
    """Fifteen layouts in two languages: F1 and recall of character 5-grams of the body, on the mean and each."""
    scores: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for page in general_pages(1):
        done = extract(page.data, url=page.url, content_type=page.content_type)
        one, other = (
            Counter(text[at : at + 5] for at in range(len(text) - 4))
            for text in (re.sub(r"\s", "", part) for part in (of_kind(done, "body"), page.gold))
        )
        both = (one & other).total()
        scores[page.format].append((2 * both / (one.total() + other.total()), both / other.total()))
        assert scores[page.format][-1][0] > 0.9, page.title
    for name, least in (("general ja", 0.97), ("general en", 0.98)):
        assert len(scores[name]) == 15
        assert sum(f1 for f1, _ in scores[name]) / 15 > least
        assert sum(recall for _, recall in scores[name]) / 15 > 0.99


def test_tables_that_place_things() -> None:
    """A page laid out by tables is body; a table of figures in it stays a table."""
    figures = "<table border='1'><tr><td>年度</td><td>件数</td></tr><tr><td>2024</td><td>318</td></tr></table>"
    text = "<br><br>".join(SAID)
    page = f"<table><tr><td><a href='/'>トップ</a></td><td>{text}{figures}</td></tr></table>"
    done = read(page)
    assert all(said in of_kind(done, "body") for said in SAID)
    assert of_kind(done, "table") == "年度　件数\n2024　318"
    assert "トップ" not in done.text


@pytest.mark.parametrize(
    "mark", ["<caption>件数</caption>", "<thead></thead>", "<tr><th>年度</th><th>説明</th></tr>", "summary"]
)
def test_tables_of_data(mark: str) -> None:
    """A table that says it holds data is one, however long its cells."""
    head = f"<table summary='件数'>{''}" if mark == "summary" else f"<table>{mark}"
    rows = "".join(f"<tr><td>{n}</td><td>{'<br>'.join(SAID * 2)}</td></tr>" for n in (1, 2))
    assert SAID[0] not in of_kind(read(f"{paragraphs(SAID)}{head}{rows}</table>"), "body").replace("\n".join(SAID), "")


TEASERS = "".join(
    f"<div><a href='/{n}.html'>別の記事の見出しその{n}</a><p>その記事は第{n}の話題を取り上げています。</p></div>"
    for n in range(4)
)


def test_teasers() -> None:
    """Headlines with a sentence each are left out beside an article, and kept where they are the page."""
    beside = read(f"<h1>お知らせ</h1>{paragraphs(SAID)}<h2>ほかの記事</h2>{TEASERS}")
    assert "話題を取り上げて" not in beside.text
    assert "ほかの記事" not in beside.text
    assert all(said in beside.text for said in SAID)
    assert "第2の話題を取り上げています。" in read(f"<h1>一覧</h1>{TEASERS * 3}").text


@pytest.mark.parametrize(
    "furniture",
    [
        "<div><p>当サイトではクッキーを使用しています。閲覧を続けると使用に同意したものとみなします。</p></div>",
        "<p><a href='/'>トップ</a> &gt; <a href='/a/'>くらし</a> &gt; お知らせ</p>",
        "<p>文字サイズ　小　中　大</p>",
        "<p>会員登録をすると、この記事の続きをお読みいただけます。</p>",
    ],
)
def test_furniture(furniture: str) -> None:
    """Notices, trails and offers go, wherever they stand."""
    words = re.sub("<[^>]+>", "", furniture)[:6]
    for page in (furniture + paragraphs(SAID), paragraphs(SAID[:4]) + furniture + paragraphs(SAID[4:])):
        done = read(f"<h1>お知らせ</h1>{page}")
        assert words not in done.text
        assert all(said in done.text for said in SAID)


def block(text: str, linked: float = 0.0) -> Block:
    """A block of body text."""
    return Block("body", text, 0, linked)


def test_a_heading_goes_with_what_it_stands_above() -> None:
    """Amid an article, the heading of links goes with them; that of text stays."""
    links = "".join(f"<li><a href='/{n}.html'>別の記事の見出しその{n}</a></li>" for n in range(3))
    middle = f"<h2>ほかの記事</h2><ul>{links}</ul><h2>費用</h2>"
    done = read(f"<h1>お知らせ</h1>{paragraphs(SAID[:4])}{middle}{paragraphs(SAID[4:])}")
    assert "ほかの記事" not in done.text
    assert f"{SAID[3]}\n費用\n{SAID[4]}" in done.text


def test_trails_need_links_and_arrows() -> None:
    """A sentence with an arrow is none."""
    assert furniture([block("トップ > くらし > お知らせ", 0.6)]) == {0}
    assert not furniture([block("設定 > 表示 > 文字の順に選ぶ")])


def test_consent_or_subject() -> None:
    """Two blocks on the use of cookies are notices, four are what the page is about."""
    notice = block("当サイトではクッキーを使用しています。閲覧を続けると同意したものとみなします。")
    others = [block(said) for said in SAID]
    assert furniture([notice, *others, notice]) == {0, 9}
    assert not furniture([notice, notice, *others, notice, notice])


def test_teasers_or_subject() -> None:
    """Three headlines with a sentence each are teasers beside more text than theirs, two are none."""
    teasers = [block("別の記事の見出し", 1.0), block("その記事は別の話題を取り上げています。")] * 3
    text = [block(said) for said in SAID]
    assert furniture([*text, *teasers]) == set(range(8, 14))
    assert not furniture([*text[:1], *teasers])
    assert not furniture([*text, *teasers[:4]])


def test_short_lists_of_english_pages() -> None:
    """Lists and headings between paragraphs come back where the extractor drops them, once."""
    said = [
        f"The council has measured the water of lake {n} and will publish what it found next year." for n in range(9)
    ]
    items = ["Grants for small firms", "Repairs to the old bridge", "Energy use in schools"]
    listed = "".join(f"<li>{item}</li>" for item in items)
    page = f"<h1>Water</h1>{paragraphs(said[:5])}<ul>{listed}</ul><h2>What follows</h2>{paragraphs(said[5:])}"
    done = read(page)
    for text in (*said, *items, "What follows"):
        assert done.text.count(text) == 1, text
    assert done.text.index(said[4]) < done.text.index(items[0]) < done.text.index(said[5])
