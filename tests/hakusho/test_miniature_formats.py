"""The miniature's files are what the real sites send: law XML, PackIns, NTRS JSON, PDF, wiki pages and dumps."""

from __future__ import annotations

import bz2
import hashlib
import io
import json
import re
import zipfile

import pypdf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from hakusho.miniature import lawxml, packins, pdf
from hakusho.miniature.server import answer
from hakusho.miniature.site import CANARY, Reply
from hakusho.miniature.sites import build, egov, mod, nasa, pmda, wikipedia
from hakusho.miniature.wikitext import Page, path_of

CHAPTERS = ["LawTitle", "EnactStatement", "TOC", "MainProvision", "SupplProvision", "AppdxTable"]
PARAGRAPH = ["ParagraphCaption", "ParagraphNum", "ParagraphSentence", "TableStruct", "Item"]
EXPORT = "{http://www.mediawiki.org/xml/export-0.11/}"


def ask(host: str, target: str) -> Reply:
    """What a host answers."""
    return answer(build()[host], target)


def json_of(host: str, target: str) -> dict:
    """A JSON answer."""
    return json.loads(ask(host, target).body)


def in_order(names: list[str], order: list[str]) -> bool:
    """Whether the names stand in this order, each any number of times, and no other among them."""
    return set(names) <= set(order) and names == sorted(names, key=order.index)


@pytest.fixture(scope="module", params=sorted(egov.revisions()))
def law(request: pytest.FixtureRequest) -> etree._Element:
    """Each law file as lxml reads it."""
    return etree.fromstring(egov.revisions()[request.param].xml())


def test_law_elements_stand_in_the_order_of_the_schema(law: etree._Element) -> None:
    """A reader that follows the schema finds every element where the schema has it."""
    assert law.tag == "Law"
    assert [child.tag for child in law] == ["LawNum", "LawBody"]
    assert in_order([child.tag for child in law.find("LawBody")], CHAPTERS)
    for paragraph in law.iter("Paragraph"):
        assert in_order([child.tag for child in paragraph], PARAGRAPH)
    for article in law.iter("Article"):
        assert in_order([child.tag for child in article], ["ArticleCaption", "ArticleTitle", "Paragraph"])
    for sentence in law.iter("Sentence"):
        assert "".join(sentence.itertext()).strip()


def test_law_articles_and_items_are_numbered_without_gaps(law: etree._Element) -> None:
    """The numbers count up from one, so that no line of a text was hung under the wrong parent."""
    numbers = [int(article.get("Num")) for article in law.find("LawBody/MainProvision").iter("Article")]
    assert numbers == list(range(1, len(numbers) + 1))
    for parent in law.iter():
        items = [int(item.get("Num")) for item in parent.findall("Item")]
        assert items == list(range(1, len(items) + 1))
        paragraphs = [int(paragraph.get("Num")) for paragraph in parent.findall("Paragraph")]
        assert paragraphs == list(range(1, len(paragraphs) + 1))


def test_no_word_of_a_law_is_lost_on_the_way_to_xml() -> None:
    """Every piece of every line of the source text stands in the XML, around readings too."""
    for revision in egov.revisions().values():
        root = etree.fromstring(revision.xml())
        etree.strip_elements(root, "Rt", with_tail=False)
        text = "".join(root.itertext())
        for line in revision.lines:
            bare = re.sub(r"\{([^|{}]+)\|[^|{}]+\}", r"\1", line.removeprefix("制定文　"))
            suppl = re.fullmatch(r"附　則（(.+)）", bare)
            if suppl:
                assert root.xpath("//SupplProvision/@AmendLawNum") == [suppl[1]]
                continue
            assert all(piece in text for piece in re.split("[　|]", bare)), line


def test_laws_have_everything_a_reader_can_meet() -> None:
    """Chapters, sections, tables, Ruby, columns, provisos, a law without articles and amending 附則 all occur."""
    laws = [etree.fromstring(revision.xml()) for revision in egov.current().values()]
    for path in (
        ".//TOC//ArticleRange",
        ".//Section",
        ".//Subitem1",
        ".//Ruby/Rt",
        ".//Column",
        ".//AppdxTable//TableRow",
    ):
        assert any(law.find(path) is not None for law in laws), path
    assert any(law.find("LawBody/MainProvision/Paragraph") is not None for law in laws)
    assert any(law.find(".//Paragraph/TableStruct") is not None for law in laws)
    assert any(law.find(".//Sentence[@Function='proviso']") is not None for law in laws)
    assert sum(law.find(".//SupplProvision[@AmendLawNum]") is not None for law in laws) >= 4
    assert sum(len("".join(law.itertext())) for law in laws) > 20_000


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="。（）「」\n"), min_size=1), min_size=1))
def test_sentences_join_to_the_text_they_were_cut_from(parts: list[str]) -> None:
    """Cutting a provision into sentences loses nothing."""
    text = "。".join(parts) + "。（括弧の中。外）"
    assert "".join(lawxml.sentences(text)) == text
    assert not any("（" in sentence and "）" not in sentence for sentence in lawxml.sentences(text))


def test_law_lists_page_through_everything_in_force() -> None:
    """Paging by limit and offset gives each law once, next_offset ends, and the real type traps are there."""
    found, offset = [], 0
    while offset is not None:
        data = json_of(egov.HOST, f"/api/2/laws?limit=4&offset={offset}")
        assert data["count"] == len(data["laws"]) <= 4
        found += data["laws"]
        offset = data.get("next_offset")
    assert len(found) == data["total_count"] == len(egov.current())
    assert {type(law["law_info"]["law_num_year"]) for law in found} == {int}
    assert {law["current_revision_info"]["abbrev"] for law in found} >= {None, ""}
    assert not {law["revision_info"]["current_revision_status"] for law in found} & {"UnEnforced", "PreviousEnforced"}
    assert ask(egov.HOST, "/api/2/laws?limit=0").status == 400


def test_law_data_is_the_law_file_in_two_other_shapes() -> None:
    """law_data gives the same words as law_file, as a JSON tree and inside an XML envelope."""

    def words(node: object) -> str:
        return node if isinstance(node, str) else "".join(words(child) for child in node["children"])

    for law_id, revision in egov.current().items():
        if law_id == egov.MAINTENANCE:
            continue
        text = "".join(etree.fromstring(ask(egov.HOST, f"/api/2/law_file/xml/{law_id}").body).itertext()).strip()
        data = json_of(egov.HOST, f"/api/2/law_data/{law_id}")
        assert isinstance(data["law_info"]["law_num_year"], str)
        assert words(data["law_full_text"]) == text
        envelope = etree.fromstring(ask(egov.HOST, f"/api/2/law_data/{revision.id}?response_format=xml").body)
        assert envelope.findtext(".//law_revision_id") == revision.id
        assert "".join(envelope.find("law_full_text").itertext()) == text


def test_one_law_has_a_past_and_a_future_revision() -> None:
    """The history of a law shows revisions that are not in force, each with a wording of its own."""
    data = json_of(egov.HOST, "/api/2/law_revisions/503AC0000000901")
    statuses = [revision["current_revision_status"] for revision in data["revisions"]]
    assert statuses == ["UnEnforced", "CurrentEnforced", "PreviousEnforced"]
    assert len({egov.revisions()[revision["law_revision_id"]].xml() for revision in data["revisions"]}) == 3


def test_ntrs_search_pages_by_offset_and_downloads_are_pdf() -> None:
    """page.from is an offset, page= is ignored, and each record with a download has a PDF that pypdf reads."""
    first = json_of(nasa.HOST, "/api/citations/search?page.size=4&page.from=0")
    assert first == json_of(nasa.HOST, "/api/citations/search?page.size=4&page=3")
    everything = json_of(nasa.HOST, "/api/citations/search?page.size=100")["results"]
    assert first["results"] == everything[:4]
    assert json_of(nasa.HOST, "/api/citations/search?page.size=4&page.from=4")["results"] == everything[4:8]
    assert first["stats"]["total"] == len(everything) == len(nasa.load())
    assert json_of(nasa.HOST, "/api/citations/search?q=parachute")["stats"]["total"] == 1
    for record in everything:
        assert record == json_of(nasa.HOST, f"/api/citations/{record['id']}")
        for download in record["downloads"]:
            reader = pypdf.PdfReader(io.BytesIO(ask(nasa.HOST, download["links"]["pdf"]).body))
            text = "".join(page.extract_text() for page in reader.pages)
            assert record["title"] in " ".join(text.split())
            assert reader.metadata is not None
            assert reader.metadata.title == record["title"]


def test_japanese_pdfs_read_right_without_fonts() -> None:
    """A reader gets every character of the white paper back, by the ToUnicode map alone."""
    reader = pypdf.PdfReader(io.BytesIO(mod.paper()))
    lines = [
        line for page in reader.pages for line in page.extract_text().splitlines() if not line.startswith("令和6年版")
    ]
    _, _, source = mod.text_file("mod", "paper.txt").partition("\n\n")
    assert "".join("".join(lines).split()) == "".join(source.split())
    for title, data in pmda.reports().values():
        assert "審査報告書" in pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text()
        assert pypdf.PdfReader(io.BytesIO(data)).metadata.title == title


@given(
    st.lists(
        st.lists(st.text(st.characters(min_codepoint=0x3041, max_codepoint=0x3096), min_size=1), max_size=5), min_size=1
    )
)
def test_the_pdf_writer_keeps_any_line(sheets: list[list[str]]) -> None:
    """Whatever lines go in come out, page by page, and the same lines give the same bytes."""
    data = pdf.write(sheets, title="題", japanese=True)
    assert data == pdf.write(sheets, title="題", japanese=True)
    pages = pypdf.PdfReader(io.BytesIO(data), strict=True).pages
    assert [page.extract_text().split() for page in pages] == [" ".join(sheet).split() for sheet in sheets]


def test_package_inserts_are_packins_xml_in_a_zip() -> None:
    """The zip holds one XML in the real namespace; line breaks are <?enter?>, section titles are comments."""
    breaks = 0
    for insert in packins.load():
        with zipfile.ZipFile(io.BytesIO(insert.zipped())) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == [f"{insert.file}/{insert.file}.xml"]
            root = etree.fromstring(archive.read(archive.namelist()[0]))
        assert root.tag == f"{{{packins.NAMESPACE}}}PackIns"
        assert root.findtext(f"{{{packins.NAMESPACE}}}PackageInsertNo") == insert.no
        breaks += sum(1 for node in root.iter(etree.ProcessingInstruction) if node.target == "enter")
        comments = [str(node.text).strip() for node in root.iter(etree.Comment)]
        assert [c for c in comments if c[0].isdigit()] == [f"{n}.{packins.SECTIONS[n][1]}" for n in insert.sections]
        langs = root.findall(f".//{{{packins.NAMESPACE}}}Lang")
        assert {lang.get("{http://www.w3.org/XML/1998/namespace}lang") for lang in langs} == {"ja"}
        shown = "".join("".join(lang.itertext()) for lang in langs)
        assert all(part in shown for lines in insert.sections.values() for line in lines for part in line.split("\n"))
    assert breaks >= 2


def test_a_stale_insert_is_gone_while_the_next_version_exists() -> None:
    """The weekly page links a version that answers 404; counting up finds the one in force."""
    (insert,) = [insert for insert in packins.load() if insert.stale]
    week = html.fromstring(ask(pmda.INFO, "/downfiles/ph/1week.html").body)
    links = week.xpath("//a/@href[contains(., '/go/pack/')]")
    assert f"/go/pack/{insert.stale}/" in links
    assert f"/go/pack/{insert.no}/" not in links
    assert len(links) == len(packins.load())
    assert ask(pmda.INFO, f"/go/pack/{insert.stale}/?view=foot").status == 404
    assert int(insert.no[-2:]) - int(insert.stale[-2:]) == 1
    for other in packins.load():
        foot = html.fromstring(ask(pmda.INFO, f"/go/pack/{other.no}/?view=foot&lang=ja").body)
        assert ask(pmda.INFO, foot.xpath("//a[text()='XML']/@href")[0]).body == other.zipped()


def test_white_paper_pages_carry_what_an_extractor_must_remove() -> None:
    """Breadcrumb, navigation, footnote marks and captions are there, and every link of the edition leads on."""
    year = html.fromstring(ask(mod.HOST, "/j/press/wp/wp2024/w2024_00.html").body)
    links = [f"/j/press/wp/wp2024/{link}" for link in year.xpath("//li/a/@href")]
    assert len(links) == len(mod.pages()) + 1
    assert all(ask(mod.HOST, link).status == 200 for link in links)
    page = html.fromstring(ask(mod.HOST, "/j/press/wp/wp2024/html/n110101000.html").body)
    for path in (
        "//p[@id='breadcrumb']",
        "//div[@id='contents']",
        "//sup/a",
        "//p[@class='footnote']",
        "//div[@class='figure']",
    ):
        assert page.xpath(path), path
    assert page.xpath("//div[@class='turn']/a/@href") == ["n110102000.html"]


def test_dumps_are_multistream_bz2_with_an_index_that_points_at_the_pages() -> None:
    """Each offset of the index begins a bz2 stream that holds the page; checksums are right; the XML parses."""
    for lang in ("ja", "en"):
        data, index = wikipedia.dump(lang)
        root = etree.fromstring(bz2.decompress(data))
        titles = [page.findtext(f"{EXPORT}title") for page in root.iter(f"{EXPORT}page")]
        assert titles == list(wikipedia.entries(lang))
        lines = bz2.decompress(index).decode().splitlines()
        assert len(lines) == len(titles)
        for line in lines:
            offset, number, title = line.split(":", 2)
            block = bz2.BZ2Decompressor().decompress(data[int(offset) :]).decode()
            assert f"<title>{title}</title>" in block
            assert f"<id>{number}</id>" in block
        sums = ask(wikipedia.DUMPS, f"/{lang}wiki/latest/{lang}wiki-latest-sha1sums.txt").body.decode()
        name = f"{lang}wiki-{wikipedia.DATE}-pages-articles-multistream.xml.bz2"
        assert f"{hashlib.sha1(data).hexdigest()}  {name}" in sums.splitlines()
        assert ask(wikipedia.DUMPS, f"/{lang}wiki/{wikipedia.DATE}/{name}").body == data
        assert ask(wikipedia.DUMPS, f"/{lang}wiki/latest/{name.replace(wikipedia.DATE, 'latest')}").body == data


def test_dump_pages_say_their_true_size_and_namespace() -> None:
    """The size and the namespace agree with the text and the title, and redirects name their target."""
    root = etree.fromstring(bz2.decompress(wikipedia.dump("ja")[0]))
    spaces = {s.text or "": int(s.get("key")) for s in root.iter(f"{EXPORT}namespace")}
    for page in root.iter(f"{EXPORT}page"):
        text = page.find(f"{EXPORT}revision/{EXPORT}text")
        assert int(text.get("bytes")) == len(text.text.encode())
        prefix, colon, _ = page.findtext(f"{EXPORT}title").partition(":")
        assert int(page.findtext(f"{EXPORT}ns")) == spaces[prefix if colon else ""]
        redirect = page.find(f"{EXPORT}redirect")
        assert (redirect is not None) == text.text.startswith("#")
        assert redirect is None or redirect.get("title") in wikipedia.entries("ja")


def test_wiki_pages_show_the_words_of_their_wikitext() -> None:
    """Templates that carry words keep them, markup is gone, and the chrome of the skin is there to be removed."""
    page = html.fromstring(
        Page("ja", "x").html(
            "{{読み仮名|'''銅'''|どう}}は{{lang|la|cuprum}}、[[石橋|橋]]<ref>注</ref>、{{convert|2|km|mi}}。"
        )
    )
    assert page.text_content() == "銅（どう）はcuprum、橋[1]、2 km (1.2 mi)。"
    for lang in ("ja", "en"):
        for title, entry in wikipedia.entries(lang).items():
            body = ask(f"{lang}.wikipedia.org", path_of(title)).body
            text = html.fromstring(body).xpath("//div[@id='mw-content-text']")[0].text_content()
            if entry.kind == "article":
                assert not any(mark in text for mark in ("{{", "}}", "[[", "]]", "'''", "<ref")), title
                assert b'class="reference"' in body
                assert b'class="mw-editsection"' in body


def test_a_redirect_shows_its_target() -> None:
    """A redirect title answers 200 with the page of its target, whose canonical link names the target."""
    assert ask(wikipedia.JA, path_of("Cu")).body == ask(wikipedia.JA, path_of("銅")).body
    page = html.fromstring(ask(wikipedia.JA, path_of("Cu")).body)
    assert page.xpath("//link[@rel='canonical']/@href") == [f"https://{wikipedia.JA}{path_of('銅')}"]


def test_robots_files_are_as_on_the_real_sites() -> None:
    """e-Gov answers HTML, the dumps host has none, the others are plain text; forbidden pages hold the canary."""
    assert ask(egov.HOST, "/robots.txt").body.startswith(b"<!doctype html>")
    assert ask(wikipedia.DUMPS, "/robots.txt").status == 404
    for host in (nasa.HOST, mod.HOST, pmda.INFO, pmda.WWW, wikipedia.JA, wikipedia.EN):
        reply = ask(host, "/robots.txt")
        assert reply.content_type.startswith("text/plain")
        assert b"User-agent: *" in reply.body
    for host, path in ((mod.HOST, "/a/x.html"), (pmda.WWW, "/PmdaSearch/iyakuSearch/"), (wikipedia.EN, "/w/api.php")):
        assert CANARY.encode() in ask(host, path).body


def test_enough_text_to_train_on() -> None:
    """The encyclopaedic texts are as much as the tiny model's pre-training counts on."""
    sizes = {}
    for lang in ("ja", "en"):
        pages = (Page(lang, e.title).html(e.wikitext) for e in wikipedia.entries(lang).values() if e.kind == "article")
        sizes[lang] = sum(len(p.text_content()) for page in pages for p in html.fromstring(page).iter("p"))
    assert sizes["ja"] > 25_000
    assert sizes["en"] > 12_000
