"""A text's labels: rules, licence, provenance and classifier, weighed by the policy into one row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from labeling import policy
from labeling.classifier import DomainClassifier, Prediction
from labeling.features import features, size
from labeling.ruleset import Finding, Ruleset, load_rules
from labeling.settings import LabelSettings
from labeling.taxonomy import Domain, Hazard, Verdict

__all__ = ["COLUMNS", "LABELS", "NSFW_RULE", "Label", "Labeler", "policy_version"]

NSFW_RULE = "domain.nsfw"


def _field(name: str, kind: pa.DataType, doc: str, *, nullable: bool = False) -> pa.Field[pa.DataType]:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


COLUMNS = pa.schema(
    [
        _field("verdict", pa.string(), "ALLOW, ESCALATION, DENY or REFUSE"),
        _field("verdict_score", pa.float64(), "0 to 1; of the rules that decided, or what their silence is worth"),
        _field("domain", pa.string(), "one of the eight domains, the policy's choice"),
        _field(
            "domain_score", pa.float64(), "calibrated probability of domain by the text alone, or the rule's weight"
        ),
        _field("domain_content", pa.string(), "domain by the text alone, also where the classifier abstained"),
        _field("domain_source", pa.string(), "domain by provenance; null without a known source", nullable=True),
        _field("abstained", pa.bool_(), "too few words, or the classifier was under the threshold; it decides nothing"),
        _field("hazards", pa.list_(pa.string()), "hazard codes of the rules that hold, sorted"),
        _field("rules", pa.list_(pa.string()), "ids of the rules that hold, sorted"),
        _field("evidence", pa.list_(pa.string()), "rule[start:end] quote; no quote for private and nsfw matches"),
        _field("policy_version", pa.string(), "version of the policy and digest of the rule files"),
    ]
)
LABELS = pa.schema(
    [_field("id", pa.string(), "document id"), _field("source", pa.string(), "source of the document"), *COLUMNS],
    metadata={"table": "labels", "version": "1"},
)


@dataclass(frozen=True)
class Label:
    """One row of COLUMNS."""

    verdict: Verdict
    verdict_score: float
    domain: Domain
    domain_score: float
    domain_content: Domain
    domain_source: Domain | None
    abstained: bool
    hazards: tuple[Hazard, ...]
    rules: tuple[str, ...]
    evidence: tuple[str, ...]
    policy_version: str
    content_score: float  # of domain_content; no column of its own

    def row(self) -> dict[str, object]:
        """The label as plain values, one for each of COLUMNS."""
        values = {name: getattr(self, name) for name in COLUMNS.names}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def policy_version(rules: Ruleset) -> str:
    """Version of the policy and the first digits of the digest of its rule files, e.g. "2+0123456789ab"."""
    return f"{policy.POLICY_VERSION}+{rules.digest[:12]}"


class Labeler:
    """Labels texts of one kind ("document" or "prompt"): a pure function of text, source, licence, rules and model."""

    def __init__(
        self,
        kind: str,
        classifier: DomainClassifier,
        settings: LabelSettings | None = None,
        rules: Ruleset | None = None,
    ) -> None:
        self.kind = kind
        self.rules = rules or load_rules()
        self._classifier = classifier
        self._settings = settings or LabelSettings()
        self._version = policy_version(self.rules)

    def label(
        self,
        texts: Sequence[str],
        sources: Sequence[str | None] | None = None,
        licences: Sequence[str | None] | None = None,
    ) -> list[Label]:
        """A label for each text.

        `sources` and `licences` are priors, never features. Without `licences` nothing is said about licence; with
        them, a document without a known one is held back. A prompt has no licence.
        """
        predictions = self._classifier.predict(texts)
        held = licences if self.kind == "document" else None
        return [
            self._one(text, prediction, sources[i] if sources else None, policy.licence_rule(held[i]) if held else None)
            for i, (text, prediction) in enumerate(zip(texts, predictions, strict=True))
        ]

    def _one(self, text: str, prediction: Prediction, source: str | None, licence: str | None) -> Label:
        findings = self.rules.find(text, self.kind)
        scores = _scores(findings)
        after = [
            (finding, policy.lowered(finding.rule.verdict, finding.rule.hazard, scores[finding.rule.verdict], source))
            for finding in findings
        ]
        content, score, by_rule = self._content(after, prediction)
        abstained = not by_rule and self._abstains(text, prediction)
        domain = policy.choose_domain(
            Domain.GENERAL if abstained else content,
            score,
            source,
            override=self._settings.domain_override,
            by_rule=by_rule,
        )
        # What holds a text back beside its rules, with its score. A text that is nsfw by the classifier alone is never
        # trained on unseen, nor condemned unseen.
        extra = {licence: 1.0} if licence else {}
        if domain in policy.NSFW_DOMAINS and self.kind == "document" and not by_rule:
            extra[NSFW_RULE] = score
        verdict = policy.strictest([*(one for _, one in after), *(Verdict.ESCALATION for _ in extra)])
        return Label(
            verdict=verdict,
            verdict_score=self._verdict_score(verdict, after, scores, extra),
            domain=domain,
            domain_score=score if by_rule else prediction.probabilities[domain],
            domain_content=content,
            domain_source=policy.SOURCE_DOMAIN.get(source or ""),
            abstained=abstained,
            hazards=tuple(sorted({finding.rule.hazard for finding in findings})),
            rules=tuple(sorted([*(finding.rule.id for finding in findings), *extra])),
            evidence=tuple(line for finding in findings for line in finding.evidence(text)),
            policy_version=self._version,
            content_score=score,
        )

    def _abstains(self, text: str, prediction: Prediction) -> bool:
        threshold, line = self._settings.domain_threshold, features(text)
        if size(line) < policy.DOMAIN_WORDS:
            return True
        if prediction.domain not in policy.NSFW_DOMAINS:
            return prediction.score < threshold
        return len(line.split()) < policy.NSFW_WORDS or prediction.score < max(threshold, policy.NSFW_THRESHOLD)

    def _content(self, after: Sequence[tuple[Finding, Verdict]], prediction: Prediction) -> tuple[Domain, float, bool]:
        """Domain by the text, its score, and whether a document rule (not the classifier) said so."""
        standing = [f for f, verdict in after if verdict.code >= Verdict.DENY.code and self.kind == "document"]
        domain = policy.domain_of_hazards(finding.rule.hazard for finding in standing)
        if domain is None:
            return prediction.domain, prediction.score, False
        implying = [f.rule.weight for f in standing if policy.HAZARD_DOMAIN.get(f.rule.hazard) is domain]
        return domain, _either(implying), True

    def _verdict_score(
        self,
        verdict: Verdict,
        after: Sequence[tuple[Finding, Verdict]],
        scores: Mapping[Verdict, float],
        extra: Mapping[str, float],
    ) -> float:
        if verdict is Verdict.ALLOW:
            silence = policy.NO_RULE_SCORE[self.kind]
            return silence * (1 - max((scores[finding.rule.verdict] for finding, _ in after), default=0.0) / 2)
        deciding = [finding.rule.weight for finding, lowered in after if lowered is verdict]
        return _either([*deciding, *(extra.values() if verdict is Verdict.ESCALATION else ())])


def _either(weights: Sequence[float]) -> float:
    """Probability that at least one of independent rules is right."""
    return 1 - math.prod(1 - weight for weight in weights)


def _scores(findings: Sequence[Finding]) -> dict[Verdict, float]:
    """Joint weight of the findings of each verdict."""
    return {
        verdict: _either([finding.rule.weight for finding in findings if finding.rule.verdict is verdict])
        for verdict in {finding.rule.verdict for finding in findings}
    }
