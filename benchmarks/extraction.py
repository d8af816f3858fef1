"""Quality and speed of the readers: on documents of our own, and on recorded ones where their folder is given.

    python -m benchmarks.extraction [--data ../shared/data] [--zip 1000 10000]

Quality is the F1 and recall of character 5-grams, blanks aside, of the sections of kind body against the text that the
document was made from. Speed is in CPU seconds of one process, beside the bare library in the same run: expat and lxml
for statutes, a loop of mwparserfromhell's strip_code for wikitext, trafilatura for pages. Two more figures of statutes
are on the wall clock: two workers of the sandbox, and what the sandbox costs. --zip streams zips of so many statutes.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.parsers import expat

import mwparserfromhell  # type: ignore[import-untyped]
import trafilatura
from lxml import etree  # type: ignore[import-untyped]

from benchmarks.common import keep, table, versions
from benchmarks.extraction_data import made
from benchmarks.extraction_pages import general_pages
from benchmarks.extraction_pdf import sandbox_cost
from benchmarks.extraction_zip import law_zips
from corpus.extract import Extracted, extract
from corpus.extract.sandbox import Request, Sandbox
from corpus.extract.wikitext import extract_wikitext

GOALS = {"law xml": 0.995, "law json": 0.995, "packins": 0.995, "dump ja": 0.98, "wiki html": 0.97, "white paper": 0.97,
         "wiki html ja": 0.97, "wiki html en": 0.80, "dump en": 0.80, "old white paper": 0.97, "page ja": 0.92,
         "page en": 0.96, "general ja": 0.92, "general en": 0.96}  # fmt: skip
ROOT = Path(__file__).parents[1]
_LEAST = 1.5  # CPU seconds of a measurement
_POOL_MB = 40  # of statutes that the sandbox reads for one measurement


def f1(text: str, gold: str) -> float:
    """F1 of character 5-grams, blanks aside."""
    return f1_and_recall(text, gold)[0]


def f1_and_recall(text: str, gold: str) -> tuple[float, float]:
    """F1 and recall of character 5-grams, blanks aside."""
    one, other = (
        Counter(s[at : at + 5] for at in range(len(s) - 4)) for s in (re.sub(r"\s", "", part) for part in (text, gold))
    )
    both = (one & other).total()
    return 2 * both / max(1, one.total() + other.total()), both / max(1, other.total())


def body(done: Extracted) -> str:
    """The sections of kind body."""
    return "\n".join(done.text[s.start : s.end] for s in done.sections if s.kind == "body")


def read(document: Any) -> Extracted:
    """What the reader of its format makes of a document."""
    if document.format.startswith("dump"):
        return extract_wikitext(document.data.decode(), title=document.title, lang=document.format[-2:])
    return extract(document.data, url=document.url, content_type=document.content_type)


def quality(documents: Iterable[Any], gold: Callable[[Any, Extracted], str]) -> list[dict[str, Any]]:
    """A row a format: documents, those that are ok, mean and least F1, mean recall, goal of the F1."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    count: Counter[str] = Counter()
    for document in documents:
        done = read(document)
        count[document.format] += 1
        if done.outcome == "ok":
            found[document.format].append(f1_and_recall(body(done), gold(document, done)))
    return [
        {"format": name, "documents": count[name], "ok": len(scores),
         "f1": round(sum(score for score, _ in scores) / len(scores), 4), "least": round(min(scores)[0], 4),
         "recall": round(sum(share for _, share in scores) / len(scores), 4), "goal": GOALS.get(name)}
        for name, scores in sorted(found.items())
    ]  # fmt: skip


def rate(call: Callable[[Any], object], items: Sequence[Any], size: Callable[[Any], int]) -> float:
    """MB of input a CPU second, over whole passes of at least two seconds together."""
    done, start = 0, time.process_time()
    while time.process_time() - start < _LEAST:
        for item in items:
            call(item)
        done += sum(map(size, items))
    return done / 1e6 / (time.process_time() - start)


def _expat(data: bytes) -> None:
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.Parse(data, True)


def law_speed(files: Sequence[bytes]) -> dict[str, float]:
    """MB/s of whole extraction: by two workers of the sandbox, by one process beside bare parsers; the sandbox's cost.

    The sandbox's are by the wall clock, the others by CPU seconds.
    """
    ours, bare = rate(lambda data: extract(data, url=""), files, len), rate(_expat, files, len)
    tree = rate(etree.fromstring, files, len)
    many = [Request(data, "") for data in files] * max(1, int(_POOL_MB * 1e6 / sum(map(len, files))))
    with Sandbox(2) as sandbox:
        list(sandbox.map(many[: 8 * len(files)]))
        start = time.perf_counter()
        for _ in sandbox.map(many):
            pass
        both = sum(len(one.data) for one in many) / 1e6 / (time.perf_counter() - start)
    cost = sandbox_cost(list(files) * max(1, int(4e6 / sum(map(len, files)))))
    return {"two_workers_mb_per_s": round(both, 1), "mb_per_s": round(ours, 1), "expat_mb_per_s": round(bare, 1),
            "lxml_mb_per_s": round(tree, 1), "to_expat": round(ours / bare, 2), "to_lxml": round(ours / tree, 2),
            "sandbox_to_plain": round(cost["median_ratio"], 3)}  # fmt: skip


def strip_code(wikitext: str) -> str:
    """What mwparserfromhell makes of a page."""
    return str(mwparserfromhell.parse(wikitext).strip_code())


def wikitext_speed(pages: Sequence[tuple[str, str, str, str]]) -> dict[str, float]:
    """MB/s and F1 of ours and of strip_code on the same pages: (title, language, wikitext, gold)."""

    def size(page: tuple[str, str, str, str]) -> int:
        return len(page[2].encode())

    ours = rate(lambda page: extract_wikitext(page[2], title=page[0], lang=page[1]), pages, size)
    peer = rate(lambda page: strip_code(page[2]), pages, size)
    scores = [(f1(body(extract_wikitext(text, title=title, lang=lang)), gold), f1(strip_code(text), gold))
              for title, lang, text, gold in pages if gold]  # fmt: skip
    mean = [round(sum(score[n] for score in scores) / max(1, len(scores)), 4) for n in (0, 1)]
    return {"mb_per_s": round(ours, 2), "strip_code_mb_per_s": round(peer, 2), "ratio": round(ours / peer, 2),
            "f1": mean[0], "strip_code_f1": mean[1]}  # fmt: skip


def page_speed(pages: Sequence[bytes]) -> dict[str, float]:
    """Pages a CPU second of ours and of trafilatura alone."""
    ours = rate(lambda data: extract(data, url="https://www.example.jp/a.html"), pages, lambda _: 10**6)
    bare = rate(trafilatura.extract, pages, lambda _: 10**6)
    return {"pages_per_s": round(ours, 1), "trafilatura_pages_per_s": round(bare, 1), "ratio": round(ours / bare, 2)}


def recorded(data: Path) -> ModuleType:
    """tests/real/extract_gold.py, told where the recorded documents are."""
    path = ROOT / "tests" / "real" / "extract_gold.py"
    spec = importlib.util.spec_from_file_location("extract_gold", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["extract_gold"] = module
    spec.loader.exec_module(module)
    module.SHARED = data.resolve().parent
    return module


def without_titles(document: Any, done: Extracted) -> str:
    """Gold without the lines that are titles by our reading: they have their own gold."""
    titles = {"".join(done.text[s.start : s.end].split()) for s in done.sections if s.kind == "title"}
    return "\n".join(line for line in document.gold.split("\n") if "".join(line.split()) not in titles)


def own() -> dict[str, Any]:
    """Quality and speed on documents of our own."""
    documents = [*made(12), *general_pages(3)]
    kinds = {kind: [one for one in documents if one.format == kind] for kind in ("law xml", "dump ja", "general ja")}
    return {
        "quality": quality(documents, lambda document, _: document.gold),
        "law_xml": law_speed([one.data for one in kinds["law xml"]]),
        "wikitext": wikitext_speed([(one.title, "ja", one.data.decode(), one.gold) for one in kinds["dump ja"]]),
        "pages": page_speed([one.data for one in kinds["general ja"]]),
    }


def real(module: ModuleType) -> dict[str, Any]:
    """Quality and speed on recorded documents."""
    cases = [case for case in module.Recorded(module.SHARED).cases() if case.format not in ("law html", "packins html")]
    laws = [case.data for case in cases if case.format == "law xml"]
    dump = [(case.title, case.format[-2:], case.data.decode(), case.gold) for case in cases if case.format == "dump ja"]
    english = [(case.title, "en", case.data.decode(), case.gold) for case in cases if case.format == "dump en"]
    return {
        "quality": quality(cases, without_titles),
        "old_law_pages_kept": module.old_law_pages(),
        "law_xml": law_speed(laws),
        "wikitext_ja": wikitext_speed(dump[:150]),
        "wikitext_en": wikitext_speed(english[:40]),
    }


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, metavar="DIR", help="recorded documents of the sources, beside netbox")
    parser.add_argument("--zip", type=int, nargs="*", default=[], metavar="LAWS", help="statutes of each zip to stream")
    options = parser.parse_args()
    result: dict[str, Any] = {
        "versions": versions(["trafilatura", "resiliparse", "lxml", "mwparserfromhell"]),
        "own": own(),
    }
    if options.zip:
        result["own"]["law_zips"] = law_zips(tuple(options.zip))
    if options.data is not None:
        result["recorded"] = real(recorded(options.data))
    for part in ("own", "recorded"):
        for name, rows in result.get(part, {}).items():
            sys.stdout.write(f"\n{part}: {name}\n")
            table(rows if isinstance(rows, list) else [rows])
    sys.stdout.write(f"\n{keep('extraction', result)}\n")


if __name__ == "__main__":
    main()
