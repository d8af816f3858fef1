"""The five sources of the miniature: which hosts each has, and what they answer."""

from __future__ import annotations

from functools import lru_cache

from hakusho.miniature.site import Site
from hakusho.miniature.sites import egov, mod, nasa, pmda, wikipedia

HOSTS: dict[str, tuple[str, ...]] = {
    "egov": (egov.HOST, egov.OLD),
    "mod": (mod.HOST, mod.ARCHIVE),
    "nasa": (nasa.HOST,),
    "pmda": (pmda.INFO, pmda.WWW),
    "wikipedia": (wikipedia.JA, wikipedia.EN, wikipedia.DUMPS),
}
SOURCES: tuple[str, ...] = tuple(HOSTS)


@lru_cache(maxsize=1)
def build() -> dict[str, Site]:
    """Give every host of the miniature by name; made once a process."""
    return {site.host: site for source in (egov, mod, nasa, pmda, wikipedia) for site in source.sites()}
