"""The unmodified spiders harvest the miniature and end with exactly what planted.toml says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from hakusho.miniature import SOURCES, Miniature
from hakusho.miniature.planted import Key, planted

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def harvest(tmp_path_factory: pytest.TempPathFactory, root: Path) -> tuple[Path, Miniature]:
    """A workspace after one crawl of each source, and the miniature with its access log."""
    folder, miniature = tmp_path_factory.mktemp("harvest"), Miniature()
    variables = os.environ | {"HAKUSHO_CONTACT": "tests@example.jp", "HAKUSHO_DATA": str(folder)}
    with miniature:
        for source in SOURCES:
            words = ["-a", f"base_url={miniature.base_url(source)}", "-s", "DOWNLOAD_DELAY=0", "-s", "LOG_LEVEL=ERROR"]
            command = [sys.executable, "-m", "scrapy", "crawl", source, *words]
            done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
    return folder, miniature


def rows(folder: Path, pattern: str, *columns: str) -> list[dict[str, str]]:
    """Rows of all files that fit a pattern, in the order of their names."""
    return [
        row for path in sorted(folder.glob(pattern)) for row in pq.read_table(path, columns=list(columns)).to_pylist()
    ]


def test_documents_are_the_planted_ones(harvest: tuple[Path, Miniature]) -> None:
    """Nothing is missing and nothing is there too much."""
    found = [Key(row["source"], row["key"]) for row in rows(harvest[0], "documents/*/*.parquet", "source", "key")]
    assert sorted(found) == sorted(planted().documents)


def test_refusals_are_booked_with_their_reasons(harvest: tuple[Path, Miniature]) -> None:
    """Whatever was refused is in the ledger under the planted reason."""
    found = {}
    for row in rows(harvest[0], "ledger/extract/*.parquet", "id", "outcome", "reason"):
        if row["outcome"] == "dropped":
            found[Key(*row["id"].split(":", 1))] = row["reason"]
    assert found == planted().drops


def test_nobody_asked_for_a_forbidden_page(harvest: tuple[Path, Miniature]) -> None:
    """The access log holds no forbidden path, every request came from our robot, and robots.txt was read first."""
    log, seen = harvest[1].log, set()
    for access in log:
        assert not any(access.host == host and access.path.startswith(prefix) for host, prefix in planted().forbidden)
        assert "HakushoBot" in access.user_agent
        assert access.host in seen or access.path == "/robots.txt"
        seen.add(access.host)


def test_no_canary_and_no_other_revision_got_in(harvest: tuple[Path, Miniature]) -> None:
    """No text holds the canary, and past and future revisions of a law were not even asked for."""
    assert not any("MINIATURE-CANARY" in row["text"] for row in rows(harvest[0], "documents/*/*.parquet", "text"))
    asked = " ".join(access.target for access in harvest[1].log)
    assert not any(revision in asked for revision in planted().not_in_force)
