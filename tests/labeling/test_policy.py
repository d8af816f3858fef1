"""The policy's pure functions."""

from __future__ import annotations

import itertools

import pytest

from labeling import policy
from labeling.taxonomy import Domain, Hazard, Verdict


def test_strictest_is_independent_of_order() -> None:
    """REFUSE beats DENY beats ESCALATION beats ALLOW, however they are listed; nothing at all is ALLOW."""
    for order in itertools.permutations(Verdict):
        assert policy.strictest(order) is Verdict.REFUSE
        assert policy.strictest([v for v in order if v is not Verdict.REFUSE]) is Verdict.DENY
        assert policy.strictest([v for v in order if v.code < 2]) is Verdict.ESCALATION
    assert policy.strictest([]) is Verdict.ALLOW


@pytest.mark.parametrize("source", ["egov", "mod", "nasa", "pmda"])
def test_official_source_lowers_key_words(source: str) -> None:
    """An official source turns a keyword DENY or ESCALATION to ALLOW and sends an unsure REFUSE to a person."""
    assert policy.lowered(Verdict.DENY, Hazard.VIOLENCE, 0.99, source) is Verdict.ALLOW
    assert policy.lowered(Verdict.ESCALATION, Hazard.SELF_HARM, 0.99, source) is Verdict.ALLOW
    assert policy.lowered(Verdict.REFUSE, Hazard.CRIME, 0.97, source) is Verdict.ESCALATION


def test_what_no_source_lowers() -> None:
    """A REFUSE at 0.98, a secret and prohibited sexual text hold; the encyclopaedia and the unknown lower nothing."""
    assert policy.lowered(Verdict.REFUSE, Hazard.CRIME, 0.98, "egov") is Verdict.REFUSE
    assert policy.lowered(Verdict.DENY, Hazard.SECRET, 0.5, "mod") is Verdict.DENY
    assert policy.lowered(Verdict.REFUSE, Hazard.SEXUAL_PROHIBITED, 0.5, "egov") is Verdict.REFUSE
    for source in ("wikipedia", "blog", "", None):
        assert policy.lowered(Verdict.DENY, Hazard.VIOLENCE, 0.5, source) is Verdict.DENY


@pytest.mark.parametrize(
    ("statement", "licence", "rule"),
    [
        ("PDL-1.0", "PDL-1.0", None),
        ("PDL 1.0 (Digital Agency)", "PDL-1.0", None),
        ("US-GOV-PD", "US-GOV-PD", None),
        ("CC BY 4.0", "CC-BY-4.0", None),
        ("CC-BY-SA-4.0", "CC-BY-SA-4.0", None),
        ("CC BY-SA 4.0 (Wikipedia)", "CC-BY-SA-4.0", None),
        ("CC0", "CC0-1.0", None),
        ("restricted", "restricted", policy.LICENCE_RESTRICTED),
        ("CC BY-NC-SA 4.0", "restricted", policy.LICENCE_RESTRICTED),
        ("CC-BY-ND-4.0", "restricted", policy.LICENCE_RESTRICTED),
        ("", None, policy.LICENCE_UNKNOWN),
        (None, None, policy.LICENCE_UNKNOWN),
        ("all rights reserved", None, policy.LICENCE_UNKNOWN),
        ("CC BY 3.0", None, policy.LICENCE_UNKNOWN),
    ],
)
def test_licence(statement: str | None, licence: str | None, rule: str | None) -> None:
    """Only a licence that we know to be open goes without a rule; doubt and silence hold a text back."""
    assert policy.licence_id(statement) == licence
    assert policy.licence_rule(statement) == rule


def test_domain_choice() -> None:
    """The source decides where it is official; an article's topic wins only when sure; nsfw by a rule always wins."""
    content, wiki = Domain.AEROSPACE, Domain.WIKIPEDIA_JA_EN
    assert policy.choose_domain(content, 1.0, "egov") is Domain.LAW_POLICY
    assert policy.choose_domain(content, 0.95, "wikipedia") is content
    assert policy.choose_domain(content, 0.89, "wikipedia") is wiki
    assert policy.choose_domain(content, 0.6, "wikipedia", override=0.6) is content
    assert policy.choose_domain(Domain.GENERAL, 1.0, "wikipedia") is wiki
    assert policy.choose_domain(Domain.NSFW_BLOCK, 1.0, "wikipedia") is wiki
    assert policy.choose_domain(Domain.NSFW_BLOCK, 0.8, "wikipedia", by_rule=True) is Domain.NSFW_BLOCK
    assert policy.choose_domain(content, 0.1, None) is content


def test_domain_of_hazards() -> None:
    """nsfw_block comes before nsfw_adult; hazards that are no nsfw imply nothing."""
    assert policy.domain_of_hazards([Hazard.SEXUAL_ADULT, Hazard.HATE]) is Domain.NSFW_BLOCK
    assert policy.domain_of_hazards([Hazard.SEXUAL_ADULT]) is Domain.NSFW_ADULT
    assert policy.domain_of_hazards([Hazard.SECRET, Hazard.SELF_HARM]) is None
