"""PMDA's zip of all package inserts, and what all its routes say of an insert.

`set` is for those who registered: it needs their cookie. Inserts belong to the companies, so they are `restricted`
whatever the agency's own terms say.
"""

from __future__ import annotations

import csv
import io
import zipfile
from typing import BinaryIO

from scrapy.http import Response

from crawlers.bulk_spider import AsyncItems, Bulk, BulkSpider, entry, xml_entries
from crawlers.items import Found, Record, Refused
from crawlers.spider import Items

__all__ = ["INFO", "WWW", "SetSpider"]

INFO, WWW = "www.info.pmda.go.jp", "www.pmda.go.jp"
WHOLE = rf"https://{WWW}/medinavi/(pmda_all_sgml_xml_\d{{8}}\.zip)"
INSERT = (
    "添付文書は製造販売業者の著作物: PMDA 添付文書情報の注意（企業の許諾なき複製・再配布の禁止）; "
    "PMDA ホームページの公共データ利用規約（PDL1.0）は企業の提供する文書に及ばない"
)


class SetSpider(BulkSpider):
    """The route `set`: one document an insert, keyed by its packins_no."""

    def begin_set(self) -> Items:
        """The front page names the newest zip."""
        yield self.listing(f"https://{WWW}/", self.front)

    async def front(self, response: Response) -> AsyncItems:
        """The zip, with the user's cookie; a login page in its place says that the cookie is not valid."""
        links = self.links(response, WHOLE)
        if not links:
            self.unreadable(response, "no zip of all inserts is linked")
        for url, match in list(links.items())[-1:]:
            page = "a login page in place of the zip: the cookie is not that of a registered session"
            async for item in self.bulk(Bulk(url, match[1], "inserts_in", page=page, missing=True, cookie=True)):
                yield item

    def inserts_in(self, stream: BinaryIO, container: str, whole: bool) -> Items:
        """Every insert of the zip, with the brand name of its list (cp932); old SGML is booked."""
        del whole  # a zip is read whole or not at all
        with zipfile.ZipFile(stream, metadata_encoding="cp932") as archive:
            lists = [name for name in archive.namelist() if name.lower().endswith(".csv")]
            text = archive.read(lists[0]).decode("cp932", "replace") if lists else ""
            rows = csv.DictReader(io.StringIO(text))
            brands = {row.get("添付文書番号") or "": row.get("販売名") or "" for row in rows}
            for name, info in xml_entries(archive):
                record = self.insert(name.partition("_")[2], "xml")
                yield Found(record, entry(archive, info), "application/xml", container_sha256=container)
                brands.pop(record.key, None)
        for number, brand in brands.items():
            yield Refused(number, "no_document", f"{brand}: listed, without XML in the zip")

    def insert(self, number: str, form: str, title: str = "") -> Record:
        """What the site says of an insert."""
        url = f"https://{INFO}/go/pack/{number}/"
        credit = f"出典：独立行政法人医薬品医療機器総合機構ホームページ（{url}）。添付文書の著作権は製造販売業者にある"
        version = number.rpartition("_")[2]
        return Record(number, url, "restricted", INSERT, credit, "ja", version, title, ("company_text",), form)
