"""Which hosts a crawl may ask, and at which address: the sites' own, or those that `-a base_url` names.

Spiders, robots rules, delays and documents all speak of the site's own URLs; only the download handler turns them
into the address that is asked. So a document harvested from a copy on loopback cites the real site.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

from corpus.base.config import nearest
from corpus.base.errors import UsageError

__all__ = ["Origins"]

_PORTS = {"http": 80, "https": 443}


class Origins:
    """The hosts of a route; each at its own address (None) or at a given base URL.

    With a base URL only what it names can be asked, never the live site beside it.

    >>> origins = Origins.read(["www.mod.go.jp"], "http://127.0.0.1:8000/mod")
    >>> origins.target("https://www.mod.go.jp/j/press/wp/index.html")
    'http://127.0.0.1:8000/mod/j/press/wp/index.html'
    """

    def __init__(self, hosts: Mapping[str, str | None]) -> None:
        self.hosts = dict(hosts)

    @classmethod
    def read(cls, hosts: Sequence[str], text: str | None, known: Sequence[str] = ()) -> Origins:
        """Read `URL` (for all hosts) or `host=URL,host=URL` (None for the live sites).

        `known` are hosts of the source's other routes, which may be named too. Raises UsageError.
        """
        if text is None:
            return cls(dict.fromkeys(hosts))
        pairs = [part.strip() for part in text.split(",") if part.strip()]
        if len(pairs) == 1 and pairs[0].startswith(("http://", "https://")):
            return cls(dict.fromkeys(hosts, _base(pairs[0])))
        named: dict[str, str] = {}
        for pair in pairs:
            host, equals, url = pair.partition("=")
            if not equals:
                raise UsageError(f"base_url={text!r}: {pair!r} is no http(s) URL and no host=URL pair")
            if host not in hosts and host not in known:
                raise UsageError(f"base_url={text!r}: this source has no host {host!r}; {nearest(host, list(hosts))}")
            named[host] = _base(url)
        if not any(host in named for host in hosts):
            raise UsageError(f"base_url={text!r}: this route asks {' and '.join(hosts)}; name a URL for at least one")
        return cls({host: named[host] for host in hosts if host in named})

    @property
    def live(self) -> bool:
        """Whether anything but loopback would be asked."""
        return any(base is None or not _loopback(base) for base in self.hosts.values())

    def knows(self, url: str) -> bool:
        """Whether a URL is http(s) on the usual port of one of the hosts, without user or password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return False
        if parts.username is not None or parts.password is not None or parts.scheme not in _PORTS:
            return False
        return parts.hostname in self.hosts and port in (None, _PORTS[parts.scheme])

    def foreign(self, url: str) -> bool:
        """Whether a redirected robots.txt may be read there: any host on a usual port, where the site itself is asked.

        RFC 9309 2.3.1.2 follows robots.txt across hosts. With a base URL nothing but that is asked.
        """
        if any(base is not None for base in self.hosts.values()):
            return False
        host = _host(url)
        return host is not None and Origins({host: None}).knows(url)

    def target(self, url: str, *, foreign: bool = False) -> str:
        """The address that is asked for a URL of the site, or with `foreign` of a robots.txt that it leads to.

        Raises UsageError for any other URL.
        """
        if foreign and not self.knows(url) and self.foreign(url):
            return url
        if not self.knows(url):
            raise UsageError(f"{url!r} is on no host of this source")
        parts = urlsplit(url)
        base = self.hosts[parts.hostname or ""]
        return url if base is None else base + urlunsplit(("", "", parts.path or "/", parts.query, ""))

    def site_url(self, url: str, near: str) -> str:
        """A link as the site would write it: one that names a base URL's address becomes the host's own.

        `near` is the page that holds the link; its host is meant where several hosts share a base URL.
        """
        page = urlsplit(near)
        ordered = sorted(self.hosts.items(), key=lambda item: item[0] != page.hostname)
        for host, base in ordered:
            if base and (url == base or url.startswith(base + "/")):
                return f"{page.scheme}://{host}{url[len(base) :] or '/'}"
        return url


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _base(url: str) -> str:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in _PORTS and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        fits = fits and not (parts.query or parts.fragment) and url.isprintable()
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(f"base_url: {url!r} is no http(s) URL of a host; write http://127.0.0.1:8000")
    return url.rstrip("/")


def _loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
