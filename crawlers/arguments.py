"""The arguments of a spider (`-a NAME=VALUE`): read once, checked before anything is asked of a site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from corpus.base.config import nearest
from corpus.base.errors import UsageError
from crawlers.origins import Origins

__all__ = ["NAMES", "Arguments", "Site", "read"]

NAMES = ("base_url", "lang", "limit", "route")


@dataclass(frozen=True)
class Site:
    """What a spider offers: its hosts, languages, and routes with the hosts each asks, the default route first."""

    name: str
    hosts: Sequence[str]
    langs: Sequence[str]
    routes: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Arguments:
    """The checked arguments: documents wanted (None: all), languages, route, and the hosts it may ask."""

    limit: int | None
    langs: tuple[str, ...]
    route: str
    origins: Origins


def read(site: Site, given: Mapping[str, str]) -> Arguments:
    """Check the words of the command line against what the site offers.

    All languages are read unless one is named.
    Raises UsageError, one line that names the nearest right word.
    """
    for name in given:
        if name not in NAMES:
            raise UsageError(f"{site.name}: no argument {name!r}; {nearest(name, NAMES)}")
    route = _choice(site, "route", given.get("route", next(iter(site.routes))), tuple(site.routes))
    lang = given.get("lang")
    langs = tuple(site.langs) if lang is None else (_choice(site, "lang", lang, site.langs),)
    origins = Origins.read(site.routes[route], given.get("base_url"), known=site.hosts)
    return Arguments(_limit(site, given.get("limit")), langs, route, origins)


def _choice(site: Site, name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise UsageError(f"{site.name}: no {name} {value!r}; {nearest(value, known)}")
    return value


def _limit(site: Site, value: str | None) -> int | None:
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or int(value) < 1:
        raise UsageError(f"{site.name}: limit={value!r} is no number of documents; give limit=1 or more")
    return int(value)
