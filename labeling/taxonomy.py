"""The one vocabulary: four verdicts, eight domains, fifteen hazards. Nobody else spells these names."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DOMAINS", "VERDICTS", "Domain", "Hazard", "Verdict"]


class Verdict(StrEnum):
    """What may be done with a text, mildest first; `code` is the id that heads and tables use.

    For a document: may it enter a training shard? For a prompt: how is it to be answered?
    """

    ALLOW = "ALLOW"
    ESCALATION = "ESCALATION"
    DENY = "DENY"
    REFUSE = "REFUSE"

    @property
    def code(self) -> int:
        """The class id, 0 to 3, in order of severity."""
        return VERDICTS.index(self)


class Domain(StrEnum):
    """What a text is about; `code` is the class id 0 to 7."""

    DEFENSE_PUBLIC = "defense_public"
    AEROSPACE = "aerospace"
    MEDICAL_REG = "medical_reg"
    LAW_POLICY = "law_policy"
    WIKIPEDIA_JA_EN = "wikipedia_ja_en"
    NSFW_ADULT = "nsfw_adult"
    NSFW_BLOCK = "nsfw_block"
    GENERAL = "general"

    @property
    def code(self) -> int:
        """The class id, 0 to 7, in the order of the design."""
        return DOMAINS.index(self)


class Hazard(StrEnum):
    """Why a text is not simply allowed; a column of its own beside the verdict."""

    VIOLENCE = "violence"
    WEAPONS_CBRN = "weapons_cbrn"
    CRIME = "crime"
    CYBER = "cyber"
    HATE = "hate"
    HARASSMENT = "harassment"
    SEXUAL_ADULT = "sexual_adult"
    SEXUAL_PROHIBITED = "sexual_prohibited"
    SELF_HARM = "self_harm"
    PRIVACY_PII = "privacy_pii"
    SECRET = "secret"
    REGULATED_ADVICE = "regulated_advice"
    MISINFORMATION = "misinformation"
    IP = "ip"
    PROMPT_ATTACK = "prompt_attack"


VERDICTS: tuple[Verdict, ...] = tuple(Verdict)
DOMAINS: tuple[Domain, ...] = tuple(Domain)
