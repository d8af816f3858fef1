"""Options that plan and harvest share, in the spiders' own words: `-a` arguments, Scrapy settings, thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

__all__ = ["arguments", "harvest_options"]

F = TypeVar("F", bound=Callable[..., Any])


def harvest_options(function: F) -> F:
    """SOURCE… and --limit, --since, --route, --lang, --set, --base-url, handed on by name."""
    text = (
        "An own argument of a source (revisions=all), a Scrapy setting (DOWNLOAD_DELAY=2) or a threshold "
        "(harvest.max_failed=0.1). May be repeated."
    )
    for option in (
        click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help=text),
        click.option("--base-url", metavar="URL", help="Ask this in place of the live site (URL, or host=URL,…)."),
        click.option("--lang", metavar="LANG", help="One language of the source (default: all)."),
        click.option("--route", metavar="ROUTE,…", help="Routes in place of the usual ones, or all."),
        click.option("--since", metavar="DATE", help="Only what changed since this day, by the source's own feed."),
        click.option("--limit", metavar="N", help="Documents wanted of each source (default: all)."),
        click.argument("sources", nargs=-1, required=True, metavar="SOURCE…"),
    ):
        function = option(function)
    return function


def arguments(source: str, options: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str], str]:
    """The words for one spider: its arguments, Scrapy settings, and thresholds as key=value,key=value.

    Raises UsageError for an unknown source or a `--set` word that is none, ConfigError for a threshold that is none.
    """
    from corpus.base.errors import UsageError
    from crawlers import overrides
    from crawlers.plan import spider_class
    from crawlers.thresholds import read
    from hakusho.settings import check_file

    given = {name: str(options[name]) for name in ("limit", "since", "route", "lang", "base_url") if options.get(name)}
    if "=" in given.get("base_url", ""):  # host=URL pairs of several sources: each takes its own
        pairs = [pair for pair in given["base_url"].split(",") if pair.partition("=")[0] in spider_class(source).hosts]
        given["base_url"] = ",".join(pairs) or given["base_url"]
    settings: dict[str, str] = {}
    thresholds: list[str] = []
    for word in options.get("settings") or ():
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {word}: write KEY=VALUE, e.g. --set DOWNLOAD_DELAY=2")
        if key.startswith("harvest."):
            thresholds.append(f"{key.removeprefix('harvest.')}={value}")
        elif key.isupper():
            settings[key] = value
        else:
            given[key] = value
    read(",".join(thresholds))
    try:
        overrides.check(settings)
    except UsageError as error:
        raise UsageError(f"--set {error}") from None
    check_file()
    return given, settings, ",".join(thresholds)
