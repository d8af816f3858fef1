"""laws.e-gov.go.jp: API v2 and v1, the zips, and made-up laws in 法令標準XML; law.e-gov.go.jp: a page of old.

Traps of the real API that are kept: robots.txt is the HTML shell of the web application, `law_num_year` is a number
in lists and a string in law_data, `abbrev` is null or "", `attr` is "" or {}, `repeal_status` is "None" or false, a
law has past and future revisions, and an error page comes with status 200.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from xml.etree import ElementTree as ET

from hakusho.miniature import lawxml
from hakusho.miniature.site import HTML, Query, Reply, Site, esc, page, records, text_file, text_names

HOST, OLD = "laws.e-gov.go.jp", "law.e-gov.go.jp"
MAINTENANCE = "503AC0000000999"  # the API answers an HTML page with status 200 where this law's text should be
_XML, _JSON = "application/xml; charset=utf-8", "application/json; charset=utf-8"
_SHELL = (
    '<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>e-Gov 法令検索</title>'
    '<script type="module" src="/assets/index.js"></script></head><body><div id="app"></div></body></html>'
)
_NUMBER = re.compile(r"(昭和|平成|令和)(.+)年(法律|政令|.+省令|.+規則)第(.+)号")
_ERAS = {"昭和": "Showa", "平成": "Heisei", "令和": "Reiwa"}


@dataclass(frozen=True)
class Revision:
    """One revision of a law: the fields of its text file and the lines of the text."""

    id: str
    fields: dict[str, str]
    lines: tuple[str, ...]

    @property
    def law_id(self) -> str:
        """The LawID, as 503AC0000000901."""
        return self.id.split("_")[0]

    @property
    def status(self) -> str:
        """current_revision_status: CurrentEnforced, PreviousEnforced, UnEnforced or Repeal."""
        return self.fields["状態"]

    @property
    def law_type(self) -> str:
        """LawType of the schema."""
        return self.fields.get("種別", "Act")

    def numbers(self) -> tuple[str, int, str]:
        """Give era, year and number of the law: ("Reiwa", 3, "901")."""
        match = _NUMBER.fullmatch(self.fields["法令番号"])
        if not match:
            raise ValueError(f"{self.id}: no law number: {self.fields['法令番号']}")
        year = 1 if match[2] == "元" else lawxml.number(match[2])
        return _ERAS[match[1]], year, f"{lawxml.number(match[4]):03d}"

    def element(self) -> ET.Element:
        """Give the Law element."""
        era, year, num = self.numbers()
        _, month, day = self.fields["公布"].split("-")
        attrs = {
            "Era": era,
            "Lang": "ja",
            "LawType": self.law_type,
            "Num": num,
            "Year": f"{year:02d}",
            "PromulgateMonth": month,
            "PromulgateDay": day,
        }
        title = {
            "LawTitle": self.fields["題名"],
            "Kana": self.fields.get("かな", ""),
            "Abbrev": self.fields.get("略称", ""),
        }
        return lawxml.build(list(self.lines), self.fields["法令番号"], title, attrs)

    def xml(self) -> bytes:
        """Give the law file."""
        return lawxml.to_bytes(self.element())

    def law_info(self, *, as_text: bool) -> dict[str, object]:
        """Give law_info; the year is a string in law_data and a number in lists."""
        era, year, num = self.numbers()
        return {
            "law_type": self.law_type,
            "law_id": self.law_id,
            "law_num": self.fields["法令番号"],
            "law_num_era": era,
            "law_num_year": str(year) if as_text else year,
            "law_num_type": self.law_type,
            "law_num_num": num,
            "promulgation_date": self.fields["公布"],
        }

    def revision_info(self, none: object) -> dict[str, object]:
        """Give revision_info; `none` is how this place says that nothing is repealed ("None" or false)."""
        _, day, amending = self.id.split("_")
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}"
        first, repealed = set(amending) == {"0"}, self.status == "Repeal"
        odd = int(self.law_id[-3:]) % 2 == 1
        return {
            "law_revision_id": self.id,
            "law_type": self.law_type,
            "law_title": self.fields["題名"],
            "law_title_kana": self.fields.get("かな"),
            "abbrev": self.fields.get("略称") or (None if odd else ""),
            "category": self.fields["分類"],
            "updated": f"{self.fields.get('更新', date)}T09:15:59+09:00",
            "amendment_promulgate_date": self.fields["公布"] if first else date,
            "amendment_enforcement_date": date,
            "amendment_enforcement_comment": None,
            "amendment_scheduled_enforcement_date": date if self.status == "UnEnforced" else None,
            "amendment_law_id": None if first else amending,
            "amendment_law_title": self.fields.get("改正法令名"),
            "amendment_law_title_kana": "" if first else None,
            "amendment_law_num": self.fields.get("改正法令番号"),
            "amendment_type": "1" if first else "3",
            "repeal_status": "Repeal" if repealed else none,
            "repeal_date": self.fields.get("廃止日"),
            "remain_in_force": False,
            "mission": "New",
            "current_revision_status": self.status,
        }


@lru_cache(maxsize=1)
def revisions() -> dict[str, Revision]:
    """Give every revision of every law, by revision id."""
    found = {}
    for file in text_names("egov"):
        for fields, text in records(text_file("egov", file)):
            found[fields["name"]] = Revision(fields["name"], fields, tuple(text.splitlines()))
    return dict(sorted(found.items()))


def current() -> dict[str, Revision]:
    """Give the revision in force of each law, by LawID; of a repealed law its last one."""
    return {r.law_id: r for r in revisions().values() if r.status in ("CurrentEnforced", "Repeal")}


def _find(name: str) -> Revision | None:
    by_number = {r.fields["法令番号"]: r for r in current().values()}
    return revisions().get(name) or current().get(name) or by_number.get(name)


def _json(data: object, status: int = 200) -> Reply:
    return Reply(json.dumps(data, ensure_ascii=False).encode(), _JSON, status, validators=False)


def _problem(status: int, code: str, message: str) -> Reply:
    return _json({"code": code, "message": message}, status)


def _list_entry(law: Revision) -> dict[str, object]:
    return {
        "law_info": law.law_info(as_text=False),
        "revision_info": law.revision_info("None"),
        "current_revision_info": law.revision_info(False),
    }


def _laws(_path: str, query: Query) -> Reply:
    limit, offset = query.get("limit", "100"), query.get("offset", "0")
    if not (limit.isdigit() and offset.isdigit() and 1 <= int(limit) <= 1000):
        return _problem(400, "400001", "limit または offset が不正です。")
    laws = [law for law in current().values() if query.get("law_title", "") in law.fields["題名"]]
    laws = [
        law
        for law in laws
        if query.get("law_type") in (None, law.law_type) and query.get("law_id") in (None, law.law_id)
    ]
    start, end = int(offset), int(offset) + int(limit)
    data: dict[str, object] = {"total_count": len(laws), "count": len(laws[start:end])}
    if end < len(laws):
        data["next_offset"] = end
    return _json({**data, "laws": [_list_entry(law) for law in laws[start:end]]})


def _history(path: str, _query: Query) -> Reply:
    law = _find(path.rsplit("/", 1)[1])
    if law is None:
        return _problem(404, "404001", "指定された法令が存在しません。")
    all_of_it = sorted((r for r in revisions().values() if r.law_id == law.law_id), key=lambda r: r.id, reverse=True)
    return _json({"law_info": law.law_info(as_text=False), "revisions": [r.revision_info("None") for r in all_of_it]})


def _maintenance() -> Reply:
    return page(
        '<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>メンテナンス中</title></head><body>'
        "<h1>ただいまメンテナンス中です</h1><p>しばらくしてから再度アクセスしてください。</p></body></html>"
    )


def _law_file(path: str, _query: Query) -> Reply:
    name = path.rsplit("/", 1)[1]
    if name.startswith(MAINTENANCE):
        return _maintenance()
    law = _find(name)
    return Reply(law.xml(), _XML) if law else _problem(404, "404001", "指定された法令が存在しません。")


def _law_data(path: str, query: Query) -> Reply:
    name = path.rsplit("/", 1)[1]
    if name.startswith(MAINTENANCE):
        return _maintenance()
    law = _find(name)
    if law is None:
        return _problem(404, "404001", "指定された法令が存在しません。")
    if query.get("response_format") == "xml":
        head = (
            '<?xml version="1.0" encoding="UTF-8"?><law_data_response><law_info>'
            f"<law_id>{law.law_id}</law_id><law_num>{esc(law.fields['法令番号'])}</law_num></law_info><revision_info>"
            f"<law_revision_id>{law.id}</law_revision_id><law_title>{esc(law.fields['題名'])}</law_title>"
            f"<current_revision_status>{law.status}</current_revision_status></revision_info><law_full_text>"
        )
        body = ET.tostring(law.element(), "utf-8")
        return Reply(head.encode() + body + b"</law_full_text></law_data_response>", _XML)
    empty: object = "" if int(law.law_id[-3:]) % 2 else {}
    return _json(
        {
            "attached_files_info": {"image_data": "", "attached_files": []},
            "law_info": law.law_info(as_text=True),
            "revision_info": law.revision_info("None"),
            "law_full_text": lawxml.tree(law.element(), empty),
        }
    )


def _zip(_path: str, query: Query) -> Reply:
    """Zip all laws in force, or those that changed on a day, future revisions too; the shell where there are none."""
    day = query.get("update_date", "")
    chosen = [r for r in revisions().values() if r.status in ("CurrentEnforced", "UnEnforced")]
    chosen = [r for r in chosen if r.law_id != MAINTENANCE and day in ("", _updated(r))]
    if query.get("file_section") not in ("1", "3") or not chosen:
        return Reply(_SHELL.encode(), HTML, validators=False)
    rows = ["法令名,公布日,法令ID,本文URL,未施行"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for law in chosen:
            ahead = "○" if law.status == "UnEnforced" else ""
            rows.append(f"{law.fields['題名']},{law.fields['公布']},{law.law_id},https://{HOST}/law/{law.id},{ahead}")
            archive.writestr(zipfile.ZipInfo(f"{law.id}/{law.id}.xml", (2026, 11, 1, 0, 0, 0)), law.xml())
        listed = zipfile.ZipInfo("all_law_list.csv", (2026, 11, 1, 0, 0, 0))
        archive.writestr(listed, "\ufeff" + "\r\n".join(rows))
    return Reply(out.getvalue(), "application/zip", validators=False)


def _updated(law: Revision) -> str:
    return str(law.revision_info(None)["updated"])[:10].replace("-", "")


def _envelope(data: str | None, status: int = 200) -> Reply:
    """Wrap an answer of API v1; without ApplData where there is an error."""
    code, inner = (1, "") if data is None else (0, f"<ApplData>{data}</ApplData>")
    head = f'<?xml version="1.0" encoding="UTF-8"?><DataRoot><Result><Code>{code}</Code><Message/></Result>'
    return Reply(f"{head}{inner}</DataRoot>".encode(), _XML, status, validators=False)


def _v1(path: str, _query: Query) -> Reply:
    kind, name = path.split("/")[3:5]
    if kind == "lawdata":
        law = _find(name)
        if law is None or law.law_id == MAINTENANCE:
            return _envelope(None, 404)
        text = ET.tostring(law.element(), "unicode")
        return _envelope(f"<LawId>{law.law_id}</LawId><LawFullText>{text}</LawFullText>")
    laws = [r for r in current().values() if r.status == "CurrentEnforced" and r.law_id != MAINTENANCE]
    laws = [r for r in laws if kind == "lawlists" or _updated(r) == name]
    items = "".join(
        f"<LawNameListInfo><LawId>{r.law_id}</LawId><LawName>{esc(r.fields['題名'])}</LawName></LawNameListInfo>"
        for r in laws
    )
    return _envelope(items) if items else _envelope(None, 404)


def _old() -> Site:
    """The site of before 2017: an index and one page in Shift_JIS, http only."""
    law = current()["405AC0000000903"]
    head = '<HTML><HEAD><META http-equiv="Content-Type" content="text/html; charset=shift_jis"><TITLE>{}</TITLE></HEAD>'
    text = "<BR>".join(re.sub(r"[{}]|\|[^}]*", "", line) for line in law.lines)
    pages = {
        "/": head.format("法令データ提供システム")
        + '<BODY><A HREF="/htmldata/H05/H05HO903.html">試験</A></BODY></HTML>',
        "/htmldata/H05/H05HO903.html": head.format(law.fields["題名"]) + f"<BODY>{text}</BODY></HTML>",
    }
    site = Site(OLD, page("<HTML><BODY>404</BODY></HTML>", status=404))
    site.fixed = {path: Reply(body.encode("cp932", "xmlcharrefreplace"), "text/html") for path, body in pages.items()}
    return site


def sites() -> list[Site]:
    """Give the two hosts of the source."""
    shell = Reply(_SHELL.encode(), HTML, validators=False)
    site = Site(HOST, _problem(404, "404000", "該当するAPIが存在しません。"))
    site.fixed = {"/robots.txt": Reply(_SHELL.encode(), "text/html", validators=False), "/": shell}
    site.fixed |= {f"/law/{law_id}": shell for law_id in current()}
    site.answers = {
        "/api/2/laws": _laws,
        "/api/2/law_revisions/": _history,
        "/api/2/law_file/xml/": _law_file,
        "/api/2/law_data/": _law_data,
        "/api/1/": _v1,
        "/bulkdownload": _zip,
    }
    site.probes = ["/api/2/laws", "/api/2/laws?limit=5&offset=5"]
    for name in [*revisions(), *current()]:
        site.probes += [
            f"/api/2/law_file/xml/{name}",
            f"/api/2/law_data/{name}",
            f"/api/2/law_data/{name}?response_format=xml",
        ]
    site.probes += [f"/api/2/law_revisions/{law_id}" for law_id in current()]
    site.probes += ["/bulkdownload?file_section=1&only_xml_flag=true", "/api/1/lawlists/1"]
    return [site, _old()]
