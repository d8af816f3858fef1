"""Who asks: a robot with a name and a contact that the site's keeper can write to."""

from __future__ import annotations

import os
import re
from pathlib import Path

from corpus.base.config import nearest, read_toml
from corpus.base.errors import ConfigError

__all__ = ["ROBOT", "VERSION", "contact", "user_agent"]

ROBOT, VERSION = "HakushoBot", "0.1"
_CONTACT = re.compile(r"(mailto:)?[\w.+-]+@[\w-]+(\.[\w-]+)+|https?://[\w-]+(\.[\w-]+)+(:\d+)?(/[!-'*-~]*)?", re.ASCII)
_HOW = 'set HAKUSHO_CONTACT=mailto:you@example.org, or contact = "…" in hakusho.toml'


def contact(folder: Path | None = None) -> str:
    """The contact from HAKUSHO_CONTACT, else from `contact` in hakusho.toml of the current folder, else "".

    Raises ConfigError where one is given and is neither a mail address nor a web address.
    """
    given: object = os.environ.get("HAKUSHO_CONTACT", "").strip()
    file = (folder or Path()) / "hakusho.toml"
    if not given and file.exists():
        table = read_toml(file)
        for key, value in table.items():
            if key != "contact" and not isinstance(value, dict):
                raise ConfigError(f"{file}: no key {key!r} above the tables; {nearest(key, ['contact'])}")
        given = table.get("contact", "")
    if not isinstance(given, str) or (given and not _CONTACT.fullmatch(given)):
        raise ConfigError(f"contact {given!r} is no mail or web address; {_HOW}")
    return given


def user_agent(*, live: bool) -> str:
    """The User-Agent header. Raises ConfigError for a live harvest without a contact."""
    address = contact()
    if live and not address:
        raise ConfigError(f"a live harvest needs a contact that a web master can write to; {_HOW}")
    return f"{ROBOT}/{VERSION} (+{address})" if address else f"{ROBOT}/{VERSION}"
