"""What a page says of itself goes, and what trafilatura drops amid a text comes back."""

from __future__ import annotations

import pytest

from corpus.extract import Extracted, extract, html_main
from corpus.extract.blocks import Block, parse_html, to_blocks
from corpus.extract.html_fill import filled
from corpus.extract.html_layout import furniture
from corpus.extract.html_main import main_blocks

SAID = [f"見本市は、第{n}回の説明会を市民会館で開き、その内容を広報に載せることを決めました。" for n in range(1, 9)]
LONG = [
    f"The council has measured the water of lake {n} and will publish what it found there next year, "
    f"together with the figures of the {n} rivers around it."
    for n in range(9)
]


def read(body: str, lang: str = "ja") -> Extracted:
    """What comes out of a page with this body."""
    page = f"<!DOCTYPE html><html lang='{lang}'><head><title>x</title></head><body><h1>説明会</h1>{body}</body></html>"
    return extract(page.encode(), url="https://www.example.jp/a.html", content_type="text/html")


def paragraphs(said: list[str]) -> str:
    """Each as a paragraph."""
    return "".join(f"<p>{text}</p>" for text in said)


def block(text: str, level: int = 0, linked: float = 0.0, *, item: bool = False) -> Block:
    """A block of body text."""
    return Block("title" if level else "body", text, level, linked, item)


def test_links_within_the_page_are_counted() -> None:
    """Apart from links that lead away; an empty target leads nowhere."""
    root = parse_html(
        "<body><p><a href='#a'>目次</a></p><p><a href='/a'>目次</a></p><p><a href='#'>目次</a></p></body>"
    )
    assert [(b.inside, b.link_share) for b in to_blocks(root)] == [(1.0, 0.0), (0.0, 1.0), (0.0, 0.0)]


def test_a_list_of_contents_says_nothing_twice() -> None:
    """Links to the headings below go, with the word above them; headings that are links themselves stay."""
    heads = [f"第{n}回の説明会の記録" for n in range(1, 5)]
    contents = "".join(f"<li><a href='#s{n}'>{head}</a></li>" for n, head in enumerate(heads))
    parts = "".join(f"<h2 id='s{n}'>{n + 1}. {head}</h2><p>{SAID[n]}</p>" for n, head in enumerate(heads))
    parts = parts.replace("1. 第1", "第1").replace("2. 第2", "第2").replace("3. 第3", "第3").replace("4. 第4", "第4")
    done = read(f"<p>{SAID[6]}</p><p>目次</p><ul>{contents}</ul>{parts}")
    assert [done.text.count(head) for head in heads] == [1, 1, 1, 1]
    assert "目次" not in done.text
    toggles = "".join(f"<dt><a href='#a{n}'>{head}</a></dt><dd>{SAID[n]}</dd>" for n, head in enumerate(heads))
    assert all(head in read(f"<dl>{toggles}</dl>").text for head in heads)


@pytest.mark.parametrize(
    "line",
    [
        "ページ番号1001234　更新日　令和6年4月10日",
        "最終更新日：2024年4月1日",
        "広告",
        "スポンサーリンク",
        "掲載日:2024/04/01",
    ],
)
def test_what_a_page_says_of_itself(line: str) -> None:
    """Its number, its days and labels of advertisements are no text; a sentence that names them is."""
    done = read(f"<p>{line}</p>{paragraphs(SAID[:4])}<p>{line}</p>{paragraphs(SAID[4:])}")
    assert line not in done.text
    assert all(said in done.text for said in SAID)
    sentence = f"{line}という表示は、窓口で確かめてください。"
    assert sentence in read(paragraphs([*SAID[:4], sentence, *SAID[4:]])).text


CONTACT = "<h2>お問い合わせ先</h2><p>港湾課計画係</p><p>電話：000-000-0000（内線12）</p><p>port@example.jp</p>"


def test_whom_to_ask() -> None:
    """Whom to ask about a page is not its text; whom to ask at many places is."""
    done = read(paragraphs(SAID) + CONTACT)
    assert "港湾課" not in done.text
    assert "内線12" not in done.text
    assert SAID[-1] in done.text
    places = "".join(f"<h2>施設{n}</h2><p>{SAID[n]}</p>{CONTACT}" for n in range(4))
    assert read(places).text.count("内線12") == 4
    assert "会場は二階" in read(paragraphs(SAID) + "<h2>お問い合わせ先</h2><p>会場は二階です。</p>").text


def test_the_end_of_a_release() -> None:
    """The mark goes with the names and addresses below it."""
    blocks = [*map(block, LONG), block("-end-"), block("Jane Roe"), block("202-555-0100"), block(LONG[0] + " 。")]
    assert furniture(blocks) == {9, 10, 11}
    assert furniture([*map(block, LONG), block("# # #"), block("The end-to-end test took a year.")]) == {9}
    assert not furniture([*map(block, LONG), block("The end")])


def test_consent_to_devices() -> None:
    """Consent is asked for without the word cookie, too."""
    ask = "当社および提携先は、端末に情報を保存しアクセスすることに同意を求めています。"
    assert ask not in read(f"<div>{ask}</div>{paragraphs(SAID)}").text
    assert furniture([block("端末に情報を保存する仕組みを説明する。")]) == set()


def test_a_heading_above_what_is_kept_is() -> None:
    """Above the first paragraph that trafilatura finds, too."""
    points = "".join(f"<li>第{n}の装置で、これまでの半分の時間で測定できることを示しました。</li>" for n in range(3))
    done = read(f"<div><h2>発表のポイント</h2><ul>{points}</ul></div><h2>概要</h2>{paragraphs(SAID)}")
    assert done.text.index("発表のポイント") < done.text.index("第0の装置") < done.text.index("概要")


def test_definitions_below_the_text() -> None:
    """Terms at the end belong to it, with the heading above them."""
    terms = "".join(f"<dt>用語{n}の名</dt><dd>第{n}の説明である。</dd>" for n in range(3))
    done = read(f"{paragraphs(SAID)}<h2>用語の解説</h2><dl>{terms}</dl>")
    assert "用語の解説\n用語0の名\n第0の説明である。" in done.text


def test_a_short_notice_beside_headlines() -> None:
    """A column of headlines does not become the text because there is more of it."""
    links = "".join(f"<li><a href='/{n}.html'>別のお知らせの見出し{n}</a></li>" for n in range(7))
    done = read(f"<p>{SAID[0]}{SAID[1]}</p><div class='w300'><h3>新着</h3><ul>{links}</ul></div>")
    assert done.text.endswith(SAID[1])


def test_the_name_of_a_list_of_links() -> None:
    """It goes with them, whatever its markup; a sentence above links stays."""
    links = "".join(f"<div><a href='/{n}.html'>別の記事の見出しその{n}</a></div>" for n in range(4))
    page = "<br><br>".join(SAID)
    done = read(f"<div>{page}</div><div><div>人気の記事</div>{links}</div>")
    assert "人気の記事" not in done.text
    assert SAID[-1] in done.text


@pytest.mark.parametrize(("before", "after", "gone"), [(3, 5, False), (6, 2, True)])
def test_whom_to_ask_stands_late(before: int, after: int, *, gone: bool) -> None:
    """What stands above the middle is the subject."""
    asked = [block("お問い合わせ先"), block("港湾課"), block("電話：000-000-0000")]
    page = [*map(block, SAID[:before]), *asked, *map(block, SAID[:after])]
    assert furniture(page) == (set(range(before, before + 3)) if gone else set())


def test_whom_to_ask_needs_a_number() -> None:
    """Three of them are a list, and names alone are no contact."""
    asked = [block("担当課"), block("港湾課"), block("電話：000-000-0000")]
    assert furniture([*map(block, SAID), *asked, *asked]) == set(range(8, 14))
    assert not furniture([*map(block, SAID), *asked, *asked, *asked])
    assert not furniture([*map(block, SAID), *asked[:2]])


def voted(page: list[Block], found: list[Block], patch: pytest.MonkeyPatch, second: str = "") -> list[str]:
    """What is kept of a Japanese page of which trafilatura found some blocks."""
    patch.setattr(html_main, "_trafilatura", lambda *_, **__: found)
    patch.setattr(html_main, "_resiliparse", lambda _: second)
    shown = "\n".join(one.text for one in page)
    return [one.text for one in main_blocks("", shown, page, "ja").blocks]


def test_votes_on_headings_and_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A heading above what is kept is; the name of a list of links goes with it, a sentence above it stays."""
    points, text = block("第1の装置で、半分の時間で測定できることを示しました。", item=True), [*map(block, SAID)]
    page = [block("発表のポイント", 2), points, block("概要", 2), *text]
    assert voted(page, text, monkeypatch, points.text) == [one.text for one in page]
    links = [block(f"別の記事の見出し{n}", linked=1.0) for n in range(3)]
    for name, kept in (("人気の記事", 0), ("次の表を見る。", 1)):
        page = [*text[:4], block(name), *links, *text[4:]]
        assert voted(page, text, monkeypatch) == [*SAID[:4], *[name] * kept, *SAID[4:]]


def test_a_page_of_links_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where links are nearly all that it says they are its text; a few files below a sentence are, too."""
    links = [block(f"令和{n}年度に承認された品目の一覧（全ての分野を含む）", linked=1.0) for n in range(1, 9)]
    page = [block("承認品目", 1), *links]
    assert voted(page, page, monkeypatch) == [one.text for one in page]
    page = [block("次の資料を見てください。"), *links[:2]]
    assert voted(page, page, monkeypatch) == [one.text for one in page]


def test_navigation_that_holds_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Markup that calls all of the text navigation is wrong about sentences, and right about words."""
    found = [block("お知らせ"), *(block(text + "案内") for text in ("防災", "観光", "採用", "統計情報の一覧"))]
    patched, shown = [block("お知らせ")], "\n".join(one.text for one in found)
    monkeypatch.setattr(html_main, "_trafilatura", lambda *_, **__: found)
    monkeypatch.setattr(html_main, "_resiliparse", lambda _: "お知らせ")
    assert [one.text for one in main_blocks("", shown, patched, "ja").blocks] == ["お知らせ"]
    found += map(block, SAID)
    shown = "\n".join(one.text for one in found)
    assert SAID[0] in [one.text for one in main_blocks("", shown, patched, "ja").blocks]


SECOND = "\n".join(LONG)


def test_paragraphs_come_back_where_both_see_them() -> None:
    """A long paragraph between two that were found; not an aside, and not what the other extractor left out."""
    blocks = [*map(block, LONG[:3]), block("Read on."), *map(block, LONG[3:])]
    assert filled([blocks[0], blocks[-1]], blocks, SECOND) == [*map(block, LONG)]
    assert filled([blocks[0], blocks[-1]], blocks, "") == [blocks[0], blocks[-1]]
    headed = [blocks[0], block("Lakes", 2), *blocks[1:]]
    assert filled([headed[0], headed[-1]], headed, SECOND)[1].text == "Lakes"
    assert block(LONG[1], linked=0.9) not in filled([blocks[0], blocks[-1]], [*blocks[:1], block(LONG[1], linked=0.9),
                                                                              blocks[-1]], SECOND)  # fmt: skip


def test_headings_between_paragraphs_said_twice() -> None:
    """A paragraph that stands on the page twice is found at its first place, then at its second."""
    again = block(LONG[0])
    heads = [block(f"Part {n}", 2) for n in range(3)]
    page = [again, heads[0], block(LONG[1]), heads[1], again, heads[2], block(LONG[2])]
    assert filled([page[0], page[2], page[4], page[6]], page, "") == page


def test_what_stands_below_the_headline() -> None:
    """A lead sentence and points come back; bylines, contents and what has no headline above do not."""
    lead = block("In short, the council will publish the results of a long study of the lakes.")
    points = [block("Key points", 2), block("Water is clean.", item=True), block("Rivers are low.", item=True)]
    rest = [*map(block, LONG)]
    head = block("Water", 1)
    assert filled(rest, [head, lead, *points, *rest], "") == [lead, *points, *rest]
    assert filled(rest, [lead, *points, *rest], "") == rest
    assert filled(rest, [head, lead, block("By Jane Roe"), *points, *rest], "") == [*points, *rest]
    assert filled(rest, [head, block("3 June 2024", item=True), *rest], "") == rest
    contents = [Block("body", "Water is clean.", 0, 0.0, item=True, inside=1.0)]
    assert filled(rest, [head, *contents, *rest], "") == rest


def test_what_stands_below_the_last_paragraph() -> None:
    """Definitions come back with their heading; comments do not, nor items that say nothing."""
    rest = [*map(block, LONG)]
    terms = [block("Terms", 2), block("Wheel", item=True), block("It turns.", item=True)]
    assert filled(rest, [*rest, *terms, block("Home", item=True)], "") == [*rest, *terms]
    comments = [block("3 comments", 3), block("It is so nice here.", item=True)]
    assert filled(rest, [*rest, *comments], "") == rest
