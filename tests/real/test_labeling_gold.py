"""Labels against the development gold and real text: loose floors, so that a fall is seen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labeling.classifier import DomainClassifier, train
from labeling.evaluate import Judged, evaluate, macro_f1
from labeling.label import Labeler
from labeling.ruleset import Ruleset, load_rules


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> DomainClassifier:
    """A classifier trained on the committed passages alone."""
    folder = tmp_path_factory.mktemp("gold-classifier")
    train(folder)
    return DomainClassifier.load(folder)


def gold(path: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The rows of a gold file."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [row for row in rows if kind is None or row["kind"] == kind]


def test_domain(shared_data: Path, classifier: DomainClassifier) -> None:
    """The domain by text alone is right on more than half of foreign text, and its score is honest."""
    rows = gold(shared_data / "labeling" / "domain.jsonl")
    judged = [
        Judged(row["label"], str(found.domain), found.score, frozenset(row["alt"] or ()))
        for row, found in zip(rows, classifier.predict([row["text"] for row in rows]), strict=True)
    ]
    figures = evaluate(judged)
    assert figures["accuracy"]["value"] >= 0.57
    assert figures["macro_f1"] >= 0.5
    assert figures["ece"] <= 0.12
    sure = [one for one in judged if one.score >= 0.7]
    assert sum(one.acceptable for one in sure) / len(sure) >= 0.75


def test_prompts(shared_data: Path, classifier: DomainClassifier) -> None:
    """Rules block at most 2 % of harmless requests, and find more than a third of the others."""
    rows = gold(shared_data / "labeling" / "safety.jsonl", "prompt")
    labels = Labeler("prompt", classifier).label([row["text"] for row in rows])
    judged = [Judged(row["label"], str(one.verdict), one.verdict_score) for row, one in zip(rows, labels, strict=True)]
    harmless = [one for one in judged if one.gold == "ALLOW"]
    assert sum(not one.right for one in harmless) <= 0.02 * len(harmless)
    unsafe = [one for one in judged if one.gold != "ALLOW"]
    assert sum(one.predicted != "ALLOW" for one in unsafe) >= 0.4 * len(unsafe)
    assert macro_f1(judged) >= 0.5


def test_documents(shared_data: Path, classifier: DomainClassifier) -> None:
    """At most 4 % of harmless passages are held back."""
    rows = gold(shared_data / "labeling" / "safety.jsonl", "document")
    labels = Labeler("document", classifier).label([row["text"] for row in rows])
    harmless = [one for row, one in zip(rows, labels, strict=True) if row["label"] == "ALLOW"]
    assert sum(one.verdict != "ALLOW" for one in harmless) <= 0.04 * len(harmless)


def test_official_topics_are_never_blocked(shared_data: Path) -> None:
    """No passage of law, medicine, defence, space or the encyclopaedia gets DENY or REFUSE from a rule."""
    topics = {"law_policy", "medical_reg", "defense_public", "aerospace", "wikipedia_ja_en"}
    rows = [row for row in gold(shared_data / "labeling" / "domain.jsonl") if row["label"] in topics]
    held = [
        (row["id"], finding.rule.id)
        for row in rows
        for finding in load_rules().find(row["text"], "document")
        if finding.rule.verdict in {"DENY", "REFUSE"}
    ]
    assert len(rows) > 300
    assert held == []


def test_statutes_are_never_blocked(shared_data: Path) -> None:
    """No rule speaks on a hundred real statutes."""
    files = sorted((shared_data / "egov" / "laws2013" / "text_utf8").glob("*.txt"))[:100]
    assert len(files) > 20
    held = [
        (file.name, finding.rule.id)
        for file in files
        for finding in load_rules().find(file.read_text(encoding="utf-8", errors="replace"), "document")
    ]
    assert held == []


def test_steps_are_not_seen_in_public_text(shared_data: Path) -> None:
    """No rule that looks for harmful steps speaks on white papers, reports, inserts and the encyclopaedia."""
    rules = load_rules()
    steps = Ruleset(tuple(rule for rule in rules.rules if rule.id.endswith(".steps")), rules.digest)
    assert len(steps.rules) >= 4
    folders = [shared_data / name for name in ("mod", "nasa", "pmda", "wikipedia")]
    files = [
        path for folder in folders for end in ("txt", "jsonl", "html") for path in sorted(folder.rglob(f"*.{end}"))
    ]
    assert len(files) > 50
    held = [
        (path.name, finding.rule.id)
        for path in files
        for text in [path.read_text(encoding="utf-8", errors="replace")[:500_000]]
        for finding in steps.find(text, "document")
    ]
    assert held == []
