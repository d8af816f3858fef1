"""www.info.pmda.go.jp (weekly list, frames, XML in a zip) and www.pmda.go.jp (review reports)."""

from __future__ import annotations

import re
from urllib.parse import quote

from hakusho.miniature import pdf
from hakusho.miniature.packins import SECTIONS, Insert, load
from hakusho.miniature.site import Query, Reply, Site, canary, esc, framed, page, records, text_file

WWW, INFO = "www.pmda.go.jp", "www.info.pmda.go.jp"
_ROBOTS = Reply(b"User-agent: *\nDisallow: /PmdaSearch/\n", "text/plain")
_REPORT_LIST = "/review-services/drug-reviews/review-information/p-drugs/0010.html"


def _page(title: str, body: str, *, status: int = 200) -> Reply:
    return page(framed("pmda.html", title=esc(title), body=body), status=status)


def _row(insert: Insert, no: str, *, link: bool = True) -> str:
    name = f'<a href="/go/pack/{no}/">{esc(insert.brand)}</a>' if link else esc(insert.brand)
    return f"<tr><td>{name}</td><td>{esc(insert.generic)}</td><td>{esc(insert.company)}</td><td>{no}</td></tr>"


def _week() -> Reply:
    """List what was posted and removed, by date; a stale row links a version that the next one has replaced."""
    blocks = ["<h1>最近１週間に更新された添付文書情報</h1>"]
    for day in sorted({insert.posted for insert in load()}, reverse=True):
        year, month, date = day.split("-")
        posted = [insert for insert in load() if insert.posted == day]
        rows = "".join(_row(insert, insert.stale or insert.no) for insert in posted)
        gone = "".join(_row(insert, _older(insert.no), link=False) for insert in posted[:1])
        blocks.append(
            f'<h2>{year}年{int(month)}月{int(date)}日</h2><table class="keisai"><caption>掲載分</caption>{rows}</table>'
            f'<table class="sakujo"><caption>削除分</caption>{gone}</table>'
        )
    return _page("更新情報", "".join(blocks))


def _older(no: str) -> str:
    stem, version = no.rsplit("_", 1)
    return f"{stem}_{int(version) - 1:02d}"


def _frame(insert: Insert, view: str) -> Reply:
    base = f"/go/pack/{insert.no}/"
    if view == "body":
        parts = "".join(
            f'<h2 id="s{n}">{n}. {esc(SECTIONS[n][1])}</h2>' + "".join(f"<p>{esc(line)}</p>" for line in lines)
            for n, lines in insert.sections.items()
        )
        head = f"<h1>{esc(insert.brand)}</h1><p>{esc(insert.generic)}</p><p>{esc(insert.classification)}</p>"
        return _page(insert.brand, head + parts)
    if view == "index":
        links = (
            f'<a href="{base}?view=body&amp;lang=ja#s{n}" target="body">{n}. {esc(SECTIONS[n][1])}</a><br>'
            for n in insert.sections
        )
        return _page("目次", "".join(links))
    if view == "foot":
        return _page(
            "ダウンロード",
            f'<a href="/go/xml/{insert.file}/">XML</a> <a href="/go/pdf/{insert.file}">PDF</a> '
            f'<a href="https://{WWW}/PmdaSearch/iyakuDetail/GeneralList/{insert.no.split("_")[0]}">関連文書</a>',
        )
    frames = "".join(f'<frame name="{v}" src="{base}?view={v}&amp;lang=ja">' for v in ("index", "body", "foot"))
    return page(
        f'<html><head><meta charset="UTF-8"><title>{esc(insert.brand)}</title></head><frameset rows="*,60">{frames}'
        f'<noframes><body><a href="{base}?view=body&amp;lang=ja">本文</a></body></noframes></frameset></html>'
    )


def _pack(path: str, query: Query) -> Reply | None:
    match = re.fullmatch(r"/go/pack/(\w+)/?", path)
    insert = next((i for i in load() if match and i.no == match[1]), None)
    return _frame(insert, query.get("view", "frame")) if insert else None


def _insert_pdf(insert: Insert) -> bytes:
    lines = [insert.brand, insert.generic, insert.classification]
    for number, texts in insert.sections.items():
        lines += ["", f"{number}. {SECTIONS[number][1]}", *texts]
    return pdf.write(pdf.pages(pdf.wrap("\n".join(lines), 42)), title=insert.brand, japanese=True)


def _info() -> Site:
    site = Site(INFO, _page("エラー", "<p>該当する添付文書はありません。</p>", status=404))
    site.fixed = {
        "/robots.txt": _ROBOTS,
        "/": _page("医薬品等情報提供", '<a href="/downfiles/ph/1week.html">最近１週間の更新</a>'),
        "/downfiles/ph/1week.html": _week(),
    }
    for insert in load():
        site.fixed[f"/go/xml/{insert.file}/"] = Reply(insert.zipped(), "application/zip")
        site.fixed[f"/go/pdf/{insert.file}"] = Reply(_insert_pdf(insert), "application/pdf")
        site.probes += [f"/go/pack/{insert.no}/"] + [
            f"/go/pack/{insert.no}/?view={v}&lang=ja" for v in ("index", "body", "foot")
        ]
    site.answers = {"/go/pack/": _pack, "/PmdaSearch/": lambda path, _query: canary(path)}
    site.probes.append("/PmdaSearch/")
    return site


def reports() -> dict[str, tuple[str, bytes]]:
    """Give the review reports: path -> (title, PDF)."""
    found = {}
    for fields, text in records(text_file("pmda", "reports.txt")):
        sheets = pdf.pages(pdf.wrap(text, 42))
        found[fields["path"]] = (fields["title"], pdf.write(sheets, title=fields["title"], japanese=True))
    return found


def _www() -> Site:
    site = Site(WWW, _page("エラー", "<p>お探しのページは見つかりませんでした。</p>", status=404))
    items = "".join(f'<li><a href="{quote(path)}">{esc(title)}</a></li>' for path, (title, _) in reports().items())
    site.fixed = {
        "/robots.txt": _ROBOTS,
        "/": _page(
            "トップ",
            f'<a href="{_REPORT_LIST}">審査報告書</a> <a href="https://{INFO}/downfiles/ph/1week.html">添付文書</a> '
            '<a href="/PmdaSearch/iyakuSearch/">検索</a>',
        ),
        _REPORT_LIST: _page("新医薬品の審査報告書", f"<h1>新医薬品の審査報告書</h1><ul>{items}</ul>"),
    }
    site.fixed |= {path: Reply(data, "application/pdf") for path, (_, data) in reports().items()}
    site.answers = {"/PmdaSearch/": lambda path, _query: canary(path)}
    site.probes = ["/PmdaSearch/iyakuSearch/"]
    return site


def sites() -> list[Site]:
    """Give the two hosts of the source."""
    return [_info(), _www()]
