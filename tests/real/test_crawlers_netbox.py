"""The five spiders, unmodified, against the recorded sources under their real host names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

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
