"""Templates of wikitext whose words belong to the sentence; all others are decoration and go.

Dropping every template loses numbers and names ("{{convert|5|km}}", "{{lang|en|Word}}"), keeping every template leaves
debris. So the ones that stand for words are listed here, by what of them is the word.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Final

from corpus.extract.templatewords import SPECIAL, without_arguments

__all__ = ["BAR", "EQUALS", "expand", "template_name", "words_of"]

# {{!}} and {{=}} until all templates are read: they are there because they separate no arguments.
BAR: Final = "\x02"
EQUALS: Final = "\x03"

_FIRST: Final = {
    *("nowrap", "nobr", "nobreak", "formatnum", "nihongo2", "small", "smaller", "big", "larger", "sub", "sup", "abbr"),
    *("bold", "strong", "em", "mvar", "math", "var", "smallcaps", "sc", "lowercase", "uc", "lc", "ucfirst", "lcfirst"),
    *("visible anchor", "vanchor", "proper name", "no wrap", "num", "nts", "number table sorting", "italics", "i", "b"),
    *(
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
    *("nihongo3", "nihongo foot", "indent", "block indent", "centre", "center"),
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
        "isbn2",
        "poem",
        "bracket",
        "縦書き",
        "ウィキ座標",
        "wikt",
        "tcy",
    ),
    *("allcaps", "caps", "smallcaps all", "highlight", "noitalics", "serif", "sans-serif", "overline", "hebrew", "cns"),
    *("cn span", "fact span", "iast", "iso 15919", "term", "defn", "right", "右", "下線", "取消線", "midsize", "iast3"),
    *("link-en", "日本語版にない記事リンク", "doi-inline", "lower", "raise", "vr", "railgauge", "nowiki", "keep"),
}
_SECOND: Final = {
    "audio",
    "script",
    "sort",
    "hs",
    "wikt-lang",
    "wiktja",
    "ウィクショナリー",
    "pronunciation",
    "代替フォント",
}
_LAST: Final = {
    *("font", "color", "fontcolor", "font color", "bgcolor", "rtl-lang", "unicode fonts", "fontsize"),
    *("font size", "style", "colored text", "colour", "fcolor", "bg", "背景色", "文字色", "color2"),
    *("transl", "translit", "transliteration", "tlit"),
}
_LINKS: Final = {"仮リンク", "ill", "ill2", "interlanguage link", "interlanguage link multi", "link-interwiki", "illm"}
_LANG: Final = re.compile(r"(?:lang|llang|trans|ipa|unicode|ipa-\w+)(?:-[a-z-]{2,12})?(?:-short)?")
_CODED: Final = {"lang", "llang", "langx", "ipa"}  # code of the language first, then the words
_FLAGS: Final = {"flag", "flagcountry", "country", "旗"}
_COUNTRIES: Final[dict[str, list[str]]] = tomllib.loads(
    files("corpus.extract").joinpath("countries.toml").read_text("utf-8")
)["names"]
_SPACES: Final = ("pad", "spaces", "space", "thinsp", "nbsp")
_PLAIN: Final = dict.fromkeys(("spaced ndash", "snd", "spnd"), " – ") | dict.fromkeys(_SPACES, " ") | {
    "ndash": "–", "–": "–", "mdash": "—", "—": "—", "·": " · ", "•": " • ", "pi": "π", "=": EQUALS, "!": BAR, "'": "'",
    "'s": "'s", "\"": '"', "'-": "'", "dot": " · ", "bull": " • ", "middot": " · ", "pipe": BAR, "((": "{{", "))": "}}",
    "mdashb": "—", "minus": "−", "times": "×", "bullet": " • ", "zwsp": "", "wbr": "", "–wrap": "–",
    "spaced en dash": " – ", "snds": " – ", "endash": "–", "emdash": "—", "okina": "ʻ", "hamza": "ʾ", "ayin": "ʿ",
    "\"'": "\"'", "'\"": "'\"", "' \"": "'\"", "\" '": "\"'", "-\"": "\"", "1/2": "½", "1/4": "¼", "3/4": "¾",
    "no": "no", "yes": "yes", "square root": "√", "degree": "°", "ca.": "c.",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def words_of(raw: str) -> str:
    """The comparable name of a template that stands for words, "" for one that is decoration."""
    code = raw.strip()
    if code in _COUNTRIES:  # in capitals: {{COL}} is Colombia, {{col}} lays out columns
        return code
    name = template_name(raw)
    known = name in SPECIAL or name in _FIRST or name in _PLAIN or name in _LAST or name in _LINKS or name in _SECOND
    if (
        known
        or name in _FLAGS
        or name.startswith("formatnum:")
        or name.endswith("フォント")
        or name in _CODED
        or _LANG.fullmatch(name)
    ):
        return name
    return ""


def template_name(raw: str) -> str:
    """The name of a template, comparable: lower case, underscores and runs of blanks to one space."""
    return " ".join(raw.replace("_", " ").split()).lower()


def expand(name: str, positional: list[str], named: dict[str, str], lang: str = "ja") -> str:
    """The words that a template stands for, from its name and its arguments as text; "" where it stands for none.

    `lang` is the language of the wiki, in which countries are named.
    """
    if name in _PLAIN:
        return _PLAIN[name]
    if name.startswith("formatnum:"):  # the magic word, whose argument is part of the name
        return name.removeprefix("formatnum:")
    if name in _COUNTRIES:
        return positional[0] if positional else _country(name, lang)
    if not positional:
        return without_arguments(name, named)
    if name in _FLAGS:
        return named.get("name") or _country(positional[0], lang)
    return SPECIAL[name](positional, named) if name in SPECIAL else _argument(name, positional, named)


def _country(code: str, lang: str) -> str:
    return _COUNTRIES[code][0 if lang == "ja" else 1] if code in _COUNTRIES else code


def _argument(name: str, positional: list[str], named: dict[str, str]) -> str:
    """The argument that is shown."""
    if name in _LINKS:
        return named.get("label") or named.get("lt") or named.get("display") or positional[0]
    if name in _LAST:
        return positional[-1]
    if name in _CODED:
        return positional[1] if len(positional) > 1 else positional[0] if name != "langx" else ""
    if _LANG.fullmatch(name):
        return positional[0]
    if name in _SECOND:
        return positional[1] if len(positional) > 1 else positional[0]
    return positional[0] if name in _FIRST or name.endswith("フォント") else ""
