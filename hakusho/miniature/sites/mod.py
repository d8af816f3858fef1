"""www.mod.go.jp: the HTML edition of a white paper in the real style, one PDF, pages that robots.txt forbids.

www.clearing.mod.go.jp: an old year as Shift_JIS frameset, and a mirror of the new one.
"""

from __future__ import annotations

import re
from functools import lru_cache

from hakusho.miniature import pdf
from hakusho.miniature.site import Reply, Site, canary, esc, framed, page, records, text_file
from hakusho.miniature.sites import egov

HOST, ARCHIVE = "www.mod.go.jp", "www.clearing.mod.go.jp"
YEAR, OLD_YEAR = 2024, 2001
_BASE = f"/j/press/wp/wp{YEAR}"
PDF_PATH = f"{_BASE}/pdf/R06010000.pdf"
_INDEX = f"{_BASE}/w{YEAR}_00.html"
_NOTE = re.compile(r"\[\^(\d+)\]: (.+)")
_MARK = re.compile(r"\[\^(\d+)\]")
_RUBY = re.compile(r"\{([^|{}]+)\|([^|{}]+)\}")


def _shell(title: str, body: str) -> Reply:
    return page(framed("mod.html", title=esc(title), body=body))


@lru_cache(maxsize=1)
def pages() -> dict[str, tuple[dict[str, str], list[str]]]:
    """Give every page of the HTML edition: name -> (fields, lines)."""
    found = {}
    for fields, text in records(text_file("mod", "pages.txt")):
        lines = text.splitlines()
        if "law" in fields:
            lines += law_lines(fields["law"])
        found[fields["name"]] = (fields, [line for line in lines if line])
    return found


def law_lines(law_id: str) -> list[str]:
    """Give the text of a law as a printed page has it: headings, captions and provisions, readings left out."""
    law = egov.current()[law_id]
    return [law.fields["題名"], *(re.sub(r"\{([^|{}]+)\|[^|{}]+\}", r"\1", line) for line in law.lines if line)]


def _paragraph(line: str) -> str:
    """One line of a page: heading, caption, footnote, or a paragraph with footnote digits and readings."""
    if line.startswith("# "):
        return f"<h3>{esc(line[2:])}</h3>"
    if line.startswith("図表: "):
        caption = esc(line.removeprefix("図表: "))
        return f'<div class="figure"><a href="../images/fig.png">{caption}</a></div>'
    if note := _NOTE.fullmatch(line):
        return f'<p class="footnote" id="n{note[1]}"><small>{note[1]}　{esc(note[2])}</small></p>'
    text = _MARK.sub(r'<sup class="note"><a href="#n\1">\1</a></sup>', esc(line))
    return "<p>" + _RUBY.sub(r"<ruby>\1<rp>（</rp><rt>\2</rt><rp>）</rp></ruby>", text) + "</p>"


def _article(name: str) -> Reply:
    fields, lines = pages()[name]
    names = list(pages())
    at = names.index(name)
    crumbs = fields["crumbs"].split(" > ")
    trail = " &gt; ".join([f'<a href="{_INDEX}">防衛白書トップ</a>', *(esc(crumb) for crumb in crumbs)])
    contents = "".join(
        f'<li><a href="{_BASE}/html/{n}.html">{esc(f["title"])}</a></li>' for n, (f, _) in pages().items()
    )
    turn = [(names[at - 1], "prev", "前の項目に戻る")] if at else []
    turn += [(names[at + 1], "next", "次の項目に進む")] if at + 1 < len(names) else []
    links = " ".join(f'<a href="{n}.html" rel="{rel}">{label}</a>' for n, rel, label in turn)
    body = "".join(map(_paragraph, lines))
    return _shell(
        fields["title"],
        f'<div id="contents"><p class="contents">Contents</p><ul>{contents}</ul></div><p id="breadcrumb">{trail}</p>'
        f'<div id="main"><h1>{esc(crumbs[0])}</h1><h2>{esc(fields["title"])}</h2>{body}</div>'
        f'<div class="turn">{links}</div>',
    )


def paper() -> bytes:
    """Give the PDF of the white paper's first chapter."""
    ((fields, text),) = records(text_file("mod", "paper.txt"))
    return pdf.write(pdf.pages(pdf.wrap(text, 42), head="令和6年版防衛白書"), title=fields["title"], japanese=True)


def _index() -> Reply:
    old = "".join(
        f'<li><a href="http://{ARCHIVE}/hakusho_data/{y}/index.html">{y}年版</a></li>' for y in (OLD_YEAR, YEAR)
    )
    return _shell("防衛白書", f'<h1>防衛白書</h1><ul><li><a href="{_INDEX}">令和6年版防衛白書</a></li>{old}</ul>')


def _english() -> Reply:
    return page(
        '<!DOCTYPE html><html lang="en"><head><meta charset="UTF-8"><title>DEFENSE OF JAPAN</title>'
        f'</head><body><a href="/en/publ/w_paper/wp{YEAR}/DOJ{YEAR}_EN.html">DEFENSE OF JAPAN {YEAR}</a></body></html>'
    )


def _feed() -> Reply:
    """News that date their items wrongly, as the real ones do."""
    items = "".join(
        f"<item><title>{esc(f['title'])}</title><link>https://{HOST}{_BASE}/html/{n}.html</link>"
        "<pubDate>Fri, 15 Jul 2016 10:00:00 +0900</pubDate></item>"
        for n, (f, _) in list(pages().items())[:2]
    )
    head = '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>防衛省・自衛隊</title>'
    return Reply(f"{head}{items}</channel></rss>".encode(), "application/rss+xml; charset=UTF-8")


def _sjis(title: str, body: str) -> Reply:
    meta = '<META http-equiv="Content-Type" content="text/html; charset=Shift_JIS">'
    text = f"<HTML><HEAD>{meta}<TITLE>{esc(title)}</TITLE></HEAD>{body}</HTML>"
    return Reply(text.encode("cp932", "xmlcharrefreplace"), "text/html")


def archived() -> dict[str, tuple[str, list[str]]]:
    """Give the pages of the old year: name -> (title, paragraphs)."""
    found = records(text_file("mod", "archive.txt"))
    return {fields["name"]: (fields["title"], text.splitlines()) for fields, text in found}


def _archive() -> Site:
    base = f"/hakusho_data/{OLD_YEAR}"
    site = Site(ARCHIVE, page("<HTML><BODY>404 Not Found</BODY></HTML>", status=404))
    names = list(archived())
    frames = f'<FRAMESET COLS="200,*"><FRAME SRC="menu.html"><FRAME SRC="html/{names[0]}.html"></FRAMESET>'
    menu = "".join(
        f'<A HREF="html/{name}.html" TARGET="main">{title}</A><BR>' for name, (title, _) in archived().items()
    )
    site.fixed[f"{base}/index.html"] = _sjis(f"{OLD_YEAR}年版 防衛白書", frames)
    site.fixed[f"{base}/menu.html"] = _sjis("目次", f"<BODY>{menu}</BODY>")
    for name, (title, lines) in archived().items():
        text = "".join(f"<P>　{esc(line)}" for line in lines)
        site.fixed[f"{base}/html/{name}.html"] = _sjis(title, f"<BODY><H2>{esc(title)}</H2>{text}</BODY>")
    mirror = f"/hakusho_data/{YEAR}"
    site.fixed[f"{mirror}/index.html"] = _year()
    site.fixed |= {f"{mirror}/html/{name}.html": _article(name) for name in pages()}
    return site


def _year() -> Reply:
    items = "".join(f'<li><a href="html/{n}.html">{esc(f["title"])}</a></li>' for n, (f, _) in pages().items())
    return _shell(
        "令和6年版",
        f"<h1>令和6年版防衛白書</h1><h2>HTML版</h2><ul>{items}</ul><h2>PDF版</h2><ul>"
        f'<li><a href="pdf/{PDF_PATH.rsplit("/", 1)[1]}">第1章（PDF）</a></li></ul>'
        '<p><a href="/a/whitepaper/survey.html">読者アンケート</a></p>',
    )


def sites() -> list[Site]:
    """Give the two hosts of the source."""
    site = Site(
        HOST,
        page(
            "<!DOCTYPE html><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>",
            status=404,
        ),
    )
    site.fixed = {
        "/robots.txt": Reply(b"User-agent: *\nDisallow: /a/\nDisallow: /sp/j/\n", "text/plain"),
        "/": _index(),
        "/j/": _index(),
        "/j/press/wp/": _index(),
        "/j/press/wp/index.html": _index(),
        _INDEX: _year(),
        PDF_PATH: Reply(paper(), "application/pdf"),
        "/en/publ/w_paper/index.html": _english(),
        f"/en/publ/w_paper/wp{YEAR}/DOJ{YEAR}_EN.html": _english(),
        "/j/rss/news.xml": _feed(),
        "/j/rss/update.xml": _feed(),
    }
    site.fixed |= {f"{_BASE}/html/{name}.html": _article(name) for name in pages()}
    site.answers = {prefix: lambda path, _query: canary(path) for prefix in ("/a/", "/sp/j/")}
    site.probes = ["/a/form/inquiry.html", "/a/whitepaper/survey.html", "/sp/j/press/wp/index.html"]
    return [site, _archive()]
