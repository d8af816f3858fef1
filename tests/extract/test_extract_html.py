"""White-paper pages, wiki pages, other HTML, and the encodings they come in."""

from __future__ import annotations

import pytest
from extract_samples import OLD_WHITE_PAPER, WHITE_PAPER, WIKI_PAGE

from corpus.extract import Extracted, extract
from corpus.extract.encoding import decode

MOD = "https://www.mod.go.jp/j/press/wp/wp2024/html/n110000000.html"
WIKI = "https://ja.wikipedia.org/wiki/%E8%A6%8B%E6%9C%AC%E5%B1%B1"


def parts(done: Extracted) -> list[tuple[str, str]]:
    """(kind, text) of the sections."""
    return [(s.kind, done.text[s.start : s.end]) for s in done.sections]


def test_white_paper() -> None:
    """Body, table, caption and note apart; marks, ruby, navigation and breadcrumb gone; readings in the text stay."""
    done = extract(WHITE_PAPER.encode(), url=MOD, content_type="text/html")
    assert (done.outcome, done.title, done.lang, done.extractor) == ("ok", "1 見本情勢", "ja", "mod_html")
    assert parts(done) == [
        ("title", "第I部 見本環境"),
        ("title", "1 見本情勢"),
        ("body", "各国は偽旗（にせはた）作戦をはじめ、脆弱な分野を狙う。\n面積は約10km2である。"),
        ("table", "年度　金額\n2024　12億円"),
        ("caption", "図表I-1-1 見本の推移"),
        ("note", "1　相手を装って行う作戦のこと。"),
    ]
    assert done.sections[2].path == "第I部 見本環境 > 第1章 概観 > 1 見本情勢"
    assert 0.3 < done.kept_share <= 1


def test_old_white_paper() -> None:
    """A Shift_JIS page of the old years: breadcrumb to path, notes apart, turning links gone."""
    data = OLD_WHITE_PAPER.encode("cp932")
    done = extract(data, url="http://www.clearing.mod.go.jp/hakusho_data/2000/html/n1.html")
    assert parts(done) == [
        ("title", "第2章 古い見本"),
        ("body", "昔の本文の第一段落である。\n第二段落である。"),
        ("note", "（注1）古い注の文である。"),
    ]


SAID = "令和六年度の防衛力整備について、政府は必要な経費を確保し、着実に整備を進めることとしている。"


def test_white_paper_laid_out_by_a_table() -> None:
    """The text of an old page that stands in a table of the layout is body; a table of figures stays one."""
    inner = "<table><tr><td>第３部　わが国の防衛</td></tr></table>"
    figures = "<table border=1><tr><td>年度</td><td>隻数</td></tr><tr><td>1997</td><td>62</td></tr></table>"
    rows = f"<tr><td>{inner}</td></tr><tr><td><p>{SAID}</p>{figures}<p>{SAID}</p></td></tr>"
    page = f"<html><head><title>第３部</title></head><body><table width=600 border=0>{rows}</table></body></html>"
    done = extract(page.encode("cp932"), url="http://www.clearing.mod.go.jp/hakusho_data/1998/def31.htm")
    assert parts(done) == [
        ("body", f"第３部　わが国の防衛\n{SAID}"),
        ("table", "年度　隻数\n1997　62"),
        ("body", SAID),
    ]


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        ("中国<sup>12, 13</sup>は", "中国は"),
        ("ASEAN<sup>3</sup>とEU<sup>4</sup>は", "ASEANとEUは"),
        ("動向<sup>6・7</sup>は", "動向は"),
        ("A<sup>（注5）</sup>は", "Aは"),
        ("F-35B<sup>※2</sup>は", "F-35Bは"),
        ("<b>米国</b><sup>8</sup>は", "米国は"),
        ("10m<sup>2</sup>と5km<sup>2</sup>と7KM<sup>2</sup>は", "10m2と5km2と7KM2は"),
        ("10<sup>3</sup>と10<sup>2-3</sup>は", "103と102-3は"),
        ("CO<sup>2</sup>とX<sup>2</sup>とMeV<sup>2</sup>は", "CO2とX2とMeV2は"),
    ],
)
def test_footnote_marks(marked: str, text: str) -> None:
    """Lists of numbers, signs of notes and numbers after an acronym are marks; exponents are not."""
    page = f"<html><head><title>防衛白書</title></head><body><h1>情勢</h1><p>{marked}{SAID}</p></body></html>"
    assert parts(extract(page.encode(), url=MOD)) == [("title", "情勢"), ("body", text + SAID)]


def test_turning_links_between_bars() -> None:
    """Links with a bar between them are navigation; a sentence with a link is none."""
    turn = '<p><a href="n2.html">次へ</a> | <a href="n0.html">前へ</a></p>'
    linked = f'<p>「<a href="n3.html">資料三</a>」を参照。{SAID}</p>'
    page = f"<html><head><title>防衛白書</title></head><body><h1>情勢</h1>{linked}{turn}</body></html>"
    assert parts(extract(page.encode(), url=MOD))[1:] == [("body", f"「資料三」を参照。{SAID}")]


def test_index_page_is_no_document() -> None:
    """A page of links alone is empty."""
    links = "".join(f'<li><a href="{n}.html">第{n}節の見出し</a></li>' for n in range(9))
    page = f"<html><head><title>防衛白書</title></head><body><h1>2024年版防衛白書</h1><ul>{links}</ul></body></html>"
    assert extract(page.encode(), url=MOD).outcome == "empty"


def test_wiki_page() -> None:
    """Article text with headings, table and formula; boxes, marks, edit links and tail sections gone."""
    done = extract(WIKI_PAGE.encode(), url=WIKI)
    assert (done.outcome, done.title, done.lang) == ("ok", "見本山", "ja")
    for gone in (
        "この項目では",
        "標高の欄",
        "[1]",
        "編集",
        "脚注",
        "出典の文",
        "外部リンク",
        "公式",
        "関連の山",
        "カテゴリ",
    ):
        assert gone not in done.text
    assert ("title", "歴史") in parts(done)
    assert ("table", "年　登山者\n2001　345") in parts(done)
    assert "高さはh=1234である。" in done.text
    assert "見本山（みほんさん）は、架空県の山。" in done.text


@pytest.mark.parametrize(
    ("title", "extra", "outcome"),
    [
        ("見本 (曖昧さ回避)", "", "disambiguation"),
        ("見本", '<div class="dmbox">曖昧さ</div>', "disambiguation"),
        ("見本の山の一覧", "", "list"),
        ("特別:最近の更新", "", "unsupported"),
        ("Category:全記事", "", "unsupported"),
    ],
)
def test_wiki_pages_that_are_no_article(title: str, extra: str, outcome: str) -> None:
    """Disambiguations, lists and other namespaces are told apart."""
    page = WIKI_PAGE.replace(">見本山</h1>", f">{title}</h1>").replace(
        '<table class="infobox">', extra + '<table class="infobox">'
    )
    assert extract(page.encode(), url=WIKI).outcome == outcome


def test_wiki_stub() -> None:
    """A page of a sentence is a stub."""
    content = '<div class="mw-parser-output"><p>小山は山。</p></div>'
    page = f'<html><body><h1 class="firstHeading">小山</h1>{content}</body></html>'
    assert extract(page.encode(), url=WIKI).outcome == "stub"


ARTICLE = "".join(
    f"<p>Paragraph {n} of the report says that the engine was tested at speed {n}00 and that the results agree.</p>"
    for n in range(1, 9)
)


def test_other_html() -> None:
    """Any other page: its paragraphs without its menu."""
    menu = '<div class="menu"><a href="/">Home page of the site</a> <a href="/about">About us and others</a></div>'
    page = f"<html><head><title>Report</title></head><body>{menu}<main><h1>Report</h1>{ARTICLE}</main></body></html>"
    done = extract(page.encode(), url="https://example.com/report.html")
    assert (done.outcome, done.title, done.lang, done.extractor) == ("ok", "Report", "en", "html")
    assert "speed 800" in done.text
    assert "About us" not in done.text


def test_other_html_of_japanese_lines() -> None:
    """An old Japanese page of lines and breaks keeps nearly all of its text, where generic extraction drops it."""
    lines = [f"第{n}条　見本管理者は、前条の規定により、見本を{n}個備えなければならない。" for n in range(1, 60)]
    page = "<HTML><HEAD><TITLE>見本令</TITLE></HEAD><BODY><PRE>" + "\n".join(lines) + "</PRE></BODY></HTML>"
    done = extract(page.encode("cp932"), url="http://law.e-gov.go.jp/htmldata/S30/x.html")
    assert done.outcome == "ok"
    assert sum(line in done.text for line in lines) == len(lines)


def test_deep_nesting_ends() -> None:
    """A hundred thousand open elements end with an outcome."""
    assert extract(b"<html><body>" + b"<div>" * 100_000 + b"x", url="https://example.com/").outcome in ("ok", "empty")


@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "euc_jp", "iso2022_jp", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    """Every encoding of Japanese is found from the bytes alone."""
    text = (
        "防衛白書の第一部、わが国を取り巻く安全保障環境。１２３ｱｲｳ"
        if encoding == "cp932"
        else "防衛白書の第一部、環境。"
    )
    assert decode(text.encode(encoding))[0] == text


def test_lying_declaration() -> None:
    """A stale declaration does not win over valid UTF-8; an unknown one is passed over."""
    page = '<meta charset="Shift_JIS">防衛白書'
    assert decode(page.encode())[0] == page
    assert decode("防衛白書".encode("cp932"), "text/html; charset=no-such")[0] == "防衛白書"
    assert decode(b"\xff\xfe\xff", "text/html; charset=base64")


def test_breadcrumbs_whose_arrows_are_drawn() -> None:
    """The items of a list are the steps of the path where no arrow stands between them."""
    trail = "<ul><li><a href='/'>防衛白書トップ</a></li><li><a href='/1'>第I部　環境</a></li><li>第1章　概観</li></ul>"
    text = "周辺の情勢は、この十年で大きく変わってきた。" * 3
    body = f"<div class='topic-path'>{trail}</div><h1>第1章　概観</h1><h2>1　全般</h2><p>{text}</p>"
    page = f"<html><head><title>令和6年版防衛白書</title></head><body>{body}</body></html>"
    done = extract(page.encode(), url="https://www.mod.go.jp/a.html", content_type="text/html")
    assert done.title == "第1章　概観"
    assert done.sections[-1].path == "第I部　環境 > 第1章　概観 > 1　全般"
