"""The arguments of a spider (`-a NAME=VALUE`): read once, checked before anything is asked of a site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from corpus.base.config import nearest
from corpus.base.errors import UsageError
from crawlers.origins import Origins

__all__ = ["NAMES", "NOW", "Arguments", "Route", "Site", "read", "today"]

NAMES = ("base_url", "lang", "limit", "route", "since")
NOW: ContextVar[datetime | None] = ContextVar("NOW", default=None)
"""When the answer came that is read out of the archive; None while the clock counts."""
ALL = "all"  # every route that is open to these arguments


@dataclass(frozen=True)
class Route:
    """One way into a source.

    `documents` and `requests` are about how many there are and it takes (0: not known), for estimates alone; `size`
    is the bytes of a typical answer. `feed` names what answers `since`, "" for a route without a change feed; `firsts`
    are URLs that it begins with, for a plan. A route with `needs` is taken only where that argument is given (`-a
    opt_in=ROUTE` for "opt_in"); `why` says what the user has to know or have first.
    """

    hosts: Sequence[str]
    about: str
    documents: int = 0
    requests: int = 0
    size: int = 0
    feed: str = ""
    firsts: Sequence[str] = ()
    needs: str = ""
    why: str = ""

    def open_to(self, name: str, given: Mapping[str, str]) -> bool:
        """Whether what this route `name` needs is given."""
        value = given.get(self.needs, "")
        return not self.needs or (name in value.split(",") if self.needs == "opt_in" else bool(value))


@dataclass(frozen=True)
class Site:
    """What a spider offers: hosts, languages, routes by name, arguments of its own with their choices (None: any).

    `usual` gives the routes taken where none is named, from the limit and from whether `since` is given.
    """

    name: str
    hosts: Sequence[str]
    langs: Sequence[str]
    routes: Mapping[str, Route]
    usual: Callable[[int | None, bool], Sequence[str]]
    own: Mapping[str, Sequence[str] | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Arguments:
    """The checked arguments: documents wanted (None: all), languages, routes in order, and the hosts it may ask.

    `since` is the day from which changes are wanted (None: everything), `own` the arguments that only this source has.
    """

    limit: int | None
    langs: tuple[str, ...]
    routes: tuple[str, ...]
    since: date | None
    origins: Origins
    own: Mapping[str, str]


def read(site: Site, given: Mapping[str, str]) -> Arguments:
    """Check the words of the command line against what the site offers.

    All languages are read unless one is named. Raises UsageError, one line that names the nearest right word.
    """
    known = [*NAMES, *(["opt_in"] if any(route.needs == "opt_in" for route in site.routes.values()) else []), *site.own]
    for name in given:
        if name not in known:
            raise UsageError(f"{site.name}: no argument {name!r}; {nearest(name, known)}")
    limit, since = _limit(site, given.get("limit")), _since(site, given.get("since"))
    lang = given.get("lang")
    langs = tuple(site.langs) if lang is None else (_choice(site, "lang", lang, site.langs),)
    own = {name: _own(site, name, given[name], choices) for name, choices in site.own.items() if name in given}
    routes = _routes(site, given, limit, since)
    hosts = dict.fromkeys(host for name in routes for host in site.routes[name].hosts)
    origins = Origins.read(list(hosts), given.get("base_url"), known=site.hosts)
    if "route" not in given:  # of the usual routes, those that a base_url leaves something of
        routes = tuple(name for name in routes if any(host in origins.hosts for host in site.routes[name].hosts))
    return Arguments(limit, langs, routes, since, origins, own)


def today() -> date:
    """The day in UTC: up to here a change feed is read. While an answer of the archive is read, the day it came."""
    return (NOW.get() or datetime.now(UTC)).date()


def _routes(site: Site, given: Mapping[str, str], limit: int | None, since: date | None) -> tuple[str, ...]:
    """The routes named, each once, or the usual ones. Raises UsageError for one that lacks its opt-in or its feed."""
    words = [word.strip() for word in given.get("route", "").split(",")]
    if "route" not in given:
        names = tuple(site.usual(limit, since is not None))
    elif words == [ALL]:
        names = tuple(name for name, route in site.routes.items() if route.open_to(name, given))
    else:
        names = tuple(dict.fromkeys(_choice(site, "route", word, (*site.routes, ALL)) for word in words))
    for name in names:
        if name == ALL:
            raise UsageError(f"{site.name}: route=all stands alone; it is every route that needs nothing more")
        route = site.routes[name]
        if not route.open_to(name, given):
            raise UsageError(f"{site.name}: route={name}: {route.why}")
        if since and not route.feed:
            fed = ", ".join(other for other, one in site.routes.items() if one.feed)
            raise UsageError(f"{site.name}: route={name} has no feed of changes for since={since}; take route={fed}")
    return names


def _own(site: Site, name: str, value: str, choices: Sequence[str] | None) -> str:
    return value if choices is None else _choice(site, name, value, choices)


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


def _since(site: Site, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise UsageError(f"{site.name}: since={value!r} is no day; write since=2026-11-01") from None
    if day > today():
        raise UsageError(f"{site.name}: since={value} lies in the future; today is {today()} (UTC)")
    return day
