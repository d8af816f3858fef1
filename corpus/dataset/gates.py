"""Which documents may enter which configuration of the dataset, and why the others may not.

The gates run in one fixed order and the first that fails names the reason, so a document has exactly one. A licence
that is missing or unknown never passes, whatever the verdict (design rule 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from corpus.base.schemas import LICENCES_OPEN, LICENCES_SHARE_ALIKE

__all__ = ["CONFIGS", "Candidate", "Gate", "decide"]

CONFIGS = ("default", "cc_by_sa", "restricted")
"""Configurations of the dataset: open licences; share-alike; rows that only rule licence.restricted held back."""

_RESTRICTED_LICENCE = "restricted"
_RESTRICTED_RULE = "licence.restricted"


@dataclass(frozen=True)
class Candidate:
    """What the gates look at: one document after dedup and labelling; `verdict` is None where no label was made.

    `rule` is that of the duplicate; `contaminated` names the item of an evaluation set that the document holds.
    """

    id: str
    licence: str | None
    verdict: str | None
    domain: str | None
    rules: Sequence[str]
    keeper: str | None
    blank: bool
    reserved: tuple[str, str] = ("", "")
    """The word that keeps it out, and the statement (corpus.dataset.reservations); empty where nothing does."""
    rule: str = ""
    contaminated: str = ""


@dataclass(frozen=True)
class Gate:
    """A decision: the configuration a row goes to, or the reason and detail of its drop."""

    config: str | None
    reason: str = ""
    detail: str = ""


def decide(row: Candidate) -> Gate:
    """Send one document to a configuration, or drop it with a reason.

    >>> decide(Candidate("a", "PDL-1.0", "ALLOW", "law_policy", (), None, False))
    Gate(config='default', reason='', detail='')
    >>> decide(Candidate("b", None, "ALLOW", "law_policy", (), None, False)).reason
    'no_licence'
    """
    return _licence(row) or _reservation(row) or _text(row) or _label(row) or Gate(_config(row))


def _licence(row: Candidate) -> Gate | None:
    if not row.licence:
        return Gate(None, "no_licence", "the document carries no licence")
    if row.licence not in (*LICENCES_OPEN, *LICENCES_SHARE_ALIKE, _RESTRICTED_LICENCE):
        return Gate(None, "unknown_licence", row.licence)
    return None


def _reservation(row: Candidate) -> Gate | None:
    word, statement = row.reserved
    return Gate(None, f"reserved_{word.partition('-')[0]}", statement) if word else None


def _text(row: Candidate) -> Gate | None:
    if row.keeper is not None and row.keeper != row.id:
        return Gate(None, "version" if row.rule == "version" else "duplicate", row.keeper)
    if row.contaminated:
        return Gate(None, "contaminated", row.contaminated)
    return Gate(None, "empty", "nothing but blanks is left") if row.blank else None


def _label(row: Candidate) -> Gate | None:
    if row.verdict is None:
        return Gate(None, "no_label", "the labels hold no row for it")
    if row.domain is not None and row.domain.startswith("nsfw_"):
        return Gate(None, row.domain, "serves detection and refusal only, never generation")
    if row.verdict == "ALLOW":
        # An ALLOW on a restricted text would be a fault of the labels: the licence still decides.
        return Gate(None, "verdict_licence", row.verdict) if row.licence == _RESTRICTED_LICENCE else None
    if row.verdict == "ESCALATION" and row.licence == _RESTRICTED_LICENCE and set(row.rules) == {_RESTRICTED_RULE}:
        return None
    return Gate(None, f"verdict_{row.verdict.lower()}", ", ".join(row.rules))


def _config(row: Candidate) -> str:
    if row.licence == _RESTRICTED_LICENCE:
        return "restricted"
    return "cc_by_sa" if row.licence in LICENCES_SHARE_ALIKE else "default"
