"""Documents of our own making with their exact text, in the formats of the sources; the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Made", "made"]

_NOUNS = re.findall(
    r"\S+",
    "処分 届出 手続 機関 基準 報告 検査 許可 計画 施設 区域 期間 費用 職員 書類 装置 資料 規程 申請 方法 環境 事業",
)
_VERBS = re.findall(
    r"\S+", "定める 行う 提出する 通知する 保存する 確認する 公表する 変更する 検討する 廃止する 実施する"
)
_WORDS = re.findall(
    r"\S+",
    "the wing of this model was tested in a tunnel and its load on tail surfaces measured with new gauges at several "
    "speeds while engine power stayed constant for all flights over dry lakes near northern coast where wind is low",
)


@dataclass(frozen=True)
class Made:
    """A document, the text of its body, and what a reader is told of it."""

    format: str
    data: bytes
    gold: str
    url: str = ""
    content_type: str = ""
    title: str = ""


def _ja(rng: random.Random, parts: int = 4) -> str:
    clauses = [f"{rng.choice(_NOUNS)}の{rng.choice(_NOUNS)}を{rng.choice(_VERBS)}" for _ in range(parts)]
    return "場合において、".join(clauses) + f"第{rng.randrange(2, 90)}号。"


def _en(rng: random.Random, words: int = 18) -> str:
    said = [rng.choice(_WORDS) for _ in range(words)]
    return " ".join([said[0].capitalize(), *said[1:-1], f"{rng.randrange(2, 900)}."])


def _law(rng: random.Random) -> Made:
    out, gold = [], []
    for chapter in range(1, 5):
        articles = []
        for article in range(1, 9):
            first, item = _ja(rng), _ja(rng, 2)
            gold += [f"（見出し{article}）", f"第{chapter}{article}条　{first}", f"一　{item}"]
            articles.append(
                f'<Article Num="{article}"><ArticleCaption>（見出し{article}）</ArticleCaption>'
                f"<ArticleTitle>第{chapter}{article}条</ArticleTitle><Paragraph><ParagraphNum/><ParagraphSentence>"
                f"<Sentence>{first[:4]}<Ruby>{first[4:6]}<Rt>よみ</Rt></Ruby>{first[6:]}</Sentence></ParagraphSentence>"
                f"<Item><ItemTitle>一</ItemTitle><ItemSentence><Sentence>{item}</Sentence></ItemSentence></Item>"
                "</Paragraph></Article>"
            )
        out.append(f"<Chapter><ChapterTitle>第{chapter}章　見本</ChapterTitle>{''.join(articles)}</Chapter>")
    amendment = f'<SupplProvision AmendLawNum="x"><Paragraph><ParagraphNum/><Sentence>{_ja(rng)}</Sentence></Paragraph>'
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><Law Lang="ja"><LawNum>令和六年法律第一号</LawNum><LawBody>'
        f"<LawTitle>見本法</LawTitle><TOC><TOCLabel>目次</TOCLabel></TOC><MainProvision>{''.join(out)}</MainProvision>"
        f"{amendment}</SupplProvision></LawBody></Law>"
    )
    return Made("law xml", xml.encode(), "\n".join(gold))


def _insert(rng: random.Random) -> Made:
    lines = [_ja(rng) for _ in range(40)]
    sections = "".join(
        f'<!-- {n}. 見本 --><Warnings><Instructions><Detail><Lang xml:lang="ja">{lines[2 * n]}<?enter?>'
        f"{lines[2 * n + 1]}</Lang></Detail></Instructions></Warnings>"
        for n in range(20)
    )
    space = "http://info.pmda.go.jp/namespace/prescription_drugs/package_insert/1.0"
    xml = (
        f'<?xml version="1.0" encoding="UTF-8"?><PackIns xmlns="{space}"><PackageInsertNo>1</PackageInsertNo>'
        '<ApprovalEtc><DetailBrandName id="B"><ApprovalBrandName><Lang xml:lang="ja">見本錠</Lang></ApprovalBrandName>'
        f"</DetailBrandName></ApprovalEtc>{sections}</PackIns>"
    )
    return Made("packins", xml.encode(), "\n".join(lines))


def _wikitext(rng: random.Random) -> Made:
    lines, gold = [], []
    for n in range(30):
        one, other, number = _ja(rng), _ja(rng, 2), rng.randrange(1000, 9999)
        gold.append(f"{one}{number}見本山{other}")
        lines.append(
            f'{one}{{{{formatnum:{number}}}}}[[見本山 (山)|見本山]]<ref name="a{n}">{{{{Cite web|title=題|url=http://x.example/{n}}}}}'
            f"</ref>{other}{{{{要出典|date=2020年}}}}"
        )
        if n % 6 == 5:
            lines.append(f"== 第{n}節 ==\n[[ファイル:Sample{n}.jpg|thumb|[[山]]の写真]]")
    box = "{{Infobox 山|名称=見本|標高={{formatnum:3000}}|画像=[[ファイル:a.jpg|250px]]}}\n"
    nav = "\n== 脚注 ==\n{{Reflist}}\n{{山岳一覧|a={{b|c}}}}\n[[Category:見本]]\n"
    return Made("dump ja", (box + "\n\n".join(lines) + nav).encode(), "\n".join(gold), title="見本")


def _wiki_page(rng: random.Random) -> Made:
    gold = [_ja(rng) for _ in range(30)]
    body = "".join(
        f'<p>{text}<sup id="c{n}" class="reference"><a href="#n{n}">[{n}]</a></sup></p>' for n, text in enumerate(gold)
    )
    page = (
        '<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>見本 - Wikipedia</title></head><body>'
        '<h1 id="firstHeading" class="firstHeading">見本</h1><div id="mw-content-text"><div class="mw-parser-output">'
        '<table class="infobox"><tr><th>分類</th><td>山</td></tr></table>'
        f'{body}<h2>脚注</h2><ol class="references"><li>出典。</li></ol><div class="navbox">一覧</div>'
        "</div></div></body></html>"
    )
    return Made("wiki html", page.encode(), "\n".join(gold), "https://ja.wikipedia.org/wiki/x", "text/html")


def _white_paper(rng: random.Random) -> Made:
    gold = [_ja(rng, 6) for _ in range(20)]
    body = "".join(f"<p>{text[:-1]}<sup>{n + 1}</sup>。</p>" for n, text in enumerate(gold))
    notes = "".join(f"<p>{n + 1} 注の文。</p>" for n in range(20))
    page = (
        '<!DOCTYPE html><html lang="ja"><head><meta charset="UTF-8"><title>防衛白書</title></head><body>'
        '<div id="header"><a href="/">トップ</a></div>'
        '<div class="breadcrumb">防衛白書トップ &gt; 第1部 &gt; 第1節 見本</div>'
        f'<h2>第1節 見本</h2>{body}<div class="footnote">{notes}</div><div id="footer">Copyright</div></body></html>'
    )
    return Made("white paper", page.encode(), "\n".join(gold), "https://www.mod.go.jp/j/press/wp/x.html", "text/html")


def _page(rng: random.Random, japanese: bool) -> Made:
    say = (lambda: _ja(rng, 5)) if japanese else (lambda: " ".join(_en(rng) for _ in range(4)))
    gold = [say() for _ in range(14)]
    menu = "".join(
        f'<li><a href="/{n}.html">{_ja(rng, 1)[:12] if japanese else _en(rng, 3)}</a></li>' for n in range(24)
    )
    body = "".join(f"<p>{escape(text)}</p>" for text in gold)
    lang = "ja" if japanese else "en"
    page = (
        f'<!DOCTYPE html><html lang="{lang}"><head><title>A | B</title></head><body>'
        f'<div class="head"><ul>{menu}</ul></div>'
        f'<div class="main"><h1>A</h1>{body}</div><div class="side"><ul>{menu}</ul></div>'
        f'<div class="foot"><p>Copyright 2026</p></div></body></html>'
    )
    code = rng.choice(("utf-8", "cp932", "euc_jp")) if japanese else "utf-8"
    return Made(f"page {lang}", page.encode(code), "\n".join(gold), "https://www.example.jp/a.html", "text/html")


def made(each: int, seed: int = 1) -> Iterator[Made]:
    """`each` documents of every format."""
    rng = random.Random(seed)
    for _ in range(each):
        yield from (_law(rng), _insert(rng), _wikitext(rng), _wiki_page(rng), _white_paper(rng))
        yield from (_page(rng, japanese=True), _page(rng, japanese=False))
