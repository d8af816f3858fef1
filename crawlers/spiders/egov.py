"""e-Gov 法令検索 (laws.e-gov.go.jp): the laws of Japan in force, as 法令標準XML.

API v2 lists every law with the revision in force today; `law_file/xml` gives the text of exactly that revision. Past
and future revisions (there are some up to 2029) and repealed laws are booked and not harvested.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from scrapy.http import Request, Response

from crawlers.items import Record, Refused
from crawlers.spider import Items, SiteSpider

__all__ = ["EgovSpider"]

HOST = "laws.e-gov.go.jp"
API = f"https://{HOST}/api/2"
PAGE = 100  # laws a page; the API takes 1 to 1000
LICENCE = "PDL-1.0"
EVIDENCE = (
    "著作権法13条（法令は著作権の目的とならない）; e-Gov法令検索 利用規約: 公共データ利用規約（第1.0版）（PDL1.0）"
)


class EgovSpider(SiteSpider):
    """One document a law in force, keyed by its revision id."""

    name = "egov"
    hosts = (HOST,)
    langs = ("ja",)
    routes = {"api": (HOST,)}  # noqa: RUF012  Scrapy reads class attributes

    def begin(self) -> Items:
        """The first page of the list."""
        yield self.page(0)

    def page(self, offset: int) -> Request:
        """A page of the list."""
        return self.listing(f"{API}/laws?{urlencode({'limit': PAGE, 'offset': offset})}", self.laws)

    def laws(self, response: Response) -> Items:
        """Each law's revision in force; then the next page, as far as `next_offset` says that there is one."""
        data = self.json(response, "laws")
        if data is None:
            return
        yield from self.each(response, data["laws"], self.law)
        if data.get("next_offset"):
            yield self.page(int(data["next_offset"]))

    def law(self, law: dict[str, Any]) -> Items:
        """Ask for the text of a law in force, or say why not."""
        law_id = law["law_info"]["law_id"]
        listed, current = law.get("revision_info") or {}, law.get("current_revision_info") or {}
        revision = current.get("law_revision_id")
        if listed.get("law_revision_id") not in (None, revision):
            yield Refused(listed["law_revision_id"], "not_in_force", listed.get("current_revision_status") or "")
        if not revision:
            yield Refused(law_id, "not_in_force", "no current revision")
            return
        status = current.get("current_revision_status") or ""
        if status == "Repeal" or current.get("repeal_status") not in (None, False, "", "None"):
            yield Refused(revision, "repealed", str(current.get("repeal_date") or current.get("repeal_status")))
            return
        if status != "CurrentEnforced":
            yield Refused(revision, "not_in_force", status)
            return
        url = f"https://{HOST}/law/{law_id}"
        record = Record(
            key=revision,
            url=url,
            licence=LICENCE,
            licence_evidence=EVIDENCE,
            attribution=f"出典：e-Gov法令検索（デジタル庁）（{url}）",
            lang="ja",
            revision=revision.split("_")[1] if "_" in revision else "",
            title=current.get("law_title") or "",
            form="xml",
        )
        yield self.document(f"{API}/law_file/xml/{revision}", record)
