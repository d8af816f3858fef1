"""A small site on loopback: what each path answers, and what was asked of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["HTML", "TDMREP", "Answer", "Request", "Site"]

TDMREP = "/.well-known/tdmrep.json"
HTML = "text/html; charset=UTF-8"


class _Server(ThreadingHTTPServer):
    """A server that does not mind clients who leave."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Be quiet."""


@dataclass
class Answer:
    """What a path answers; `gate` holds the answer back until it is set, `drip` is the pause after each byte."""

    body: bytes
    content_type: str = HTML
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    gate: threading.Event | None = None
    drip: float = 0.0


@dataclass
class Request:
    """A request as the server saw it."""

    target: str
    agent: str
    time: float
    if_none_match: str | None = None
    cookie: str | None = None


class Site:
    """One server on loopback: raw target -> Answer; `first` holds those of a target's first requests."""

    def __init__(self, answers: dict[str, Answer], ranges: bool = False) -> None:
        self.answers, self.ranges = answers, ranges
        self.first: dict[str, list[Answer]] = {}
        self.seen: list[Request] = []
        self.ended: list[float] = []
        self.url = ""

    @property
    def targets(self) -> list[str]:
        """The targets asked for."""
        return [request.target for request in self.seen]

    @contextmanager
    def serve(self) -> Iterator[Site]:
        """Serve until the block ends."""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path != TDMREP or TDMREP in site.answers:  # asked of every site; told where a site has one
                    site.seen.append(
                        Request(
                            self.path,
                            self.headers.get("User-Agent", ""),
                            time.monotonic(),
                            self.headers.get("If-None-Match"),
                            self.headers.get("Cookie"),
                        )
                    )
                missing = Answer(b"<html><body>no such page</body></html>", status=404)
                answer = (site.first.get(self.path) or [site.answers.get(self.path, missing)]).pop(0)
                if answer.gate is not None:
                    answer.gate.wait(60)
                site.send(self, answer)
                site.ended.append(time.monotonic())

            def log_message(self, *args: object) -> None:
                """Be quiet."""

        server = _Server(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def send(self, handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        """Write an answer; a Range request gets its part where the site has them."""
        body, status = answer.body, answer.status
        wanted = handler.headers.get("Range", "")
        if self.ranges and wanted.startswith("bytes="):
            first, last = (int(number) for number in wanted[6:].split("-"))
            body, status = answer.body[first : last + 1], 206
            span = f"bytes {first}-{first + len(body) - 1}/{len(answer.body)}"
            answer = Answer(body, answer.content_type, 206, {"Content-Range": span})
        etag = answer.headers.get("ETag")
        if etag and status == 200 and handler.headers.get("If-None-Match") == etag:
            body, status = b"", 304
        handler.send_response_only(status)
        handler.send_header("Content-Type", answer.content_type)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in ({"Date": handler.date_time_string()} | answer.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        if not answer.drip:
            handler.wfile.write(body)
        with suppress(OSError):  # a client that has heard enough leaves
            for at in range(len(body) if answer.drip else 0):
                handler.wfile.write(body[at : at + 1])
                time.sleep(answer.drip)
