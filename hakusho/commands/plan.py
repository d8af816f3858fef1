"""`hakusho plan`: what a harvest would do, before anything but robots.txt is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hakusho.commands._shared import ExampleCommand, emit, json_option
from hakusho.harvesting import arguments, harvest_options

if TYPE_CHECKING:
    from crawlers.plan import Plan, RoutePlan


@click.command(cls=ExampleCommand, example="hakusho plan egov wikipedia --limit 40")
@harvest_options
@json_option
def command(*, as_json: bool, sources: tuple[str, ...], **options: object) -> int:
    """Ask robots.txt of each host, and nothing else; show what a harvest with the same options would do.

    For each route: the verdict with the rule of robots.txt and its line, the gap between requests and why, the licence,
    and about how many documents, requests and hours it is. Exit status 1 where a route may ask nothing.
    """
    from crawlers.plan import plan

    plans = []
    for source in sources:
        given, settings, _ = arguments(source, options)
        delay, cap = (float(settings.get(name, default)) for name, default in _defaults().items())
        plans.append(plan(source, given, delay=delay, cap=cap))
    result = {"plans": [one.plain() for one in plans]}
    emit(result, "\n\n".join(map(_human, plans)), as_json=as_json)
    return int(not all(one.allowed for one in plans))


def _defaults() -> dict[str, float]:
    from crawlers import settings

    return {name: getattr(settings, name) for name in ("DOWNLOAD_DELAY", "HAKUSHO_CRAWL_DELAY_CAP")}


def _human(made: Plan) -> str:
    head = f"{made.source}: as {made.user_agent}; licence {' or '.join(made.licences)}"
    return "\n".join([head, *(line for route in made.routes for line in _route(route))])


def _route(route: RoutePlan) -> list[str]:
    from corpus.base.progress import duration

    size = f"about {route.documents} documents, {route.requests} requests" if route.requests else "of unknown size"
    if route.seconds is not None:
        size += f", {duration(route.seconds)}"
    feed = f"; since: {route.feed}" if route.feed else ""
    lines = [f"  route {route.route}: {route.about}; {size}; gap {route.delay:g} s ({route.delay_why}){feed}"]
    for entry in route.entries:
        why = f"{entry.rule} (line {entry.line})" if entry.rule else "no rule"
        may = "allowed" if entry.allowed else "not allowed"
        lines.append(f"    {may} {entry.url}: {why}; robots.txt {entry.robots}")
    return lines
