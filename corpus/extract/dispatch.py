"""Which reader a document needs: by its first bytes and root element, then by content type and URL.

Pages that are no document are told apart first: empty bodies, access challenges, error and maintenance pages served
with status 200, HTML where data was asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final
from urllib.parse import urljoin, urlsplit

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract import law_html, law_xml, mod_html, ntrs_json, pmda_sgml, pmda_xml, wiki_html
from corpus.extract.archives import ZIP_MARKS
from corpus.extract.blocks import page_title, parse_html, to_blocks, visible_text
from corpus.extract.encoding import decode
from corpus.extract.html_cut import cut_inside, is_wiki
from corpus.extract.html_errors import error_message
from corpus.extract.html_navigation import is_navigation
from corpus.extract.model import Extracted, failure
from corpus.extract.xmlparse import root_name

__all__ = ["extract"]

MAX_BYTES: Final = 400 * 2**20
# What guards put in place of a page: marks of their own, and scripts that ordinary pages hold, too.
_CHALLENGE: Final = re.compile(
    rb"cf_chl_opt|_cf_chl_|px-captcha|captcha-delivery\.com|awsWafCookie|_Incapsula_Resource|Incapsula incident|"
    rb"sucuri_cloudproxy|ddos-guard|/\.well-known/sgcaptcha|enable javascript and cookies to continue|"
    rb"checking (?:if the site connection is secure|your browser before)|"
    rb"<title>\s*(?:just a moment|attention required!|access to this page has been denied|pardon our interruption|"
    rb"human verification|please verify you are a human|are you a robot|ddos protection|robot check|security check)",
    re.IGNORECASE,
)
_CHALLENGE_SCRIPT: Final = re.compile(
    rb"challenge-platform|challenges\.cloudflare\.com|perimeterx|datadome|g-recaptcha|h-captcha|not a robot|"
    + "ロボットでは(?:ない|ありません)|画像認証|人間であること".encode(),
    re.IGNORECASE,
)
_CHALLENGE_SIZE: Final = 900  # visible characters: a page with more than that is a page
_SCRIPT_SIZE: Final = 150  # as little stands beside such a script in a challenge
_LARGE: Final = 20_000  # characters that no error page shows, its menus included
_DATA_PATH: Final = re.compile(r"/api/|/go/xml/|\.(?:xml|json|pdf|zip|bz2|txt|csv)$", re.IGNORECASE)
_PARSOID_PATH: Final = re.compile(
    r"/api/rest_v1/page/|/(?:w/)?rest\.php/v1/|/core/v1/"
)  # MediaWiki's, HTML all the same
_DATA_TYPE: Final = re.compile(r"json|xml(?!\+xhtml)|pdf|zip|octet-stream", re.IGNORECASE)
_MEDIA_TYPE: Final = re.compile(r"\s*(?:image|audio|video|font)/", re.IGNORECASE)
_MEDIA: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")  # JPEG, PNG: a short one has no byte that text cannot have
_UNREAD: Final = {
    **dict.fromkeys((b"BZh", b"\x1f\x8b"), "compressed data; a dump is read page by page (corpus.extract.wikidump)"),
    b"{\\rtf": "a Rich Text document",
}
_JSON: Final = re.compile(rb"\{\s*[\"}]")  # two brackets are wikitext
_LEAD: Final = b"\xef\xbb\xbf \t\r\n"
_HTML_ROOTS: Final = ("html", "head", "body", "frameset")
_HTML_PARTS: Final = frozenset(
    ("title", "meta", "script", "div", "p", "table", "center", "font", "h1", "h2", "h3", "ul", "main", "article")
)
_XML_READERS: Final[dict[str, Callable[[bytes], Extracted]]] = {
    **dict.fromkeys(("Law", "DataRoot", "law_data_response"), law_xml.extract_xml),
    "PackIns": pmda_xml.extract_xml,
}
_MOD_HOST: Final = re.compile(r"(?:www|www\.clearing)\.mod\.go\.jp")


def extract(data: bytes, *, url: str, content_type: str = "") -> Extracted:
    """The document in `data`, or an outcome that says why there is none. Never raises.

    `url` is where it came from (its host and path decide between readers of HTML), `content_type` the media type as
    the server named it; both may be empty.
    """
    if not data.strip():
        return failure("empty", "the body is empty")
    if len(data) > MAX_BYTES:
        return failure("unsupported", f"{len(data)} bytes, more than {MAX_BYTES}")
    try:
        return _extract(data, url, content_type)
    except ImportError:
        raise  # an incomplete installation is no property of the document
    except Exception as error:  # noqa: BLE001  a hostile document must not end a harvest of thousands
        return failure("unsupported", f"the reader failed: {type(error).__name__}: {error}")


def _extract(data: bytes, url: str, content_type: str) -> Extracted:
    """By the first bytes."""
    head = data[:1024].lstrip(_LEAD)
    if b"%PDF-" in data[:1024]:
        from corpus.extract import pdf

        return pdf.extract(data)
    if data.startswith(ZIP_MARKS):
        return pmda_xml.extract_zip(data)
    for mark, what in _UNREAD.items():
        if head.startswith(mark):
            return failure("unsupported", what)
    if _JSON.match(head) or (head[:1] in (b"{", b"[") and "json" in content_type):
        return ntrs_json.extract(data) if ntrs_json.is_record(data) else law_xml.extract_json(data)
    if pmda_sgml.is_sgml(data):
        return pmda_sgml.extract(data, content_type)
    return _markup_or_text(data, url, content_type)


def _markup_or_text(data: bytes, url: str, content_type: str) -> Extracted:
    """By the root element; what has none is plain text."""
    head = data[:2048].lstrip(_LEAD).lower()
    root = root_name(data)
    xml_reader = _XML_READERS.get(root)
    if xml_reader is not None:
        return xml_reader(data)
    if root in _HTML_ROOTS or b"<!doctype html" in head or b"<html" in head:
        return _html(data, url, content_type)
    if "html" in content_type or root.lower() in _HTML_PARTS:
        return _html(data, url, content_type)
    if root or head.startswith(b"<?xml"):
        what = "a MediaWiki export, read page by page (corpus.extract.wikidump)" if root == "mediawiki" else root
        return failure("unsupported", f"XML of root {what or 'unknown'}")
    if _MEDIA_TYPE.match(content_type) or data.startswith(_MEDIA):
        return failure("unsupported", f"no text: {content_type or 'a picture'}")
    return _text(data, url, content_type)


def _text(data: bytes, url: str, content_type: str) -> Extracted:
    """Text without a root element: the source of a wiki page, OCR, or plain."""
    from corpus.extract import ocr, plain, wikiraw

    if wikiraw.is_wikitext(data, url, content_type):
        return wikiraw.extract(data, content_type, url)
    return ocr.extract(data, content_type) if ocr.is_ocr_text(url) else plain.extract(data, content_type)


def _html(data: bytes, url: str, content_type: str) -> Extracted:
    """HTML: an outcome for challenge, error, wrong-kind and cut pages, else the reader of the site."""
    text, _ = decode(data, content_type)
    root = parse_html(text)
    if root is None:
        return failure("empty", "no HTML element in the page")
    title, shown = page_title(root), visible_text(root)
    no_page = (
        _no_page(data, title, shown, url, content_type) or _frameset(root, title, url) or _error(root, title, shown)
    )
    if no_page is not None:
        return no_page
    if inside := cut_inside(data, text):
        return failure("truncated", f"the page ends inside {inside}", title=title)
    return _reader(data, title, url)(data, content_type, url)


def _reader(data: bytes, title: str, url: str) -> Callable[[bytes, str, str], Extracted]:
    """The reader of a page: by marks of the site's software, which saved copies keep, else by host."""
    if law_html.is_law_page(data):
        return lambda page, content_type, _: law_html.extract(page, content_type)
    if is_wiki(data):
        return lambda page, content_type, _: wiki_html.extract(page, content_type)
    if _MOD_HOST.fullmatch(urlsplit(url).hostname or "") or "防衛白書" in title:
        return lambda page, content_type, _: mod_html.extract(page, content_type)
    from corpus.extract import html

    return html.extract


def _frameset(root: etree._Element, title: str, url: str) -> Extracted | None:
    """The outcome of a page that is nothing but frames: their addresses are what it says."""
    if next(root.iter("frameset"), None) is None:
        return None
    sources = [source for frame in root.iter("frame") if (source := (frame.get("src") or "").strip())]
    links = [link.get("href") for part in root.iter("noframes") for link in part.iter("a") if link.get("href")]
    names = list(dict.fromkeys(urljoin(url, source) if url else source for source in (*sources, *links)))[:50]
    done = failure("empty", f"a frameset of {len(names)} pages: {' '.join(names)}", title=title)
    return replace(done, facts={"frames": "\n".join(names)})


def _no_page(data: bytes, title: str, shown: str, url: str, content_type: str) -> Extracted | None:
    """The outcome of a page that is a challenge, not what was asked for, or shows nothing; None for a page."""
    guarded = len(shown) < _CHALLENGE_SIZE and _CHALLENGE.search(data[:200_000]) is not None
    if guarded or (len(shown) < _SCRIPT_SIZE and _CHALLENGE_SCRIPT.search(data[:200_000])):
        return failure("challenge", "an access challenge in place of the page", title=title)
    beginning = " ".join(f"{title} {shown}".split())[:160]
    data_type = _DATA_TYPE.search(content_type) is not None and "html" not in content_type
    path = urlsplit(url).path
    # an article may be called X.xml
    article = path.startswith("/wiki/") or (_PARSOID_PATH.match(path) is not None and is_wiki(data))
    if data_type or (_DATA_PATH.search(path) and not article):
        return failure("error_page", f"HTML where data was asked for: {beginning}", title=title)
    if not shown.strip() and b"<frameset" not in data[:8000].lower():
        return failure("empty", f"no visible text: {title or 'a page made by scripts'}", title=title)
    return None


def _error(root: etree._Element, title: str, shown: str) -> Extracted | None:
    """The outcome of an error page: what it says around its menus is the message."""
    if len(shown) > _LARGE:
        return None
    message = error_message(title, to_blocks(root, drop=is_navigation))
    return failure("error_page", f"an error page with status 200: {message}", title=title) if message else None
