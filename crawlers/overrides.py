"""Scrapy settings on the command line (`-s NAME=VALUE`): known names, values that fit, and what nobody may change."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any, Final

from corpus.base.config import nearest
from corpus.base.errors import UsageError

__all__ = ["check"]

_FIXED: Final = {
    **dict.fromkeys(
        ("USER_AGENT", "BOT_NAME"),
        "a robot goes by one name; its contact is HAKUSHO_CONTACT, or contact in hakusho.toml",
    ),
    **dict.fromkeys(("DOWNLOADER_MIDDLEWARES", "DOWNLOAD_HANDLERS"), "they keep robots.txt, the pace and the archive"),
}
_TRUTHS: Final = ("0", "1", "true", "false")  # as Scrapy reads them


def check(words: Mapping[str, str]) -> None:
    """See that every setting exists, may be changed, and has a value of its default's kind. Raises UsageError."""
    known = _defaults("scrapy.settings.default_settings") | _defaults("crawlers.settings")
    for name, value in words.items():
        if name in _FIXED:
            raise UsageError(f"{name}={value}: cannot be set here: {_FIXED[name]}")
        if name not in known:
            raise UsageError(f"{name}={value}: Scrapy and Hakusho have no such setting; {nearest(name, list(known))}")
        if name == "ROBOTSTXT_OBEY" and value.lower() not in ("1", "true"):
            raise UsageError("ROBOTSTXT_OBEY is always on here: robots.txt is a site's word on what a robot may ask")
        needed = _needed(name, known[name], value)
        if needed:
            raise UsageError(f"{name}={value}: need {needed}")


def _defaults(module: str) -> dict[str, Any]:
    """Settings by name, read no sooner than a crawl reads them: ours take HAKUSHO_DATA from the environment."""
    return {name: value for name, value in vars(importlib.import_module(module)).items() if name.isupper()}


def _needed(name: str, default: Any, value: str) -> str:
    """What a value must be where it is not; "" where it fits."""
    if isinstance(default, bool):
        return "" if value.lower() in _TRUTHS else "true or false"
    if not isinstance(default, int | float):
        return ""
    least = -math.inf if name.endswith(("_ADJUST", "_PRIORITY")) else 0
    try:
        number = float(value) if isinstance(default, float) or "TIMEOUT" in name else int(value)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number >= least:
        return ""
    return "a number, 0 or more" if isinstance(default, float) else "a whole number, 0 or more"
