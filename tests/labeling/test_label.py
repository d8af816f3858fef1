"""Rules, licence, provenance and classifier in one row."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeling import policy
from labeling.classifier import DomainClassifier
from labeling.label import COLUMNS, LABELS, NSFW_RULE, Label, Labeler
from labeling.settings import LabelSettings
from labeling.taxonomy import Domain, Verdict

LAW = "第五条　前条の規定に違反した者は、五十万円以下の罰金に処する。この法律は公布の日から施行する。"
ROCKET = "人工衛星はロケットの打上げ後に軌道に投入され、太陽電池パドルを展開し、地上局と通信した。"
THREAT = "お前を殺してやる、待っていろ"


def one(classifier: DomainClassifier, text: str, kind: str = "document", **priors: str | None) -> Label:
    """The label of one text with its priors."""
    lists = {f"{name}s": [value] for name, value in priors.items()}
    return Labeler(kind, classifier).label([text], **lists)[0]


def test_plain_law(classifier: DomainClassifier) -> None:
    """Law text of the law source under an open licence is ALLOW, and its source agrees with its content."""
    label = one(classifier, LAW, source="egov", licence="PDL-1.0")
    assert (label.verdict, label.domain, label.domain_content) == (Verdict.ALLOW, Domain.LAW_POLICY, Domain.LAW_POLICY)
    assert (label.domain_source, label.abstained, label.rules, label.evidence) == (Domain.LAW_POLICY, False, (), ())
    assert 0 < label.verdict_score < 1
    assert label.policy_version.startswith(policy.POLICY_VERSION + "+")


def test_source_is_no_feature(classifier: DomainClassifier) -> None:
    """The source changes domain and domain_source, never what the text alone says."""
    free, bound = one(classifier, ROCKET), one(classifier, ROCKET, source="egov", licence="PDL-1.0")
    assert (free.domain, free.domain_source) == (Domain.AEROSPACE, None)
    assert (bound.domain, bound.domain_source) == (Domain.LAW_POLICY, Domain.LAW_POLICY)
    assert (free.domain_content, free.content_score) == (bound.domain_content, bound.content_score)
    assert bound.domain_score < free.domain_score


@pytest.mark.parametrize(
    ("licence", "rule"),
    [
        ("restricted", "licence.restricted"),
        (None, "licence.unknown"),
        ("", "licence.unknown"),
        ("who knows", "licence.unknown"),
    ],
)
def test_licence_escalates(classifier: DomainClassifier, licence: str | None, rule: str) -> None:
    """A restricted or unknown licence is ESCALATION, by a rule of that name alone and with score 1."""
    label = one(classifier, LAW, source="pmda", licence=licence)
    assert (label.verdict, label.rules, label.hazards, label.verdict_score) == (Verdict.ESCALATION, (rule,), (), 1.0)


def test_licence_never_softens_content(classifier: DomainClassifier) -> None:
    """Content worse than the licence decides; both rules are named."""
    label = one(classifier, THREAT, licence="restricted")
    assert label.verdict is Verdict.DENY
    assert label.rules == ("document.violence.threat", "licence.restricted")


def test_no_licence_column_and_prompts(classifier: DomainClassifier) -> None:
    """Where no licence is asked about, none is judged; a prompt has none."""
    assert one(classifier, LAW).verdict is Verdict.ALLOW
    assert one(classifier, "防衛白書の要点は何ですか", "prompt", licence=None).verdict is Verdict.ALLOW


def test_official_source_lowers(classifier: DomainClassifier) -> None:
    """A keyword DENY in a white paper is ALLOW, its rule and evidence stay on record, and the score is lower for it."""
    blog, paper = one(classifier, THREAT), one(classifier, THREAT, source="mod", licence="PDL-1.0")
    assert (blog.verdict, blog.domain, blog.domain_score) == (Verdict.DENY, Domain.NSFW_BLOCK, pytest.approx(0.85))
    assert (paper.verdict, paper.domain) == (Verdict.ALLOW, Domain.DEFENSE_PUBLIC)
    assert paper.rules == blog.rules == ("document.violence.threat",)
    assert paper.evidence == blog.evidence
    assert blog.evidence == ("document.violence.threat[0:8]",)
    assert paper.verdict_score < one(classifier, LAW, source="egov", licence="PDL-1.0").verdict_score


def test_abstention(classifier: DomainClassifier) -> None:
    """Under the threshold the classifier abstains and the domain is general; at 0 it speaks, at 1 it never does."""
    text = "むかし、あるところに、おじいさんとおばあさんが住んでいました。"
    always = Labeler("document", classifier, LabelSettings(domain_threshold=1.0)).label([ROCKET, text])
    never = Labeler("document", classifier, LabelSettings(domain_threshold=0.0)).label([ROCKET, text])
    assert [(label.abstained, label.domain) for label in always] == [(True, Domain.GENERAL)] * 2
    assert [label.domain_content for label in always] == [label.domain_content for label in never]
    assert never[0].domain is Domain.AEROSPACE
    assert not never[0].abstained
    assert (one(classifier, "").abstained, one(classifier, "").domain) == (True, Domain.GENERAL)


@pytest.mark.parametrize(
    "text",
    [
        "12345",
        "電話は03-1234-5678です",
        "合計 1,200 円、2024年4月1日、3,400 円",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "100 km",
        "こんにちは",
    ],
)
@pytest.mark.parametrize("threshold", [0.0, 0.4])
def test_too_few_words_for_a_domain(classifier: DomainClassifier, text: str, threshold: float) -> None:
    """On numbers and on a few words the classifier abstains, whatever the threshold, and claims no probability."""
    label = Labeler("document", classifier, LabelSettings(domain_threshold=threshold)).label([text])[0]
    assert (label.abstained, label.domain, label.domain_score) == (True, Domain.GENERAL, 1 / 8)


def test_abstention_leaves_the_source(classifier: DomainClassifier) -> None:
    """A source decides also where the classifier abstains."""
    label = one(classifier, "", source="nasa", licence="US-GOV-PD")
    assert (label.abstained, label.domain, label.domain_score) == (True, Domain.AEROSPACE, 1 / 8)


def test_nsfw_is_never_allowed(classifier: DomainClassifier) -> None:
    """A text that is nsfw to the classifier alone, and surely, goes to a person; never to ALLOW."""
    text = "Age verification: you must be 18 or older to enter this adult site with nudity and sexual material."
    short = one(classifier, text)
    assert (short.domain_content, short.domain, short.verdict) == (Domain.NSFW_ADULT, Domain.GENERAL, Verdict.ALLOW)
    text = f"{text} {text}"
    label = one(classifier, text)
    assert (label.domain, label.verdict) == (Domain.NSFW_ADULT, Verdict.ESCALATION)
    assert NSFW_RULE in label.rules
    assert label.verdict_score == pytest.approx(label.domain_score)
    assert label.domain_score >= policy.NSFW_THRESHOLD
    official = one(classifier, text, source="egov", licence="PDL-1.0")
    assert (official.domain, official.verdict) == (Domain.LAW_POLICY, Verdict.ALLOW)


def test_rows_fit_the_schema(classifier: DomainClassifier) -> None:
    """A row has exactly the documented columns, each field says what it is, and required ones are never null."""
    rows = [one(classifier, text, source=None, licence=None).row() for text in (LAW, THREAT, "")]
    table = pa.Table.from_pylist(rows, schema=COLUMNS)
    assert table.column_names == list(rows[0])
    assert all(field.nullable or table.column(field.name).null_count == 0 for field in COLUMNS)
    assert all(field.metadata[b"doc"] for field in LABELS)
    assert LABELS.names == ["id", "source", *COLUMNS.names]


SOURCES = st.sampled_from(["egov", "mod", "nasa", "pmda", "wikipedia", "blog", None])
LICENCES = st.sampled_from(["PDL-1.0", "restricted", "CC-BY-SA-4.0", None, "?"])


@given(st.text(), SOURCES, LICENCES, st.sampled_from(["document", "prompt"]))
def test_any_text(classifier: DomainClassifier, text: str, source: str | None, licence: str | None, kind: str) -> None:
    """Labelling never raises, gives the same twice, and keeps the policy's invariants."""
    label = one(classifier, text, kind, source=source, licence=licence)
    assert label == one(classifier, text, kind, source=source, licence=licence)
    assert 0 <= label.verdict_score <= 1
    assert 0 <= label.domain_score <= 1
    if kind == "document":
        assert label.verdict is not Verdict.ALLOW or label.domain not in policy.NSFW_DOMAINS
        assert label.verdict is not Verdict.ALLOW or policy.licence_rule(licence) is None
    assert label.verdict is Verdict.ALLOW or label.rules
