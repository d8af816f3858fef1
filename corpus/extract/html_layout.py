"""What a page is built with, told apart from what it says: tables that only place things, and blocks of the site.

Tables: by the marks that browsers and screen readers go by, since the web of 1998 knows no other means of layout.
Blocks: breadcrumbs, consent notices, notices of rights, offers of newsletters, lists of teasers (a linked headline and
a sentence, again and again), lists of the page's own headings, and what a page says of itself: its number and day of
change, whom to ask about it. All are known by their words or their form, none by names of classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from lxml import etree  # type: ignore[import-untyped]

from corpus.extract.blocks import Block

__all__ = ["furniture", "unwrap_tables"]

_CELL: Final = 200  # characters of a cell that is rather a column of the page
_PARTS: Final = ("h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "hr", "blockquote", "form")
_LINKED: Final = 0.5
_TEASER: Final = 160  # characters of the sentence below a linked headline
_TEASERS: Final = 3  # of them in a row are a list
_SHORT: Final = 60
_NOTICE: Final = 400
_TRAIL: Final = re.compile(r"(?:^|[^-=])[>＞›»→]")
_PLACE: Final = re.compile(
    r"現在(?:位置|地)|本文(?:へ|に)(?:スキップ|移動|ジャンプ)|本文へ$|文字(?:の)?(?:サイズ|大きさ)|サイト内検索|音声読み上げ|"
    r"(?:役に立ちました|見つけやすかったです|分かりやすかったです|わかりやすかったです)か|"
    r"was this (?:page|article) (?:useful|helpful)|"
    r"you are here|skip to (?:main )?(?:content|navigation)|text size",
    re.IGNORECASE,
)
_CONSENT: Final = re.compile(
    r"(?:クッキー|cookies?).{0,200}(?:同意|使用|利用し|設定|consent|accept|agree|experience|settings)|"
    r"(?:端末|デバイス)に.{0,40}(?:保存|アクセス).{0,60}同意",
    re.IGNORECASE,
)
_RIGHTS: Final = re.compile(
    r"無断(?:で|転載|複製|使用)|著作権は.{0,40}(?:帰属|属し)|all rights reserved|"
    r"may not be (?:published|reproduced|copied|broadcast)",
    re.IGNORECASE,
)
_OFFER: Final = re.compile(
    r"(?:sign(?:ing)? up|subscribe|register)\b.{0,80}(?:newsletter|digest|e-?mails?\b|updates|alerts|inbox)|"
    r"(?:会員登録|無料登録|ログイン).{0,20}(?:続き|全文|読む|お読み)|メール(?:マガジン|ニュース).{0,12}(?:登録|購読)",
    re.IGNORECASE,
)
_DAY: Final = (
    r"(?:(?:令和|平成|昭和)?\s?[0-9０-９元]{1,4}[年./-]\s?[0-9０-９]{1,2}[月./-]\s?[0-9０-９]{1,2}日?"
    r"(?:[ 　]?[0-9:時分]{4,6})?)"
)
# What a page says of itself in a line of its own.
_ITSELF: Final = re.compile(
    r"(?:(?:ページ(?:番号|ID)|記事ID|更新日時?|最終更新日?|公開日|掲載日|投稿日|作成日|登録日)[:：]?\s*"
    rf"(?:[0-9]{{3,}}|{_DAY})?[\s　|｜/]*)+|(?:last (?:updated|modified|reviewed)|page last updated)\b.{{0,40}}",
    re.IGNORECASE,
)
_LABEL: Final = re.compile(r"広告|ＰＲ|PR|スポンサー(?:ド)?(?:リンク)?|advertisement|sponsored|ad", re.IGNORECASE)
_ASK: Final = re.compile(
    r"(?:この(?:ページ|記事|情報)|本件|本(?:発表|資料|リリース)|報道|取材)?(?:内容)?(?:に(?:関する|ついての)|の)?"
    r"(?:お?問い?合わ?せ(?:先|窓口)?|連絡先|担当(?:課|部署)?)[:：]?|"
    r"(?:(?:media|press|news) )?(?:contacts?|inquiries|enquiries)[:：]?",
    re.IGNORECASE,
)
_REACH: Final = re.compile(
    r"(?:電話|TEL|ファ[ック]+ス|FAX|メール|E-?mail|直通|内線|phone)|[0-9０-９]{2,5}[-－―‐][0-9０-９]{2,4}[-－―‐][0-9０-９]{3,4}|\w@\w",
    re.IGNORECASE,
)
_END_OF_RELEASE: Final = re.compile(r"[-–—\s]*(?:end|30)[-–—\s]*[-–—]|#\s?#\s?#", re.IGNORECASE)
_FULL_STOP: Final = re.compile(r"[a-z]{3}[.!?]$")
_CONTACT: Final = 120  # characters of a line that says whom to ask
_CONTACTS: Final = 12  # of them
_LATE: Final = 0.4  # of a page, below which it may say whom to ask about it
_MANY: Final = 3
_CONTENTS: Final = re.compile(
    r"目次|もくじ|(?:この)?ページ(?:内の?)?(?:目次|の内容)|(?:table of )?contents|(?:on|in) this page", re.IGNORECASE
)
_NUMBERED: Final = re.compile(r"^[-–—・■●◆▼▶>›»\s]+|[\s　]+")


def unwrap_tables(root: etree._Element) -> bool:
    """Turn the tables that only place things into plain blocks, in place; whether there was one."""
    layout = [table for table in root.iter("table") if _places(table)]
    for table in layout:
        for element in _own(table):
            element.tag = "div"
        table.tag = "div"
    return bool(layout)


def _own(table: etree._Element) -> list[etree._Element]:
    """The rows, cells and row groups of a table, without those of tables inside it."""
    kinds = ("tbody", "thead", "tfoot", "tr", "td", "th", "caption")
    return [part for part in table.iter(*kinds) if next(part.iterancestors("table"), None) is table]


def _places(table: etree._Element) -> bool:
    """Whether a table is layout: its author says so, or it holds tables, one column, or cells as large as columns."""
    if table.get("role") in ("presentation", "none"):
        return True
    own = _own(table)
    if any(part.tag in ("th", "thead", "caption") for part in own) or table.get("summary"):
        return False
    if next((inner for inner in table.iter("table") if inner is not table), None) is not None:
        return True
    if (table.get("border") or "0").strip() not in ("", "0"):
        return False
    rows = [[part for part in row if part.tag == "td"] for row in own if row.tag == "tr"]
    return max(map(len, rows), default=0) < 2 or any(_is_column(cell) for row in rows for cell in row)


def _is_column(cell: etree._Element) -> bool:
    paragraphs, breaks = (sum(1 for _ in cell.iter(tag)) for tag in ("p", "br"))
    if paragraphs > 1 or next(cell.iter(*_PARTS), None) is not None:
        return True
    text = "".join(cell.itertext())
    return len(text) > _CELL and (breaks > 1 or len(text) > 2 * _CELL)


def furniture(blocks: Sequence[Block]) -> set[int]:
    """The places of the blocks that belong to the site and not to the page."""
    about_cookies = sum(_CONSENT.search(block.text) is not None for block in blocks) > 3
    found = set()
    for place, block in enumerate(blocks):
        late = place > 0.6 * len(blocks)
        if (
            _is_trail(block)
            or (len(block.text) < _SHORT and _PLACE.search(block.text))
            or (len(block.text) < _TEASER and not block.level and _OFFER.search(block.text))
            or (len(block.text) < _NOTICE and not about_cookies and _CONSENT.search(block.text))
            or (late and len(block.text) < _NOTICE and _RIGHTS.search(block.text))
            or (len(block.text) < _SHORT and (_ITSELF.fullmatch(block.text) or _LABEL.fullmatch(block.text)))
        ):
            found.add(place)
    found |= _contents(blocks) | _contacts(blocks)
    teasers = _teasers(blocks)
    said = sum(len(b.text) for n, b in enumerate(blocks) if b.link_share < _LINKED and n not in found | teasers)
    if said > sum(len(blocks[n].text) for n in teasers if blocks[n].link_share < _LINKED):
        found |= teasers  # where they are most of what is there, they are what the page says
    return found


def _contents(blocks: Sequence[Block]) -> set[int]:
    """Lists of links to the headings below them, which would say each heading twice, and the word above them."""
    below = {_NUMBERED.sub("", block.text) for block in blocks if block.inside < _LINKED}
    found = {
        place
        for place, block in enumerate(blocks)
        if block.inside >= 0.8 and not block.level and _NUMBERED.sub("", block.text) in below
    }
    return found | {place - 1 for place in found if place and _CONTENTS.fullmatch(blocks[place - 1].text)}


def _contacts(blocks: Sequence[Block]) -> set[int]:
    """Whom to ask: a line that says so, or the mark that ends a press release, with addresses and numbers below it.

    Where many lines say so, the page is about places and whom to ask there.
    """
    found: list[range] = []
    for place, block in enumerate(blocks):
        ends = _END_OF_RELEASE.fullmatch(block.text) is not None
        asks = len(block.text) <= _SHORT and block.link_share < _LINKED and _ASK.fullmatch(block.text)
        if not (ends or asks):
            continue
        after = place + 1
        while after < len(blocks) and after - place <= _CONTACTS and _is_contact(blocks[after]):
            after += 1
        if ends or (
            place > _LATE * len(blocks) and any(_REACH.search(block.text) for block in blocks[place + 1 : after])
        ):
            found.append(range(place, after))
    return {place for run in found for place in run} if len(found) < _MANY else set()


def _is_contact(block: Block) -> bool:
    says = "。" in block.text or _FULL_STOP.search(block.text) is not None
    return not block.level and len(block.text) < _CONTACT and (not says or block.link_share >= _LINKED)


def _is_trail(block: Block) -> bool:
    """A breadcrumb: links and arrows."""
    return len(block.text) < 2 * _SHORT and block.link_share > 0.2 and len(_TRAIL.findall(block.text)) > 1


def _teasers(blocks: Sequence[Block]) -> set[int]:
    found: set[int] = set()
    run: list[int] = []
    heads = place = 0
    while place < len(blocks):
        after = place + 1
        while after < len(blocks) and after - place < 3 and _is_sentence(blocks[after]):
            after += 1
        if blocks[place].link_share >= 0.8 and after > place + 1:
            run += range(place, after)
            heads += 1
            place = after
            continue
        if heads >= _TEASERS:
            found.update(run)
        run, heads = [], 0
        place += 1
    return found | set(run) if heads >= _TEASERS else found


def _is_sentence(block: Block) -> bool:
    return block.link_share < _LINKED and not block.level and len(block.text) < _TEASER
