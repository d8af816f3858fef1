"""The policy: how rules, licence, provenance and classifier are weighed into one verdict and one domain.

Everything here is data or a pure function. `POLICY_VERSION` changes with every change of meaning; a label row carries
it together with the digest of the rule files, so that any verdict can be traced to the text that decided it.

**Use and mention.** Reporting, law, teaching, medicine, history and fiction about a hazard is not the hazard. The rules
look for the act (an instruction, a threat, an offer), and a match inside such a context is set aside.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from corpus.base.schemas import LICENCES_OPEN, LICENCES_SHARE_ALIKE
from labeling.taxonomy import Domain, Hazard, Verdict

__all__ = [
    "DOMAIN_OVERRIDE",
    "DOMAIN_THRESHOLD",
    "DOMAIN_WORDS",
    "HAZARD_DOMAIN",
    "LICENCE_RESTRICTED",
    "LICENCE_UNKNOWN",
    "NO_RULE_SCORE",
    "NSFW_DOMAINS",
    "NSFW_THRESHOLD",
    "NSFW_WORDS",
    "OFFICIAL_SOURCES",
    "POLICY_VERSION",
    "REFUSE_HOLDS",
    "SOURCE_DOMAIN",
    "choose_domain",
    "domain_of_hazards",
    "licence_id",
    "licence_rule",
    "lowered",
    "strictest",
]

POLICY_VERSION = "2"

SOURCE_DOMAIN: dict[str, Domain] = {
    "egov": Domain.LAW_POLICY,
    "mod": Domain.DEFENSE_PUBLIC,
    "nasa": Domain.AEROSPACE,
    "pmda": Domain.MEDICAL_REG,
    "wikipedia": Domain.WIKIPEDIA_JA_EN,
}
OFFICIAL_SOURCES = frozenset({"egov", "mod", "nasa", "pmda"})

NSFW_DOMAINS = frozenset({Domain.NSFW_ADULT, Domain.NSFW_BLOCK})
TOPIC_DOMAINS = frozenset({Domain.DEFENSE_PUBLIC, Domain.AEROSPACE, Domain.MEDICAL_REG, Domain.LAW_POLICY})

HAZARD_DOMAIN: dict[Hazard, Domain] = {
    Hazard.SEXUAL_ADULT: Domain.NSFW_ADULT,
    Hazard.SEXUAL_PROHIBITED: Domain.NSFW_BLOCK,
    Hazard.HATE: Domain.NSFW_BLOCK,
    Hazard.VIOLENCE: Domain.NSFW_BLOCK,
    Hazard.WEAPONS_CBRN: Domain.NSFW_BLOCK,
    Hazard.CRIME: Domain.NSFW_BLOCK,
}

LICENCE_RESTRICTED = "licence.restricted"
LICENCE_UNKNOWN = "licence.unknown"

# A rule this sure of REFUSE holds against any provenance.
REFUSE_HOLDS = 0.98
# Hazards that an official source does not excuse: a leaked key in a report is still a leaked key.
_NEVER_LOWERED = frozenset({Hazard.SECRET, Hazard.SEXUAL_PROHIBITED})

# Under this calibrated probability the classifier abstains. At or above the second, content overrides the
# encyclopaedia as a source: an article on a missile goes to defence. Both can be set (labeling.settings).
DOMAIN_THRESHOLD = 0.4
DOMAIN_OVERRIDE = 0.9
# Fewer words than the shortest passage it was trained and calibrated on (a kana or kanji is half a word), and the
# classifier has no opinion: there, a single word would decide, with a score near 1.
DOMAIN_WORDS = 10
# The classifier's nsfw passages are notices about such text, not such text: only when very sure does it speak.
# Nor on a text too short to be told from its single characters (words, or kana and kanji): measured on short posts, all
# such calls were wrong.
NSFW_THRESHOLD = 0.9
NSFW_WORDS = 32

# Score of ALLOW where no rule spoke: not a probability of this text but what the silence is worth, the share of such
# rows that were ALLOW on a development set (rounded down). Most requests there are harmful, so real ones fare better.
NO_RULE_SCORE: dict[str, float] = {"document": 0.7, "prompt": 0.3}

_KNOWN_LICENCES = frozenset({*LICENCES_OPEN, *LICENCES_SHARE_ALIKE, "restricted"})
_LICENCE_NAMES: tuple[tuple[str, str], ...] = (
    (r"\bCC[ -]BY[ -](?:SA[ -])?N[CD]\b", "restricted"),
    (r"\bCC[ -]BY[ -]SA[ -]4\.0\b", "CC-BY-SA-4.0"),
    (r"\bCC[ -]BY[ -]4\.0\b", "CC-BY-4.0"),
    (r"\bCC0(?:[ -]1\.0)?\b", "CC0-1.0"),
    (r"\b(?:PDL|Public Data License)[ -]?(?:v)?1\.0\b|公共データ利用規約", "PDL-1.0"),
    (r"\bUS[ -]GOV[ -]PD\b|\bUS government work\b|\bpublic domain\b", "US-GOV-PD"),
    (r"\brestricted\b", "restricted"),
)


def strictest(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict that wins a tie: REFUSE before DENY before ESCALATION before ALLOW; ALLOW where there is none."""
    return max(verdicts, key=lambda verdict: verdict.code, default=Verdict.ALLOW)


def lowered(verdict: Verdict, hazard: Hazard, score: float, source: str | None) -> Verdict:
    """The verdict of one content rule after the prior of its source.

    In an official publication (statute, white paper, package insert, technical report) a key word is a mention: a
    keyword-only DENY or ESCALATION becomes ALLOW, and an unsure REFUSE goes to a person. A REFUSE of score 0.98 or
    more, a live secret and prohibited sexual text stay what they are.
    """
    if source not in OFFICIAL_SOURCES or hazard in _NEVER_LOWERED:
        return verdict
    if verdict is Verdict.REFUSE:
        return verdict if score >= REFUSE_HOLDS else Verdict.ESCALATION
    return Verdict.ALLOW


def licence_id(value: str | None) -> str | None:
    """The licence id a free-form licence statement names, None where it names none that we know.

    >>> licence_id("CC BY-SA 4.0 (Wikipedia)")
    'CC-BY-SA-4.0'
    >>> licence_id("CC BY-NC-SA 4.0")
    'restricted'
    """
    text = (value or "").strip()
    if text in _KNOWN_LICENCES:
        return text
    return next((name for pattern, name in _LICENCE_NAMES if re.search(pattern, text, re.IGNORECASE)), None)


def licence_rule(value: str | None) -> str | None:
    """The rule id by which a document's licence holds it back (verdict ESCALATION), None where the licence is open."""
    found = licence_id(value)
    if found is None:
        return LICENCE_UNKNOWN
    return LICENCE_RESTRICTED if found == "restricted" else None


def domain_of_hazards(hazards: Iterable[Hazard]) -> Domain | None:
    """The nsfw domain that content hazards imply, nsfw_block before nsfw_adult; None where they imply none."""
    domains = {HAZARD_DOMAIN[hazard] for hazard in hazards if hazard in HAZARD_DOMAIN}
    return next((domain for domain in (Domain.NSFW_BLOCK, Domain.NSFW_ADULT) if domain in domains), None)


def choose_domain(
    content: Domain, score: float, source: str | None, *, override: float = DOMAIN_OVERRIDE, by_rule: bool = False
) -> Domain:
    """The policy's choice between what the text says (`content`, with `score` 0 to 1) and where it came from.

    A rule that found nsfw content wins over everything. An official source decides its domain. The encyclopaedia
    decides unless the text is surely about one of the four official topics. Without a known source, the text decides.
    """
    prior = SOURCE_DOMAIN.get(source or "")
    if by_rule or prior is None:
        return content
    if prior is Domain.WIKIPEDIA_JA_EN and content in TOPIC_DOMAINS and score >= override:
        return content
    return prior
