"""Templates of wikitext whose words belong to the sentence; all others are decoration and go.

Dropping every template loses numbers and names ("{{convert|5|km}}", "{{lang|en|Word}}"), keeping every template leaves
debris. So the ones that stand for words are listed here, by what of them is the word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

__all__ = ["expand", "template_name"]

_FIRST: Final = {
    *("nowrap", "nobr", "nobreak", "formatnum", "nihongo2", "small", "smaller", "big", "larger", "sub", "sup", "abbr"),
    *("仮リンク", "color2", "bold", "strong", "em", "mvar", "math", "var", "smallcaps", "sc", "lowercase", "uc", "lc"),
    *("visible anchor", "vanchor", "link-interwiki", "ill", "interlanguage link", "proper name", "no wrap", "num"),
    *("gaps", "jis2004フォント", "cjk", "cjkv", "linktext", "ルビ", "ruby", "ruby-ja", "読み", "tooltip", "拡張漢字"),
    *("pre", "code", "kbd", "samp", "mono", "strikethrough", "underline", "u", "補助漢字フォント", "jis90フォント"),
    *("cquote", "quote", "blockquote", "quotation", "nihongo3"),
}
_LAST: Final = {"font", "color", "fontcolor", "font color", "bgcolor", "rtl-lang", "lang", "llang", "unicode fonts"}
_LANG: Final = re.compile(r"(?:lang|llang|transl?|ipa|unicode|ipa-\w+)(?:-[a-z-]{2,12})?(?:-short)?")
_JOINERS: Final = {"to": "to", "-": "–", "–": "–", "and": "and", "by": "by", "x": "×", "×": "×", "or": "or"}
_UNITS: Final = dict.fromkeys(("sqmi", "mi2"), "sq mi") | dict.fromkeys(("ft2", "sqft"), "sq ft") | {
    "sqkm": "km²", "km2": "km²", "m2": "m²", "m3": "m³", "ftin": "ft", "C": "°C", "F": "°F", "kn": "knots"
}  # fmt: skip
_NUMBER: Final = re.compile(r"[-−+]?[\d.,/⁄ ]+(?:e[-+]?\d+)?")
_PLAIN: Final = dict.fromkeys(("spaced ndash", "snd"), " – ") | {
    "ndash": "–", "–": "–", "mdash": "—", "·": " · ", "•": " • ", "nbsp": " ", "pi": "π", "=": "=", "!": "|", "'": "'"
}  # fmt: skip


def template_name(raw: str) -> str:
    """The name of a template, comparable: lower case, underscores and runs of blanks to one space."""
    return " ".join(raw.replace("_", " ").split()).lower()


def expand(name: str, positional: list[str], named: dict[str, str]) -> str:
    """The words that a template stands for, from its name and its arguments as text; "" where it stands for none."""
    if name in _PLAIN:
        return _PLAIN[name]
    if name.startswith("formatnum:"):  # the magic word, whose argument is part of the name
        return name.removeprefix("formatnum:")
    if not positional:
        return ""
    if name in _SPECIAL:
        return _SPECIAL[name](positional, named)
    if name in _LAST or _LANG.fullmatch(name):
        return positional[-1] if name in _LAST or len(positional) < 3 else positional[1]
    return positional[0] if name in _FIRST else ""


def _reading(arguments: list[str], _: dict[str, str]) -> str:
    reading = arguments[1] if len(arguments) > 1 else ""
    return f"{arguments[0]}（{reading}）" if reading else arguments[0]


def _nihongo(arguments: list[str], _: dict[str, str]) -> str:
    rest = "、".join(part for part in arguments[1:3] if part)
    return f"{arguments[0]} ({rest})" if rest and arguments[0] else arguments[0] or rest


def _value(arguments: list[str], named: dict[str, str]) -> str:
    return " ".join(part for part in (arguments[0], named.get("u", named.get("ul", ""))) if part)


def _fraction(arguments: list[str], _: dict[str, str]) -> str:
    if len(arguments) < 3:
        return "/".join(arguments) if len(arguments) > 1 else f"1/{arguments[0]}"
    return f"{arguments[0]} {arguments[1]}/{arguments[2]}"


def _with_name(arguments: list[str], _: dict[str, str]) -> str:
    return f"{arguments[1]}: {arguments[2]}" if len(arguments) > 2 else arguments[-1]


def _convert(arguments: list[str], _: dict[str, str]) -> str:
    """{{convert|5|to|10|km|mi}} -> "5 to 10 km": the numbers and the unit of the source, nothing computed."""
    out: list[str] = []
    for argument in (part.strip() for part in arguments):
        if _NUMBER.fullmatch(argument):
            out.append(argument)
        elif argument in _JOINERS:
            out.append(_JOINERS[argument])
        else:
            out.append(_UNITS.get(argument, argument))
            break
    return " ".join(out)


_SPECIAL: Final[dict[str, Callable[[list[str], dict[str, str]], str]]] = {
    **dict.fromkeys(("convert", "cvt"), _convert),
    **dict.fromkeys(("読み仮名", "読み仮名 ruby不使用", "ふりがな"), _reading),
    **dict.fromkeys(("val", "sci"), _value),
    **dict.fromkeys(("frac", "fraction", "sfrac"), _fraction),
    **dict.fromkeys(("circa", "c.", "ca"), lambda arguments, _: f"c. {arguments[0]}"),
    **dict.fromkeys(("floruit", "fl."), lambda arguments, _: f"fl. {arguments[0]}"),
    "nihongo": _nihongo,
    "langwithname": _with_name,
}
