"""Pages that servers, guards and applications send in place of a document, told by their sentences.

A page is one where little is said, and among its first blocks stands a sentence of such pages; a word in the title is
not enough, since circulars are written on maintenance and manuals on error messages. Sentences in quotation marks, or
followed by words that speak of them, are what a page is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from corpus.extract.blocks import Block
from corpus.text.scripts import visible

__all__ = ["error_message"]

_STATUS: Final = (
    r"\b(?:400 bad request|401 unauthori[sz]ed|403 (?:forbidden|access denied)|404 (?:page |file )?not found|404 error|"
    r"error 40[0-9]|405 method not allowed|408 request time-?out|410 gone|429 too many requests|"
    r"500 (?:internal )?server error|502 bad gateway|503 service|504 gateway time-?out|"
    r"http(?: status)?(?: error)? 4\d\d)"
)
_MESSAGE: Final = re.compile(
    # gone
    r"(?:ページ|ファイル|コンテンツ|URL|アドレス|記事|画面|リソース)[がはも]?、?(?:現在)?"
    r"(?:見つか|見付か|みつか|存在し|表示でき|開け|表示することができ)(?:り)?ません|ページ[がはも](?:ござい|あり)ません|"
    r"お探しのページ|アクセスしようとした(?:ページ|ファイル)|ページ[がは].{0,30}(?:移動|削除|移転).{0,12}(?:ました|可能性)|"
    r"(?:ページ|記事|コンテンツ)[のは]、?(?:公開|掲載|配信)(?:期間)?[はがを].{0,6}終了(?:し|いたし)ま|"
    # shut for now
    r"メンテナンス(?:作業)?[をの]?.{0,6}(?:実施|行[なわ]?っ)?(?:して|いたして|て)(?:い|お)[まり]|"
    r"メンテナンス中(?:です|でございます|[のに]?ため|につき|により)|"
    r"(?:ただいま|只今|現在).{0,20}(?:メンテナンス|保守作業|保守点検)(?:中です|中のため|中につき|を?.{0,6}(?:して|って)(?:い|お)[まり])|"
    r"アクセスが(?:大変|非常に)?(?:集中|混み合|込み合|殺到)|ただいま混み合|"
    r"サービスを(?:一時)?(?:停止|中断|休止)(?:して|いたして)(?:い|お)[まり]|"
    r"(?:現在|ただいま|メンテナンス|システム).{0,20}ご利用(?:いただけ|になれ|でき)ません|"
    # refused
    r"アクセス[がはを].{0,10}(?:拒否|禁止|制限|遮断|ブロック)(?:され|して)(?:まし|てい|てお|い|お)[たまり]|"
    r"(?:閲覧|アクセス|表示|参照|操作)(?:する|の)?権限が(?:あり|ござい)ません|"
    r"不正な(?:リクエスト|アクセス|操作|要求|URL|画面遷移)です|"
    r"セッション.{0,16}(?:切れ|無効|終了|タイムアウト|失効).{0,8}(?:した|です|ます)|"
    r"(?:ご覧|閲覧|続き|続け|続行|表示|お読み).{0,20}ログイン(?:が必要|して(?:ください|下さい))|^ログイン(?:が必要です|してください)|"
    # broken
    r"(?:システム|内部|サーバー?|アプリケーション|予期(?:せぬ|しない))エラー(?:が発生し|です|$)|"
    # the same in English
    + _STATUS
    + r"|\b(?:page|file|document|resource|url|address)\b.{0,60}(?:\bnot|n['’]t|\bno longer)\s*(?:be |been )?"
    r"(?:found|exists?\b|available)|"
    r"(?:can ?not|can['’]?t|could(?:n['’]t| not)|unable to) (?:find|locate|display|load) (?:the|that|this|your) "
    r"(?:requested )?(?:page|file|document|resource|url)|"
    r"internal server error|service (?:is )?(?:temporarily )?unavailable|session (?:has |was )?(?:expired|timed? ?out)|"
    r"\b(?:site|page|system|service|server|website|portal)\b.{0,30}(?:down for|under|undergoing|closed for|"
    r"unavailable due to).{0,20}maintenance|^too many requests|"
    r"^access (?:to .{0,40} )?(?:is |was |has been )?(?:denied|forbidden)$|^forbidden$|"
    r"you (?:have been|are|were) blocked|"
    r"^(?:your )?request (?:has been |was )?blocked|requested url was rejected|"
    r"you (?:do not|don['’]t) have permission to (?:access|view)|^(?:oops,? )?something went wrong|"
    r"(?:log|sign) ?in to (?:continue|view this|access this|read this)|you must (?:be logged in|log ?in|sign in)",
    re.IGNORECASE,
)
# What many a page says beside its text: believed where little else is said.
_ASIDE: Final = re.compile(
    r"(?:JavaScript|Cookie|クッキー).{0,14}(?:を有効に|をオンに|が無効|が有効に)|"
    r"(?:お使い|ご利用)の(?:ブラウザ|環境|端末).{0,20}(?:サポート|対応して)|"
    r"該当する.{0,12}(?:ありません|見つかりません|ございません)|検索結果.{0,6}[0０]\s?件|^該当件数.{0,3}[0０]\s?件|"
    r"no (?:results|documents|records) (?:were )?found|"
    r"enable (?:java ?script|cookies)|(?:java ?script|cookies) (?:is|are|must be) (?:disabled|required|enabled)|"
    r"browser is (?:not supported|out of date|unsupported)",
    re.IGNORECASE,
)
_WAIT: Final = re.compile(
    r"しばらくお待ち|時間を(?:お|置)いて|ご迷惑をおかけ|お手数ですが|ありません|できません|"
    r"try again|contact (?:the|your)|sorry",
    re.IGNORECASE,
)
_TITLE: Final = re.compile(
    r"エラー|メンテナンス|保守作業|見つかりません|ございません|表示できません|アクセスが集中|しばらくお待ち|"
    r"\b(?:error|not found|forbidden|access denied|unavailable|bad gateway|maintenance|gateway time-?out)\b|"
    r"\b(?:40[0-9]|50[0-9])\b",
    re.IGNORECASE,
)
_ABOUT: Final = re.compile(
    r"読み方|とは|対処|一覧|意味|マニュアル|手引|手順|通達|訓令|告示|条例|法律|規則|"
    r"how to|what (?:is|are|does)|guide|manual|troubleshoot|meaning|resolution|glossary",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"[。！!？?\n]+|\.(?:\s+|$)")
_OPENING: Final = re.compile('[「『“"‘]')
_SPOKEN_OF: Final = re.compile('(?:でした)?(?:[」』”"]|と(?:表示|い|き|の|出)|場合|際|旨)')
_PARTS: Final = re.compile(r"\s*[|｜»«]\s*|\s+[-–—:：]\s+")
_LINKED: Final = 0.5
_FIRST: Final = 8  # blocks in which such a page comes to its point
_LONG: Final = 300  # characters of a block that is no message
_SHORT: Final = 250  # visible characters of a page that a sentence tells alone
_TINY: Final = 600  # of one where title or heading say so, too
_BARE: Final = 60  # of one where the title says it all
_MOST: Final = 0.4


def error_message(title: str, blocks: Sequence[Block]) -> str:
    """The words by which a page is an error, maintenance, login or block page; "" for a document.

    `blocks` are those of the page, or of its main text; what they link does not count.
    """
    said = [block for block in blocks if block.link_share < _LINKED]
    size = visible("\n".join(block.text for block in said))
    heading = next((block.text for block in said if block.level), "")
    if size >= _TINY or _ABOUT.search(title) or _ABOUT.search(heading):
        return ""
    first = said[:_FIRST]
    for block in first:
        for message in _messages(_MESSAGE, block.text):
            if size < _SHORT or _TITLE.search(title) or (block.level and _is_all(message, block.text)):
                return message
    for block in first:
        for message in _messages(_ASIDE, block.text):
            if visible(block.text) >= _MOST * size and _few(blocks):
                return message
    return _titled(title, first, size) if _few(blocks) else ""


def _titled(title: str, first: Sequence[Block], size: int) -> str:
    """The title, where it is a message itself, or has a word of errors above next to nothing or an apology."""
    if any(_is_all(message, part) for part in _PARTS.split(title) for message in _messages(_MESSAGE, part)):
        return title
    if _TITLE.search(title) and (size < _BARE or any(_WAIT.search(block.text) for block in first)):
        return title
    return ""


def _few(blocks: Sequence[Block]) -> bool:
    """Whether a page is small with its links, too: no list of documents."""
    return visible("\n".join(block.text for block in blocks)) < _TINY


def _messages(words: re.Pattern[str], text: str) -> Iterator[str]:
    """The sentences of a block that are messages, not about one."""
    if len(text) > _LONG:
        return
    for sentence in _ENDS.split(text):
        match = words.search(sentence)
        if match and not _OPENING.search(sentence, 0, match.start()) and not _SPOKEN_OF.match(sentence, match.end()):
            yield match[0]


def _is_all(message: str, text: str) -> bool:
    return 2 * len(message) > len(text)
