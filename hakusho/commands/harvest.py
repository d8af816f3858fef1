"""`hakusho harvest`: several sources at once, one live line each, and a report at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from hakusho.commands._shared import ExampleCommand, data_option, emit, json_option
from hakusho.harvesting import arguments, harvest_options

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace


@click.command(cls=ExampleCommand, example="hakusho harvest egov pmda --limit 40")
@harvest_options
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="N", help="End each source after that.")
@click.option("--bytes", "size", type=click.IntRange(min=1), metavar="N", help="End each after so many bytes received.")
@click.option("--fresh", is_flag=True, help="Begin anew where an earlier run of this command was stopped.")
@data_option
@json_option
def command(*, as_json: bool, sources: tuple[str, ...], workspace: Workspace, **options: Any) -> int:
    """Harvest sources, each in a process of its own: egov, mod, nasa, pmda, wikipedia.

    The same command goes on where one was stopped, unless --fresh. On a terminal each source has a line: documents,
    requests waiting, denied and failed, pages a minute, time left, and the gap between requests with its reason (own,
    Crawl-delay, Retry-After, back-off). At the end a report a source, kept in data/harvests for SQL. Exit status 1
    where a source is below its thresholds ([harvest] in hakusho.toml), 2 for a wrong call.
    """
    from crawlers.plan import spider_class
    from hakusho.harvesters import Harvester, run

    chosen = []
    for source in dict.fromkeys(sources):
        given, settings, thresholds = arguments(source, options)
        spider_class(source).check(given)
        settings |= {"HAKUSHO_DATA": str(workspace.root), "HAKUSHO_THRESHOLDS": thresholds}
        if options["fresh"]:
            settings["HAKUSHO_FRESH"] = "1"
        if options["minutes"]:
            settings["CLOSESPIDER_TIMEOUT"] = str(round(options["minutes"] * 60, 1))
        if options["size"]:
            settings["HAKUSHO_RUN_BYTES"] = str(options["size"])
        chosen.append(Harvester(source, given, settings))
    ended = run(chosen, quiet=as_json)
    reports = [one.report for one in ended if one.report]
    result = {"harvests": reports, "exit_codes": {one.source: one.code for one in ended}}
    emit(result, "\n".join(one.told() for one in ended), as_json=as_json)
    return max(one.code for one in ended)
