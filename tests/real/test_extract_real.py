"""The readers on real files of the five sources, with loose thresholds."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from xml.etree import ElementTree as ET

from corpus.extract import Extracted, extract
from corpus.extract.wikidump import pages
from corpus.extract.wikitext import extract_wikitext
from corpus.text.language import language
from corpus.text.normalise import normalise
from corpus.text.scripts import GARBLED, garbled_share


def f1(text: str, gold: str) -> float:
    """Character 5-gram F1, blanks aside."""

    def grams(s: str) -> Counter[str]:
        s = re.sub(r"\s", "", s)
        return Counter(s[i : i + 5] for i in range(len(s) - 4))

    one, other = grams(text), grams(gold)
    shared = sum((one & other).values())
    return 2 * shared / max(1, one.total() + other.total())


def of_kinds(done: Extracted, *kinds: str) -> str:
    """The sections of these kinds."""
    return "\n".join(done.text[s.start : s.end] for s in done.sections if s.kind in kinds)


_LAW_TEXT = re.compile("ArticleCaption|ArticleTitle|ParagraphNum|ItemTitle|Subitem[0-9]+Title|Sentence")


def law_text(path: Path) -> str:
    """Captions, labels and sentences of a law but those of amending provisions and appendices: an independent gold."""
    body = ET.parse(path).getroot().find("LawBody")
    assert body is not None
    for child in list(body):
        if child.tag.startswith("Appdx") or (child.tag == "SupplProvision" and child.get("AmendLawNum")):
            body.remove(child)
    for reading in body.iter("Rt"):
        reading.text = ""
    return "\n".join("".join(node.itertext()) for node in body.iter() if _LAW_TEXT.fullmatch(node.tag))


def test_law_xml(shared_data: Path) -> None:
    """Real law files hold every sentence once, with articles as paths and no reading or contents."""
    files = sorted((shared_data / "egov" / "xml").glob("*.xml"))
    assert files
    for path in files:
        done = extract(path.read_bytes(), url="")
        assert (done.outcome, done.lang, done.garbled_share) == ("ok", "ja", 0.0)
        assert f1(of_kinds(done, "body", "table"), law_text(path)) > 0.98
        assert "目次" not in done.text[:200]
        assert sum(" > 第" in s.path for s in done.sections) > 30


def test_old_law_pages(shared_data: Path) -> None:
    """Shift_JIS pages of 2013 agree with the text that goes with them, on a sample of twelve."""
    folder = shared_data / "egov" / "laws2013"
    files = sorted((folder / "html_sjis").glob("*.html"))[::33][:12]
    shares = []
    for path in files:
        gold = (folder / "text_utf8" / f"{path.stem}.txt").read_text(encoding="utf-8")
        done = extract(path.read_bytes(), url="http://law.e-gov.go.jp/htmldata/S30/x.html", content_type="text/html")
        assert done.outcome == "ok", path.name
        shares.append(f1(done.text, gold))
    assert sum(shares) / len(shares) > 0.9


def test_white_paper_pdfs(shared_data: Path) -> None:
    """Encrypted white papers open, are Japanese, clean, and hold no running head on most pages."""
    for path in sorted((shared_data / "mod" / "closest_whitepaper_pdf").glob("mext*.pdf")):
        done = extract(path.read_bytes(), url="")
        assert (done.outcome, done.lang) == ("ok", "ja")
        assert done.garbled_share < 0.01
        assert list(done.pages) == sorted(done.pages)
        # Lines joined: the sources break a line every 20 characters or so.
        assert sum(map(len, done.text.split("\n"))) / (done.text.count("\n") + 1) > 25


def test_japanese_fonts_of_old(shared_data: Path) -> None:
    """A page in a font that is not embedded, which other tools lose or turn into Lao letters, is right."""
    done = extract((shared_data / "pdf_hard" / "pdfminer" / "jo.pdf").read_bytes(), url="")
    for words in ("わたくしといふ現象は", "假定された有機交流電燈の", "青ぞらいっぱいの無色な孔雀が"):
        assert words in done.text


def test_a_rule_book(shared_data: Path) -> None:
    """93 pages of a ministry, a seventh of them lists of nouns: sentences are whole, numbered items begin anew."""
    path = shared_data / "mod" / "closest_whitepaper_pdf" / "mhlw_model_rules_001018385.pdf"
    done = extract(path.read_bytes(), url="")
    body = [line for line in of_kinds(done, "body").split("\n") if len(line) > 25]
    assert sum(line[-1] not in "。.）)」】:：" for line in body) < 0.18 * len(body)
    assert sum(line.startswith("２ ") for line in done.text.split("\n")) > 30


def test_ntrs_pdfs(shared_data: Path) -> None:
    """NASA reports are English or told to be otherwise; none is garbled or lost to an exception."""
    outcomes: Counter[tuple[str, str]] = Counter()
    for path in sorted((shared_data / "nasa" / "pdf").glob("*.pdf"))[::3]:
        done = extract(path.read_bytes(), url="https://ntrs.nasa.gov/x.pdf")
        outcomes[done.outcome, done.lang] += 1
        assert "reader failed" not in done.reason
    assert outcomes["ok", "en"] >= 0.8 * outcomes.total()


def test_hard_pdfs(shared_data: Path) -> None:
    """Damaged, locked and hostile files end with an outcome; wrong letters never pass as a document."""
    for path in sorted((shared_data / "pdf_hard").rglob("*.pdf")):
        done = extract(path.read_bytes(), url="")
        assert "reader failed" not in done.reason, path.name
        if done.outcome == "ok" and len(done.text) > 50:
            assert done.garbled_share <= GARBLED


def test_wikipedia_dump(shared_data: Path) -> None:
    """A real dump: every page read, articles clean, redirects told apart, no debris of markup."""
    path = next((shared_data / "wikipedia" / "en").glob("*.bz2"))
    outcomes: Counter[str] = Counter()
    for page in islice(pages(path), 100):
        if page.ns:
            continue
        assert page.revision_id
        assert page.timestamp.endswith("Z")
        done = extract_wikitext(page.wikitext, title=page.title, lang="en")
        outcomes[done.outcome] += 1
        assert (done.outcome == "redirect") == (page.redirect is not None)
        if done.outcome == "ok":
            assert done.lang == "en"
            assert not re.search(r"\{\{|\}\}|\[\[|\]\]|'''|colspan=|\|\||<ref", done.text), page.title
    assert outcomes["ok"] > 20
    assert outcomes["redirect"] > 20


def test_wikipedia_pages(shared_data: Path) -> None:
    """Saved pages agree with hand-made models of their paragraphs."""
    for name in ("wikipedia", "wikipedia-2"):
        folder = shared_data / "wikipedia" / "html"
        done = extract((folder / f"{name}.source.html").read_bytes(), url="https://en.wikipedia.org/wiki/X")
        model = (folder / f"{name}.expected.html").read_text(encoding="utf-8")
        gold = "\n".join(re.sub(r"<[^>]+>", "", p) for p in re.findall(r"<p\b[^>]*>(.*?)</p>", model, re.DOTALL))
        gold = re.sub(r"\[\d+\]", "", gold.replace("&#160;", " ").replace("&amp;", "&"))
        assert done.outcome == "ok"
        assert f1(of_kinds(done, "body"), gold) > 0.85


def test_language_and_normalisation(shared_data: Path) -> None:
    """Real Japanese articles are Japanese, normalise to themselves on the second pass, and raise no alarm."""
    path = shared_data / "wikipedia" / "ja" / "jsquad_articles.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        text = normalise(json.loads(line)["text"])
        assert language(text) == "ja"
        assert garbled_share(text) < GARBLED
        assert normalise(text) == text


def test_other_languages(shared_data: Path) -> None:
    """German, French, Italian, Russian and Chinese articles are neither Japanese nor English."""
    found = []
    for path in sorted((shared_data / "wikipedia" / "other").glob("*.xml")):
        for page in [ET.parse(path).getroot()]:
            text = "".join(page.itertext())
            found.append(language(re.sub(r"\{\{[^{}]*\}\}|\[\[[^\[\]]*:|<[^>]*>", " ", text)))
    assert found.count(None) >= len(found) - 1
