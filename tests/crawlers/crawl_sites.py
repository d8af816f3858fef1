"""Tiny sites of the five sources on loopback, in their real formats, and a way to run a spider against them."""

from __future__ import annotations

import atexit
import bz2
import contextlib
import functools
import gzip
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
from site_server import Answer, Site

ROOT = Path(__file__).parents[2]
XML, JSON = "application/xml", "application/json"
USUAL = {"egov": ["route=api"], "mod": ["route=html", "lang=ja"], "pmda": ["route=week"]}
JA = "この文は試験のために書かれた短い文であり、実在の文書とは何の関係もない。"
EN = "This sentence was written for a test and has nothing to do with any real document at all."


@dataclass
class Ended:
    """How `scrapy crawl` ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, object]:
        """The JSON line."""
        return dict(json.loads(self.out))


def command(source: str, data: Path, *words: str) -> list[str]:
    """The command line of a crawl without delay and back-off, by the route that its tiny site has, summary as JSON."""
    usual = [
        word
        for word in USUAL.get(source, ())
        if not any(given.startswith(word.partition("=")[0] + "=") for given in words)
    ]
    words = (*words, *(part for word in usual for part in ("-a", word)))
    fixed = ["-s", "HAKUSHO_JSON=1", "-s", "DOWNLOAD_DELAY=0", "-s", "HAKUSHO_BACKOFF=0", "-s", f"HAKUSHO_DATA={data}"]
    return [sys.executable, "-m", "scrapy", "crawl", source, *fixed, *words]


def environment(**more: str) -> dict[str, str]:
    """The environment of a crawl: no contact, no proxy."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(("HAKUSHO", "HTTP"))}
    return kept | {"PYTHONPATH": str(ROOT), "SCRAPY_SETTINGS_MODULE": "crawlers.settings"} | more


class _Server:
    """The process of crawl_server.py that belongs to this one."""

    def __init__(self) -> None:
        words = [sys.executable, "-P", str(Path(__file__).with_name("crawl_server.py"))]
        self.process = subprocess.Popen(
            words, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        atexit.register(self.end)

    def run(self, **wanted: object) -> int:
        """The exit status of a crawl."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def end(self) -> None:
        """End it with all that it runs."""
        atexit.unregister(self.end)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()


@functools.cache
def _server() -> _Server:
    return _Server()


def crawl(source: str, data: Path, *arguments: str, **env: str) -> Ended:
    """Run a crawl to its end, in a folder that holds no configuration."""
    data.mkdir(parents=True, exist_ok=True)
    words = command(source, data, *arguments)[3:]
    with TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        try:
            code = _server().run(
                words=words, folder=str(data.parent), environment=environment(**env), out=str(out), err=str(err)
            )
        except BaseException:  # e.g. the time limit of a test: the next crawl gets a server of its own
            _server().end()
            _server.cache_clear()
            raise
        return Ended(code, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


@contextlib.contextmanager
def started(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A crawl under way. It is gone at the end, also of a test that fails: what nobody waits for fails a later test."""
    with subprocess.Popen(
        words, cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def at(site: Site) -> list[str]:
    """The argument that sends a crawl to a site."""
    return ["-a", f"base_url={site.url}"]


def table(folder: Path) -> pa.Table:
    """All Parquet files right in a folder, as one table."""
    files = sorted(folder.glob("*.parquet"))
    return pa.concat_tables([pq.ParquetFile(path).read() for path in files])


def documents(data: Path, source: str) -> list[dict[str, object]]:
    """The settled documents of a source."""
    return table(data / "documents" / source).to_pylist()


def fetches(data: Path, source: str) -> list[dict[str, object]]:
    """The fetch history of a source."""
    return table(data / "fetches" / source).to_pylist()


def ledger(data: Path) -> dict[str, tuple[str, str]]:
    """The extract ledger: id -> (outcome, reason)."""
    rows = table(data / "ledger" / "extract").to_pylist()
    return {row["id"]: (row["outcome"], row["reason"]) for row in rows}


def hashes(data: Path, *folders: str) -> dict[str, str]:
    """Relative path -> SHA-256 of every file below some folders."""
    paths = (path for folder in folders for path in (data / folder).rglob("*"))
    found = (path for path in paths if path.is_file() and path.name != "lock")
    return {str(path.relative_to(data)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


# ---- the sites


def html(title: str, body: str) -> Answer:
    """A page."""
    head = f'<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>{title}</title></head>'
    return Answer(f"{head}<body>{body}</body></html>".encode())


def zlib_gzip(data: bytes) -> bytes:
    """Bytes as Content-Encoding: gzip sends them."""
    return gzip.compress(data, mtime=0)


def law_info(law: str, revision: str, status: str = "CurrentEnforced", **current: object) -> dict[str, object]:
    """An entry of the list of laws."""
    info = {
        "law_revision_id": revision,
        "law_title": f"試験法{law[-1]}",
        "current_revision_status": status,
        "repeal_status": False,
    }
    return {"law_info": {"law_id": law, "law_num_year": 3}, "revision_info": {**info, "repeal_status": "None"},
            "current_revision_info": info | current}  # fmt: skip


def law_xml(number: int) -> bytes:
    """A law of one article."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Law Era="Reiwa" Lang="ja" LawType="Act" Num="{number}" Year="03">'
        f"<LawNum>令和三年法律第{number}号</LawNum><LawBody><LawTitle>試験法{number}</LawTitle><MainProvision>"
        '<Article Num="1"><ArticleTitle>第一条</ArticleTitle><Paragraph Num="1"><ParagraphNum/><ParagraphSentence>'
        f'<Sentence Num="1">{JA}番号は{number}である。</Sentence></ParagraphSentence></Paragraph></Article>'
        "</MainProvision></LawBody></Law>"
    ).encode()


def egov(count: int = 3, page: int = 100) -> Site:
    """laws.e-gov.go.jp with `count` laws in force, one repealed, one whose text is a maintenance page."""
    laws = [f"503AC000000000{n}" for n in range(1, count + 1)]
    listed = [law_info(law, f"{law}_20240401_000000000000000") for law in laws]
    listed.insert(1, law_info("503AC0000000008", "503AC0000000008_20200101_000000000000000", "Repeal"))
    listed.insert(2, law_info("503AC0000000009", "503AC0000000009_20200101_000000000000000"))
    listed[0]["revision_info"] = {
        "law_revision_id": f"{laws[0]}_20300401_000000000000000",
        "current_revision_status": "UnEnforced",
    }
    answers = {"/robots.txt": html("e-Gov 法令検索", '<div id="app"></div>')}
    for start in range(0, len(listed), page):
        data: dict[str, object] = {"total_count": len(listed), "laws": listed[start : start + page]}
        if start + page < len(listed):
            data["next_offset"] = start + page
        answers[f"/api/2/laws?limit=100&offset={start}"] = Answer(json.dumps(data).encode(), JSON)
    for number, law in enumerate(laws, 1):
        answers[f"/api/2/law_file/xml/{law}_20240401_000000000000000"] = Answer(law_xml(number), XML)
    broken = "/api/2/law_file/xml/503AC0000000009_20200101_000000000000000"
    answers[broken] = html("メンテナンス中", "<h1>ただいまメンテナンス中です</h1>")
    return Site(answers)


def mod(count: int = 4, robots: str = "User-agent: *\nDisallow: /a/\n", extra: str = "") -> Site:
    """www.mod.go.jp with one year of `count` pages; `extra` is put into the year's page."""
    base = "/j/press/wp"
    names = [f"n1{n:02d}" for n in range(1, count + 1)]
    items = "".join(f'<li><a href="html/{name}.html">第{name}節</a></li>' for name in names)
    answers = {
        "/robots.txt": Answer(robots.encode(), "text/plain"),
        f"{base}/index.html": html(
            "防衛白書", f'<a href="{base}/wp2024/w2024_00.html">2024</a> <a href="/a/form.html">form</a>'
        ),
        f"{base}/wp2024/w2024_00.html": html("2024年版", f"<ul>{items}</ul>{extra}"),
        "/a/form.html": html("canary", "<p>canary</p>"),
    }
    for name in names:
        crumbs = '<p id="breadcrumb">防衛白書トップ &gt; 第I部 試験の環境 &gt; 第1章 試験の章</p>'
        text = f'<div id="main"><h2>{name}の節</h2><p>{JA * 3}これは{name}の頁である。</p></div>'
        answers[f"{base}/wp2024/html/{name}.html"] = html(name, f'{crumbs}{text}<a href="n101.html">前</a>')
    return Site(answers)


def pdf(text: str) -> bytes:
    """A PDF of one line a sentence, in Courier."""
    shown = b"\n".join(b"(%s) Tj T*" % line.encode() for line in text.replace(". ", ".\n").splitlines())
    content = b"BT /F1 9 Tf 13 TL 50 790 Td\n" + shown + b"\nET"
    fonts = b"<< /Font << /F1 3 0 R >> >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Count 1 /Kids [4 0 R] >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources %s >>" % fonts,
        b"<< /Length %d >> stream\n%s\nendstream" % (len(content), content),
    ]  # fmt: skip
    out, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(out))
    return out + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + rows + end


def citation(number: int, **changes: object) -> dict[str, object]:
    """A record of NTRS that may be used."""
    path = f"/api/citations/{number}/downloads/{number}.pdf"
    return {
        "id": number,
        "title": f"A Report  on Test {number}",
        "distribution": "PUBLIC",
        "disseminated": "DOCUMENT_AND_METADATA",
        "copyright": {"determinationType": "GOV_PUBLIC_USE_PERMITTED"},
        "exportControl": {"isExportControl": "NO"},
        "otherReportNumbers": [f"NASA-TM-{number}"],
        "downloads": [{"mimetype": "application/pdf", "links": {"pdf": path}}],
    } | changes


REFUSED = {
    11: ("rights_distribution", {"distribution": "LIMITED_US_GOV"}),
    12: ("rights_copyright", {"copyright": {"determinationType": "OTHER_CONDITIONS_APPLY"}}),
    13: ("rights_export_control", {"exportControl": {"isExportControl": "YES"}}),
    14: (
        "rights_third_party",
        {"copyright": {"determinationType": "PUBLIC_USE_PERMITTED", "containsThirdPartyMaterial": True}},
    ),
    15: ("no_document", {"downloads": [], "disseminated": "METADATA_ONLY"}),
    16: ("rights_export_control", {"exportControl": {}}),
}


def nasa(numbers: tuple[int, ...] = (1, 2)) -> Site:
    """ntrs.nasa.gov: permitted records over two pages of the search, and one refused for each reason."""
    refused = [citation(number, **changes) for number, (_, changes) in REFUSED.items()]
    pages = [refused + [citation(number) for number in numbers[:1]], [citation(number) for number in numbers[1:]]]
    total = sum(map(len, pages))
    answers = {"/robots.txt": Answer(b"User-agent: *\nAllow: /\n", "text/plain")}
    start = 0
    for records in pages:
        data = json.dumps({"stats": {"total": total}, "results": records}).encode()
        answers[f"/api/citations/search?page.size=100&page.from={start}"] = Answer(data, JSON)
        start += len(records)
    for number in numbers:
        body = pdf(f"Test report number {number}. {EN} " * 4)
        answers[f"/api/citations/{number}/downloads/{number}.pdf"] = Answer(body, "application/pdf")
    return Site(answers)


def insert_zip(number: str) -> bytes:
    """The zip of a package insert."""
    space = "http://info.pmda.go.jp/namespace/prescription_drugs/package_insert/1.0"
    lang = '<Detail><Lang xml:lang="ja">{}</Lang></Detail>'
    body = (
        f'<?xml version="1.0" encoding="UTF-8"?><PackIns xmlns="{space}"><PackageInsertNo>{number}</PackageInsertNo>'
        '<ApprovalEtc><DetailBrandName id="BRD_1"><ApprovalBrandName><Lang xml:lang="ja">試験錠</Lang>'
        "</ApprovalBrandName></DetailBrandName></ApprovalEtc><!-- 2.禁忌 -->"
        f"<ContraIndications>{lang.format(JA)}</ContraIndications>"
        f"<!-- 4.効能又は効果 --><IndicationsOrEfficacy>{lang.format(JA + number)}</IndicationsOrEfficacy></PackIns>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{number}.xml", (2026, 1, 1, 0, 0, 0)), body)
    return out.getvalue()


def pmda(numbers: tuple[str, ...], listed: tuple[str, ...]) -> Site:
    """www.info.pmda.go.jp: `listed` stand in the weekly page, `numbers` are there."""
    rows = "".join(f'<tr><td><a href="/go/pack/{number}/">試験錠</a></td></tr>' for number in listed)
    answers = {
        "/robots.txt": Answer(b"User-agent: *\nDisallow: /PmdaSearch/\n", "text/plain"),
        "/downfiles/ph/1week.html": html(
            "更新情報", f'<table>{rows}</table><a href="/downfiles/ph/latest.html">最新</a>'
        ),
    }
    for number in numbers:
        foot = f'<a href="/go/xml/123456_{number}/">XML</a> <a href="/go/pdf/123456_{number}">PDF</a>'
        answers[f"/go/pack/{number}/?view=foot&lang=ja"] = html("ダウンロード", foot)
        answers[f"/go/xml/123456_{number}/"] = Answer(insert_zip(number), "application/zip")
    return Site(answers)


def dump_page(title: str, number: int, text: str, *, ns: int = 0, redirect: str = "") -> str:
    """A page of a dump."""
    to = f'<redirect title="{redirect}" />' if redirect else ""
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n    {to}\n    <revision>\n"
        f"      <id>{number + 1000}</id>\n      <timestamp>2026-10-01T00:00:00Z</timestamp>\n"
        f'      <text bytes="{len(text)}" xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
    )


def dump(pages: list[str]) -> bytes:
    """A multistream dump: a stream for the head, one a page, one for the end."""
    head = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="ja">\n'
    return b"".join(bz2.compress(part.encode()) for part in (head, *pages, "</mediawiki>\n"))


def articles(lang: str, count: int) -> list[str]:
    """Articles of a wiki, and a redirect and a template before them."""
    text, many = (JA, 8) if lang == "ja" else (EN, 5)
    first = [
        dump_page("Redirected", 1, "#REDIRECT [[A1]]", redirect="A1"),
        dump_page("Template:X", 2, text * many, ns=10),
    ]
    body = [dump_page(f"A{n}", n + 10, f"'''A{n}''' " + f"{text} ({n}) " * many) for n in range(1, count + 1)]
    return first + body


def dumps(ja: bytes, en: bytes, *, sha1: str = "", ranges: bool = False) -> Site:
    """dumps.wikimedia.org with one dump a language; `sha1` stands in place of the true checksum."""
    answers = {}
    for wiki, body in (("jawiki", ja), ("enwiki", en)):
        name = f"{wiki}-20261101-pages-articles-multistream.xml.bz2"
        sums = f"{'0' * 40}  {wiki}-20261101-abstract.xml.gz\n{sha1 or hashlib.sha1(body).hexdigest()}  {name}\n"
        answers[f"/{wiki}/latest/{wiki}-latest-sha1sums.txt"] = Answer(sums.encode(), "text/plain")
        answers[f"/{wiki}/20261101/{name}"] = Answer(body, "application/octet-stream")
    return Site(answers, ranges=ranges)
