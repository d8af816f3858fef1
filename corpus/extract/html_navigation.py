"""Navigation by its markup: the elements, class names and roles that sites give to what stands around a page."""

from __future__ import annotations

from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import classes

__all__ = ["is_navigation"]

_NAVIGATION: Final = {
    *("nav", "navi", "navigation", "menu", "gnav", "header", "footer", "sidebar", "breadcrumb", "breadcrumbs", "pager"),
    *(
        "pagination",
        "topicpath",
        "pankuzu",
        "sns",
        "search",
        "cookie",
        "banner",
        "skip",
        "globalnav",
        "localnav",
        "lnav",
    ),
    *("globalnavi", "localnavi", "site-header", "site-footer", "global-header", "global-footer", "pagetop", "page-top"),
    *("related", "related-posts", "relatedposts", "recommend", "ranking", "comments", "share", "social", "tagcloud"),
    *(
        "gheader",
        "gfooter",
        "sidenav",
        "side-nav",
        "sidemenu",
        "copyright",
        "subnav",
        "sub-nav",
        "topic-path",
        "advert",
    ),
}
_ROLES: Final = {"navigation", "banner", "contentinfo", "search", "complementary"}


def is_navigation(element: etree._Element) -> bool:
    """Whether an element is navigation, with all that it holds."""
    if element.tag in ("nav", "header", "footer", "aside"):
        # Pages of today put the heading of an article into a header of its own.
        return element.tag != "header" or not any(
            parent.tag in ("article", "main") for parent in element.iterancestors()
        )
    return bool(classes(element) & _NAVIGATION) or element.get("role") in _ROLES
