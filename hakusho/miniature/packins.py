"""Package inserts (添付文書) in PackIns XML, namespace and shape of the 新記載要領; the products are made up."""

from __future__ import annotations

import io
import tomllib
import zipfile
from dataclasses import dataclass
from functools import lru_cache

from hakusho.miniature.site import esc, framed, text_file, text_names

NAMESPACE = "http://info.pmda.go.jp/namespace/prescription_drugs/package_insert/1.0"
# number of the section -> element, title
SECTIONS = {
    "1": ("Warnings", "警告"),
    "2": ("ContraIndications", "禁忌（次の患者には投与しないこと）"),
    "3": ("CompositionAndProperty", "組成・性状"),
    "4": ("IndicationsOrEfficacy", "効能又は効果"),
    "5": ("EfficacyRelatedPrecautions", "効能又は効果に関連する注意"),
    "6": ("InfoDoseAdmin", "用法及び用量"),
    "7": ("InfoPrecautionsDosage", "用法及び用量に関連する注意"),
    "8": ("ImportantPrecautions", "重要な基本的注意"),
    "9": ("UseInSpecificPopulations", "特定の背景を有する患者に関する注意"),
    "10": ("DrugInteractions", "相互作用"),
    "11": ("AdverseEvents", "副作用"),
    "13": ("OverDosage", "過量投与"),
    "14": ("PrecautionsForApplication", "適用上の注意"),
    "16": ("Pharmacokinetics", "薬物動態"),
    "17": ("ResultsOfClinicalTrials", "臨床成績"),
    "18": ("EfficacyPharmacology", "薬効薬理"),
    "20": ("PrecautionsForHandling", "取扱い上の注意"),
    "22": ("Package", "包装"),
    "26": ("NameAddressManufact", "製造販売業者等"),
}


@dataclass(frozen=True)
class Insert:
    """One package insert; `sections` maps a section's number to its lines; `stale` names a version that is gone."""

    no: str
    company_id: str
    company: str
    brand: str
    generic: str
    classification: str
    month: str
    posted: str
    sections: dict[str, list[str]]
    stale: str = ""

    @property
    def file(self) -> str:
        """The name that the site's links and zip members use: company and number."""
        return f"{self.company_id}_{self.no}"

    def xml(self) -> bytes:
        """Give the PackIns document: text in Lang, line breaks as <?enter?>, titles of sections in comments."""
        yj = self.no.split("_")[0]
        return framed(
            "packins.xml",
            namespace=NAMESPACE,
            no=self.no,
            company=self.company_id,
            month=self.month,
            sccj="87" + yj[:3],
            generic=_lang(self.generic),
            classification=_lang(self.classification),
            brand=_lang(self.brand),
            yj=yj,
            sections="".join(_section(number, lines) for number, lines in self.sections.items()),
        ).encode()

    def zipped(self) -> bytes:
        """Give the zip that the XML link answers with; its time stamp is fixed."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            member = zipfile.ZipInfo(f"{self.file}/{self.file}.xml", (2026, 11, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, self.xml())
        return out.getvalue()


def _lang(text: str) -> str:
    return '<Lang xml:lang="ja">' + esc(text).replace("\n", "<?enter?>") + "</Lang>"


def _section(number: str, lines: list[str]) -> str:
    tag, title = SECTIONS[number]
    if len(lines) > 1 and number != "6":
        inner = (
            "<SimpleList>" + "".join(f"<Item><Detail>{_lang(line)}</Detail></Item>" for line in lines) + "</SimpleList>"
        )
    else:
        inner = f"<Detail>{_lang(chr(10).join(lines))}</Detail>"
    modified = ' modified="今回"' if number in ("8", "11") else ""
    return f'<!-- {number}.{title} --><{tag} id="HDR_{tag}"{modified}>{inner}</{tag}>'


@lru_cache(maxsize=1)
def load() -> list[Insert]:
    """Give every insert of the miniature, in the order of their files."""
    return [Insert(**tomllib.loads(text_file("pmda", name))) for name in text_names("pmda") if name.endswith(".toml")]
