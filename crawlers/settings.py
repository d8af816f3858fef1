"""Scrapy settings of every crawl: polite, safe and quiet by default; `-s NAME=VALUE` changes one for one crawl.

Scrapy's own defaults (robots ignored, no delay, eight requests a host, certificates unchecked, file: and ftp: open,
1 GiB bodies) suit a toy. What stands here suits a guest on a ministry's server.
"""

from __future__ import annotations

from corpus.base.workspace import default_root

BOT_NAME = "hakusho"
SPIDER_MODULES = ["crawlers.spiders"]
NEWSPIDER_MODULE = "crawlers.spiders"
COMMANDS_MODULE = "crawlers.commands"

# Ours
HAKUSHO_DATA = str(default_root())  # the workspace
HAKUSHO_JSON = False  # the end report as one JSON line on stdout
HAKUSHO_STATUS = 0.0  # seconds between lines of JSON on stdout that say where the crawl stands; 0: none
HAKUSHO_RUN_BYTES = 0  # bytes of answers after which a run ends, to be gone on with later; 0: no such end
HAKUSHO_THRESHOLDS = ""  # key=value,key=value over [harvest] of hakusho.toml
EXTENSIONS = {"crawlers.status.Status": 0}
HAKUSHO_FRESH = False  # begin anew where an earlier run of the same command was stopped
HAKUSHO_PART_ROWS = 500  # documents are committed after so many
HAKUSHO_PART_SECONDS = 10.0  # or after so long: what a power cut can cost
HAKUSHO_WARC_SIZE = 2**30  # bytes at which a file of the raw archive is full

# Manners. crawlers.manners.obey.Robots always obeys; a crawl with the switch off is refused.
ROBOTSTXT_OBEY = True
USER_AGENT = "HakushoBot/0.1"  # the contact is added where the crawl starts (crawlers.identity)
CONCURRENT_REQUESTS = 1  # one request under way: order, and with it `limit`, is the same on every machine
CONCURRENT_REQUESTS_PER_DOMAIN = 1
DOWNLOAD_DELAY = 1.0
DOWNLOAD_DELAY_JITTER = 0.0  # a gap is never below the delay
HAKUSHO_CRAWL_DELAY_CAP = 30.0  # seconds; a host that asks for more is skipped, a thousand pages would take a day
HAKUSHO_ROBOTS_AGE = 24 * 3600.0  # seconds after which robots.txt is asked for again
HAKUSHO_RETRY_AFTER_CAP = 120.0  # seconds; a host that asks to wait longer is asked nothing more in this crawl
HAKUSHO_BACKOFF = 2.0  # seconds a host rests after a 429 or 503 without Retry-After; doubled with each try
RETRY_TIMES = 5  # a busy server is no reason to lose a document
HAKUSHO_ROUNDS = 2  # times that what failed so often is tried anew when nothing else is left to ask
RETRY_EXCEPTIONS = [  # a timeout is not among them: what did not come in DOWNLOAD_TIMEOUT is not asked for again
    "scrapy.exceptions.CannotResolveHostError",
    "scrapy.exceptions.DownloadConnectionRefusedError",
    "scrapy.exceptions.DownloadFailedError",
    "scrapy.exceptions.ResponseDataLossError",
]
RETRY_GIVE_UP_LOG_LEVEL = "INFO"  # the summary and the fetches table say it

# Safety
TWISTED_DNS_RESOLVER = "crawlers.manners.addresses.GuardedResolver"  # public addresses alone, after any redirect
DOWNLOAD_HANDLERS = {
    "http": "crawlers.handler.SiteHandler",
    "https": "crawlers.handler.SiteHandler",
    "data": None,
    "file": None,
    "ftp": None,
    "s3": None,
}
DOWNLOAD_VERIFY_CERTIFICATES = True
DOWNLOAD_TIMEOUT = 120  # seconds for a whole answer, so that one that drips for ever ends
HAKUSHO_DOCUMENT_TIMEOUT = 600.0  # the same for documents that may be large (PDF, zip)
HAKUSHO_LEAST_PACE = 256.0  # bytes a second; an answer that comes more slowly is cut
HAKUSHO_PACE_AFTER = 30.0  # seconds for which an answer may come as slowly as it likes
HAKUSHO_BARREN_PAGES = 100  # listings of one pattern in a row without a document, after which it is left (calendars)
HAKUSHO_HOST_PAGES = 1_000_000  # requests to one host in one run
DOWNLOAD_MAXSIZE = 200 * 1024 * 1024  # bytes, before and after content decoding
HAKUSHO_PAGE_MAXSIZE = 32 * 1024 * 1024  # the same for listings and HTML documents
DOWNLOAD_WARNSIZE = 0
REDIRECT_MAX_TIMES = 5
METAREFRESH_ENABLED = False
COOKIES_ENABLED = False
TELNETCONSOLE_ENABLED = False
REMOTE_CONTROL_ENABLED = False

DOWNLOADER_MIDDLEWARES = {
    "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
    "crawlers.manners.guard.HostGuard": 50,
    "crawlers.manners.budgets.Budgets": 60,
    "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
    "crawlers.manners.obey.Robots": 100,
    "crawlers.manners.reserve.Reservations": 110,
    "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
    "crawlers.manners.patience.Retries": 550,
    "crawlers.manners.recorder.Recorder": 585,  # after content decoding (590), before Retries takes the answer away
    "scrapy.downloadermiddlewares.redirect.RedirectMiddleware": None,
    "crawlers.manners.redirects.Redirects": 600,
    "crawlers.manners.revisit.Revisits": 800,  # sees a 304 before anything else but the archive does
    "crawlers.archive.middleware.Archivist": 900,  # the last before the site, so that it sees what was received
}
SPIDER_MIDDLEWARES = {"crawlers.manners.budgets.BarrenPages": 100}
ITEM_PIPELINES = {"crawlers.pipeline.HarvestPipeline": 100}
CONCURRENT_ITEMS = 1  # in the order of arrival, and a reader of a dump stops right after the last document wanted

# Order: documents of a listing before its next page, first named first
SCHEDULER = "crawlers.frontier.scheduler.FrontierScheduler"

LOG_LEVEL = "WARNING"
