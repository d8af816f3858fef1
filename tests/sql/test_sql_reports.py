"""The reports of sql/reports: right on a small workspace, empty on an empty one, the same with any threads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sample_workspace import DOCS

from corpus.base.workspace import Workspace
from hakusho.database import connect, queries, query

IDS = {doc.key: doc.id for doc in DOCS}
GOLDEN: dict[str, list[tuple[Any, ...]]] = {
    "funnel": [
        ("egov", 9, 8, 7, 1, 7, 7, 0, 0, 0, 6, "dedup exact_duplicate 1, normalised too_short 1"),
        ("nasa", 3, 2, 2, 0, 2, 2, 0, 0, 0, 2, ""),
        ("pmda", 3, 2, 2, 0, 2, 0, 2, 0, 0, 1, "dataset verdict_escalation 1"),
        ("wikipedia", 5, 4, 4, 0, 4, 2, 0, 1, 1, 2, "dataset nsfw_adult 1, dataset verdict_refuse 1"),
    ],
    "composition": [
        ("egov", "law_policy", "ALLOW", "ja", 7, 1624, 6),
        ("nasa", "aerospace", "ALLOW", "en", 2, 808, 2),
        ("pmda", "medical_reg", "ESCALATION", "ja", 2, 496, 1),
        ("wikipedia", "nsfw_adult", "DENY", "ja", 1, 248, 0),
        ("wikipedia", "wikipedia_ja_en", "ALLOW", "en", 1, 570, 1),
        ("wikipedia", "wikipedia_ja_en", "ALLOW", "ja", 1, 248, 1),
        ("wikipedia", "wikipedia_ja_en", "REFUSE", "ja", 1, 248, 0),
    ],
    "licences": [
        ("CC-BY-SA-4.0", "wikipedia", "", 4, 1314, 2, "cc_by_sa"),
        ("PDL-1.0", "egov", "", 8, 1624, 6, "default"),
        ("US-GOV-PD", "nasa", "", 2, 808, 2, "default"),
        ("restricted", "pmda", "third_party", 2, 496, 1, "restricted"),
    ],
    "rule_hits": [
        ("licence.restricted", "medical_reg", 2, 2),
        ("document.held", "nsfw_adult", 1, 1),
        ("document.refused", "wikipedia_ja_en", 1, 1),
        ("document.self_harm", "medical_reg", 1, 1),
    ],
    "duplicates": [
        ("egov", 7, 1, 0, 0, 0.1429, 0),
        ("nasa", 2, 0, 0, 0, 0.0, 0),
        ("pmda", 2, 0, 0, 0, 0.0, 0),
        ("wikipedia", 4, 0, 0, 0, 0.0, 0),
    ],
    "cluster_sizes": [(1, 13, 13), (2, 1, 2)],
    "lengths": [
        ("egov", "ja", 7, 232, 232, 232, 232, 232, 232, 232, 1624),
        ("nasa", "en", 2, 352, 352, 352, 352, 456, 456, 456, 808),
        ("pmda", "ja", 2, 248, 248, 248, 248, 248, 248, 248, 496),
        ("wikipedia", "en", 1, 570, 570, 570, 570, 570, 570, 570, 570),
        ("wikipedia", "ja", 3, 248, 248, 248, 248, 248, 248, 248, 744),
    ],
    "personal_data": [("EMAIL", "mask", "nasa", 4, 1), ("PHONE", "mask", "nasa", 4, 1)],
    "dropped": [
        ("dataset", "duplicate", "egov", 1, IDS["law-1-copy"]),
        ("dataset", "nsfw_adult", "wikipedia", 1, IDS["held"]),
        ("dataset", "verdict_escalation", "pmda", 1, IDS["insert-2"]),
        ("dataset", "verdict_refuse", "wikipedia", 1, IDS["refused"]),
        ("dedup", "exact_duplicate", "egov", 1, IDS["law-1-copy"]),
        ("normalised", "too_short", "egov", 1, IDS["stub"]),
    ],
    "harvests": [
        ("egov", 1, 9, 9, 12, 0, 1, 0, 1, 0, 0.988, 1, 2.3, "{PDL-1.0=9}", ""),
        ("egov", 2, 0, 9, 12, 9, 1, 3, 1, 0, 0.988, 1, 2.3, "{PDL-1.0=9}", "1 listing(s) not read"),
    ],
    "fetches": [
        ("egov", "document", "denied_by_robots", None, 1, 0),
        ("egov", "document", "document", 200, 8, 8),
        ("nasa", "document", "denied_by_robots", None, 1, 0),
        ("nasa", "document", "document", 200, 2, 2),
        ("pmda", "document", "denied_by_robots", None, 1, 0),
        ("pmda", "document", "document", 200, 2, 2),
        ("wikipedia", "document", "denied_by_robots", None, 1, 0),
        ("wikipedia", "document", "document", 200, 4, 4),
    ],
}


def test_every_report_has_a_known_answer() -> None:
    """No report is shipped whose figures were never checked by hand, and there are at least six."""
    assert {item.name for item in queries("reports")} == set(GOLDEN)
    assert len(GOLDEN) >= 6


def test_reports_give_the_known_answers_with_one_thread_and_four(sample: Workspace) -> None:
    """Each figure is the one counted by hand from the sample, whatever the number of threads."""
    for threads in (1, 4):
        with connect(sample, threads=threads, memory_limit="200MB") as connection:
            assert {item.name: query(connection, item.sql).rows for item in queries("reports")} == GOLDEN


def test_reports_on_an_empty_workspace_are_empty(tmp_path: Path) -> None:
    """Nothing harvested, nothing reported, and no error."""
    with connect(Workspace(tmp_path)) as connection:
        for item in queries("reports"):
            assert query(connection, item.sql).rows == []
        assert set(query(connection, "SELECT * FROM overview").rows[0]) == {0}


@pytest.mark.parametrize("kind", ["policy", "staging", "quality", "reports"])
def test_each_file_says_what_it_is(kind: str, tmp_path: Path) -> None:
    """A header names title, grain and columns; a check also when it fails and how badly; it is one SELECT."""
    with connect(Workspace(tmp_path)) as connection:
        for item in queries(kind):
            columns = query(connection, f"SELECT * FROM ({item.sql})").columns
            assert item.header["title"]
            assert item.header["grain"]
            assert all(name in item.header["columns"] for name in columns), item.file
            assert connection.extract_statements(item.sql).__len__() == 1
            if kind == "quality":
                assert item.header["severity"] in ("error", "warning")
                assert item.header["fails when"]
            if kind == "reports":
                assert set(item.header["bars"].split(", ")) <= set(columns)


def test_no_report_tells_a_time(sample: Workspace) -> None:
    """Reports hold no clock, so that the same workspace gives the same page."""
    with connect(sample) as connection:
        for item in (*queries("reports"), *queries("quality")):
            types = query(connection, f"SELECT column_type FROM (DESCRIBE {item.sql})").rows
            assert not [kind for (kind,) in types if "TIME" in kind or "DATE" in kind], item.file
