"""Wikitext and dumps: no debris, no lost words or numbers, pages with their own bytes."""

from __future__ import annotations

import bz2
import io
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from extract_samples import WIKI_PAGE, WIKITEXT, cpu_seconds, make_dump

from corpus.base.errors import CorruptFileError, InputError
from corpus.extract import extract
from corpus.extract.wikidump import pages
from corpus.extract.wikitext import extract_wikitext, is_article

FILLER = "見本山は、架空県の北部にある標高1234メートルの山で、古くから信仰を集めてきた。" * 6


def text_of(wikitext: str, lang: str = "ja") -> str:
    """The text of some wikitext, title and filler taken off."""
    done = extract_wikitext(f"{wikitext}\n{FILLER}", title="T", lang=lang)
    assert done.outcome == "ok", done.reason
    return done.text.removeprefix("T\n").removesuffix(FILLER).strip("\n")


def test_article() -> None:
    """The text a reader sees, with the words of templates and without their debris."""
    done = extract_wikitext(WIKITEXT, title="見本山", lang="ja")
    assert (done.outcome, done.lang) == ("ok", "ja")
    lines = done.text.split("\n")
    assert lines[0] == "見本山"
    assert lines[1].startswith(
        "見本山（みほんさん）は、架空県の山。英名はMount Sampleで、標高1234m、麓まで5 km。見本山は、架空県の北部に"
    )
    assert lines[2] == "歴史"
    assert lines[4] == "一つ目の項目"
    assert lines[5:] == ["年　値", "2001　12"]
    kinds = [(s.kind, s.path) for s in done.sections]
    assert kinds == [("title", ""), ("body", ""), ("title", ""), ("body", "歴史"), ("table", "歴史")]


@pytest.mark.parametrize(
    ("wikitext", "text"),
    [
        ("長さ{{convert|5|to|10|km|mi}}の道", "長さ5 to 10 kmの道"),
        ("人口{{formatnum:12345}}人", "人口12345人"),
        ("{{formatnum|987}}個", "987個"),
        ("{{lang|fr|mot}}と{{lang-en|word}}と{{llang|de|Wort}}", "motとwordとWort"),
        ("{{仮リンク|架空の人|en|Somebody}}は", "架空の人は"),
        ("{{ルビ|漢字|かんじ}}を", "漢字を"),
        ("<ruby>漢字<rp>(</rp><rt>かんじ</rt><rp>)</rp></ruby>を", "漢字を"),
        ("{{nihongo|Mount Sample|見本山|Mihon-san}} is", "Mount Sample (見本山、Mihon-san) is"),
        ("重さ{{val|12.5|u=kg}}と{{frac|1|2}}", "重さ12.5 kgと1/2"),
        ("[[架空県|県]]と[[:Category:山]]と[[en:Mountain]]", "県とCategory:山と"),
        ("{{convert|6|ft|4|in|cm|0}}と{{convert|11|st|4|lb}}と{{convert|5|ft|2}}", "6 ft 4 inと11 st 4 lbと5 ft"),
        ("{{convert|3+1/2|mi|km}}と{{convert|1.5|e6acre-ft}}", "3 1/2 miと1.5 million acre-ft"),
        ("{{quote|text=甲の文。|author=乙}}{{blockquote|content=丙の文。}}{{cquote|1=丁}}", "甲の文。丙の文。丁"),
        ("{{US$|2 billion}}と{{US$|5|long=no}}と{{GBP|3}}と{{€}}", "US$2 billionと$5と£3と€"),
        ("{{gaps|1|234|567.8}}と{{val|5|-|6|u=m}}と{{val|5.1|0.2|u=m|up=s}}", "1234567.8と5–6 mと5.1±0.2 m/s"),
        ("{{val|1.2|+0.3|-0.4}}と{{val|1.234|(5)|e=3}}", "1.2+0.3−0.4と1.234(5)×10^3"),
        ("{{circa|1900|1950}}と{{circa|1900}}と{{reign|1500|1510}}", "c. 1900 – c. 1950とc. 1900とr. 1500–1510"),
        ("{{langx|fr|Mot}}と{{lang-ru|Слово|Slovo}}と{{translit|ar|DIN|kalima}}", "MotとСловоとkalima"),
        ("{{ship|USS|Sample|BB-99}}と{{HMS|Sample|99|2}}", "USS Sample (BB-99)とHMS Sample"),
        ("{{sclass|Sample|cruiser}}と{{sclass|Sample|cruiser|4}}", "Sample-class cruiserと"),
        ("{{BCE|500}}と{{AD|50}}と{{sic|xyz}}と{{sic|xy|z|hide=y}}", "500 BCEとAD 50とxyz [sic]とxyz"),
        ("{{分数|1|2}}と{{和暦|2019}}と{{和暦|2020}}と{{10^|3}}", "1/2と平成31年/令和元年と令和2年と10^3"),
        ("{{ARG}}と{{UKR}}と{{GER}}と{{flag|EGY}}と{{col}}", "アルゼンチンとウクライナとドイツとエジプトと"),
        ("[https://example.com/ 公式サイト]の[https://example.com/]", "公式サイトの"),
        ("'''太字'''と''斜体''__NOTOC__", "太字と斜体"),
        ("水は H<sub>2</sub>O、10&nbsp;&lt; 20", "水は H2O、10 < 20"),
        ("見本（{{要出典}}、）です、、とても", "見本です、とても"),
        ("前<ref name=x>未完の脚注\n次の行", "前未完の脚注\n次の行"),
        ("甲<ref name=a/>乙<REF>丙</REF >丁<!-- 戊 -->己", "甲乙丁己"),
        ("前{{不明なテンプレート|中身}}後", "前後"),
        ("本文<gallery>\nA.jpg|説明\n</gallery><math>x^2</math>。", "本文。"),
        ("{| class=a\n|-\n| セル || colspan=2 | 値\n|}\n後の文", "セル　値\n後の文"),
        ('{|\n| 甲 ||bgcolor="pink"|{{不明|x}}|| 乙 || rowspan=2 {{yes}} || x=1 || align=乙\n|}', "甲　乙　yes　x=1"),
        ("{| class=infobox\n|-\n| セル || セル\n|}\n後の文", "後の文"),
        ("{| class=a\n|-\n! 閉じない || 表\n後の文", "後の文"),
        ("{{Infobox|名=\n{{閉じない|\n後の文", "後の文"),
    ],
)
def test_markup(wikitext: str, text: str) -> None:
    """Each kind of markup gives its words and nothing else."""
    assert text_of(wikitext).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("wikitext", "title", "kind"),
    [
        ("#REDIRECT [[山]]", "A", "redirect"),
        ("#転送 [[山]]", "A", "redirect"),
        ("* [[山]]\n{{aimai}}", "A", "disambiguation"),
        ("* [[Hill]]\n{{Disambiguation|geo}}", "A", "disambiguation"),
        ("* [[Hill]]\n{{Human name disambiguation}}", "A", "disambiguation"),
        ("* [[Hill]]\n{{Letter-NumberCombDisambig}}", "A", "disambiguation"),
        ("* [[Hill]]\n{{ disamb | x }}", "A", "disambiguation"),
        ("* [[山]]\n{{人名曖昧さ回避}}", "A", "disambiguation"),
        ("[[山]]{{Disambiguation needed|date=x}}" + FILLER, "A", ""),
        ("* [[山]]", "山 (曖昧さ回避)", "disambiguation"),
        (FILLER, "日本の山の一覧", "list"),
        (FILLER, "List of mountains", "list"),
        (FILLER, "Template:山", "unsupported"),
        (FILLER, "Re:ゼロ", ""),
        (FILLER, "山", ""),
    ],
)
def test_what_is_an_article(wikitext: str, title: str, kind: str) -> None:
    """Redirects, disambiguations, lists and other namespaces are told apart from articles."""
    assert is_article(wikitext, title) == kind
    assert extract_wikitext(wikitext, title=title, lang="ja").outcome == (kind or "ok")


def test_hostile_markup_takes_no_time() -> None:
    """Openings without an end, and long runs of blanks, cost time in proportion to their length."""
    started = time.perf_counter()
    for hostile in ("<ref>" * 50_000, "<!--" * 50_000, "（" + " 、" * 50_000, " " * 200_000 + "x"):
        extract_wikitext(hostile + FILLER, title="T", lang="en")
    assert time.perf_counter() - started < 20


GROWING = {
    "attributes of a cell": lambda n: "{|\n| " + "x = 1, " * n + "\n|}",
    "lines of a cell": lambda n: "{|\n|\n" + "a\n" * (20 * n) + "|}",
    "unclosed nowiki": lambda n: "<nowiki>" * n,
    "unclosed address": lambda n: "[http://" + "a" * (4 * n),
    "blanks of a label": lambda n: "[[a" + " " * (4 * n) + "b|]]",
    "long heading": lambda n: f"=={'a' * (8 * n)}==\n" + "===b===\nc\n" * n,
    "links": lambda n: "[[" * n,
    "templates": lambda n: "{{" * n,
    "references": lambda n: "<ref" * n,
    "tables": lambda n: "{|\n" * n,
    "comments": lambda n: "<!--" * n,
    "quotes": lambda n: "''" * n,
}


@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_time_grows_with_the_text(make: Callable[[int], str]) -> None:
    """Whatever is unclosed or repeated costs time in proportion to its length."""

    def seconds(count: int) -> float:
        text = make(count) + "\n" + FILLER
        return min(cpu_seconds(lambda: extract_wikitext(text, title="T", lang="ja")) for _ in range(3))

    assert seconds(8_000) < 8 * seconds(2_000) + 0.02  # 4 times the text; a square would take 16 times as long


def test_countries_in_the_language_of_the_wiki() -> None:
    """A flag of an English article has the English name."""
    filler = "Mount Sample is a mountain in the north of an imagined country. " * 5
    assert extract_wikitext(f"From {{{{JPN}}}}. {filler}", title="T", lang="en").text.startswith("T\nFrom Japan. ")


def test_number_of_a_character_that_is_none() -> None:
    """A reference with more digits than any character has is no error and no text."""
    assert text_of(f"甲&#{'9' * 6000};乙&#20024;") == "甲乙丸"


def test_stub() -> None:
    """A page of a sentence is a stub."""
    assert extract_wikitext("山である。", title="A", lang="ja").outcome == "stub"


def test_dump(tmp_path: Path) -> None:
    """Pages come in order with ids, redirects and their own bytes; plain, bz2 and multistream alike."""
    data = make_dump([("山", 0, "本文<ref>a</ref>"), ("岳", 0, "#転送 [[山]]"), ("Template:x", 10, "t" * 3_000_000)])
    found = list(pages(io.BytesIO(data)))
    assert [(p.title, p.ns, p.page_id, p.revision_id) for p in found] == [
        ("山", 0, 1, 501),
        ("岳", 0, 2, 502),
        ("Template:x", 10, 3, 503),
    ]
    assert found[0].wikitext == "本文<ref>a</ref>"
    assert found[0].timestamp == "2026-01-02T03:04:05Z"
    assert (found[0].redirect, found[1].redirect) == (None, "岳の先")
    assert all(p.raw in data and p.raw.startswith(b"<page>") and p.raw.endswith(b"</page>") for p in found)
    cut = data.index(b"<page>", 200)
    (tmp_path / "jawiki.xml.bz2").write_bytes(bz2.compress(data[:cut]) + bz2.compress(data[cut:]))
    assert list(pages(tmp_path / "jawiki.xml.bz2")) == found


def test_broken_dumps(tmp_path: Path) -> None:
    """A cut or damaged dump gives its whole pages and then says so; a missing one is one line."""
    data = make_dump([("山", 0, "本文"), ("岳", 0, "本文")])
    cut = pages(io.BytesIO(data[: data.rindex(b"</text>")]))
    assert next(cut).title == "山"
    with pytest.raises(CorruptFileError, match="ends inside a page"):
        next(cut)
    packed = bz2.compress(data)
    with pytest.raises(CorruptFileError, match="breaks off"):
        list(pages(io.BytesIO(packed[: len(packed) // 2])))
    damaged = data.replace("<title>山</title>".encode(), "<title>山</titel>".encode())
    assert [p.title for p in pages(io.BytesIO(damaged))] == ["岳"]
    with pytest.raises(InputError, match="no such file"):
        list(pages(tmp_path / "none.xml"))


def test_attribution_of_a_page() -> None:
    """Revision id and time of change stand in the page's own script and metadata; a page without them has none."""
    told = '<script>RLCONF={"wgRevisionId":80001000};</script><script>{"dateModified":"2026-10-05T03:04:05Z"}</script>'
    done = extract(WIKI_PAGE.replace("</head>", f"{told}</head>").encode(), url="")
    assert done.facts == {"revision_id": "80001000", "timestamp": "2026-10-05T03:04:05Z"}
    assert extract(WIKI_PAGE.encode(), url="").facts == {}


def page_text(body: str, opening: str = '<body><div class="mw-parser-output">', closing: str = "</div></body>") -> str:
    """The text of a page whose article begins with some HTML, title and filler taken off."""
    html = f"<html><head><title>T - Wikipedia</title></head>{opening}{body}<p>{FILLER}</p>{closing}</html>"
    done = extract(html.encode(), url="https://ja.wikipedia.org/wiki/T", content_type="text/html; charset=utf-8")
    assert (done.outcome, done.extractor) == ("ok", "wiki_html"), done.reason
    return done.text.removeprefix("T\n").removesuffix(FILLER).strip("\n")


def test_marks_of_references_are_elements() -> None:
    """What only looks like a mark is text; a mark is known by its element or by where it leads."""
    assert page_text("<p>母音[a]と配列a[1]、文献[3]。</p>") == "母音[a]と配列a[1]、文献[3]。"
    marks = (
        '<sup class="reference"><a href="#cite_note-1">[注 1]</a></sup>',
        '<a href="./T#cite_note-2">[α 1]</a>',
        "<sup>[<i>要出典</i>]</sup>",
    )
    assert page_text(f"<p>甲{'乙'.join(marks)}丙</p>") == "甲乙乙丙"
    assert page_text('<p>甲は<a href="#cite_note-2">脚注の説明</a>を参照</p>') == "甲は脚注の説明を参照"


def test_page_of_parsoid() -> None:
    """The article of a page of Parsoid is its body."""
    opening = '<body lang="ja" class="mw-content-ltr parsoid-body mediawiki mw-parser-output"><section>'
    assert page_text("<p>甲の文。</p>", opening, "</section></body>") == "甲の文。"


PARSOID = (
    '<!DOCTYPE html>\n<html prefix="dc: http://purl.org/dc/terms/ mw: http://mediawiki.org/rdf/" '
    'about="https://ja.wikipedia.org/wiki/Special:Redirect/revision/80001000"><head><meta charset="utf-8"/>'
    '<meta property="dc:modified" content="2026-10-05T03:04:05.000Z"/><title>見本</title></head>'
    '<body lang="ja" class="mw-body-content parsoid-body mediawiki mw-parser-output"><section data-mw-section-id="0">'
    '<p>甲<sup class="mw-ref reference" typeof="mw:Extension/ref"><a href="./見本#cite_note-1">[1]</a></sup>の文。</p>'
    f"<p>{FILLER}</p></section></body></html>"
)


@pytest.mark.parametrize(
    "path",
    [
        "ja.wikipedia.org/api/rest_v1/page/html/%E8%A6%8B%E6%9C%AC",
        "ja.wikipedia.org/api/rest_v1/page/html/見本.xml/80001000",
        "ja.wikipedia.org/w/rest.php/v1/page/見本.json/html",
        "api.wikimedia.org/core/v1/wikipedia/ja/page/見本.pdf/html",
    ],
)
@pytest.mark.parametrize(
    "kind", ["", 'text/html; charset=utf-8; profile="https://www.mediawiki.org/wiki/Specs/HTML/2.8.0"']
)
def test_parsoid_below_api(path: str, kind: str) -> None:
    """MediaWiki's interface gives articles as HTML; what it gives else as HTML, or as another type, is an error."""
    done = extract(PARSOID.encode(), url=f"https://{path}", content_type=kind)
    assert (done.outcome, done.extractor, done.title, done.declared_lang) == ("ok", "wiki_html", "見本", "ja")
    assert done.text.startswith("見本\n甲の文。\n")
    assert done.facts == {"revision_id": "80001000", "timestamp": "2026-10-05T03:04:05.000Z"}
    assert extract(PARSOID.encode(), url=f"https://{path}", content_type="application/json").outcome == "error_page"
    assert extract(PARSOID.encode(), url="https://x.example/api/2/a", content_type=kind).outcome == "error_page"
    other = PARSOID.replace("mw-parser-output", "")
    assert extract(other.encode(), url="https://ja.wikipedia.org/api/rest_v1/page/html/a").outcome == "error_page"


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            '位置は<i class="geo-nondefault">北緯35度39分</i><i class="geo-multi-punct"> / </i><i>北緯35.65度</i>。',
            "位置は北緯35.65度。",
        ),
        ('塔<span class="ext-phonos"><span>ⓘ</span></span>である。', "塔である。"),
        ('塔である。<div class="asbox"><p>この項目は書きかけです。</p></div>', "塔である。"),
    ],
)
def test_what_the_style_sheet_hides(part: str, said: str) -> None:
    """One form of coordinates, no button of sound, no notice of a stub."""
    around = "この施設は丘の上に建てられ、長いあいだ地域の人々に親しまれてきた。" * 6
    page = (
        f'<html><body><div class="mw-parser-output"><p>{around}</p><div>{part}</div><p>{around}</p></div></body></html>'
    )
    done = extract(page.encode(), url="https://ja.wikipedia.org/wiki/X", content_type="text/html")
    assert done.text.split(around)[1].strip() == said


@pytest.mark.parametrize("heading", ["Explanatory footnotes", "General references"])
def test_sections_of_sources(heading: str) -> None:
    """Sections that hold notes and sources alone go, dump or page."""
    around = "The mill stands on a hill above the town and was used by farmers. " * 4
    done = extract_wikitext(f"{around}\n== {heading} ==\nA note.\n== After ==\nMore.", title="Mill", lang="en")
    assert done.text.endswith("After\nMore.")
    assert "A note" not in done.text
