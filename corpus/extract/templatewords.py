"""How the arguments of a template become the words that stand in its place.

Numbers and units are those of the source; what a template would compute is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from corpus.extract.templatefacts import BY_NAME, FACTS, day

__all__ = ["SPECIAL", "without_arguments"]

Words = Callable[[list[str], dict[str, str]], str]

_JOINERS: Final = {
    "to": "to", "-": "–", "–": "–", "and": "and", "by": "by", "x": "×", "×": "×", "or": "or", "to(-)": "–", "+/-": "±",
    "±": "±", "*": "×", "xx": "×", ",": ",",
}  # fmt: skip
_UNITS: Final = dict.fromkeys(("sqmi", "mi2"), "sq mi") | dict.fromkeys(("ft2", "sqft"), "sq ft") | {
    "sqkm": "km²", "km2": "km²", "m2": "m²", "m3": "m³", "ftin": "ft", "C": "°C", "F": "°F", "kn": "knots",
    "cm2": "cm²", "km3": "km³", "cm3": "cm³", "ft3": "cu ft", "cuft": "cu ft", "uskn": "knots", "m/s2": "m/s²",
}  # fmt: skip
_SMALLER: Final = {
    "ft": ("in",), "foot": ("in",), "lb": ("oz",), "st": ("lb",), "yd": ("ft", "in"),
    "mi": ("yd", "ft", "furlong", "chain"),
}  # fmt: skip
_MANY: Final = re.compile(r"e(3|6|9|12)([^\W\d].*)", re.DOTALL)
_POWERS: Final = {"3": "thousand", "6": "million", "9": "billion", "12": "trillion"}
_NUMBER: Final = re.compile(r"[-−+]?[\d.,/⁄ ]++(?:\+\d++/{1,2}\d++)?(?:e[-+]?\d++)?")
_MIXED: Final = re.compile(r"(?<=\d)\+(?=\d)")  # 3+1/2
_VALUE_JOINERS: Final = {
    "-": "–", "–": "–", "to": " to ", "x": " × ", "×": " × ", "by": " by ", "and": " and ", "or": " or ", "/": "/",
}  # fmt: skip
_WIDTH: Final = re.compile(r"[0-9.]+\s?(?:em|px|%)?")
_DIGITS_IN_DOUBT: Final = re.compile(r"\(\d+\)")
_ERAS: Final = (("明治", 1868), ("大正", 1912), ("昭和", 1926), ("平成", 1989), ("令和", 2019))


def _reading(arguments: list[str], _: dict[str, str]) -> str:
    """{{読み仮名|塔|とう|英: Tower}} -> "塔（とう、英: Tower）"."""
    said = "、".join(part for part in arguments[1:3] if part)
    return f"{arguments[0]}（{said}）" if said else arguments[0]


def _nihongo(arguments: list[str], _: dict[str, str]) -> str:
    rest = "、".join(part for part in arguments[1:3] if part)
    return f"{arguments[0]} ({rest})" if rest and arguments[0] else arguments[0] or rest


def _value(arguments: list[str], named: dict[str, str]) -> str:
    """{{val|12.5|0.1|e=3|u=kg}} -> "12.5±0.1×10^3 kg"; {{val|5|-|6|u=m}} -> "5–6 m"."""
    number, rest = arguments[0], arguments[1:]
    if len(rest) > 1 and rest[0] in _VALUE_JOINERS:
        pairs = zip(rest[::2], rest[1::2], strict=False)
        number += "".join(_VALUE_JOINERS.get(joiner, "") + other for joiner, other in pairs)
    elif len(rest) > 1 and _NUMBER.fullmatch(rest[0]) and _NUMBER.fullmatch(rest[1]):
        number += f"+{rest[0].lstrip('+')}−{rest[1].lstrip('-−')}"
    elif rest and _NUMBER.fullmatch(rest[0]):
        number += f"±{rest[0]}"
    elif rest and _DIGITS_IN_DOUBT.fullmatch(rest[0]):
        number += rest[0]
    return named.get("p", "") + _measured(number, named)


def _measured(number: str, named: dict[str, str]) -> str:
    power = f"×10^{named['e']}" if named.get("e") else ""
    unit = named.get("u") or named.get("ul") or ""
    per = named.get("up") or named.get("upl") or ""
    return " ".join(part for part in (number + power, f"{unit}/{per}" if per else unit) if part)


def _gaps(arguments: list[str], named: dict[str, str]) -> str:
    """{{gaps|1|234|567.8}} -> "1234567.8": the gaps are space on the screen, no characters."""
    return _measured("".join(arguments), named)


def _as_of(arguments: list[str], named: dict[str, str]) -> str:
    """{{as of|2014|5}} -> "As of May 2014"; alt= says it in other words."""
    if named.get("alt"):
        return named["alt"]
    since, lower = ("since", "Since") if named.get("since") else ("as of", "As of")
    first = named.get("df", "").lower() != "us"
    return f"{since if named.get('lc') else lower} {day([part for part in arguments if part], first_day=first)}"


def _list(arguments: list[str], _: dict[str, str]) -> str:
    return " · ".join(part for part in arguments if part)


def _lines(arguments: list[str], _: dict[str, str]) -> str:
    return "\n" + "\n".join(part for part in arguments if part) + "\n"


def _columns(arguments: list[str], named: dict[str, str]) -> str:
    """{{columns-list|2|...}}: how many columns, or how wide, is no text."""
    return _lines([part for part in arguments if not _WIDTH.fullmatch(part)], named)


def _emphasis(arguments: list[str], named: dict[str, str]) -> str:
    return named.get("文章") or (arguments[0] if arguments else "")


def _years(arguments: list[str], _: dict[str, str]) -> str:
    """{{nfly|2014}}, a link to the season of a year."""
    return arguments[0]


def _chemical(arguments: list[str], _: dict[str, str]) -> str:
    return "".join(arguments)


def _keys(arguments: list[str], _: dict[str, str]) -> str:
    return "+".join(arguments)


def _ship(arguments: list[str], _: dict[str, str]) -> str:
    """{{ship|USS|Iowa|BB-61}} -> "USS Iowa (BB-61)"; a fourth argument says which of the parts are shown."""
    prefix, name, number, form = [*arguments, "", "", "", ""][:4]
    if form == "3":
        return name
    return " ".join(part for part in (prefix, name, f"({number})" if number and not form else "") if part)


def _ship_of(prefix: str) -> Words:
    return lambda arguments, named: _ship([prefix, *arguments], named)


def _class(arguments: list[str], _: dict[str, str]) -> str:
    """{{sclass|Nimitz|aircraft carrier}}; the forms that show less than both are left out."""
    name, kind, form = [*arguments, "", "", ""][:3]
    return f"{name}-class {kind}" if kind and form in {"", "0"} else ""


def _quote(arguments: list[str], named: dict[str, str]) -> str:
    found = (named.get(key) for key in ("text", "quote", "content"))
    return next(filter(None, found), arguments[0] if arguments else "")


def _currency(symbol: str) -> Words:
    def words(arguments: list[str], named: dict[str, str]) -> str:
        shown = symbol.removeprefix("US") if named.get("long") in {"no", "n"} else symbol
        return f"{shown}{arguments[0] if arguments else ''}"

    return words


def _sic(arguments: list[str], named: dict[str, str]) -> str:
    """{{sic|xy|z}} -> "xyz [sic]": cut in two so that nobody mends it."""
    if named.get("hide"):
        return "".join(arguments)
    text = "".join(arguments)
    return f"[sic{text}]" if text in {"", "?", "!"} else f"{text} [sic]"


def _span(mark: str, between: str) -> Words:
    """{{reign|1500|1510}} -> "r. 1500–1510"."""
    return lambda arguments, _: f"{mark} {between.join(part for part in arguments[:2] if part)}"


def _era(mark: str) -> Words:
    return lambda arguments, _: f"{arguments[0]} {mark}"


def _japanese_year(arguments: list[str], _: dict[str, str]) -> str:
    """{{和暦|2019}} -> "平成31年/令和元年", for the years in which the calendars begin on the same day."""
    if not re.fullmatch("[12][0-9]{3}", arguments[0]) or int(arguments[0]) < 1873:
        return ""
    year = int(arguments[0])
    ends = [first for _, first in _ERAS[1:]] + [10_000]
    eras = ((era, year - first + 1) for (era, first), end in zip(_ERAS, ends, strict=True) if first <= year <= end)
    return "/".join(f"{era}{count if count > 1 else '元'}年" for era, count in eras)


def _power(arguments: list[str], _: dict[str, str]) -> str:
    return f"×10^{arguments[0]}"


def _author_year(arguments: list[str], _: dict[str, str]) -> str:
    return f"{' '.join(arguments[:-1])} ({arguments[-1]})" if len(arguments) > 1 else arguments[0]


def _fraction(arguments: list[str], _: dict[str, str]) -> str:
    if len(arguments) < 3:
        return "/".join(arguments) if len(arguments) > 1 else f"1/{arguments[0]}"
    return f"{arguments[0]} {arguments[1]}/{arguments[2]}"


def _with_name(arguments: list[str], _: dict[str, str]) -> str:
    return f"{arguments[1]}: {arguments[2]}" if len(arguments) > 2 else arguments[-1]


def _convert(arguments: list[str], _: dict[str, str]) -> str:
    """{{convert|5|to|10|km|mi}} -> "5 to 10 km", {{convert|6|ft|4|in|cm}} -> "6 ft 4 in": nothing is computed."""
    parts = [*(part.strip() for part in arguments), "", ""]
    out: list[str] = []
    for part, following, unit in zip(parts, parts[1:], parts[2:], strict=False):
        if _NUMBER.fullmatch(part):
            out.append(_MIXED.sub(" ", part).replace("//", "/"))
        elif part in _JOINERS:
            out.append(_JOINERS[part])
        else:
            out.append(_unit(part))
            if not _NUMBER.fullmatch(following) or unit not in _SMALLER.get(part, ()):
                break
    return " ".join(out)


def _unit(code: str) -> str:
    many = _MANY.fullmatch(code)
    if many:
        return f"{_POWERS[many[1]]} {_UNITS.get(many[2], many[2])}"
    return _UNITS.get(code, code)


def without_arguments(name: str, named: dict[str, str]) -> str:
    """What a template without positional arguments stands for: its named ones, or a sign by itself."""
    return SPECIAL[name]([], named) if name in _ALONE else ""


_QUOTES: Final = (*("quote", "blockquote", "cquote", "quotation", "bquote", "poemquote", "poem quote", "block quote"),)
_SYMBOLS: Final = {
    "us$": "US$", "usd": "US$", "a$": "A$", "aud": "A$", "nz$": "NZ$", "£": "£", "gbp": "£", "€": "€", "eur": "€",
    "₹": "₹", "inr": "₹", "¥": "¥", "jpy": "¥",
}  # fmt: skip
_SHIPS: Final = {
    **{name: name.upper() for name in ("uss", "hms", "ss", "rms", "hmas", "jds", "sms", "mv", "hmcs", "hmnzs", "usns")},
    **{name: name.upper() for name in ("js", "ins", "rfa", "uscgc")},
}
_EMPHASIS: Final = ("傍点", "圏点")
_ALONE: Final = {*_QUOTES, *_SYMBOLS, *_EMPHASIS, *BY_NAME, "sic"}
SPECIAL: Final[dict[str, Words]] = {
    **FACTS,
    **dict.fromkeys(_EMPHASIS, _emphasis),
    **dict.fromkeys(("by", "mlby", "nfly", "nbay", "nhly", "mlsy", "baseball year", "cfb link year"), _years),
    **dict.fromkeys(("convert", "cvt"), _convert),
    **dict.fromkeys(("読み仮名", "読み仮名 ruby不使用", "ふりがな", "読みがな"), _reading),
    **dict.fromkeys(("val", "sci"), _value),
    **dict.fromkeys(("frac", "fraction", "sfrac", "分数"), _fraction),
    **dict.fromkeys(("circa", "c.", "ca"), _span("c.", " – c. ")),
    **dict.fromkeys(("floruit", "fl."), _span("fl.", "–")),
    "reign": _span("r.", "–"),
    **{era.lower(): _era(era) for era in ("BCE", "BC", "CE")},
    "ad": lambda arguments, _: f"AD {arguments[0]}",
    **dict.fromkeys(_QUOTES, _quote),
    **{name: _currency(symbol) for name, symbol in _SYMBOLS.items()},
    "gaps": _gaps,
    "sic": _sic,
    **dict.fromkeys(("not a typo", "not typo", "as written", "subsup"), _chemical),
    "和暦": _japanese_year,
    "10^": lambda arguments, _: f"10^{arguments[0]}",
    "ship": _ship,
    "sclass": _class,
    **dict.fromkeys(("as of", "asof"), _as_of),
    "hlist": _list,
    **dict.fromkeys(("plainlist", "unbulleted list", "ubl", "flatlist", "bulleted list", "unordered list"), _lines),
    **dict.fromkeys(("ordered list", "ol", "cast listing"), _lines),
    **dict.fromkeys(("columns-list", "columnslist", "段組リスト"), _columns),
    **dict.fromkeys(("chem", "chem2", "chemical formula", "化学式"), _chemical),
    **dict.fromkeys(("keypress", "key press", "key"), _keys),
    **dict.fromkeys(("harvtxt", "harvcoltxt"), _author_year),
    **{name: _ship_of(prefix) for name, prefix in _SHIPS.items()},
    **dict.fromkeys(("e", "e-sp", "x10^"), _power),
    "nihongo": _nihongo,
    "langwithname": _with_name,
}
