"""The embedded miniature: small sites of the five sources, in their real formats, served on loopback.

Every text in it was written for Hakusho; products, companies, laws and persons are made up. Its bytes depend on
neither clock nor port, so that two harvests of it can be compared byte by byte.
"""

from __future__ import annotations

from hakusho.miniature.server import Miniature, fingerprint
from hakusho.miniature.sites import HOSTS, SOURCES

__all__ = ["HOSTS", "SOURCES", "Miniature", "fingerprint"]
