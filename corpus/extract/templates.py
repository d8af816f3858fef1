"""Templates of wikitext whose words belong to the sentence; all others are decoration and go.

Dropping every template loses numbers and names ("{{convert|5|km}}", "{{lang|en|Word}}"), keeping every template leaves
debris. So the ones that stand for words are listed here, by what of them is the word.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

__all__ = ["expand", "template_name", "words_of"]

_FIRST: Final = {
    *("nowrap", "nobr", "nobreak", "formatnum", "nihongo2", "small", "smaller", "big", "larger", "sub", "sup", "abbr"),
    *("bold", "strong", "em", "mvar", "math", "var", "smallcaps", "sc", "lowercase", "uc", "lc", "ucfirst", "lcfirst"),
    *("visible anchor", "vanchor", "proper name", "no wrap", "num", "nts", "number table sorting", "italics", "i", "b"),
    *(
        "gaps",
        "cjk",
        "cjkv",
        "linktext",
        "ルビ",
        "ruby",
        "ruby-ja",
        "読み",
        "tooltip",
        "拡張漢字",
        "angbr",
        "angle bracket",
    ),
    *("pre", "code", "kbd", "samp", "mono", "strikethrough", "underline", "u", "s", "nobold", "noitalic", "resize"),
    *("cquote", "quote", "blockquote", "quotation", "nihongo3", "bquote", "indent", "block indent", "centre", "center"),
    *(
        "要出典範囲",
        "要校閲範囲",
        "独自研究範囲",
        "要説明範囲",
        "正確性範囲",
        "citation needed span",
        "要検証範囲",
        "信頼性要検証範囲",
    ),
    *(
        "flag",
        "flagcountry",
        "country",
        "旗",
        "script",
        "isbn2",
        "poem",
        "bracket",
        "pad",
        "縦書き",
        "ウィキ座標",
        "wikt",
        "tcy",
    ),
    *("link-en", "日本語版にない記事リンク", "doi-inline", "lower", "raise", "vr", "railgauge", "nowiki", "keep"),
}
_SECOND: Final = {"audio", "sort", "hs", "wikt-lang", "wiktja", "ウィクショナリー", "pronunciation", "代替フォント"}
_LAST: Final = {
    *("font", "color", "fontcolor", "font color", "bgcolor", "rtl-lang", "lang", "llang", "unicode fonts", "fontsize"),
    *("font size", "style", "colored text", "colour", "fcolor", "bg", "背景色", "文字色", "color2"),
}
_LINKS: Final = {"仮リンク", "ill", "ill2", "interlanguage link", "interlanguage link multi", "link-interwiki", "illm"}
_LANG: Final = re.compile(r"(?:lang|llang|transl?|transliteration|ipa|unicode|ipa-\w+)(?:-[a-z-]{2,12})?(?:-short)?")
_JOINERS: Final = {
    "to": "to", "-": "–", "–": "–", "and": "and", "by": "by", "x": "×", "×": "×", "or": "or", "to(-)": "–", "+/-": "±",
    "±": "±", "*": "×", "xx": "×",
}  # fmt: skip
_UNITS: Final = dict.fromkeys(("sqmi", "mi2"), "sq mi") | dict.fromkeys(("ft2", "sqft"), "sq ft") | {
    "sqkm": "km²", "km2": "km²", "m2": "m²", "m3": "m³", "ftin": "ft", "C": "°C", "F": "°F", "kn": "knots",
    "cm2": "cm²", "km3": "km³", "cm3": "cm³", "ft3": "cu ft", "cuft": "cu ft", "uskn": "knots", "m/s2": "m/s²",
}  # fmt: skip
_COUNTRIES: Final = {
    "jpn": "日本",
    "usa": "アメリカ合衆国", "gbr": "イギリス", "fra": "フランス", "deu": "ドイツ", "ger": "ドイツ",
    "ita": "イタリア",
    "chn": "中国", "kor": "韓国", "prk": "北朝鮮", "rus": "ロシア", "can": "カナダ", "aus": "オーストラリア",
    "esp": "スペイン",
    "bra": "ブラジル", "ned": "オランダ", "sui": "スイス", "swe": "スウェーデン", "ind": "インド", "mex": "メキシコ",
}  # fmt: skip
_NUMBER: Final = re.compile(r"[-−+]?[\d.,/⁄ ]+(?:e[-+]?\d+)?")
_SPACES: Final = ("spaces", "space", "thinsp", "nbsp")
_PLAIN: Final = dict.fromkeys(("spaced ndash", "snd", "spnd"), " – ") | dict.fromkeys(_SPACES, " ") | {
    "ndash": "–", "–": "–", "mdash": "—", "—": "—", "·": " · ", "•": " • ", "pi": "π", "=": "=", "!": "|", "'": "'",
    "'s": "'s", "\"": '"', "'-": "'", "dot": " · ", "bull": " • ", "middot": " · ", "pipe": "|", "((": "{{", "))": "}}",
    "mdashb": "—", "minus": "−", "times": "×", "bullet": " • ", "zwsp": "", "wbr": "", "–wrap": "–",
    "spaced en dash": " – ", "no": "no", "yes": "yes", "square root": "√", "degree": "°", "ca.": "c.",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def words_of(raw: str) -> str:
    """The comparable name of a template that stands for words, "" for one that is decoration."""
    name = template_name(raw)
    known = name in _SPECIAL or name in _FIRST or name in _PLAIN or name in _LAST or name in _LINKS or name in _SECOND
    if (
        known
        or name in _COUNTRIES
        or name.startswith("formatnum:")
        or name.endswith("フォント")
        or _LANG.fullmatch(name)
    ):
        return name
    return ""


def template_name(raw: str) -> str:
    """The name of a template, comparable: lower case, underscores and runs of blanks to one space."""
    return " ".join(raw.replace("_", " ").split()).lower()


def expand(name: str, positional: list[str], named: dict[str, str]) -> str:
    """The words that a template stands for, from its name and its arguments as text; "" where it stands for none."""
    if name in _PLAIN:
        return _PLAIN[name]
    if name.startswith("formatnum:"):  # the magic word, whose argument is part of the name
        return name.removeprefix("formatnum:")
    if name in _COUNTRIES:
        return positional[0] if positional else _COUNTRIES[name]
    if not positional:
        return ""
    return _SPECIAL[name](positional, named) if name in _SPECIAL else _argument(name, positional, named)


def _argument(name: str, positional: list[str], named: dict[str, str]) -> str:
    """The argument that is shown."""
    if name in _LINKS:
        return named.get("label") or named.get("lt") or named.get("display") or positional[0]
    if name in _LAST:
        return positional[-1]
    if _LANG.fullmatch(name):
        return positional[-1] if len(positional) < 3 else positional[1]
    if name in _SECOND:
        return positional[1] if len(positional) > 1 else positional[0]
    return positional[0] if name in _FIRST or name.endswith("フォント") else ""


def _reading(arguments: list[str], _: dict[str, str]) -> str:
    reading = arguments[1] if len(arguments) > 1 else ""
    return f"{arguments[0]}（{reading}）" if reading else arguments[0]


def _nihongo(arguments: list[str], _: dict[str, str]) -> str:
    rest = "、".join(part for part in arguments[1:3] if part)
    return f"{arguments[0]} ({rest})" if rest and arguments[0] else arguments[0] or rest


def _value(arguments: list[str], named: dict[str, str]) -> str:
    """{{val|12.5|0.1|e=3|u=kg}} -> "12.5±0.1×10^3 kg"."""
    number = arguments[0] + (f"±{arguments[1]}" if len(arguments) > 1 and _NUMBER.fullmatch(arguments[1]) else "")
    power = f"×10^{named['e']}" if named.get("e") else ""
    unit = named.get("u", named.get("ul", ""))
    return " ".join(part for part in (number + power, unit) if part)


def _as_of(arguments: list[str], named: dict[str, str]) -> str:
    """{{as of|2014|5}} -> "As of 5/2014"; alt= says it in other words."""
    if named.get("alt"):
        return named["alt"]
    since, lower = ("since", "Since") if named.get("since") else ("as of", "As of")
    return f"{since if named.get('lc') else lower} {'/'.join(reversed([part for part in arguments if part]))}"


def _list(arguments: list[str], _: dict[str, str]) -> str:
    return " · ".join(part for part in arguments if part)


def _chemical(arguments: list[str], _: dict[str, str]) -> str:
    return "".join(arguments)


def _keys(arguments: list[str], _: dict[str, str]) -> str:
    return "+".join(arguments)


def _ship(prefix: str) -> Callable[[list[str], dict[str, str]], str]:
    return lambda arguments, _: f"{prefix} {arguments[0]}"


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
    **dict.fromkeys(("読み仮名", "読み仮名 ruby不使用", "ふりがな", "読みがな"), _reading),
    **dict.fromkeys(("val", "sci"), _value),
    **dict.fromkeys(("frac", "fraction", "sfrac"), _fraction),
    **dict.fromkeys(("circa", "c.", "ca"), lambda arguments, _: f"c. {arguments[0]}"),
    **dict.fromkeys(("floruit", "fl."), lambda arguments, _: f"fl. {arguments[0]}"),
    **dict.fromkeys(("as of", "asof"), _as_of),
    **dict.fromkeys(("hlist", "plainlist", "unbulleted list", "ubl", "flatlist", "bulleted list"), _list),
    **dict.fromkeys(("chem", "chem2", "chemical formula", "化学式"), _chemical),
    **dict.fromkeys(("keypress", "key press", "key"), _keys),
    **dict.fromkeys(("harvtxt", "harvcoltxt"), _author_year),
    **{name: _ship(name.upper()) for name in ("uss", "hms", "ss", "rms", "hmas", "jds")},
    **dict.fromkeys(("e", "e-sp", "x10^"), _power),
    "nihongo": _nihongo,
    "langwithname": _with_name,
}
