"""Documents of the netbox with the text that a person would accept: what it serves, and its ground truth, a format.

python tests/real/extract_gold.py [FORMAT]      prints the score of each format, and its five worst documents
"""

from __future__ import annotations

import importlib.util
import io
import json
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from corpus.extract import Extracted, extract
from corpus.extract.wikidump import pages
from corpus.extract.wikitext import extract_wikitext

SHARED = Path(__file__).resolve().parents[3] / "shared"


@dataclass(frozen=True)
class Case:
    """One document: what is served, and its gold. `exact` gold was made with it, other gold by another tool."""

    format: str
    url: str
    content_type: str
    data: bytes
    gold: str
    exact: bool
    title: str = ""

    def extract(self) -> Extracted:
        """What the reader of its format makes of it."""
        if self.format.startswith("dump"):
            return extract_wikitext(self.data.decode(), title=self.title, lang=self.format[-2:])
        return extract(self.data, url=self.url, content_type=self.content_type)


def score(text: str, gold: str) -> tuple[float, float, float]:
    """(F1, precision, recall) of character 5-grams, blanks aside."""
    one, other = (
        Counter(s[at : at + 5] for at in range(len(s) - 4)) for s in (re.sub(r"\s", "", text), re.sub(r"\s", "", gold))
    )
    both = sum((one & other).values())
    return 2 * both / max(1, one.total() + other.total()), both / max(1, one.total()), both / max(1, other.total())


def of_kinds(done: Extracted, *kinds: str) -> str:
    """The sections of these kinds."""
    return "\n".join(done.text[s.start : s.end] for s in done.sections if s.kind in kinds)


class Recorded:
    """The sites of the netbox, asked without a network."""

    def __init__(self, shared: Path = SHARED) -> None:
        spec = importlib.util.spec_from_file_location("server", shared / "netbox" / "server.py")
        assert spec is not None
        assert spec.loader is not None
        self.server: ModuleType = importlib.util.module_from_spec(spec)
        sys.modules["server"] = self.server
        spec.loader.exec_module(self.server)
        self.sites: dict[str, Any] = self.server.load_sites(shared / "data")
        with tempfile.NamedTemporaryFile("r", encoding="utf-8") as file:
            stdout, sys.stdout = sys.stdout, io.StringIO()
            try:
                self.server.write_expected(shared / "data", Path(file.name))
            finally:
                sys.stdout = stdout
            self.truth = [json.loads(line) for line in file]

    def get(self, url: str) -> tuple[bytes, str]:
        """(body, content type) of a URL."""
        parts = urlsplit(url)
        host = parts.hostname or ""
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        request = self.server.Request(
            "GET", host, unquote(parts.path), path, parse_qs(parts.query), {}, {}, b"", parts.scheme
        )
        reply = self.sites[host].handle(request)
        assert reply is not None, url
        assert reply.status == 200, url
        body = b"".join(reply.stream) if reply.stream else reply.body
        return (body.encode() if isinstance(body, str) else body), reply.content_type

    def cases(self) -> Iterator[Case]:
        """Every document whose gold is a text."""
        dumped = {(wiki, page.title): page.wikitext for wiki in ("ja", "en") for page in self.dump(wiki)}
        for row in self.truth:
            if row["gold_kind"] == "title":
                continue
            exact = row["gold_kind"] == "exact" and row["kind"] != "pdf"
            for name, url in self._forms(row):
                yield Case(name, url, *self.get(url)[::-1], gold=row["gold"], exact=exact, title=row["title"])
            text = dumped.get((row["lang"], row["title"]))
            if row["source"] == "wikipedia" and text is not None:
                yield Case(f"dump {row['lang']}", "", "", text.encode(), row["gold"], exact, row["title"])

    def dump(self, wiki: str) -> Iterator[Any]:
        """The pages of the namespace of articles."""
        name = f"{wiki}wiki-latest-pages-articles-multistream.xml.bz2"
        body, _ = self.get(f"https://dumps.wikimedia.org/{wiki}wiki/latest/{name}")
        return (page for page in pages(io.BytesIO(body)) if page.ns == 0)

    def _forms(self, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
        api = "https://laws.e-gov.go.jp/api/2"
        key, host = row["key"], row["host"]
        if row["kind"] == "pdf":
            return
        if host == "laws.e-gov.go.jp":
            yield "law xml", f"{api}/law_file/xml/{key}"
            yield "law json", f"{api}/law_data/{key}"
        elif host == "law.e-gov.go.jp":
            yield "law html", row["url"]
        elif host == "www.info.pmda.go.jp":
            foot = self.get(f"{row['url']}?view=foot")[0].decode()
            found = re.search(r'href="([^"]*/go/xml/[^"]*)"', foot)
            if found:
                yield "packins", f"https://{host}{found[1]}" if found[1].startswith("/") else found[1]
            yield "packins html", f"{row['url']}?view=body"
        elif row["source"] == "mod":
            yield ("old white paper" if "clearing" in host else "white paper"), row["url"]
        elif row["source"] == "wikipedia":
            yield f"wiki html {row['lang']}", row["url"]


def old_law_pages() -> dict[str, float]:
    """Recall of the text that goes with each Shift_JIS page of 2013: pages, the least, and how many keep under 0.99."""
    folder = SHARED / "data" / "egov" / "laws2013"
    kept = []
    for path in sorted((folder / "html_sjis").glob("*.html")):
        paired = folder / "text_utf8" / f"{path.stem}.txt"
        if paired.is_file():
            done = extract(path.read_bytes(), url="", content_type="text/html")
            kept.append(score(done.text, paired.read_text(encoding="utf-8"))[2])
    return {"pages": len(kept), "least": round(min(kept), 4), "under_0.99": sum(share < 0.99 for share in kept)}


def main(words: list[str]) -> None:
    """Print what the readers reach."""
    found: dict[tuple[str, bool], list[tuple[tuple[float, float, float], tuple[float, float, float], str, str]]] = (
        defaultdict(list)
    )
    for case in Recorded().cases():
        if words and not case.format.startswith(words[0]):
            continue
        done = case.extract()
        body = score(of_kinds(done, "body"), case.gold)
        whole = score(of_kinds(done, "title", "body", "table"), case.gold)
        found[case.format, case.exact].append((body, whole, done.outcome, case.title))
    for (name, exact), rows in sorted(found.items()):
        fine = [row for row in rows if row[2] == "ok"]
        outcomes = dict(Counter(row[2] for row in rows))
        body, whole = (
            tuple(round(sum(row[n][m] for row in fine) / max(1, len(fine)), 4) for m in range(3)) for n in (0, 1)
        )
        print(f"{name:16} exact={exact!s:5} {outcomes} body {body} with titles and tables {whole}")  # noqa: T201
        for row in sorted(fine)[:5]:
            print("     ", *(tuple(round(x, 3) for x in row[n]) for n in (0, 1)), row[3][:40])  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
