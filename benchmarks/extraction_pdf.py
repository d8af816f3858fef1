"""The PDF reader: speed beside the bare libraries, what the sandbox costs, exactness, and files that mean harm.

    python -m benchmarks.extraction_pdf [--shared DIR] [--pages N] [--share S]

Files are made here (Japanese in one and two columns with running heads, page numbers, notes; English in two columns
with cut words; every Japanese encoding), so that the exact text is known. White papers, where ../shared/data has them,
are read for speed. Writes benchmarks/results/extraction_pdf.json.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "extract"))

from pdf_hostile import hostile
from pdf_samples import ENCODINGS, Text, column, make

from benchmarks.common import clock, keep, table, versions
from corpus.extract import extract
from corpus.extract.model import Extracted
from corpus.extract.sandbox import Request, Sandbox

SENTENCE = "防衛省は、我が国の平和と安全を確保するため、装備品の調達と研究開発を計画的に進めている。"
KANJI = "UniJIS-UCS2-H"
HEAD = {"ja": "令和六年版　装備白書", "en": "NASA Technical Memorandum 4321"}
NOTE = {"ja": "（注）{}　調達は契約による。", "en": "* {} Symbols are set down in the appendix."}
PHRASES = (
    *(
        "我が国の",
        "周辺海域における",
        "関係省庁と連携した",
        "令和五年度の",
        "装備品の",
        "災害時の",
        "国際社会の",
        "先端技術の",
    ),
    *(
        "研究開発を",
        "部隊の訓練を",
        "調達の透明化を",
        "情報の共有を",
        "人材の育成を",
        "施設の整備を",
        "警戒監視を",
        "法制度の検討を",
    ),
    *("計画的に進める", "着実に推進する", "更に充実させる", "引き続き実施する", "速やかに開始した", "段階的に拡大した"),
)
ENGLISH = (
    *("the", "of", "and", "with", "rotor", "blade", "pressure", "temperature", "analysis", "measured", "velocity"),
    *("tunnel", "boundary", "layer", "configuration", "aerodynamic", "characteristics", "system", "model", "efficient"),
)


def five_grams(text: str) -> Counter[str]:
    """Character 5-grams of a text, blanks aside."""
    text = "".join(text.split())
    return Counter(text[start : start + 5] for start in range(len(text) - 4))


def f1(text: str, gold: str) -> float:
    """F1 of character 5-grams."""
    one, other = five_grams(text), five_grams(gold)
    return 2 * (one & other).total() / max(1, one.total() + other.total())


def of_body(done: Extracted) -> list[str]:
    """The lines of the sections of kind body."""
    return [line for s in done.sections if s.kind == "body" for line in done.text[s.start : s.end].split("\n")]


def japanese(rng: random.Random, width: int) -> tuple[list[str], str]:
    """(lines of a paragraph, its text)."""
    sentences = [
        rng.choice(PHRASES[:8]) + rng.choice(PHRASES[8:16]) + "、" + "".join(rng.sample(PHRASES[:8], 2))
        + rng.choice(PHRASES[8:16]) + rng.choice(PHRASES[16:]) + "。"
        for _ in range(rng.randint(1, 4))
    ]  # fmt: skip
    text = "　" + "".join(sentences)
    return [text[start : start + width] for start in range(0, len(text), width)], text[1:]


def english(rng: random.Random, width: int) -> tuple[list[str], str]:
    """(lines of a paragraph, its text); long words are cut at the margin."""
    words = [rng.choice(ENGLISH) for _ in range(rng.randint(30, 80))]
    text = f"{' '.join(words).capitalize()}."
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > width:
            cut = len(word) > 8 and len(line) + 6 <= width
            lines.append(f"{line} {word[:4]}-" if cut else line)
            line = word[4:] if cut else word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line], text


def book(pages: int, columns: int, *, language: str = "ja", seed: int = 7) -> tuple[bytes, list[str]]:
    """(a file with running heads, page numbers and a note on every third page, its paragraphs)."""
    rng = random.Random(seed)
    write, font, size = (japanese, KANJI, 9) if language == "ja" else (english, "latin", 9)
    width = {"ja": 48, "en": 100}[language] // columns
    waiting: list[str] = []
    gold: list[str] = []
    made = []
    for page in range(pages):
        shown = [Text(60, 800, HEAD[language], 7, font), Text(290, 30, str(page + 11), 8)]
        for place in range(columns):
            while len(waiting) < 44:
                lines, text = write(rng, width)
                waiting += lines
                gold.append(text)
            shown += column(waiting[:44], 60 + place * 250, 760, size=size, leading=15, font=font)
            waiting = waiting[44:]
        if page % 3 == 0:
            shown += column([NOTE[language].format(page + 1)], 60, 60, size=6, font=font)
        made.append(shown)
    rest = sum(len(line) for line in waiting)
    return make(made), [*gold[:-1], gold[-1][: max(0, len(gold[-1]) - rest)]]


def notices(pages: int, *, seed: int = 7) -> tuple[bytes, list[str]]:
    """(a file of notices of one wording, each to another, with running heads and page numbers; its paragraphs)."""
    rng = random.Random(seed)
    wording = [english(rng, 90) for _ in range(3)]
    made, gold = [], []
    for page in range(pages):
        name = f"To the holder of licence {chr(65 + page % 26)}{rng.choice(ENGLISH).capitalize()}."
        lines = [name, *(line for lines, _ in wording for line in lines)]
        head, number = Text(60, 800, HEAD["en"], 7), Text(290, 30, str(page + 11), 8)
        made.append([head, *column(lines, 60, 740, size=9, leading=15), number])
        gold += [name, *(text for _, text in wording)]
    return make(made), gold


def quality(pages: int) -> list[dict[str, Any]]:
    """F1 of the body against the exact text, pages with a head or number left, paragraphs broken within."""
    rows = []
    for name, language, (data, gold) in (
        ("one column", "ja", book(pages, 1)),
        ("two columns", "ja", book(pages, 2)),
        ("two columns, cut words", "en", book(pages, 2, language="en")),
        ("notices of one wording", "en", notices(pages)),
    ):
        done = extract(data, url="")
        lines = done.text.split("\n")
        body = of_body(done)
        ends = "。." if language == "ja" else "."
        rows.append(
            {
                "set": name,
                "pages": pages,
                "f1": f1("\n".join(body), "\n".join(gold)),
                "left": sum(line == HEAD[language] or line.isdigit() for line in lines) / pages,
                "broken": sum(line[-1] not in ends for line in body) / len(body),
            }
        )
    return rows


def fonts() -> dict[str, bool]:
    """Whether a Japanese sentence in each encoding, not embedded, comes out exact."""
    found = {}
    for encoding in ENCODINGS:
        lines = [SENTENCE[start : start + 20] for start in range(0, len(SENTENCE), 20)]
        down = [Text(540 - 18 * place, 760, line, 10, encoding) for place, line in enumerate(lines)]
        page = down if encoding.endswith("V") else column(lines, 60, 760, font=encoding)
        found[encoding] = extract(make([page]), url="").text == SENTENCE
    return found


def bare_pdfium(data: bytes) -> None:
    """The text as pypdfium2 itself gives it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(data)
    for page in document:
        page.get_textpage().get_text_range()


def bare_pypdf(data: bytes) -> None:
    """The text as pypdf itself gives it."""
    from pypdf import PdfReader

    for page in PdfReader(io.BytesIO(data)).pages:
        page.extract_text()


def _rate(pages: int, times: int, work: Callable[[], object]) -> tuple[float, float]:
    """(pages a second of the wall, pages a second of CPU), the better of several runs each."""
    best = [0.0, 0.0]
    work()
    for _ in range(times):
        with clock() as spent:
            work()
        best = [max(best[0], pages / spent.wall), max(best[1], pages / max(1e-9, spent.cpu))]
    return best[0], best[1]


def speed(name: str, files: Sequence[bytes], times: int = 3) -> dict[str, Any]:
    """Pages a second: bare libraries and ours in one process, ours with two workers of the sandbox."""
    pages = sum(len(extract(data, url="").pages) for data in files)
    row: dict[str, Any] = {"set": name, "pages": pages}
    row["pdfium"], row["pdfium_cpu"] = _rate(pages, times, lambda: [bare_pdfium(data) for data in files])
    row["pypdf"], _ = _rate(pages, 1, lambda: [bare_pypdf(data) for data in files])
    row["ours"], row["ours_cpu"] = _rate(pages, times, lambda: [extract(data, url="") for data in files])
    repeated = [Request(data, "") for data in files] * max(1, 600 // max(1, pages))
    many = pages * len(repeated) // len(files)
    with Sandbox(2) as sandbox:
        row["two_workers"], _ = _rate(many, times, lambda: list(sandbox.map(repeated)))
    row["to_pdfium_cpu"] = row["ours_cpu"] / row["pdfium_cpu"]
    row["to_pypdf"] = row["ours"] / row["pypdf"]
    return row


def sandbox_cost(files: Sequence[bytes], rounds: int = 7) -> dict[str, float]:
    """Seconds for the same files in this process and by one worker, turn by turn; the median of the ratios."""
    ratios, plain, boxed = [], [], []
    with Sandbox(1) as sandbox:
        list(sandbox.map(Request(data, "") for data in files))
        for _ in range(rounds):
            start = time.perf_counter()
            expected = [extract(data, url="") for data in files]
            middle = time.perf_counter()
            done = list(sandbox.map(Request(data, "") for data in files))
            end = time.perf_counter()
            if done != expected:
                raise SystemExit("the sandbox gave another result than the plain reader")
            plain.append(middle - start)
            boxed.append(end - middle)
            ratios.append(boxed[-1] / plain[-1])
    return {"plain_s": min(plain), "sandbox_s": min(boxed), "median_ratio": sorted(ratios)[len(ratios) // 2]}


def harm(share: float) -> list[dict[str, Any]]:
    """Every hostile file in a worker of its own: seconds, its most memory, outcome."""
    rows = []
    for name, file in hostile(share).items():
        data = file()
        with Sandbox(1) as sandbox:
            sandbox.extract(b"plain text", url="")
            used, start = _cpu_seconds(sandbox), time.perf_counter()
            done = sandbox.extract(data, url="")
            row = {"seconds": time.perf_counter() - start, "cpu_seconds": _cpu_seconds(sandbox) - used}
            memory = _peak_mib(sandbox)
        rows.append({"file": name, "bytes": len(data), **row, "peak_mib": memory, "outcome": done.outcome})
    return rows


def _cpu_seconds(sandbox: Sandbox) -> float:
    """Processor time that its idle worker has used."""
    fields = Path(f"/proc/{sandbox._idle[0].pid}/stat").read_text("utf-8").rpartition(")")[2].split()  # noqa: SLF001
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mib(sandbox: Sandbox) -> int:
    """The most memory its idle worker has held, in MiB; 0 for one that has just taken another's place."""
    status = Path(f"/proc/{sandbox._idle[0].pid}/status").read_text("utf-8")  # noqa: SLF001
    return next(int(line.split()[1]) >> 10 for line in status.splitlines() if line.startswith("VmHWM"))


def main() -> None:
    """Run all and keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path(__file__).resolve().parents[2] / "shared" / "data")
    parser.add_argument("--pages", type=int, default=60, help="pages of each generated file")
    parser.add_argument("--share", type=float, default=1.0, help="share of the whole size of hostile files")
    wanted = parser.parse_args()
    made = [book(20, 2)[0], book(20, 1)[0], book(20, 2, language="en")[0]]
    papers = [path.read_bytes() for path in sorted(wanted.shared.glob("mod/closest_whitepaper_pdf/mext*.pdf"))]
    result = {
        "versions": versions(["pypdf", "pypdfium2", "pdfminer.six"]),
        "quality": quality(wanted.pages),
        "fonts": fonts(),
        "speed": [*([speed("white papers", papers)] if papers else []), speed("English, two columns, made", made[2:])],
        "sandbox": sandbox_cost([*papers, made[2]] * 2),
        "hostile": harm(wanted.share),
    }
    for rows in (result["quality"], result["speed"], result["hostile"]):
        table(rows)  # type: ignore[arg-type]
    sys.stdout.write(f"fonts {result['fonts']}\nsandbox {result['sandbox']}\n{keep('extraction_pdf', result)}\n")


if __name__ == "__main__":
    main()
