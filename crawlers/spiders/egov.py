"""e-Gov 法令検索 (laws.e-gov.go.jp): the laws of Japan in force, as 法令標準XML.

`bulk` is one zip of all laws (and one a day of what changed), without length, validators or Range.
`api` is version 2: the list names each law's revision in force, `law_file/xml` gives exactly that text; asked where few
laws are wanted, since the zip has 285 MB. `api1` and `old` are what came before (egov_old.py).
Past and future revisions (there are some up to 2029) and repealed laws are booked, and harvested only when asked for.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from typing import Any, BinaryIO
from urllib.parse import urlencode

from scrapy.http import Request, Response

from crawlers.arguments import Route, today
from crawlers.bulk_spider import Bulk, entry, xml_entries
from crawlers.items import Found, Refused
from crawlers.spider import Items
from crawlers.spiders.egov_old import API1, HOST, LICENCE, OLD, OldEgov, enforced

__all__ = ["EgovSpider"]

ZIP = f"https://{HOST}/bulkdownload"
API = f"https://{HOST}/api/2"
PAGE = 100  # laws a page; the API takes 1 to 1000
FEW = 2000  # documents from which one zip is kinder to the site than a request each


class EgovSpider(OldEgov):
    """One document a law in force, keyed by its revision id."""

    name = "egov"
    hosts = (HOST, OLD)
    langs = ("ja",)
    licences = (LICENCE,)
    own = {"revisions": ("current", "all")}  # noqa: RUF012  Scrapy reads class attributes
    routes = {  # noqa: RUF012
        "bulk": Route((HOST,), "one zip of all laws, or one a day", 9500, 1, 285 * 10**6, "daily zips", (ZIP,)),
        "api": Route((HOST,), "API version 2", 9500, 9600, 10**5, "`updated` of each law", (f"{API}/laws",)),
        "api1": Route((HOST,), "API version 1", 9500, 9501, 10**5, "updatelawlists", (f"{API1}/lawlists/1",)),
        "old": Route((OLD,), "Shift_JIS pages of before 2017", 8000, 8001, 5 * 10**4, "", (f"http://{OLD}/",)),
    }

    @classmethod
    def usual(cls, limit: int | None, changes: bool) -> Sequence[str]:
        """The API for some laws, the zip for all."""
        return ("api",) if changes or (limit is not None and limit < FEW) else ("bulk",)

    # ---- zips

    def begin_bulk(self) -> Items:
        """The zip of all laws, or those of the days since."""
        if self.arguments.since is None:
            query = {"file_section": 1, "only_xml_flag": "true"}
            yield Bulk(f"{ZIP}?{urlencode(query)}", "all_xml.zip", "laws_in")
        for day in self.days():
            query = {"file_section": 3, "update_date": day, "only_xml_flag": "true"}
            yield Bulk(f"{ZIP}?{urlencode(query)}", f"{day}.zip", "laws_in", page="nothing changed")

    def laws_in(self, stream: BinaryIO, container: str, whole: bool) -> Items:
        """Each law's newest revision that is in force; its others are booked."""
        del whole  # a zip is read whole or not at all
        with zipfile.ZipFile(stream) as archive:
            titles, future = listed(archive)
            entries = dict(xml_entries(archive))
            now = {law: revision for revision in sorted(entries, key=enforced) if revision not in future
                   for law in [revision.partition("_")[0]] if enforced(revision) <= f"{today():%Y%m%d}"}  # fmt: skip
            for revision, info in entries.items():
                law = revision.partition("_")[0]
                if revision != now.get(law) and self.arguments.own.get("revisions") != "all":
                    ahead = revision in future or enforced(revision) > enforced(now.get(law, ""))
                    yield Refused(revision, "not_in_force" if ahead else "superseded_revision", now.get(law, ""))
                else:
                    record = self.record(revision, law, titles.get(law, ""))
                    yield Found(record, entry(archive, info), "application/xml", container_sha256=container)

    # ---- API version 2

    def begin_api(self) -> Items:
        """The first page of the list."""
        yield self.page(0)

    def page(self, offset: int) -> Request:
        """A page of the list."""
        query: dict[str, object] = {"limit": PAGE, "offset": offset}
        if self.arguments.since:
            query["updated_from"] = self.arguments.since.isoformat()
        return self.listing(f"{API}/laws?{urlencode(query)}", self.laws)

    def laws(self, response: Response) -> Items:
        """Each law's revision in force; then the next page, as far as `next_offset` says that there is one."""
        data = self.json(response, "laws")
        if data is None:
            return
        yield from self.each(response, data["laws"], self.law)
        if data.get("next_offset"):
            yield self.page(int(data["next_offset"]))

    def law(self, law: dict[str, Any]) -> Items:
        """Ask for the text of a law in force, or for the list of all its revisions, or say why not."""
        law_id = law["law_info"]["law_id"]
        listed, current = law.get("revision_info") or {}, law.get("current_revision_info") or {}
        if not self.changed(current.get("updated") or "9"):
            return  # a server that does not know `updated_from` lists all
        if self.arguments.own.get("revisions") == "all":
            yield self.listing(f"{API}/law_revisions/{law_id}", self.history, law_id=law_id)
            return
        if listed.get("law_revision_id") not in (None, current.get("law_revision_id")):
            yield Refused(listed["law_revision_id"], "not_in_force", listed.get("current_revision_status") or "")
        status, repealed = current.get("current_revision_status") or "", current.get("repeal_status")
        if not current.get("law_revision_id"):
            yield Refused(law_id, "not_in_force", "no current revision")
        elif status == "Repeal" or repealed not in (None, False, "", "None"):
            yield Refused(current["law_revision_id"], "repealed", str(current.get("repeal_date") or repealed))
        elif status != "CurrentEnforced":
            yield Refused(current["law_revision_id"], "not_in_force", status)
        else:
            yield self.text(current["law_revision_id"], law_id, current.get("law_title") or "")

    def history(self, response: Response, law_id: str) -> Items:
        """Every revision of a law."""
        for info in (self.json(response, "revisions") or {}).get("revisions", []):
            status = f"revision:{info.get('current_revision_status')}"
            yield self.text(info["law_revision_id"], law_id, info.get("law_title") or "", status)

    def text(self, revision: str, law_id: str, title: str, *rights: str) -> Request:
        """The text of one revision."""
        return self.document(f"{API}/law_file/xml/{revision}", self.record(revision, law_id, title, *rights))


def listed(archive: zipfile.ZipFile) -> tuple[dict[str, str], set[str]]:
    """What the zip's own list says: titles by LawID, and the revisions not yet in force."""
    names = [name for name in archive.namelist() if name.endswith("all_law_list.csv")]
    rows = list(csv.DictReader(io.StringIO(archive.read(names[0]).decode("utf-8-sig")))) if names else []
    future = {row["本文URL"].rpartition("/")[2] for row in rows if row.get("未施行")}
    return {row["法令ID"]: row["法令名"] for row in rows}, future
