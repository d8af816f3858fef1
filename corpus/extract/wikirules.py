"""What is an article of Wikipedia: rules on titles and headings that dumps and pages share."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["MAX_HEADING", "MIN_ARTICLE", "is_list_title", "is_other_namespace", "is_tail"]

MIN_ARTICLE: Final = 150  # characters of body text; what is shorter is a stub
MAX_HEADING: Final = 255  # characters of a heading in the path of each section below it, which are many
_TAIL: Final = {
    *("脚注", "注釈", "出典", "参考文献", "関連項目", "外部リンク", "脚注・出典", "注釈・出典", "出典・脚注"),
    *("脚注と出典", "注釈と出典", "注記", "文献", "関連文献", "関連書籍", "参考資料", "参照", "脚注・参考文献", "注"),
    *("references", "external links", "see also", "further reading", "notes", "notes and references", "bibliography"),
    *(
        "footnotes",
        "sources",
        "citations",
        "references and notes",
        "works cited",
        "explanatory notes",
        "explanatory footnotes",
        "general references",
        "ギャラリー",
    ),
    "gallery",
}
_NAMESPACES: Final = re.compile(
    "(?:特別|ファイル|画像|カテゴリ|テンプレート|ノート|利用者|利用者‐会話|プロジェクト|モジュール|Portal|Special|File|Image|"
    "Category|Template|Talk|User|User talk|Help|Wikipedia|WP|MediaWiki|Module|Draft|TimedText|Book|"
    "[^:]{1,12}(?:‐ノート| talk)):(?=\\S)"
)
_LIST: Final = re.compile(r".*一覧(?: \([^)]*\))?|Lists? of .*", re.DOTALL)


def is_tail(heading: str) -> bool:
    """Whether a section holds references, notes and links alone."""
    return heading.strip().rstrip(":：").lower() in _TAIL


def is_other_namespace(title: str) -> bool:
    """Whether a title belongs to another namespace than that of articles."""
    return _NAMESPACES.match(title) is not None


def is_list_title(title: str) -> bool:
    """Whether a title announces a list of pages."""
    return _LIST.fullmatch(title.strip()) is not None
