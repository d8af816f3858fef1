"""General pages as sites really build them, with the text a person would keep: for the reader of any other HTML.

Fifteen layouts, each in Japanese and English, from a ministry's press release to a page of 1998 laid out by tables.
Around the text stands what stands there on the web: menus, breadcrumbs, notices, related links, comments, contact data.
Names of classes are drawn at random from those that people use, telling ones and others that tell nothing.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from html import escape

from benchmarks.extraction_data import Made

__all__ = ["general_pages"]

_JA_WHO = re.findall(
    "[^|]+",
    "市|県|国|協会|委員会|担当課|事業者|利用者|研究班|当社|実行委員会|保護者|住民|運営会社",
)
_JA_WHAT = re.findall(
    "[^|]+",
    "子育て支援制度|水道料金の改定|新しい図書館|防災訓練の日程|補助金の申請|道路の工事|健康診査の結果|"
    "省エネルギー対策|観光案内所|電子申請の窓口|品質管理の手順|次世代の通信網|古い町並み|学校給食の献立|"
    "地域交通の計画|海洋観測の成果|半導体の新工場|森林の保全|歴史資料の公開|介護保険の手続",
)
_JA_DID = re.findall(
    "[^|]+",
    "について、専門家の意見を聴きながら見直しを進めています|を来月から段階的に始めることを決めた|"
    "に関する説明会を市民会館で開きます|は昨年より二割ほど増えたという|を担当する職員を新たに募集している|"
    "については、詳しい資料を窓口で配布しております|の費用は当面のあいだ無料とする|"
    "が広く知られるようになったのは最近のことだ|をめぐる議論は、まだ続いています|を三年以内に整備する方針です",
)
_JA_LINK = re.findall(
    "[^|]+",
    "採用情報|交通アクセス|よくある質問|暮らし|観光|事業者の方へ|統計|お知らせ一覧|組織から探す|施設案内|広報|入札",
)
_EN_WHO = re.findall(
    "[^|]+",
    "The council|The agency|Our team|The company|A local group|The ministry|Researchers|The committee",
)
_EN_DID = re.findall(
    "[^|]+",
    "has reviewed|will introduce|announced|is planning|has completed|describes|will publish|has measured|supports",
)
_EN_WHAT = re.findall(
    "[^|]+",
    "a new scheme for young families|the water tariff|repairs to the old bridge|a survey of coastal wildlife|"
    "the timetable for rural buses|grants for small firms|safety checks on heating systems|"
    "the results of a long study|an archive of photographs|energy use in public buildings|"
    "the design of the sensor|training for new staff",
)
_EN_END = re.findall(
    "[^|]+",
    "after a consultation that lasted three months|because demand has risen sharply since last year|"
    "and expects it to be ready by autumn|although some residents asked for more time|"
    "with help from universities in the region|which had been delayed twice|"
    "so that people can apply without visiting an office|at a cost that was lower than planned",
)
_EN_LINK = re.findall(
    "[^|]+",
    "Careers|Contact us|News|Services|About|Events|Business|Publications|Sitemap|Accessibility|Press",
)
_NAMES = {
    "menu": ("gnav", "menu", "nav-main", "l-header__nav", "box01", "c-list", "tab", "head_in"),
    "side": ("side", "sidebar", "l-sub", "column-r", "box02", "sub", "right", "w300"),
    "main": ("main", "content", "l-main", "entry", "box03", "wrap_in", "column-l", "txt", "article-body", "detail"),
    "foot": ("footer", "foot", "l-footer", "box04", "bottom", "address"),
    "list": ("related", "recommend", "c-card", "list01", "more", "pickup", "rank"),
}


class Site:
    """One page in the making: words of a language, names of classes, and the gold as it is written."""

    def __init__(self, rng: random.Random, lang: str) -> None:
        self.rng, self.ja, self.lang = rng, lang == "ja", lang
        self.gold: list[str] = []
        self.title = self.short()

    def name(self, of: str) -> str:
        """A class name."""
        return self.rng.choice(_NAMES[of])

    def sentence(self) -> str:
        """One sentence."""
        pick = self.rng.choice
        if self.ja:
            lead = pick(("", "", "また、", "なお、", "その結果、", f"令和{self.rng.randrange(2, 8)}年度は、"))
            return f"{lead}{pick(_JA_WHO)}は、{pick(_JA_WHAT)}{pick(_JA_DID)}。"
        said = f"{pick(_EN_WHO)} {pick(_EN_DID)} {pick(_EN_WHAT)} {pick(_EN_END)}"
        return f"{said}, {self.rng.randrange(2, 90)} of them in {self.rng.randrange(1990, 2026)}."

    def short(self) -> str:
        """A heading or headline."""
        pick = self.rng.choice
        return f"{pick(_JA_WHAT)}と{pick(_JA_WHAT)}" if self.ja else f"{pick(_EN_WHAT)} {pick(_EN_END)}".capitalize()

    def word(self) -> str:
        """The words of a menu's link."""
        return self.rng.choice(_JA_LINK if self.ja else _EN_LINK)

    def say(self, ja: str, en: str) -> str:
        """Fixed words in the page's language."""
        return ja if self.ja else en

    def keep(self, text: str) -> str:
        """Text of the document: noted as gold, escaped for the page."""
        self.gold.append(text)
        return escape(text)

    def text(self, least: int = 2, most: int = 5) -> str:
        """A paragraph of the document."""
        joint = "" if self.ja else " "
        return self.keep(joint.join(self.sentence() for _ in range(self.rng.randrange(least, most + 1))))

    def links(self, count: int, *, headlines: bool = False) -> str:
        """Items that lead elsewhere."""
        said = [self.short() if headlines else self.word() for _ in range(count)]
        return "".join(f'<li><a href="/{n}/index.html">{escape(text)}</a></li>' for n, text in enumerate(said))

    def menu(self) -> str:
        """The head of a site."""
        skip = self.say("本文へ移動する", "Skip to main content")
        sizes = self.say("文字サイズ　小　中　大", "Text size A A A")
        return (
            f'<div class="{self.name("menu")}"><a href="#m">{skip}</a><p>{sizes}</p>'
            f'<form action="/search"><input name="q"></form><ul>{self.links(12)}</ul></div>'
        )

    def crumbs(self) -> str:
        """Where the page stands."""
        here = self.say("現在位置：", "You are here: ")
        return f'<p>{here}<a href="/">{self.say("トップ", "Home")}</a> &gt; <a href="/a/">{self.word()}</a> &gt; 1</p>'

    def side(self) -> str:
        """A column of links with headings."""
        lists = "".join(f"<h3>{self.word()}</h3><ul>{self.links(9, headlines=n == 1)}</ul>" for n in range(3))
        return f'<div class="{self.name("side")}">{lists}</div>'

    def cookie(self) -> str:
        """The notice that asks for consent."""
        words = self.say(
            "当サイトでは、便利にお使いいただくためクッキーを使用しています。"
            "閲覧を続けることで、使用に同意したものとみなします。",
            "We use cookies to give you the best experience on our site. By continuing you agree to our use of them.",
        )
        button = self.say("同意する", "Accept")
        name = self.rng.choice(("cc", "cookie-bar", "notice"))
        return f'<div id="{name}"><p>{words}</p><a href="#">{button}</a></div>'

    def share(self) -> str:
        """Buttons of networks."""
        words = self.say("シェアする ツイート ブックマーク 印刷", "Share Tweet Email Print").split()
        return (
            '<ul class="btns">' + "".join(f'<li><a href="https://s.example/{w}">{w}</a></li>' for w in words) + "</ul>"
        )

    def related(self) -> str:
        """Headlines of other pages."""
        head = self.say("関連記事", "Related stories")
        return f'<div class="{self.name("list")}"><h3>{head}</h3><ul>{self.links(6, headlines=True)}</ul></div>'

    def comments(self) -> str:
        """What readers said."""
        head = self.say("コメント", "Comments")
        said = "".join(f'<div class="cm"><p>{self.sentence()}</p><p>2025/1/{n}</p></div>' for n in range(1, 4))
        return f'<div id="comments"><h3>{head}</h3>{said}</div>'

    def foot(self) -> str:
        """Address and copyright."""
        where = self.say(
            "〒100-0000 見本県見本市中央1-2-3　電話 03-0000-0000（代表）", "1 Sample Road, Sampleton. Tel 0000"
        )
        return (
            f'<div class="{self.name("foot")}"><ul>{self.links(8)}</ul><p>{where}</p>'
            f"<p>Copyright (C) 2025 Sample. All Rights Reserved.</p></div>"
        )

    def page(self, body: str, *, title: str = "") -> str:
        """The whole document."""
        end = self.say("見本市ホームページ", "Sample Town")
        head = f"<title>{escape(title or self.title)} | {end}</title>"
        return f'<!DOCTYPE html><html lang="{self.lang}"><head>{head}</head><body>{body}</body></html>'


def _press(site: Site) -> str:
    text = "".join(f"<p>{site.text()}</p>" for _ in range(4))
    points = "".join(f"<li>{site.keep(site.short())}</li>" for _ in range(4))
    more = "".join(f"<h2>{site.keep(site.short())}</h2><p>{site.text()}</p>" for _ in range(2))
    main = f'<div class="{site.name("main")}"><h1>{site.title}</h1>{text}<ul>{points}</ul>{more}</div>'
    return site.page(site.menu() + site.crumbs() + main + site.side() + site.foot())


def _town(site: Site) -> str:
    parts = []
    for _ in range(3):
        parts.append(f"<h2>{site.keep(site.short())}</h2><p>{site.text(1, 2)}</p>")
        parts.append("<ul>" + "".join(f"<li>{site.keep(site.short())}</li>" for _ in range(3)) + "</ul>")
    ask = site.say("このページの情報は役に立ちましたか？", "Was this page useful?")
    survey = f"<form><p>{ask}</p><label>1</label><button>{site.say('送信', 'Send')}</button></form>"
    main = f'<main id="{site.name("main")}"><h1>{site.title}</h1>{"".join(parts)}</main>'
    return site.page(site.menu() + site.crumbs() + site.side() + main + survey + site.foot())


def _tables_of_1998(site: Site) -> str:
    menu = "".join(f'<a href="{n}.html"><font size="-1">{site.word()}</font></a><br>' for n in range(12))
    text = "<br><br>\n".join(f'<font size="2">{site.text(2, 4)}</font>' for _ in range(7))
    inner = f'<table width="100%"><tr><td bgcolor="#ffffcc"><font size="+1">{site.title}</font></td></tr></table>'
    outer = (
        f'<table width="760"><tr><td width="150" valign="top">{menu}</td><td valign="top">{inner}<br>{text}</td></tr>'
        f'</table><hr><center><a href="index.html">{site.say("戻る", "Back")}</a></center>'
    )
    return site.page(f'<center><font color="blue">{site.say("見本のページ", "Sample page")}</font></center>{outer}')


def _lines(site: Site) -> str:
    text = "<br>\n<br>\n".join(site.text(1, 3) for _ in range(9))
    main = f'<div class="{site.name("main")}"><div><b>{site.title}</b></div><div>{text}</div></div>'
    return site.page(site.menu() + main + site.side() + site.foot())


def _news(site: Site) -> str:
    first = "".join(f"<p>{site.text(1, 3)}</p>" for _ in range(4))
    last = "".join(f"<p>{site.text(1, 3)}</p>" for _ in range(4))
    caption = (
        f"<figure><img src='a.jpg'></figure><p class='more'><a href='/2'>{site.say('続きを読む', 'Read more')}</a></p>"
    )
    main = (
        f'<div class="{site.name("main")}"><h1>{site.title}</h1>{site.share()}{first}{caption}{site.related()}{last}'
        f"</div>{site.share()}{site.related()}{site.comments()}"
    )
    most = site.links(10, headlines=True)
    rank = f'<div class="{site.name("side")}"><h2>{site.say("ランキング", "Most read")}</h2><ol>{most}</ol></div>'
    return site.page(site.cookie() + site.menu() + main + rank + site.foot())


def _questions(site: Site) -> str:
    asked = "".join(f"<dt>{site.keep(f'Q{n}. {site.short()}')}</dt><dd>{site.text(1, 3)}</dd>" for n in range(1, 9))
    main = f'<div class="{site.name("main")}"><h1>{site.title}</h1><p>{site.text(1, 2)}</p><dl>{asked}</dl></div>'
    return site.page(site.menu() + site.crumbs() + main + site.side() + site.foot())


def _company(site: Site) -> str:
    body = "".join(f"<p>{site.text(2, 4)}</p>" for _ in range(5))
    about = f"<h3>{site.keep(site.say('会社概要', 'About the company'))}</h3><p>{site.text(1, 2)}</p>"
    ask = site.say("本件に関するお問い合わせ先", "Media contact")
    contact = f"<div><p>{ask}</p><p>{site.say('広報部　電話 03-0000-0000', 'Press office, tel 0000')}</p></div>"
    main = f"<article><h1>{site.title}</h1><p><time>2025-03-04</time></p>{body}{about}{contact}</article>"
    return site.page(site.cookie() + f"<header>{site.menu()}</header>" + main + site.related() + site.foot())


def _blog(site: Site) -> str:
    text = "".join(f"<p>{site.text(1, 4)}</p>" for _ in range(6))
    quote = f"<blockquote>{site.text(1, 2)}</blockquote><p>{site.text(1, 2)}</p>"
    turn = f'<div><a href="/p">« {site.short()}</a> <a href="/n">{site.short()} »</a></div>'
    who = (
        f'<div class="profile"><h3>{site.say("この記事を書いた人", "About the author")}</h3><p>{site.word()}</p></div>'
    )
    main = f'<div class="{site.name("main")}"><h2><a href="/this">{site.title}</a></h2>{text}{quote}</div>'
    return site.page(site.menu() + main + site.share() + turn + who + site.comments() + site.side() + site.foot())


def _boxes(site: Site) -> str:
    text = "".join(f'<div class="t{n % 3}"><div>{site.text(1, 3)}</div></div>' for n in range(8))
    heads = f'<div class="{site.name("main")}"><div class="ttl">{site.title}</div>{text}</div>'
    return site.page(f'<div class="w">{site.menu()}<div class="c">{heads}{site.side()}</div>{site.foot()}</div>')


def _sources(site: Site) -> str:
    """Text full of links of its own: laws, terms, files."""
    parts = []
    for n in range(7):
        first, linked, last = site.sentence(), site.short(), site.sentence()
        site.gold.append(f"{first}{linked}{last}" if site.ja else f"{first} {linked} {last}")
        gap = "" if site.ja else " "
        parts.append(f'<p>{escape(first)}{gap}<a href="/law/{n}">{escape(linked)}</a>{gap}{escape(last)}</p>')
    main = f'<div id="{site.name("main")}"><h1>{site.title}</h1>{"".join(parts)}</div>'
    return site.page(site.menu() + site.crumbs() + main + site.side() + site.foot())


def _minutes(site: Site) -> str:
    """Minutes: many short turns."""
    who = site.say("○見本委員　", "MR SAMPLE: ")
    said = "".join(f"<p>{site.keep(who + site.sentence())}</p>" for _ in range(22))
    main = f'<div class="{site.name("main")}"><h1>{site.title}</h1>{said}</div>'
    return site.page(site.menu() + main + site.foot())


def _rules(site: Site) -> str:
    """Numbered items inside others."""
    items = []
    for _ in range(6):
        first = site.text(1, 2)
        inner = "".join(f"<li>{site.keep(site.short())}</li>" for _ in range(2))
        items.append(f"<li>{first}<ol>{inner}</ol></li>")
    head = f"<h1>{site.title}</h1><p>{site.text()}</p>"
    main = f'<section class="{site.name("main")}">{head}<ol>{"".join(items)}</ol></section>'
    return site.page(site.menu() + site.crumbs() + main + site.related() + site.side() + site.foot())


def _cards(site: Site) -> str:
    """An article among cards of others, each a headline and a sentence, and a long notice of rights below."""

    def cards() -> str:
        one = (f'<div><a href="/{n}"><b>{site.short()}</b></a><p>{site.sentence()}</p></div>' for n in range(5))
        head = site.say("あわせて読みたい", "You may also like")
        return f'<div class="{site.name("list")}"><h2>{head}</h2>{"".join(one)}</div>'

    text = "".join(f"<p>{site.text(1, 3)}</p>" for _ in range(8))
    rights = site.say(
        "当サイトに掲載されている文章や画像の無断転載を禁じます。著作権は見本社またはその情報提供者に属します。",
        "This material may not be published, broadcast, rewritten or redistributed without permission of the owner.",
    )
    main = f'<div class="{site.name("main")}"><h1>{site.title}</h1>{text}</div>{cards()}'
    return site.page(
        site.menu() + main + f'<div class="{site.name("side")}">{cards()}</div><p>{rights}</p>' + site.foot()
    )


def _sections(site: Site) -> str:
    """A notice in parts of few words each: lists, terms, a table of figures (no part of the body)."""
    out = []
    for n in range(4):
        out.append(f'<div class="s{n}"><h2>{site.keep(site.short())}</h2><div>{site.text(1, 1)}</div>')
        out += ["<ul>", *(f"<li>{site.keep(site.short())}</li>" for _ in range(2)), "</ul></div>"]
    rows = "".join(f"<tr><th>{site.word()}</th><td>{site.rng.randrange(999)}</td></tr>" for _ in range(4))
    last = f"<h2>{site.keep(site.short())}</h2><table>{rows}</table><p>{site.text(1, 2)}</p>"
    main = f'<div id="{site.name("main")}"><h1>{site.title}</h1>{"".join(out)}{last}</div>'
    return site.page(site.menu() + site.crumbs() + main + site.side() + site.foot())


def _signup(site: Site) -> str:
    """News with boxes between its paragraphs that ask for money or an address."""
    ask = site.say(
        "会員登録をすると、この記事の続きをお読みいただけます。", "Sign up to our newsletter for a daily digest."
    )
    box = f'<div class="promo"><p>{ask}</p><input name="mail"><button>{site.say("登録", "Sign up")}</button></div>'
    first, last = ("".join(f"<p>{site.text(1, 3)}</p>" for _ in range(4)) for _ in range(2))
    main = f'<article class="{site.name("main")}"><header><h1>{site.title}</h1></header>{first}{box}{last}</article>'
    return site.page(site.cookie() + site.menu() + main + site.related() + site.comments() + site.foot())


_LAYOUTS: tuple[Callable[[Site], str], ...] = (
    *(_press, _town, _tables_of_1998, _lines, _news, _questions, _company, _blog, _boxes, _sources, _minutes, _rules),
    *(_cards, _sections, _signup),
)
_OLD = {_tables_of_1998: ("cp932", "Shift_JIS"), _lines: ("euc_jp", "EUC-JP")}


def general_pages(each: int, seed: int = 1) -> Iterator[Made]:
    """`each` pages of every layout and language; the title is no gold."""
    rng = random.Random(seed)
    for _ in range(each):
        for layout in _LAYOUTS:
            for lang in ("ja", "en"):
                site = Site(rng, lang)
                html = layout(site)
                code, name = _OLD.get(layout, ("utf-8", "UTF-8")) if lang == "ja" else ("utf-8", "UTF-8")
                html = html.replace(
                    "<head>", f'<head><meta http-equiv="Content-Type" content="text/html; charset={name}">'
                )
                yield Made(
                    f"general {lang}", html.encode(code, "xmlcharrefreplace"), "\n".join(site.gold),
                    f"https://www.example.jp/{layout.__name__[1:]}.html", "text/html", layout.__name__[1:],
                )  # fmt: skip
