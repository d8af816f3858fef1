"""The five spiders, unmodified, against the recorded sources under their real host names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from recall import expected, missing

SOURCES = ("egov", "mod", "nasa", "pmda", "wikipedia")
LIMIT = 4


@pytest.mark.slow
def test_five_sources_politely(root: Path, netbox: Path, tmp_path: Path) -> None:
    """Each source gives exactly the documents asked for, with TLS checked, and the audit of the access log is clean."""
    log, data = tmp_path / "access.jsonl", tmp_path / "data"
    crawl = f"{sys.executable} -m scrapy crawl $s -a limit={LIMIT} -s HAKUSHO_DATA={data}"
    loop = f"for s in {' '.join(SOURCES)}; do {crawl} || exit 1; done"
    env = {**os.environ, "HAKUSHO_CONTACT": "mailto:dev@example.org"}
    words = [str(netbox), "-l", str(log), "--", "sh", "-c", loop]
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    for source in SOURCES:
        rows = [
            row
            for path in (data / "documents" / source).glob("*.parquet")
            for row in pq.ParquetFile(path).read().to_pylist()
        ]
        assert len(rows) == LIMIT
        assert all(row["url"].startswith("https://") and row["licence"] and row["attribution"] for row in rows)
        assert "NETBOX-CANARY" not in json.dumps(rows, default=str)
    audit = [sys.executable, str(netbox.parent / "audit.py"), str(log), "--delay", "1", "--max-concurrent", "1"]
    judged = subprocess.run(audit, capture_output=True, text=True, timeout=120, check=False)
    assert judged.returncode == 0, judged.stdout


FAULTS = "503:0.1,429:0.05,slow:0.05,drop:0.05,truncate:0.03"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_to_faults_and_nothing_comes_twice(root: Path, netbox: Path, tmp_path: Path) -> None:
    """Laws by the bulk zip and inserts page by page, on a bad day of their servers: every document, once, politely."""
    log, data, truth = tmp_path / "access.jsonl", tmp_path / "data", tmp_path / "expected.jsonl"
    python = str(Path(sys.base_prefix) / "bin" / "python3")  # without pypdf no reference texts are made
    server = [python, str(netbox.parent / "server.py"), "--data", str(root.parent / "shared" / "data")]
    subprocess.run([*server, "--expected", str(truth)], check=True, capture_output=True, timeout=120)
    harvest = f"harvest egov pmda --data {data} --set DOWNLOAD_DELAY=0.2 --set HAKUSHO_BACKOFF=0.5 --json"
    words = [str(netbox), "-f", FAULTS, "-l", str(log), "--", sys.executable, "-m", "hakusho.cli", *harvest.split()]
    env = {**os.environ, "HAKUSHO_CONTACT": "mailto:dev@example.org"}
    done = subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [lost for lost in missing(expected(truth), data) if lost[0] in ("egov", "pmda")] == []
    keys = [(row["source"], row["key"]) for path in data.glob("documents/*/*.parquet")
            for row in pq.ParquetFile(path).read(["source", "key"]).to_pylist()]  # fmt: skip
    assert len(keys) == len(set(keys))
    assert sum(report["retried"] for report in json.loads(done.stdout)["harvests"]) > 0
    audit = [sys.executable, str(netbox.parent / "audit.py"), str(log), "--delay", "0.2", "--max-concurrent", "1"]
    judged = subprocess.run(audit, capture_output=True, text=True, timeout=120, check=False)
    assert judged.returncode == 0, judged.stdout
