"""A zip of statutes as e-Gov gives all of them: how fast it streams, and what memory it needs.

Sizes are log-normal (median 20 KB, a tail of megabytes), as those of real statutes are. Memory is the most that the
command and any one of its readers had resident; that nothing is unpacked is shown by a run in which no file may grow.
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.extraction_data import made

__all__ = ["law_zips", "write_laws"]

_MEDIAN, _SIGMA = 20_000, 1.3
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><Law Lang="ja"><LawNum>令和六年法律第{0}号</LawNum><LawBody>'
    "<LawTitle>見本法第{0}</LawTitle><MainProvision>"
)
_TAIL = "</MainProvision></LawBody></Law>"


def write_laws(path: Path, count: int, seed: int = 1) -> int:
    """Write a zip of `count` statutes, each in a folder of its own; bytes of XML in it."""
    rng = random.Random(seed)
    laws = (one.data.decode() for one in made(8, seed) if one.format == "law xml")
    chapters = [f"<Chapter>{part}" for law in laws for part in law.split("<Chapter>")[1:]]
    chapters = [chapter[: chapter.rindex("</Chapter>") + len("</Chapter>")] for chapter in chapters]
    total = 0
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(count):
            wanted, parts = rng.lognormvariate(0, _SIGMA) * _MEDIAN, [_HEAD.format(number)]
            while wanted > 0:
                parts.append(rng.choice(chapters))
                wanted -= 2.2 * len(parts[-1])
            data = "".join((*parts, _TAIL)).encode()
            total += len(data)
            archive.writestr(f"{number:05}_law/{number:05}_law.xml", data)
    return total


def _run(path: Path, out: Path | None, no_files: bool) -> tuple[float, float, int]:
    """(wall seconds, most resident MB of one process, exit status) of the command; in a process of its own."""
    if no_files:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    words = [sys.executable, "-c", "from hakusho.cli import main; main()", "extract", str(path)]
    words += ["--workers", "2", "--json"]
    start = time.perf_counter()
    done = subprocess.run([*words, *(("--out", str(out)) if out else ())], stdout=subprocess.PIPE, check=False)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    return time.perf_counter() - start, peak, done.returncode


def law_zips(counts: tuple[int, ...] = (1_000, 10_000)) -> list[dict[str, Any]]:
    """A row a zip: laws, MB, MB/s of the whole command on the wall clock, peak MB, whether it runs without a file."""
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "laws.zip")
            size = write_laws(path, count)
            seconds, peak, status = _alone(path, Path(folder, "laws.parquet"), False)
            without_files = _alone(path, None, True)[2] if count == min(counts) else None
            rows.append(
                {"laws": count, "mb": round(size / 1e6, 1), "mb_per_s": round(size / 1e6 / seconds, 1),
                 "peak_mb": round(peak), "exit": status, "exit_where_no_file_may_grow": without_files}
            )  # fmt: skip
    return rows


def _alone(*arguments: Any) -> tuple[float, float, int]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_run, *arguments).result()
