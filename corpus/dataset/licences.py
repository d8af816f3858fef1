"""What each licence id means to the person who uses the dataset."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Licence", "licence_of"]


@dataclass(frozen=True)
class Licence:
    """Full name, URL of its text (empty where there is none), its id on the Hugging Face hub, and what it asks."""

    name: str
    url: str
    hub: str
    duty: str


_LICENCES = {
    "PDL-1.0": Licence(
        "Public Data License (Version 1.0), 公共データ利用規約（第1.0版）",
        "https://www.digital.go.jp/resources/open_data/public_data_license_v1.0",
        "other",
        "name the source, and say that the text is edited",
    ),
    "US-GOV-PD": Licence(
        "work of the United States Government, 17 U.S.C. 105",
        "https://www.copyright.gov/title17/92chap1.html#105",
        "other",
        "nothing in the United States; naming the source is good practice",
    ),
    "CC-BY-4.0": Licence(
        "Creative Commons Attribution 4.0",
        "https://creativecommons.org/licenses/by/4.0/",
        "cc-by-4.0",
        "name the source and say what was changed",
    ),
    "CC0-1.0": Licence(
        "Creative Commons Zero 1.0", "https://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0", "nothing"
    ),
    "CC-BY-SA-4.0": Licence(
        "Creative Commons Attribution-ShareAlike 4.0",
        "https://creativecommons.org/licenses/by-sa/4.0/",
        "cc-by-sa-4.0",
        "name the authors, say what was changed, share what you make of it under the same licence",
    ),
    "restricted": Licence(
        "rights reserved by the company that wrote the text",
        "",
        "other",
        "ask the holder; this project reads it only on explicit request",
    ),
}


def licence_of(licence: str) -> Licence:
    """The licence of that id. Raises KeyError: the gates let no other id through."""
    return _LICENCES[licence]
