"""Loading and matching rules."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from labeling.policy import HAZARD_DOMAIN
from labeling.ruleset import RULES_FOLDER, Ruleset, fold, load_rules, parse_rules
from labeling.taxonomy import Verdict

RULE: dict[str, Any] = {
    "id": "test.one",
    "about": "a test",
    "kinds": ["document"],
    "hazard": "misinformation",
    "verdict": "DENY",
    "languages": ["ja", "en"],
    "weight": 0.5,
    "patterns": ["bad (?:thing|deed)", "悪事"],
    "unless": ["law"],
}
DATA: dict[str, Any] = {"contexts": {"law": ["court", "裁判"]}, "rule": [RULE]}


def ruleset(**changes: Any) -> Ruleset:
    """A set of one rule with some fields changed."""
    return Ruleset(tuple(parse_rules("test.toml", {**DATA, "rule": [{**RULE, **changes}]})), "0")


def test_spans_are_of_the_original() -> None:
    """A span is in code points of the text as given, also after full-width letters and ligatures."""
    text = "㍿ﬁ ＢＡＤ　thing"
    (finding,) = ruleset(patterns=["bad\\sthing"]).find(text, "document")
    assert [text[a:b] for a, b in finding.spans] == ["ＢＡＤ　thing"]
    assert finding.evidence(text) == [f"test.one[{finding.spans[0][0]}:{finding.spans[0][1]}] ＢＡＤ thing"]


def test_kind_and_language() -> None:
    """A rule is tried on its kind alone, and only where its script is."""
    assert ruleset().find("a bad deed", "prompt") == []
    assert ruleset(languages=["ja"]).find("a bad deed", "document") == []
    assert len(ruleset(languages=["ja"]).find("悪事", "document")) == 1


def test_mention_near_is_set_aside_and_far_is_not() -> None:
    """A context within 100 code points makes a match a mention; a prompt's context holds anywhere."""
    near, far = "the court called it a bad deed", "the court." + " x" * 60 + " a bad deed"
    assert ruleset().find(near, "document") == []
    assert len(ruleset().find(far, "document")) == 1
    assert ruleset(kinds=["prompt"]).find(far, "prompt") == []


def test_min_matches_counts_different_strings() -> None:
    """Two of the same word are one sign, two words are two."""
    assert ruleset(min_matches=2).find("bad deed, bad deed", "document") == []
    assert len(ruleset(min_matches=2).find("bad deed, bad thing", "document")) == 1


@pytest.mark.parametrize("hazard", ["secret", "privacy_pii", *HAZARD_DOMAIN])
def test_private_and_nsfw_evidence_has_no_quote(hazard: str) -> None:
    """Evidence of a secret, of personal data or of anything nsfw gives the place and never the text."""
    (finding,) = ruleset(hazard=hazard).find("a bad deed", "document")
    assert finding.evidence("a bad deed") == ["test.one[2:10]"]


def test_evidence_is_short() -> None:
    """A quote is at most 40 code points on one line, and a rule gives at most three."""
    text = "bad thing\n" * 5 + "bad " + "x" * 90
    (finding,) = ruleset(patterns=["bad\\s?[x\\n]{0,90}"]).find(text, "document")
    lines = finding.evidence(text)
    assert len(lines) == 3
    assert all("\n" not in line and len(line.split(" ", 1)[1] if " " in line else "") <= 40 for line in lines)


@pytest.mark.parametrize(
    "change",
    [
        {"verdict": "ALLOW"},
        {"verdict": "ESCALATE"},
        {"hazard": "bad luck"},
        {"weight": 0},
        {"weight": 1.5},
        {"kinds": ["page"]},
        {"languages": ["fr"]},
        {"patterns": ["("]},
        {"patterns": ["@nothing@"]},
        {"colour": "red"},
    ],
)
def test_bad_rule(change: dict[str, Any]) -> None:
    """A rule that does not fit is an error that names file and rule."""
    with pytest.raises(ConfigError, match=r"test\.toml.*"):
        ruleset(**change)


def test_rule_twice(tmp_path: Path) -> None:
    """An id used twice is an error."""
    table = (
        '[[rule]]\nid="a.b"\nabout="x"\nkinds=["document"]\nhazard="crime"\nverdict="DENY"\nlanguages=["en"]\n'
        'weight=0.5\npatterns=["x"]\n'
    )
    (tmp_path / "a.toml").write_text(table)
    assert [rule.id for rule in load_rules(tmp_path).rules] == ["a.b"]
    (tmp_path / "b.toml").write_text(table)
    load_rules.cache_clear()
    with pytest.raises(ConfigError, match="is defined twice"):
        load_rules(tmp_path)


def test_committed_rules() -> None:
    """The committed rules load, each is documented, and none of them can run away on a long text."""
    rules = load_rules().rules
    assert len(rules) > 30
    assert all(len(rule.about) > 10 and rule.id.split(".")[0] in rule.kinds for rule in rules)
    assert {rule.verdict for rule in rules} == set(Verdict) - {Verdict.ALLOW}
    for path in RULES_FOLDER.glob("*.toml"):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", []):
            for pattern in [*rule["patterns"], *rule.get("unless", [])]:
                assert not re.search(r"(?<!\\)(?:\.|\])[*+]", pattern.replace("[\\w-]+", "").replace("[\\w]+", "")), (
                    rule["id"]
                )


@given(st.text())
def test_fold_keeps_length(text: str) -> None:
    """Folding never moves an offset."""
    assert len(fold(text)) == len(text)


@given(st.text(), st.sampled_from(["document", "prompt"]))
def test_find_never_raises_and_repeats(text: str, kind: str) -> None:
    """Any text can be matched, twice alike, and spans lie inside it."""
    first = load_rules().find(text, kind)
    assert first == load_rules().find(text, kind)
    assert all(0 <= a < b <= len(text) for finding in first for a, b in finding.spans)
