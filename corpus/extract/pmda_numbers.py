"""Numbers of the sections of an insert, as the PMDA's own style sheet gives them: they stand nowhere in the XML.

A section has the number of its element, or the one that the comment before it names; an item of an OrderedList has that
of its section and its own place, down to three parts (11.1.2). Lists of other kinds are not numbered. What stands
deeper is found under the number of the item around it.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.xmlparse import local_name

__all__ = ["heading_number", "numbers_by_id"]

_PARTS: Final = 3
_COMMENT: Final = re.compile(r"\s*([0-9０-９]{1,2}(?:[.．][0-9０-９]{1,2}){0,3})([.．]?)\s*(?=[^\s.．0-9０-９])")
_SECTIONS: Final = dict(
    zip(
        (
            *("Warnings", "ContraIndications", "CompositionAndProperty", "IndicationsOrEfficacy"),
            *("EfficacyRelatedPrecautions", "InfoDoseAdmin", "InfoPrecautionsDosage", "ImportantPrecautions"),
            *("UseInSpecificPopulations", "Interactions", "AdverseEvents", "InfluenceOnLaboratoryTests", "OverDosage"),
            *("PrecautionsForApplication", "OtherPrecautions", "Pharmacokinetics", "ResultsOfClinicalTrials"),
            *("EfficacyPharmacology", "PhyschemOfActIngredients", "PrecautionsForHandling", "ConditionsOfApproval"),
            *("Package", "MainLiterature", "AddresseeInfo", "AttentionOfInsurance", "NameAddressManufact"),
        ),
        map(str, range(1, 27)),
        strict=True,
    )
)
_PARTS_OF: Final = {
    "9": (
        *("UseInPatientsWithComplicationsOrHistoryOfDiseasesEtc", "PatientsWithRenalImpairment"),
        *("PatientsWithHepaticImpairment", "MalesAndFemalesOfReproductivePotential", "UseInPregnant", "UseInNursing"),
        *("PediatricUse", "UseInTheElderly"),
    ),
    "10": ("ContraIndicatedCombinations", "PrecautionsForCombinations"),
    "11": ("SeriousAdverseEvents", "OtherAdverseEvents"),
    "15": ("InformationBasedOnClinicalUse", "InformationBasedOnNonclinicalStudies"),
    "16": (
        *("BloodLevel", "Absorption", "Distribution", "Metabolism", "Excretion", "SpecificPopulation"),
        *("DrugAndDrugInteractions", "PharmacokineticsEtc"),
    ),
    "17": ("EfficacyAndSafety", "PostMarketingSurveylancesEtc", "ResultsOfClinicalTrialsEtc"),
    "18": ("MechanismOfAction",),
}
_NUMBERS: Final = {
    **_SECTIONS,
    **{name: f"{above}.{place}" for above, names in _PARTS_OF.items() for place, name in enumerate(names, 1)},
    "MeasurementMethod": "18.1",  # of a diagnostic, in place of 18.1 作用機序
}
_COMPOSITION: Final = ("Composition", "Property")
_WITH_RECIPE: Final = ("OverviewOfRecipe", *_COMPOSITION)  # vaccines and antitoxins begin with how they are made
_OTHERS_FROM: Final = {"14": 1, "15": 3, "18": 2}  # the first number of OtherInformation in a section


def heading_number(comment: str) -> str:
    """The number that a comment begins with where it is a numbered title (３．１ 組成: 3.1), else ""."""
    match = _COMMENT.match(comment)
    if match is None or not (match[2] or set(".．") & set(match[1])):
        return ""
    return unicodedata.normalize("NFKC", match[1])


def numbers_by_id(root: etree._Element) -> dict[str, str]:
    """The number of each element that has an id and stands in a numbered section; of a whole section "8."."""
    order = _WITH_RECIPE if root.get("drugType") in ("Vaccine", "Antitoxin") else _COMPOSITION
    found: dict[str, str] = {}
    _collect(root, "", {**_NUMBERS, **{name: f"3.{place}" for place, name in enumerate(order, 1)}}, {}, found)
    return found


def _collect(
    node: etree._Element, number: str, numbers: dict[str, str], counts: dict[str, int], found: dict[str, str]
) -> None:
    """Walk down with the number of the section above; `counts` holds how many items stand under each number.

    Depth is bounded by the parser (256), so recursion is safe.
    """
    tag = local_name(node)
    if number and node.get("id"):
        found.setdefault(node.get("id"), number if "." in number else f"{number}.")
    ordered = tag == "OrderedList" and number and number.count(".") < _PARTS - 1
    if ordered:
        counts[number] = counts.get(number, 0) if node.get("numberContinued") == "true" else 0
    others = _OTHERS_FROM.get(number, 0) if tag in _SECTIONS else 0
    comment = ""
    for child in node:
        name = local_name(child)
        if child.tag is etree.Comment:
            comment = heading_number(child.text or "")
        if not name:
            continue
        below = comment or numbers.get(name, number)
        if ordered and name == "Item":
            counts[number] += 1
            below = f"{number}.{counts[number]}"
        elif others and name == "OtherInformation":
            below, others = f"{number}.{others}", others + 1
        comment = ""
        _collect(child, below, numbers, counts, found)
