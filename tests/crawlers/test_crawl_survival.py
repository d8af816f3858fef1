"""Limits are exact, the same input gives the same bytes, and a kill at any moment costs little and corrupts nothing."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import at, command, crawl, documents, environment, fetches, hashes, ledger, started


def wait_for(condition: object, seconds: float = 60) -> None:
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


@pytest.mark.parametrize("limit", [1, 3])
def test_the_limit_is_exact(tmp_path: Path, limit: int) -> None:
    """Never more than `limit` documents, the first ones of the listing, also where reading is slower than fetching."""
    numbers = tuple(range(1, 9))
    site = sites.nasa(numbers)
    for number in numbers:
        text = f"Test report number {number}. {sites.EN} " * 200
        site.answers[f"/api/citations/{number}/downloads/{number}.pdf"].body = sites.pdf(text)
    with site.serve():
        ended = crawl("nasa", tmp_path / "w", *at(site), "-a", f"limit={limit}")
    assert ended.code == 0, ended.err
    assert sorted(row["key"] for row in documents(tmp_path / "w", "nasa")) == [str(n) for n in numbers[:limit]]
    assert ended.summary["documents"] == limit
    kept = {key for key, (outcome, _) in ledger(tmp_path / "w").items() if outcome == "kept"}
    assert kept == {f"nasa:{n}" for n in numbers[:limit]}
    assert sum(row["documents"] for row in fetches(tmp_path / "w", "nasa")) == limit


def test_a_limited_dump_run_reads_no_further(tmp_path: Path) -> None:
    """With a limit the dump is read to the last article wanted, shared between the languages."""
    ja, en = (sites.dump(sites.articles(lang, 9)) for lang in ("ja", "en"))
    with sites.dumps(ja, en).serve() as site:
        ended = crawl("wikipedia", tmp_path / "w", *at(site), "-a", "limit=9")
    assert ended.code == 0, ended.err
    keys = {row["key"] for row in documents(tmp_path / "w", "wikipedia")}
    assert keys == {*(f"ja:A{n}" for n in range(1, 6)), *(f"en:A{n}" for n in range(1, 5))}
    assert not {"wikipedia:ja:A6", "wikipedia:en:A5"} & set(ledger(tmp_path / "w"))


def test_two_harvests_give_the_same_bytes(tmp_path: Path) -> None:
    """Documents and ledger do not depend on the port, the time, or on how the rows were cut into parts."""
    made = []
    for name, rows in (("a", "2"), ("b", "50")):
        with sites.mod(7).serve() as site:
            assert crawl("mod", tmp_path / name, *at(site), "-s", f"HAKUSHO_PART_ROWS={rows}").code == 0
        made.append(hashes(tmp_path / name, "documents", "ledger"))
    assert made[0] == made[1]
    assert len(made[0]) >= 4


def test_a_second_run_changes_no_file(tmp_path: Path) -> None:
    """The same harvest again adds fetches and leaves documents and ledger as they are, untouched on disk."""
    with sites.mod(5).serve() as site:
        crawl("mod", tmp_path / "w", *at(site))
        before = hashes(tmp_path / "w", "documents", "ledger")
        times = {path: path.stat().st_mtime_ns for path in (tmp_path / "w" / "documents").rglob("?.parquet")}
        crawl("mod", tmp_path / "w", *at(site))
    assert hashes(tmp_path / "w", "documents", "ledger") == before
    assert {path: path.stat().st_mtime_ns for path in times} == times
    assert len({row["run"] for row in fetches(tmp_path / "w", "mod")}) == 2


def test_a_damaged_shard_is_put_aside_and_made_again(tmp_path: Path) -> None:
    """A truncated shard of documents does not stop the next crawl, which brings its rows back to the same bytes."""
    with sites.mod(5).serve() as site:
        crawl("mod", tmp_path / "w", *at(site))
        before = hashes(tmp_path / "w", "documents", "ledger")
        shard = min((tmp_path / "w" / "documents" / "mod").glob("?.parquet"))
        shard.write_bytes(shard.read_bytes()[:-100])
        done = crawl("mod", tmp_path / "w", *at(site))
    assert "was damaged" in done.err
    assert hashes(tmp_path / "w", "documents", "ledger") == before
    assert len(list((tmp_path / "w" / "quarantine").iterdir())) == 1


def test_kill_and_run_again(tmp_path: Path) -> None:
    """After kill -9 in mid-crawl the rows committed are kept; run again, the result is that of an undisturbed run."""
    site = sites.mod(40)
    with site.serve():
        assert crawl("mod", tmp_path / "calm", *at(site)).code == 0
    site.seen.clear()
    gate = threading.Event()
    site.answers["/j/press/wp/wp2024/html/n131.html"].gate = gate
    data = tmp_path / "killed"
    with site.serve():
        with started(command("mod", data, *at(site), "-s", "HAKUSHO_PART_ROWS=5"), tmp_path):
            wait_for(lambda: any("n131" in target for target in site.targets))
            wait_for(lambda: len(list((data / "documents/mod/.parts").glob("*.documents.parquet"))) >= 6)
        gate.set()
        assert sum(sites.pq.ParquetFile(path).metadata.num_rows for path in data.rglob("*.documents.parquet")) == 30
        assert crawl("mod", data, *at(site), "-a", "limit=1").code == 0
        assert len(documents(data, "mod")) == 30  # settled by the next start, whatever that run asks for
        assert crawl("mod", data, *at(site)).code == 0
    assert hashes(data, "documents", "ledger") == hashes(tmp_path / "calm", "documents", "ledger")
    assert not [path for path in data.rglob("*") if ".tmp-" in path.name]


def test_an_interrupted_crawl_keeps_what_came(tmp_path: Path) -> None:
    """SIGINT ends the crawl in order: what was read is settled, and the history is whole."""
    site = sites.mod(10)
    gate = threading.Event()
    site.answers["/j/press/wp/wp2024/html/n106.html"].gate = gate
    with site.serve(), started(command("mod", tmp_path / "w", *at(site)), tmp_path) as process:
        wait_for(lambda: any("n106" in target for target in site.targets))
        process.send_signal(signal.SIGINT)
        gate.set()
        assert process.wait(60) == 130  # as a shell has it
    assert len(documents(tmp_path / "w", "mod")) in (5, 6)
    assert sum(row["documents"] for row in fetches(tmp_path / "w", "mod")) == len(documents(tmp_path / "w", "mod"))


def test_stopped_gone_on_with_or_begun_anew(tmp_path: Path) -> None:
    """Ctrl-C says how to go on; the same command asks for the rest alone, --fresh for everything once more."""
    site = sites.mod(6)
    gate = threading.Event()
    site.answers["/j/press/wp/wp2024/html/n104.html"].gate = gate
    first, data = "/j/press/wp/wp2024/html/n101.html", tmp_path / "w"
    with site.serve():
        process = subprocess.Popen(
            command("mod", data, *at(site)), cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for(lambda: any("n104" in target for target in site.targets))
        process.send_signal(signal.SIGINT)
        gate.set()
        told = process.communicate(timeout=60)[1]
        again = shutil.copytree(data, tmp_path / "again")
        gone_on = crawl("mod", data, *at(site))
        assert site.targets.count(first) == 1
        anew = crawl("mod", again, *at(site), "--fresh")
        assert site.targets.count(first) == 2
    assert "requests to go; the same command goes on from here, --fresh begins anew" in told
    assert (gone_on.summary["documents"], anew.summary["documents"]) == (6, 6)
    assert hashes(data, "documents") == hashes(again, "documents")


def test_a_disk_that_fills_up_ends_the_crawl_with_one_line(tmp_path: Path) -> None:
    """When the disk refuses the crawl stops, says so, exits 1; with room again the same command takes the rest."""
    site = sites.mod(6)
    noise = random.Random(1)
    for name in ("n104", "n105", "n106"):
        long = "".join(chr(noise.randrange(0x4E00, 0x9FA0)) for _ in range(150_000))
        page = site.answers[f"/j/press/wp/wp2024/html/{name}.html"]
        page.body = page.body.replace("頁である".encode(), long.encode())
    full = 300 * 1024  # bytes a file may have: a small part fits, a large one does not

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (full, full))

    with site.serve():
        words = command("mod", tmp_path / "w", *at(site), "-s", "HAKUSHO_PART_ROWS=1")
        done = subprocess.run(
            words, cwd=tmp_path, env=environment(), capture_output=True, text=True, preexec_fn=fill_up, check=False
        )
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1), done.stderr
        assert "cannot write" in done.stderr
        assert not [path for path in (tmp_path / "w").rglob("*") if ".tmp-" in path.name]
        assert crawl("mod", tmp_path / "w", *at(site)).code == 0
    assert len(documents(tmp_path / "w", "mod")) == 6
