"""Why a request is not made: each is raised, recorded and booked, and none is an error of the program."""

from __future__ import annotations

from scrapy.exceptions import IgnoreRequest

__all__ = [
    "DeniedByRobots",
    "EnoughDocuments",
    "ForbiddenAddress",
    "HostPaused",
    "OffSite",
    "OverBudget",
    "RobotsUnreachable",
    "TooManyRedirects",
]


class EnoughDocuments(IgnoreRequest):
    """The limit was reached while this request waited for its turn; it was never sent."""

    outcome = "later"  # of its ticket: the request stays in the frontier


class OffSite(IgnoreRequest):
    """A URL on no host of this source, found by a link or a redirect; it is never asked."""


class DeniedByRobots(IgnoreRequest):
    """robots.txt forbids the URL, or could not be had; its words are the reason that is recorded."""


class RobotsUnreachable(DeniedByRobots):
    """Nobody knows whether the URL may be asked; the same command asks again."""

    outcome = "later"


class HostPaused(IgnoreRequest):
    """The host asked to be left alone for longer than a crawl waits; its words are the reason that is recorded."""

    outcome = "later"


class ForbiddenAddress(IgnoreRequest):
    """The host's name leads to an address that is not of the public internet; it was not connected to."""


class OverBudget(IgnoreRequest):
    """The crawl's budget for pages of this kind or host is spent; its words are the reason that is recorded."""


class TooManyRedirects(IgnoreRequest):
    """The URL leads on and on."""
