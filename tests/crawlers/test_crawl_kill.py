"""kill -9 at random instants of a crawl: no document is lost, none comes twice, only what was in flight is refetched.

The suite does it a few times on a small site. The whole proof, 20 kills of 600 pages, is one command:

    HAKUSHO_KILLS=20 HAKUSHO_KILL_PAGES=600 pytest tests/crawlers/test_crawl_kill.py -s
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import crawl_sites as sites
import pytest
from crawl_sites import at, command, crawl, documents, environment, fetches, hashes, ledger

PAGES, KILLS = int(os.environ.get("HAKUSHO_KILL_PAGES", "90")), int(os.environ.get("HAKUSHO_KILLS", "3"))
AT_ONCE = 4  # requests in flight at most
UNDER_WAY = 1


def in_flight(data: Path) -> set[str]:
    """The targets that the frontier says are under way."""
    with closing(sqlite3.connect(data / "state.sqlite")) as db:
        rows = db.execute("SELECT request FROM requests WHERE state = ?", (UNDER_WAY,)).fetchall()
    return {json.loads(text)["url"].partition("www.mod.go.jp")[2] for (text,) in rows}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_kills_at_random_instants(tmp_path: Path) -> None:
    """Each kill is followed by the same command; only what was truly in flight at a kill is asked for again."""
    chance = random.Random(20)
    site, data = sites.mod(PAGES), tmp_path / "killed"
    at_once = f"CONCURRENT_REQUESTS={AT_ONCE}", f"CONCURRENT_REQUESTS_PER_DOMAIN={AT_ONCE}"
    words = [*at(site), *(word for setting in at_once for word in ("-s", setting))]
    lost_at_kill: set[str] = set()
    kills = 0
    with site.serve():
        words[:2] = at(site)
        for _ in range(KILLS):
            goal = len(site.seen) + chance.randrange(2, max(3, 2 * PAGES // (KILLS + 1) - 4))
            process = subprocess.Popen(
                command("mod", data, *words, "-s", "HAKUSHO_PART_ROWS=20"),
                cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while len(site.seen) < goal and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.random() / 30)
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            lost_at_kill |= in_flight(data)
        ended = crawl("mod", data, *words)
        assert crawl("mod", tmp_path / "calm", *words).code == 0
    assert (ended.code, kills) == (0, KILLS), ended.err
    assert ended.summary["documents"] == PAGES
    assert Counter(row["key"] for row in documents(data, "mod")) == {f"2024/n1{n:02d}": 1 for n in range(1, PAGES + 1)}
    assert hashes(data, "documents", "ledger") == hashes(tmp_path / "calm", "documents", "ledger")
    assert sum(row["documents"] for row in fetches(data, "mod")) == PAGES
    assert Counter(outcome for outcome, _ in ledger(data).values()) == {"kept": PAGES}
    half = site.targets[: len(site.targets) - PAGES - 3]  # without those of the calm crawl
    refetched = sum(times - 1 for target, times in Counter(half).items() if target != "/robots.txt")
    sys.stdout.write(f"{KILLS} kills, {PAGES} pages: {refetched} refetched, at most {AT_ONCE * KILLS} in flight\n")
    assert refetched <= AT_ONCE * KILLS
    again = {target for target, times in Counter(half).items() if times > 1} - {"/robots.txt"}
    assert again <= lost_at_kill
    assert half.count("/robots.txt") <= KILLS + 1
    assert not [path for path in data.rglob("*") if ".tmp-" in path.name]
