"""Which addresses may be connected to: public ones, whatever a name resolves to or a redirect leads to.

The check stands in the resolver, between the answer and the connection: Twisted connects to exactly the addresses that
come out here, and a URL that holds an address instead of a name comes through here too.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit
from urllib.request import getproxies

from twisted.internet.interfaces import IHostnameResolver, IResolutionReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from twisted.internet.interfaces import IAddress, IHostResolution

__all__ = ["GuardedResolver", "is_public"]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, also where an IPv6 address stands for an IPv4 one.

    Not public: loopback, private, link-local (cloud metadata), shared, multicast, reserved and unspecified ones.

    >>> [is_public(text) for text in ("8.8.8.8", "10.0.0.1", "0.0.0.0", "169.254.169.254", "::ffff:127.0.0.1", "::1")]
    [True, False, False, False, False, False]
    """
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if address.is_site_local:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


@implementer(IHostnameResolver)
class GuardedResolver:
    """The system's resolver without the answers that are not public, but for the hosts and ports that were permitted.

    `permitted` holds what a user named: the host and port of a base_url, and the proxies of the environment (port 0:
    any). `refused` holds the address that was kept back, by host name, for the message.
    """

    permitted: ClassVar[set[tuple[str, int]]] = set()
    refused: ClassVar[dict[str, str]] = {}

    def __init__(self, reactor: Any) -> None:
        self.reactor = reactor
        self.inner = reactor.nameResolver

    @classmethod
    def from_crawler(cls, crawler: Any, reactor: Any) -> GuardedResolver:
        """Make one; Scrapy calls it with the process that runs the crawlers."""
        del crawler
        for url in getproxies().values():
            host = urlsplit(url if "//" in url else f"//{url}").hostname
            if host:
                cls.permitted.add((host, 0))
        return cls(reactor)

    @classmethod
    def permit(cls, url: str) -> None:
        """Let a base_url's host and port be asked, wherever the name leads."""
        parts = urlsplit(url)
        cls.permitted.add((parts.hostname or "", parts.port or {"https": 443}.get(parts.scheme, 80)))

    def install_on_reactor(self) -> None:
        """Take the place of the system's resolver."""
        self.reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802  the interface's name
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        *rest: Any,
        **named: Any,
    ) -> IHostResolution:
        """Resolve; only permitted or public addresses reach the receiver."""
        host = hostName.lower()
        anywhere = {(host, portNumber), (host, 0)} & self.permitted
        receiver = resolutionReceiver if anywhere else _PublicOnly(resolutionReceiver, host)
        found: IHostResolution = self.inner.resolveHostName(receiver, hostName, portNumber, *rest, **named)
        return found


@implementer(IResolutionReceiver)
class _PublicOnly:
    """Hands on what is public."""

    def __init__(self, receiver: Any, host: str) -> None:
        self.receiver, self.host = receiver, host

    def resolutionBegan(self, resolution: IHostResolution) -> None:  # noqa: N802
        """Hand on."""
        GuardedResolver.refused.pop(self.host, None)
        self.receiver.resolutionBegan(resolution)

    def addressResolved(self, address: IAddress) -> None:  # noqa: N802
        """Hand on a public address; remember another."""
        host = str(getattr(address, "host", ""))
        if is_public(host):
            self.receiver.addressResolved(address)
        else:
            GuardedResolver.refused[self.host] = host

    def resolutionComplete(self) -> None:  # noqa: N802
        """Hand on."""
        self.receiver.resolutionComplete()
