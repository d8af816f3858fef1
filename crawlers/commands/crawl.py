"""`scrapy crawl NAME -a …`: checked before it starts, summed up at the end, with an exit status that is true."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from scrapy.commands import crawl

from corpus.base.config import nearest
from corpus.base.errors import HakushoError, HarvestError, StorageError, UsageError
from crawlers import overrides
from crawlers.report import paragraph, report, write
from crawlers.thresholds import read

if TYPE_CHECKING:
    import argparse

    from crawlers.spider import SiteSpider
    from crawlers.thresholds import HarvestSettings

__all__ = ["Command"]

_INTERRUPTED = 130  # by Ctrl-C or a signal: what a shell tells of it


def _wrong(why: str) -> SystemExit:
    """A wrong call, told in one line."""
    sys.stderr.write(f"scrapy crawl: {why}\n")
    return SystemExit(UsageError.exit_code)


class Command(crawl.Command):
    """Scrapy's own command, with 2 for a wrong call, 1 for a failed crawl, and one line instead of a stack."""

    def syntax(self) -> str:
        """The usage line."""
        return "[options] <egov|mod|nasa|pmda|wikipedia>"

    def short_desc(self) -> str:
        """One line for `scrapy -h`."""
        return "Harvest a source, e.g. scrapy crawl pmda -a limit=40 -s HAKUSHO_DATA=data"

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Scrapy's options and ours."""
        super().add_options(parser)
        parser.add_argument(
            "--fresh", action="store_true", help="begin anew where an earlier run of this command was stopped"
        )
        parser.add_argument("--json", action="store_true", help="print the end report as one JSON line on stdout")

    def process_options(self, args: list[str], opts: argparse.Namespace) -> None:
        """Read -a and -s; what is wrong with them is one line too. Raises SystemExit(2)."""
        for option, words in (("-a", opts.spargs), ("-s", opts.set)):
            for word in words:
                if "=" not in word:
                    raise _wrong(f"{option} {word}: write {option} NAME=VALUE")
        if opts.output or opts.overwrite_output:
            raise _wrong("-o and -O have nothing to write here: documents go to the workspace, -s HAKUSHO_DATA=DIR")
        try:
            overrides.check(dict(word.split("=", 1) for word in opts.set))
        except HakushoError as error:
            raise _wrong(f"-s {error}") from None
        super().process_options(args, opts)
        if opts.fresh:
            assert self.settings is not None
            self.settings.set("HAKUSHO_FRESH", True, priority="cmdline")
        if opts.json:
            assert self.settings is not None
            self.settings.set("HAKUSHO_JSON", True, priority="cmdline")

    def run(self, args: list[str], opts: argparse.Namespace) -> None:
        """Check, crawl, sum up."""
        try:
            self.exitcode = self._crawl(args, opts)
        except HakushoError as error:
            sys.stderr.write(f"scrapy crawl: {error}\n")
            self.exitcode = error.exit_code

    def _crawl(self, args: list[str], opts: argparse.Namespace) -> int:
        assert self.crawler_process is not None
        if len(args) != 1:
            raise UsageError("name one source, e.g. scrapy crawl egov -a limit=40")
        assert self.settings is not None
        loader = self.crawler_process.spider_loader
        if args[0] not in loader.list():
            raise UsageError(f"no source {args[0]!r}; {nearest(args[0], loader.list())}")
        thresholds = read(self.settings.get("HAKUSHO_THRESHOLDS"))
        loader.load(args[0]).check(opts.spargs)  # type: ignore[attr-defined]
        crawler = self._create_crawler(args[0])
        self.crawler_process.crawl(crawler, **opts.spargs)
        self.crawler_process.start()
        spider: SiteSpider | None = crawler.spider  # type: ignore[assignment]
        if self.crawler_process.bootstrap_failed or spider is None:
            raise HarvestError(f"{args[0]}: the crawl could not start; the lines above say why")
        errors = crawler.stats.get_value("spider_exceptions/count", 0)
        if crawler.stats.get_value("finish_reason") == "start_error" or errors:
            spider.harvest.fail(HarvestError(f"{args[0]}: the spider failed; the lines above say where"))
        code = self._sum_up(spider, thresholds)
        return _INTERRUPTED if crawler.stats.get_value("finish_reason") == "shutdown" and not code else code

    def _sum_up(self, spider: SiteSpider, thresholds: HarvestSettings) -> int:
        """Keep and print the end report: JSON on stdout where asked for, else a paragraph on stderr."""
        assert self.settings is not None
        workspace, summary = spider.harvest.workspace, spider.harvest.summary()
        made = report(workspace, summary, thresholds, changes=spider.arguments.since is not None)
        try:
            write(workspace, made)
        except StorageError as error:
            summary = dataclasses.replace(summary, error=summary.error or str(error))
        if self.settings.getbool("HAKUSHO_JSON"):
            plain = made | {"time": made["time"].isoformat(), "where": summary.where, "left": summary.left}
            sys.stdout.write(json.dumps(plain, ensure_ascii=False) + "\n")
        elif summary.documents or not summary.error:
            sys.stderr.write(paragraph(made, summary.where) + "\n")
        if summary.left and not summary.error:
            told = f"{summary.source}: stopped with {summary.left} requests to go"
            sys.stderr.write(f"{told}; the same command goes on from here, --fresh begins anew\n")
        if summary.error:
            sys.stderr.write(f"scrapy crawl: {summary.error}\n")
        return int(bool(made["below"] or summary.error))
