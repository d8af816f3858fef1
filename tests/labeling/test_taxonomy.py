"""The one vocabulary."""

from __future__ import annotations

import re
from pathlib import Path

from labeling.taxonomy import DOMAINS, VERDICTS, Domain, Hazard, Verdict


def test_verdict_ids() -> None:
    """Verdicts have the ids 0 to 3 in order of severity."""
    assert [(str(v), v.code) for v in VERDICTS] == [("ALLOW", 0), ("ESCALATION", 1), ("DENY", 2), ("REFUSE", 3)]
    assert Verdict("DENY") is Verdict.DENY


def test_domain_ids() -> None:
    """Domains have the ids 0 to 7 in the order of the design."""
    names = "defense_public, aerospace, medical_reg, law_policy, wikipedia_ja_en, nsfw_adult, nsfw_block, general"
    assert ", ".join(DOMAINS) == names
    assert [d.code for d in Domain] == list(range(8))
    assert len(set(Hazard)) == 15


def test_no_other_spelling(root: Path) -> None:
    """No file of ours spells a verdict in another way."""
    other = re.compile(r"['\"](?:ESCALATE|ESCALATED|ALLOWED|DENIED|REFUSED|REJECT|escalation|allow|deny|refuse)['\"]")
    files = [
        path
        for folder in ("corpus", "crawlers", "labeling", "train", "hakusho", "sql")
        for path in (root / folder).rglob("*")
        if path.suffix in {".py", ".sql", ".toml"} and path.name != "robots.py"  # allow is a word of robots.txt, too
    ]
    assert len(files) > 10
    assert [(p.name, m[0]) for p in files if (m := other.search(p.read_text(encoding="utf-8")))] == []
