"""Templates that stand for days, places and measures: what they print of their own arguments, and nothing computed.

{{birth date and age|1970|1|5}} prints the age of today, too; a text that says so would be another one tomorrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["BY_NAME", "FACTS", "day"]

Words = Callable[[list[str], dict[str, str]], str]

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November"),
    "December",
)
_SHORT_MONTHS: Final = {name[:3].lower(): name for name in _MONTHS}
_YEAR: Final = re.compile(r"[0-9]{1,4}")
_DEGREES: Final = "°′″"
_NUMBER: Final = re.compile(r"[-−]?[0-9]+(?:\.[0-9]+)?")
_ORDINALS: Final = {"1": "st", "2": "nd", "3": "rd"}
_CHINESE: Final = {
    "c": "Chinese", "s": "simplified Chinese", "t": "traditional Chinese", "p": "pinyin", "w": "Wade–Giles",
    "j": "Jyutping", "poj": "Pe̍h-ōe-jī", "l": "lit.", "labels": "",
}  # fmt: skip


def day(parts: list[str], *, first_day: bool) -> str:
    """Year, month and day, of which the last may be missing, as English prints them: "May 4, 2014" or "4 May 2014"."""
    year, month, number = [*parts, "", "", ""][:3]
    if not month:
        return year
    name = _MONTHS[int(month) - 1] if month.isdecimal() and 1 <= int(month[:3]) <= 12 else ""
    name = name or _SHORT_MONTHS.get(month[:3].lower(), month)
    if not number:
        return f"{name} {year}"
    return f"{number} {name} {year}" if first_day else f"{name} {number}, {year}"


def _date(arguments: list[str], named: dict[str, str]) -> str:
    """{{start date|2014|5|4}}; {{birth-date|4 May 2014}} has its day in words."""
    if not _YEAR.fullmatch(arguments[0]):
        return arguments[0]
    first = named.get("df", "")[:1].lower() == "y" or named.get("format", "") == "dmy"
    return day([part.lstrip("0") if part.isdecimal() else part for part in arguments[:3]], first_day=first)


def _japanese_date(arguments: list[str], _: dict[str, str]) -> str:
    """{{生年月日と年齢|1970|1|5}} -> "1970年1月5日"."""
    parts = [part.lstrip("0") for part in arguments[:3]]
    if not all(part.isdecimal() for part in parts):
        return ""
    return "".join(part + unit for part, unit in zip(parts, "年月日", strict=False))


def _last_day(arguments: list[str], _: dict[str, str]) -> str:
    """{{死亡年月日と没年齢|1900|1|1|1980|2|3}}: the first is the day of birth."""
    return _japanese_date(arguments[3:6], {}) if len(arguments) > 5 else ""


def _place(arguments: list[str], named: dict[str, str]) -> str:
    """{{coord|35|39|31|N|139|44|44|E}} -> "35°39′31″N 139°44′44″E"; one shown in the head of the page is not here."""
    if named.get("display", "").strip() in ("title", "t"):
        return ""
    groups: list[list[str]] = [[]]
    for part in arguments[:8]:
        if part in ("N", "S", "E", "W"):
            groups[-1].append(part)
            groups.append([])
        elif _NUMBER.fullmatch(part):
            groups[-1].append(part)
        else:
            break
    if len(groups) == 1:
        return "; ".join(groups[0][:2])
    lettered = [group for group in groups if group and group[-1].isalpha() and len(group) < 5]
    return " ".join("".join(map("".join, zip(group[:-1], _DEGREES, strict=False))) + group[-1] for group in lettered)


def _ordinal(arguments: list[str], _: dict[str, str]) -> str:
    number = arguments[0]
    teen = len(number) > 1 and number[-2] == "1"
    return number + ("th" if teen else _ORDINALS.get(number[-1:], "th")) if number.isdecimal() else number


def _height(_: list[str], named: dict[str, str]) -> str:
    """{{height|ft=6|in=2}} -> "6 ft 2 in"."""
    return " ".join(f"{named[unit]} {unit}" for unit in ("m", "cm", "ft", "in") if named.get(unit))


def _of_the_sun(mark: str) -> Words:
    return lambda arguments, _: f"{arguments[0]} {mark}" if arguments else mark


def _music(arguments: list[str], _: dict[str, str]) -> str:
    """{{music|flat}} -> "♭"; {{music|time|3|4}} -> "3/4"."""
    if arguments[0] == "time" and len(arguments) > 2:
        return f"{arguments[1]}/{arguments[2]}"
    return {"flat": "♭", "b": "♭", "sharp": "♯", "#": "♯", "natural": "♮"}.get(arguments[0], "")


def _chinese(_: list[str], named: dict[str, str]) -> str:
    """{{zh|s=汉字|p=Hànzì}} -> "simplified Chinese: 汉字; pinyin: Hànzì"."""
    return "; ".join(f"{_CHINESE[key]}: {value}" for key, value in named.items() if _CHINESE.get(key) and value)


def _old_style(arguments: list[str], _: dict[str, str]) -> str:
    """{{OldStyleDate|5 May|1700|24 April}} -> "5 May [O.S. 24 April] 1700"."""
    new, year, old = [*arguments, "", "", ""][:3]
    return f"{new} [O.S. {old}] {year}"


def _root(arguments: list[str], _: dict[str, str]) -> str:
    return f"√{arguments[0]}"


def _verse(arguments: list[str], _: dict[str, str]) -> str:
    return " ".join(arguments[:2])


BY_NAME: Final = {"zh", "zh-cp", "height", "solar mass", "solar radius", "solar luminosity"}  # without arguments, too
FACTS: Final[dict[str, Words]] = {
    **dict.fromkeys(
        (
            *("start date", "end date", "birth date", "death date", "birth date and age", "start date and age", "dts"),
            *("death date and age", "birth-date", "death-date", "start-date", "end-date", "film date", "bda", "dda"),
            *("birth-date and age", "release date", "launch date", "date"),
        ),
        _date,
    ),
    **dict.fromkeys(("生年月日と年齢", "生年月日", "死亡年月日", "没年月日", "開始日"), _japanese_date),
    **dict.fromkeys(("死亡年月日と没年齢", "没年月日と没年齢"), _last_day),
    **dict.fromkeys(("coord", "coords"), _place),
    "ordinal": _ordinal,
    "height": _height,
    **dict.fromkeys(("solar mass", "solarmass"), _of_the_sun("M☉")),
    "solar radius": _of_the_sun("R☉"),
    "solar luminosity": _of_the_sun("L☉"),
    "music": _music,
    **dict.fromkeys(("zh", "zh-cp"), _chinese),
    **dict.fromkeys(("oldstyledate", "old style date"), _old_style),
    **dict.fromkeys(("radic", "sqrt"), _root),
    **dict.fromkeys(("bibleverse", "bibleref", "bibleref2", "bible verse"), _verse),
}
