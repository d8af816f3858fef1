"""The gates: what may enter which configuration."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.errors import ConfigError
from corpus.dataset.gates import CONFIGS, Candidate, decide
from corpus.dataset.reservations import reserving
from corpus.dataset.settings import DatasetSettings

LICENCES = ["PDL-1.0", "US-GOV-PD", "CC-BY-4.0", "CC0-1.0", "CC-BY-SA-4.0", "restricted", "GFDL", "", None]
VERDICTS = ["ALLOW", "ESCALATION", "DENY", "REFUSE", None]
DOMAINS = ["law_policy", "general", "nsfw_adult", "nsfw_block"]


def candidate(**changes: object) -> Candidate:
    """An open, allowed, single document, but for what the test changes."""
    usual: dict[str, object] = {
        "id": "a", "licence": "PDL-1.0", "verdict": "ALLOW", "domain": "law_policy", "rules": (), "keeper": None,
        "blank": False,
    }  # fmt: skip
    return Candidate(**{**usual, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "config", "reason"),
    [
        ({}, "default", ""),
        ({"licence": "US-GOV-PD"}, "default", ""),
        ({"licence": "CC-BY-SA-4.0"}, "cc_by_sa", ""),
        ({"licence": None}, None, "no_licence"),
        ({"licence": ""}, None, "no_licence"),
        ({"licence": "GFDL"}, None, "unknown_licence"),
        ({"keeper": "b"}, None, "duplicate"),
        ({"keeper": "a"}, "default", ""),
        ({"blank": True}, None, "empty"),
        ({"verdict": None}, None, "no_label"),
        ({"verdict": "ESCALATION"}, None, "verdict_escalation"),
        ({"verdict": "DENY"}, None, "verdict_deny"),
        ({"verdict": "REFUSE"}, None, "verdict_refuse"),
        ({"domain": "nsfw_adult"}, None, "nsfw_adult"),
        ({"domain": "nsfw_block", "verdict": "REFUSE"}, None, "nsfw_block"),
        ({"licence": "restricted"}, None, "verdict_licence"),
        ({"licence": "restricted", "verdict": "ESCALATION", "rules": ["licence.restricted"]}, "restricted", ""),
        (
            {"licence": "restricted", "verdict": "ESCALATION", "rules": ["licence.restricted", "x"]},
            None,
            "verdict_escalation",
        ),
        ({"licence": "restricted", "verdict": "ESCALATION", "rules": []}, None, "verdict_escalation"),
        ({"verdict": "ESCALATION", "rules": ["licence.restricted"]}, None, "verdict_escalation"),
        ({"licence": "restricted", "verdict": "DENY", "rules": ["licence.restricted"]}, None, "verdict_deny"),
        ({"reserved": ("noai", "meta:noai")}, None, "reserved_noai"),
        ({"reserved": ("tdm-reservation", "header:tdm-reservation=1")}, None, "reserved_tdm"),
        ({"reserved": ("noai", "meta:noai"), "licence": None}, None, "no_licence"),
    ],
)
def test_each_document_has_one_place_or_one_reason(changes: dict[str, object], config: str | None, reason: str) -> None:
    """The table of the policy, line by line."""
    gate = decide(candidate(**changes))
    assert (gate.config, gate.reason) == (config, reason)


SAID = [
    (["meta:noai"], "noai"), (["header:none"], "noindex"), (["meta:nocache"], "noarchive"), (["pdf:noml"], "noml"),
    (["header:tdm-reservation=1"], "tdm-reservation"), (["header:tdm-reservation=0"], ""), (["meta:nofollow"], ""),
    (["meta:noimageai", "meta:nosnippet"], ""), ([], ""), (["meta:tdm-policy=https://h/1"], ""),
    (["header:noindex", "meta:noai"], "noai"),
]  # fmt: skip


@pytest.mark.parametrize(("said", "word"), SAID)
def test_what_reserves_a_text(said: list[str], word: str) -> None:
    """Words on training, mining, copying and finding; not those on images, links and snippets."""
    assert reserving(said)[0] == word
    assert reserving(said, ()) == ("", "")


def test_a_setting_names_what_is_known() -> None:
    """A word that no page can say is an error that names the nearest."""
    with pytest.raises(ConfigError, match="did you mean noai"):
        DatasetSettings(reserved=("noa",))


@given(
    licence=st.sampled_from(LICENCES),
    verdict=st.sampled_from(VERDICTS),
    domain=st.sampled_from(DOMAINS),
    rules=st.lists(st.sampled_from(["licence.restricted", "document.x"]), max_size=2),
    keeper=st.sampled_from([None, "a", "b"]),
    blank=st.booleans(),
)
def test_nothing_forbidden_passes(**values: object) -> None:
    """Whatever is put together: no licence, no training; open and share-alike rows are ALLOW; nsfw is in nothing."""
    row = candidate(**values)
    gate = decide(row)
    assert (gate.config is None) == bool(gate.reason)
    if gate.config is not None:
        assert gate.config in CONFIGS
        assert row.licence in LICENCES[:6]
        assert not str(row.domain).startswith("nsfw")
        assert row.keeper in (None, row.id)
        assert row.verdict == ("ESCALATION" if gate.config == "restricted" else "ALLOW")
        assert (gate.config == "restricted") == (row.licence == "restricted")
