"""The miniature's server: one listener a host on loopback, so that paths stay what they are on the real sites."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from corpus.base.errors import UsageError
from hakusho.miniature.site import Reply, Site
from hakusho.miniature.sites import HOSTS, build


class Access(NamedTuple):
    """One request as it was answered; `target` is the raw path with its query."""

    host: str
    method: str
    target: str
    status: int
    user_agent: str

    @property
    def path(self) -> str:
        """The decoded path, without the query."""
        return unquote(urlsplit(self.target).path)


def answer(site: Site, target: str) -> Reply:
    """Give what a site answers to a raw target such as `/go/pack/X/?view=foot`."""
    parts = urlsplit(target)
    return site.get(unquote(parts.path), dict(parse_qsl(parts.query, keep_blank_values=True)))


def fingerprint() -> str:
    """SHA-256 over every target of every host with its status, media type and body."""
    digest = hashlib.sha256()
    for host, site in sorted(build().items()):
        for target in site.targets():
            reply = answer(site, target)
            head = f"{host}\0{target}\0{reply.status}\0{reply.content_type}\0{len(reply.body)}\0"
            digest.update(head.encode() + reply.body)
        digest.update(site.missing.body)
    return digest.hexdigest()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a client that keeps its connection open must not hold up the end

    def __init__(self, site: Site, log: list[Access]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site, self.log = site, log


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one segment: else each answer waits for the client's delayed acknowledgement
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        reply = answer(self.server.site, self.path)
        fresh = reply.validators and reply.etag in self.headers.get("If-None-Match", "")
        status = 304 if fresh and reply.status == 200 else reply.status
        agent = self.headers.get("User-Agent", "")
        self.server.log.append(Access(self.server.site.host, self.command, self.path, status, agent))
        self.send_response_only(status)
        if reply.validators and reply.status == 200:
            self.send_header("ETag", reply.etag)
        if status != 304:
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if status != 304 and self.command != "HEAD":
            self.wfile.write(reply.body)

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's signature
        """Write nothing: the access log is kept in memory."""


class Miniature:
    """A context manager that serves every site of the miniature on 127.0.0.1, one port a host.

    `log` holds an Access for each request answered, in order.
    """

    def __init__(self) -> None:
        self.log: list[Access] = []
        self._servers: dict[str, _Server] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        """Start the listeners; their ports are free ones, chosen by the system."""
        for host, site in build().items():
            server = self._servers[host] = _Server(site, self.log)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the listeners and close their sockets."""
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()
        self._servers.clear()
        self._threads.clear()

    def url(self, host: str) -> str:
        """Give the address that stands for a real host, as `http://127.0.0.1:40001`."""
        if host not in self._servers:
            raise UsageError(
                f"the miniature serves no host {host!r} now: it has {', '.join(self._servers) or 'not been started'}"
            )
        return f"http://127.0.0.1:{self._servers[host].server_address[1]}"

    def base_url(self, source: str) -> str:
        """Give the value for `scrapy crawl SOURCE -a base_url=...`: one URL, or host=URL pairs.

        Raises UsageError for a source that does not exist.
        """
        if source not in HOSTS:
            raise UsageError(f"unknown source {source!r}: choose one of {', '.join(HOSTS)}")
        hosts = HOSTS[source]
        return self.url(hosts[0]) if len(hosts) == 1 else ",".join(f"{host}={self.url(host)}" for host in hosts)
