"""planted.toml says what the sites really hold: counts, duplicates, personal data, forbidden pages."""

from __future__ import annotations

import io
import json
from itertools import combinations

import pypdf
import pytest
from lxml import etree, html
from protego import Protego

from hakusho.miniature import SOURCES, packins
from hakusho.miniature.planted import Key, planted
from hakusho.miniature.server import answer
from hakusho.miniature.site import CANARY
from hakusho.miniature.sites import build, egov, mod, nasa, pmda, wikipedia


def bodies() -> dict[Key, str]:
    """The text of every planted document, read by the simplest means that its format allows."""
    found = {}
    for revision in egov.revisions().values():
        found[Key("egov", revision.id)] = "".join(etree.fromstring(revision.xml()).itertext())
    for name in mod.pages():
        page = html.fromstring(answer(build()[mod.HOST], f"/j/press/wp/wp2024/html/{name}.html").body)
        found[Key("mod", f"2024/{name}")] = "\n".join(p.text_content() for p in page.xpath("//div[@id='main']/*"))
    for name, (title, lines) in mod.archived().items():
        found[Key("mod", f"{mod.OLD_YEAR}/{name}")] = "\n".join([title, *lines])
    files = {Key("nasa", number): data for number, (_, data) in nasa.load().items()}
    files[Key("mod", f"{mod.YEAR}/pdf/{mod.PDF_PATH.rpartition('/')[2]}")] = mod.paper()
    files |= {Key("pmda", path.rpartition("/")[2]): data for path, (_, data) in pmda.reports().items()}
    for key, data in files.items():
        found[key] = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
    for insert in packins.load():
        found[Key("pmda", insert.no)] = "".join(etree.fromstring(insert.xml()).itertext())
    for lang in ("ja", "en"):
        for title, entry in wikipedia.entries(lang).items():
            found[Key("wikipedia", f"{lang}:{title}")] = entry.wikitext
    return found


@pytest.fixture(scope="module")
def texts() -> dict[Key, str]:
    """Text by key."""
    return bodies()


def jaccard(one: str, other: str) -> float:
    """Similarity of two texts by their runs of five characters, blanks left out."""
    bare = ("".join(text.split()) for text in (one, other))
    shingles = [{text[i : i + 5] for i in range(len(text) - 4)} for text in bare]
    return len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1])


def test_documents_and_drops_are_all_that_the_sites_offer(texts: dict[Key, str]) -> None:
    """Every page, law, record, insert and article is either expected, or expected to be refused, and never both."""
    truth = planted()
    gone = {Key("pmda", insert.stale) for insert in packins.load() if insert.stale}
    unlisted = {Key("egov", one.id) for one in egov.revisions().values()
                if one.status in ("PreviousEnforced", "Repeal") or one.law_id == egov.MAINTENANCE}  # fmt: skip
    assert truth.documents | set(truth.drops) == set(texts) - unlisted | gone
    assert not truth.documents & set(truth.drops)
    counts = {source: sum(key.source == source for key in truth.documents) for source in SOURCES}
    assert counts == {"egov": 14, "mod": 16, "nasa": 11, "pmda": 11, "wikipedia": 33}


def test_reasons_agree_with_what_is_served() -> None:
    """Each planted refusal is one for the reason it gives."""
    records = {number: record for number, (record, _) in nasa.load().items()}
    assert records["20240000201"]["distribution"] != "PUBLIC"
    assert "PUBLIC_USE_PERMITTED" not in json.dumps(records["20240000202"]["copyright"])
    assert records["20240000203"]["exportControl"]["isExportControl"] == "YES"
    assert records["20240000204"]["copyright"]["containsThirdPartyMaterial"] is True
    assert records["20240000205"]["disseminated"] == "METADATA_ONLY"
    assert records["20240000205"]["downloads"] == []
    for key, reason in planted().drops.items():
        if key.source == "wikipedia":
            lang, _, title = key.key.partition(":")
            kind = wikipedia.entries(lang)[title].kind
            assert reason == {"other": "other_namespace"}.get(kind, kind)
    listed = json.loads(answer(build()[egov.HOST], "/api/2/laws").body)["laws"]
    repealed = [
        law["current_revision_info"]["law_revision_id"] for law in listed if law["revision_info"]["repeal_date"]
    ]
    assert repealed == ["426AC0000000913_20150401_000000000000000"]
    first, twin = records["20240000101"], records["20240000112"]
    assert (first["title"], first["otherReportNumbers"]) == (twin["title"], twin["otherReportNumbers"])
    assert planted().drops[Key("nasa", "20240000112")] == "twin_of"
    reply = answer(build()[egov.HOST], f"/api/2/law_file/xml/{egov.MAINTENANCE}")
    assert (reply.status, reply.content_type.split(";")[0]) == (200, "text/html")
    assert {egov.revisions()[r].status for r in planted().not_in_force} == {"PreviousEnforced", "UnEnforced"}


def test_planted_duplicates_are_the_only_ones(texts: dict[Key, str]) -> None:
    """The pairs are as near as they say, and no other two expected documents are alike."""
    truth = planted()
    pairs = {frozenset((one, other)): kind for kind, one, other in truth.duplicates}
    assert sorted(pairs.values()) == ["exact", "near", "near", "near"]
    for one, other in combinations(sorted(truth.documents), 2):
        kind, similar = pairs.get(frozenset((one, other))), jaccard(texts[one], texts[other])
        if kind == "exact":
            assert texts[one] == texts[other]
        elif kind == "near":
            assert 0.8 < similar < 1, (one, other)
        else:
            assert similar < 0.4, (one, other)


def test_personal_data_stands_in_one_document_and_cannot_be_real(texts: dict[Key, str]) -> None:
    """Each planted value stands in its document alone; check digits are right, so that a detector must find them."""
    truth = planted()
    spans = dict(truth.pii_spans)
    for value in spans.values():
        assert [key for key, text in texts.items() if value in text] == [truth.pii_document]
    number = [int(c) for c in spans["MY_NUMBER"]]
    weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]
    rest = sum(digit * weight for digit, weight in zip(number[:11], weights, strict=True)) % 11
    assert number[11] == (0 if rest <= 1 else 11 - rest)
    card = [int(c) for c in reversed(spans["CREDIT_CARD"].replace(" ", ""))]
    doubled = [d if at % 2 == 0 else d * 2 - 9 * (d > 4) for at, d in enumerate(card)]
    assert sum(doubled) % 10 == 0
    assert spans["EMAIL"].endswith("@example.jp")
    assert spans["PHONE"].startswith("090-0000-")


def test_the_page_with_next_to_no_text_is_short(texts: dict[Key, str]) -> None:
    """It is one of the documents, and shorter than any other by far."""
    truth = planted()
    assert truth.too_short in truth.documents
    assert len(texts[truth.too_short]) < 40
    assert min(len(texts[key]) for key in truth.documents - {truth.too_short}) > 300


def test_forbidden_paths_are_linked_and_refused_by_robots() -> None:
    """robots.txt of the host forbids each, a page there holds the canary, and nothing allowed holds it."""
    for host, prefix in planted().forbidden:
        robots = Protego.parse(build()[host].fixed["/robots.txt"].body.decode("utf-8-sig"))
        assert not robots.can_fetch(f"https://{host}{prefix}x", "HakushoBot"), (host, prefix)
        assert CANARY.encode() in answer(build()[host], prefix + "x").body
    for host, site in build().items():
        closed = tuple(prefix for name, prefix in planted().forbidden if name == host)
        for target in site.targets():
            if not target.startswith(closed):
                assert CANARY.encode() not in answer(site, target).body, target
    page = html.fromstring(answer(build()[mod.HOST], "/j/press/wp/index.html").body)
    assert any(link.startswith("/a/") for link in page.xpath("//a/@href"))


def test_documents_beside_the_main_routes_are_served() -> None:
    """What no main route takes is there for those that do, and for nobody to take by accident."""
    assert planted().beside
    hosts = {"egov": egov.OLD, "mod": mod.ARCHIVE}
    for source, path in planted().beside:
        assert answer(build()[hosts[source]], path).status == 200
