"""The rules that find personal data and secrets: a pattern each, a check where there is one, a context where needed.

All run over a `corpus.measure.pii_view.View`. A rule yields candidates; `corpus.measure.pii` settles overlaps and
decides what is kept. Formats: RFC 5322 and 1034 (e-mail), the numbering plan of the Ministry of Internal Affairs and
Communications (telephone), the North American Numbering Plan, ITU-T E.164, and the vendors' published key prefixes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from corpus.base import credentials
from corpus.measure.checks import card_number, host_address, my_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Candidate = tuple[int, int]

_PREFECTURE: Final = (
    "(?:北海道|東京都|大阪府|京都府|(?:青森|岩手|宮城|秋田|山形|福島|茨城|栃木|群馬|埼玉|千葉|神奈川|新潟|富山|石川|福井|山梨"
    "|長野|岐阜|静岡|愛知|三重|滋賀|兵庫|奈良|和歌山|鳥取|島根|岡山|広島|山口|徳島|香川|愛媛|高知|福岡|佐賀|長崎|熊本|大分"
    "|宮崎|鹿児島|沖縄)県)"
)
_EMAIL: Final = re.compile(
    r"(?<![A-Za-z0-9._%+@/-])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![A-Za-z0-9@-])"
)
_POSTAL: Final = re.compile(
    rf"〒 ?[0-9]{{3}}-?[0-9]{{4}}(?![0-9-])|(?<![0-9-])[0-9]{{3}}-[0-9]{{4}}(?= {{0,2}}{_PREFECTURE})"
)
_TWELVE: Final = re.compile(r"(?<![0-9A-Za-z-])[0-9]{4}([- ]?)[0-9]{4}\1[0-9]{4}(?![0-9A-Za-z]|-[0-9])")
_MY_NUMBER_WORD: Final = re.compile(r"マイナンバー|個人番号|(?i:my ?number|individual number)")
_CARD: Final = re.compile(r"(?<![0-9A-Za-z.-])[0-9]{4}(?:[- ]?[0-9]{1,6}){2,4}(?![0-9A-Za-z]|[.-][0-9])")
_CARD_WORD: Final = re.compile(r"カード|クレジット|(?i:card|credit|visa|master|amex|jcb|payment)")
_GROUPED_CARD: Final = re.compile(r"[0-9]{4}([- ])[0-9]{4}\1[0-9]{4}\1[0-9]{4}|[0-9]{4}([- ])[0-9]{6}\2[0-9]{4,5}")
_OTHER_NUMBER: Final = re.compile(r"(?:番号|コード|(?i:isbn|doi|jan|no\.?|number|id)) ?[:=]? ?$")
_IPV4: Final = re.compile(r"(?<![0-9A-Za-z._-])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![0-9A-Za-z_-]|\.[0-9])")
_IPV6: Final = re.compile(r"(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{1,4}:|:){3,7}(?:[0-9A-Fa-f]{1,4}|:)(?![0-9A-Za-z:])")
_IP_WORD: Final = re.compile(r"アドレス|サーバ|ホスト|(?i:\bip(?:v[46])?\b|\bhost|\bserver|\bclient|\blog(?:in|ged)\b)")
_VERSION_WORD: Final = re.compile(r"(?:第|章|節|項|§|(?i:\bv|ver\.?|version|section|table|figure|fig\.?|release)) ?$")

_PHONE_LABEL: Final = (
    r"(?:(?<![A-Za-z0-9.])(?i:telephone|phone|tel|mobile|cell|fax|desk)"
    r"|電話番号|電話|携帯|連絡先|ファクス|ファックス|℡)"
)
_PHONE_WORD: Final = re.compile(_PHONE_LABEL + r"[^0-9\n]{0,12}$")
_JAPANESE: Final = re.compile(
    r"(?<![0-9A-Za-z./_=+-])(?:\+81[ -]?(?:\(0\))?[ -]?|\(?0)"
    r"[1-9][0-9]{0,3}\)?[ -]?\(?[0-9]{1,4}\)?[ -]?[0-9]{4}(?![0-9A-Za-z]|[.-][0-9])"
)
_FREE_CALL: Final = re.compile(
    r"(?<![0-9A-Za-z./_=+-])\(?0(?:120|570|800)\)?[ -]?[0-9]{2,3}[ -]?[0-9]{3,4}(?![0-9A-Za-z]|[.-][0-9])"
)
_AMERICAN: Final = re.compile(
    r"(?<![0-9A-Za-z./_=+-])(?:(?:\+?1|001)[ .-]?)?(?:\([0-9]{3}\) ?|[0-9]{3}[.-])[0-9]{3}[.-][0-9]{4}"
    r"(?: ?(?:x|ext\.? ?)[0-9]{1,5})?(?![0-9A-Za-z]|[.-][0-9])"
)
_NANP: Final = re.compile(r"(?:\+?1|001)?([2-9][0-9]{2})([2-9][0-9]{2})[0-9]{4}")
_WORLD: Final = re.compile(
    r"(?<![0-9A-Za-z.)=+-])\+[1-9][0-9]{0,2}(?:[ -]?\(?[0-9]{1,5}\)?){2,5}(?![0-9A-Za-z]|[.-][0-9])"
)
_LABELLED: Final = re.compile(
    _PHONE_LABEL + r" ?[:.] ?((?:\+|\()?[0-9](?:[ ().-]{0,2}[0-9]){6,14}(?:x[0-9]{1,5})?)(?![0-9A-Za-z])"
)
_SEPARATED: Final = re.compile(r"[0-9)][-(]|\)")
_MOBILE: Final = re.compile(r"0[5-9]0[0-9]{8}")

_NAME: Final = (
    r"(?:[一-龥々]{1,3}[ 　]?[一-龥々]{1,3}|[一-龥々]{1,3}[ 　][ぁ-んァ-ヶー]{2,5}|[ァ-ヶー]{2,6}[ 　][ァ-ヶー]{2,6})"
)
_NAMED: Final = re.compile(
    rf"(?:氏名|お名前|名義人?は?|申込者|届出人|受取人|担当者?) ?[:は]? ?(?P<a>{_NAME})(?=様|さん|殿|です|[、。,()\s]|$)"
    rf"|(?<![一-龥々ぁ-んァ-ヶー])(?P<b>[一-龥々]{{1,3}}[ 　]?[一-龥々ぁ-んァ-ヶー]{{1,5}}?)(?=と申します)"
    rf"|(?<![一-龥々ぁ-んァ-ヶー])(?P<c>{_NAME})(?= ?様(?![一-龥々ぁ-ん]))",
    re.MULTILINE,
)
_NO_NAME: Final = re.compile(
    r"(?:お客|患者|皆|各位|御中|保護者|関係者|同|仕|模|多|神|王|殿|奥|一|二|両|代表|担当|未定|不明|記載|住所)$"
)


def _before(text: str, start: int, length: int) -> str:
    """What stands before a place, in its own line."""
    return text[max(0, start - length) : start].rpartition("\n")[2]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def emails(text: str) -> Iterator[Candidate]:
    """E-mail addresses."""
    if "@" in text:
        yield from (match.span() for match in _EMAIL.finditer(text))


def postal_codes(text: str) -> Iterator[Candidate]:
    """Japanese post codes, only after 〒 or before the name of a prefecture."""
    yield from (match.span() for match in _POSTAL.finditer(text))


def my_numbers(text: str) -> Iterator[Candidate]:
    """Individual Numbers: 12 digits with the right check digit, and the word for it shortly before."""
    for match in _TWELVE.finditer(text):
        if my_number(_digits(match[0])) and _MY_NUMBER_WORD.search(_before(text, match.start(), 30)):
            yield match.span()


def cards(text: str) -> Iterator[Candidate]:
    """Payment cards: issuer, length and Luhn digit; without a word for a card only in groups or 14 to 16 digits."""
    for match in _CARD.finditer(text):
        if not card_number(_digits(match[0])):
            continue
        before = _before(text, match.start(), 48)
        plain = len(match[0]) in (14, 15, 16) and match[0].isdecimal() and not _OTHER_NUMBER.search(before)
        if _CARD_WORD.search(before) or plain or _GROUPED_CARD.fullmatch(match[0]):
            yield match.span()


def addresses(text: str) -> Iterator[Candidate]:
    """IP addresses of hosts; a dotted quadruple of small numbers needs a word for it, else it may be a section."""
    for match in _IPV4.finditer(text):
        before = _before(text, match.start(), 24)
        large = max(int(part) for part in match[0].split(".")) >= 100 and not _VERSION_WORD.search(before)
        if host_address(match[0]) and (large or _IP_WORD.search(before)):
            yield match.span()
    for match in _IPV6.finditer(text):
        if match[0].count(":") >= 3 and host_address(match[0]):
            yield match.span()


def secrets(text: str) -> Iterator[Candidate]:
    """Keys and tokens that vendors mark by a prefix, JSON Web Tokens, and private keys in PEM."""
    yield from credentials.spans(text)


def phones(text: str) -> Iterator[Candidate]:
    """Telephone numbers: Japanese (10 or 11 digits), North American, international with +, and labelled ones."""
    for match in _JAPANESE.finditer(text):
        if _is_japanese(match[0], text, match.start()):
            yield _trimmed(match)
    for match in _FREE_CALL.finditer(text):
        if len(_digits(match[0])) == (11 if "0800" in match[0] else 10):
            yield _trimmed(match)
    for match in _AMERICAN.finditer(text):
        strict = "." not in match[0] and _NANP.match(_digits(match[0].replace("+", "")))
        if strict or match[0].startswith(("+1", "001")) or _PHONE_WORD.search(_before(text, match.start(), 24)):
            yield _trimmed(match)
    for match in _WORLD.finditer(text):
        digits = len(_digits(match[0]))
        if 10 <= digits <= 15 or (digits >= 8 and _PHONE_WORD.search(_before(text, match.start(), 24))):
            yield _trimmed(match)
    yield from (match.span(1) for match in _LABELLED.finditer(text))


def _trimmed(match: re.Match[str]) -> Candidate:
    """The span without a bracket at its edge that the number does not close itself."""
    start, end = match.span()
    if match[0].count("(") > match[0].count(")") and match[0][0] == "(":
        start += 1
    return start, end


def _is_japanese(found: str, text: str, start: int) -> bool:
    digits = _digits(found)
    if found.startswith("+81"):
        national = "0" + digits[2:].removeprefix("0")
        return len(national) in (10, 11)
    mobile = _MOBILE.fullmatch(digits) is not None
    if not (mobile or len(digits) == 10 or (digits.startswith("0800") and len(digits) == 11)):
        return False
    return mobile or bool(_SEPARATED.search(found)) or bool(_PHONE_WORD.search(_before(text, start, 24)))


def names(text: str) -> Iterator[Candidate]:
    """Japanese names where the text says that one stands: after 氏名 and the like, before と申します or 様."""
    for match in _NAMED.finditer(text):
        group = str(match.lastgroup)
        if not _NO_NAME.search(match[group]):
            yield match.span(group)


# In order of precedence: of two candidates that overlap the earlier kind wins.
RULES: Final[tuple[tuple[str, Callable[[str], Iterator[Candidate]]], ...]] = (
    ("SECRET", secrets),
    ("EMAIL", emails),
    ("MY_NUMBER", my_numbers),
    ("CREDIT_CARD", cards),
    ("IP_ADDRESS", addresses),
    ("PHONE", phones),
    ("POSTAL_CODE", postal_codes),
    ("NAME", names),
)
