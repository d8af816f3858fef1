"""ja and en.wikipedia.org (pages in Vector markup) and dumps.wikimedia.org (multistream dumps of the same articles)."""

from __future__ import annotations

import bz2
import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from xml.sax.saxutils import escape

from hakusho.miniature.site import Reply, Site, canary, esc, framed, page, records, text_file, text_names
from hakusho.miniature.wikitext import Page, path_of

JA, EN, DUMPS = "ja.wikipedia.org", "en.wikipedia.org", "dumps.wikimedia.org"
DATE = "20261101"
_ROBOTS = Reply(
    "\ufeff# robots.txt for http://www.wikipedia.org/ and friends\nUser-agent: wget\nDisallow: /\n\nUser-agent: *\n"
    "Allow: /w/api.php?action=mobileview&\nAllow: /w/load.php?\nAllow: /api/rest_v1/?doc\nDisallow: /w/\n"
    "Disallow: /api/\nDisallow: /wiki/Special:\nDisallow: /wiki/Special%3A\n"
    "Disallow: /wiki/%E7%89%B9%E5%88%A5:Search\n".encode(),
    "text/plain; charset=utf-8",
)
_NAMESPACES = {
    "ja": {0: "", 1: "ノート", 4: "Wikipedia", 6: "ファイル", 10: "Template", 12: "Help", 14: "Category"},
    "en": {0: "", 1: "Talk", 4: "Wikipedia", 6: "File", 10: "Template", 12: "Help", 14: "Category"},
}
_MAIN = {"ja": "メインページ", "en": "Main Page"}
_PER_STREAM = 10


@dataclass(frozen=True)
class Entry:
    """One page of a wiki: `kind` is article, stub, redirect, disambiguation or other."""

    title: str
    kind: str
    page_id: int
    wikitext: str

    @property
    def namespace(self) -> int:
        """The number of the namespace, by the prefix of the title."""
        names = {name: n for spaces in _NAMESPACES.values() for n, name in spaces.items() if name}
        return names.get(self.title.partition(":")[0], 0)

    @property
    def target(self) -> str:
        """Where a redirect leads; empty for other pages."""
        match = re.match(r"#\w+ \[\[([^\]|#]+)", self.wikitext)
        return match[1] if match else ""

    @property
    def revision(self) -> int:
        """The revision id."""
        return self.page_id + 80000000


@lru_cache(maxsize=2)
def entries(lang: str) -> dict[str, Entry]:
    """Give every page of a wiki by title, in the order of their ids."""
    found = {}
    for name in text_names("wikipedia", lang):
        for fields, text in records(text_file("wikipedia", lang, name)):
            found[fields["name"]] = (fields.get("kind", "article"), text)
    return {t: Entry(t, kind, 1000 + 7 * n, text) for n, (t, (kind, text)) in enumerate(found.items())}


def _url(lang: str, title: str) -> str:
    return f"https://{lang}.wikipedia.org{path_of(title)}"


def _frame(lang: str, title: str, content: str, number: int, categories: str = "") -> bytes:
    return framed(
        f"wiki.{lang}.html",
        title=esc(title),
        url=_url(lang, title),
        path=path_of(title).removeprefix("/wiki/"),
        id=number,
        revision=number + 80000000,
        day=number % 28 + 1,
        content=content,
        categories=categories,
    ).encode()


def _wiki_page(lang: str, entry: Entry) -> Reply:
    shown = entries(lang)[entry.target] if entry.target else entry
    content = Page(lang, shown.title).html(shown.wikitext)
    links = " ".join(
        f'<a href="{path_of("Category:" + name)}">{esc(name)}</a>'
        for name in re.findall(r"\[\[Category:([^\]|]+)", shown.wikitext)
    )
    return Reply(_frame(lang, shown.title, content, shown.page_id, links))


def _list_page(lang: str, title: str) -> Reply:
    """Give a page that links every article: the main page, and the category of all articles."""
    items = "".join(
        f'<li><a href="{path_of(e.title)}">{esc(e.title)}</a></li>'
        for e in entries(lang).values()
        if not e.namespace and not e.target
    )
    return Reply(_frame(lang, title, f'<div id="mw-pages"><ul>{items}</ul></div>', 5))


def _wiki(lang: str) -> Site:
    nothing = (
        "ウィキペディアには現在この名前の項目はありません。"
        if lang == "ja"
        else "Wikipedia does not have an article with this exact name."
    )
    missing = _frame(lang, "404", f'<div class="noarticletext">{nothing}</div>', 0)
    site = Site(f"{lang}.wikipedia.org", Reply(missing, status=404))
    lists = [_MAIN[lang], "Category:全記事" if lang == "ja" else "Category:All articles"]
    site.fixed = {f"/wiki/{title.replace(' ', '_')}": _list_page(lang, title) for title in lists}
    site.fixed |= {
        f"/wiki/{title.replace(' ', '_')}": _wiki_page(lang, entry) for title, entry in entries(lang).items()
    }
    site.fixed["/robots.txt"] = _ROBOTS
    site.fixed["/"] = site.fixed[f"/wiki/{_MAIN[lang].replace(' ', '_')}"]
    forbidden = ("/w/", "/api/", "/wiki/Special:", "/wiki/特別:Search")
    site.answers = {prefix: lambda path, _query: canary(path) for prefix in forbidden}
    site.probes = ["/w/index.php", "/wiki/Special:RecentChanges"]
    return site


def _sha1_base36(data: bytes) -> str:
    """Give the SHA-1 as dumps write it: 31 digits of base 36."""
    number, digits = int(hashlib.sha1(data).hexdigest(), 16), ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits.rjust(31, "0")


def _dump_page(entry: Entry) -> str:
    text = entry.wikitext.encode()
    return framed(
        "dump-page.xml",
        title=escape(entry.title),
        ns=entry.namespace,
        id=entry.page_id,
        redirect=f'\n    <redirect title="{escape(entry.target)}" />' if entry.target else "",
        revision=entry.revision,
        parent=entry.revision - 3,
        day=f"{entry.page_id % 28 + 1:02d}",
        bytes=len(text),
        sha1=_sha1_base36(text),
        text=escape(entry.wikitext),
    )


def _siteinfo(lang: str) -> str:
    spaces = "".join(
        f'      <namespace key="{n}" case="first-letter"' + (f">{name}</namespace>\n" if name else " />\n")
        for n, name in _NAMESPACES[lang].items()
    )
    return framed("dump-head.xml", lang=lang, base=_url(lang, _MAIN[lang]), spaces=spaces)


@lru_cache(maxsize=2)
def dump(lang: str) -> tuple[bytes, bytes]:
    """Give the multistream dump (a stream for the head, one a ten pages, one for the end) and its index, both bz2."""
    pages = list(entries(lang).values())
    data, index = bz2.compress(_siteinfo(lang).encode()), ""
    for at in range(0, len(pages), _PER_STREAM):
        block = pages[at : at + _PER_STREAM]
        index += "".join(f"{len(data)}:{entry.page_id}:{entry.title}\n" for entry in block)
        data += bz2.compress("".join(map(_dump_page, block)).encode())
    return data + bz2.compress(b"</mediawiki>\n"), bz2.compress(index.encode())


def _dump_files(lang: str) -> dict[str, Reply]:
    wiki = f"{lang}wiki"
    data, index = dump(lang)
    prefix = f"{wiki}-{DATE}-pages-articles-multistream"
    found = {f"{prefix}.xml.bz2": data, f"{prefix}-index.txt.bz2": index}
    sums = "".join(f"{hashlib.sha1(body).hexdigest()}  {name}\n" for name, body in found.items())
    listed = {
        name: {"size": len(body), "url": f"/{wiki}/{DATE}/{name}", "sha1": hashlib.sha1(body).hexdigest()}
        for name, body in found.items()
    }
    status = {
        "version": "0.8",
        "jobs": {"articlesmultistreamdump": {"status": "done", "updated": "2026-11-03 10:00:00", "files": listed}},
    }
    replies = {name: Reply(body, "application/octet-stream") for name, body in found.items()}
    replies[f"{wiki}-{DATE}-sha1sums.txt"] = Reply(sums.encode(), "text/plain")
    replies["dumpstatus.json"] = Reply(json.dumps(status).encode(), "application/json")
    return replies


def _dumps() -> Site:
    site = Site(
        DUMPS,
        page("<html><head><title>404 Not Found</title></head><body><h1>404 Not Found</h1></body></html>", status=404),
    )
    site.fixed["/"] = page(
        '<html><body><a href="/jawiki/latest/">jawiki</a> <a href="/enwiki/latest/">enwiki</a></body></html>'
    )
    for lang in ("ja", "en"):
        replies = _dump_files(lang)
        for folder in ("latest", DATE):
            names = {name.replace(DATE, folder): reply for name, reply in replies.items()}
            links = "".join(f'<a href="{name}">{name}</a> {len(reply.body)}\n' for name, reply in names.items())
            path = f"/{lang}wiki/{folder}/"
            site.fixed |= {path + name: reply for name, reply in names.items()}
            site.fixed[path] = page(
                f"<html><head><title>Index of {path}</title></head><body><pre>{links}</pre></body></html>"
            )
    return site


def sites() -> list[Site]:
    """Give the three hosts of the source."""
    return [_wiki("ja"), _wiki("en"), _dumps()]
