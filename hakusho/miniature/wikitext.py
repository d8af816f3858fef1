"""The miniature's wikitext to the HTML that MediaWiki makes of it: as much of the language as its articles use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote

from hakusho.miniature.site import esc

_FACTORS = {
    ("km", "mi"): 0.621371,
    ("m", "ft"): 3.28084,
    ("kg", "lb"): 2.20462,
    ("cm", "in"): 0.393701,
    ("t", "ST"): 1.10231,
}
_REF = re.compile(r"<ref(?: name=\"(\w+)\")?(?:\s*/>|>(.*?)</ref>)", re.S)
_TEMPLATE = re.compile(r"\{\{([^{}]*)\}\}")
_LINK = re.compile(r"\[\[([^\[\]]*)\]\]")
_HEADING = re.compile(r"(={2,4}) ?(.+?) ?=+")


def path_of(title: str) -> str:
    """Give the path of a page: blanks become underscores, the rest is percent-encoded UTF-8."""
    return "/wiki/" + quote(title.replace(" ", "_"), safe="/:,()")


@dataclass
class Page:
    """Turns one article into HTML; `notes` collects the footnotes in order."""

    lang: str
    title: str
    notes: list[str] = field(default_factory=list)
    _names: dict[str, int] = field(default_factory=dict)

    def html(self, text: str) -> str:
        """Give the content of mw-parser-output."""
        out: list[str] = []
        text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
        for block in re.split(r"\n{2,}", text):
            out += self._block(block.strip())
        return "".join(out)

    def _block(self, block: str) -> list[str]:
        if block.startswith("{|"):
            return [self._table(block)]
        if block.startswith("{{") and block.endswith("}}") and self._whole(block):
            return [self._box(block[2:-2])]
        out: list[str] = []
        items: list[str] = []
        for line in block.splitlines():
            if line.startswith("* "):
                items.append(f"<li>{self.inline(line[2:])}</li>")
                continue
            out += [f"<ul>{''.join(items)}</ul>"] if items else []
            items = []
            out.append(self._line(line))
        return [*out, f"<ul>{''.join(items)}</ul>"] if items else out

    @staticmethod
    def _whole(block: str) -> bool:
        """Tell whether the block is nothing but one template."""
        depth = 0
        for at in range(len(block) - 1):
            depth += (block[at : at + 2] == "{{") - (block[at - 1 : at + 1] == "}}")
            if depth == 0 and at:
                return False
        return not block.startswith(("{{読み仮名", "{{lang"))

    def _line(self, line: str) -> str:
        if match := _HEADING.fullmatch(line):
            level, edit = len(match[1]), "編集" if self.lang == "ja" else "edit"
            link = f"/w/index.php?title={quote(self.title)}&amp;action=edit"
            return (
                f'<div class="mw-heading mw-heading{level}"><h{level} id="{esc(match[2])}">{esc(match[2])}</h{level}>'
                f'<span class="mw-editsection"><span>[</span><a href="{link}">{edit}</a><span>]</span></span></div>'
            )
        shown = self.inline(line)
        return f"<p>{shown}</p>" if re.sub(r"<[^>]+>", "", shown).strip() else shown

    def _box(self, inner: str) -> str:
        name, *fields = re.split(r"\s*\|\s*", inner.strip())
        if name.startswith("Infobox"):
            rows = "".join(
                f"<tr><th>{esc(key.strip())}</th><td>{self.inline(value.strip())}</td></tr>"
                for key, _, value in (f.partition("=") for f in fields)
            )
            return (
                f'<table class="infobox"><tbody><tr><th colspan="2">{esc(self.title)}</th></tr>{rows}</tbody></table>'
            )
        if name == "Navbox":
            links = self.inline(fields[-1])
            return f'<div role="navigation" class="navbox"><table><tr><td>{links}</td></tr></table></div>'
        if name in ("Otheruses", "About", "aimai", "Disambiguation", "stub"):
            text = (
                "この項目では、" + self.title + "について説明しています。"
                if self.lang == "ja"
                else f"This article is about {self.title}."
            )
            return f'<div role="note" class="hatnote navigation-not-searchable">{esc(text)}</div>'
        return self._references() if name in ("Reflist", "reflist") else ""

    def _references(self) -> str:
        items = "".join(
            f'<li id="cite_note-{n}"><span class="mw-cite-backlink"><a href="#cite_ref-{n}">^</a></span> '
            f'<span class="reference-text">{note}</span></li>'
            for n, note in enumerate(self.notes, 1)
        )
        return f'<div class="reflist"><ol class="references">{items}</ol></div>'

    def _table(self, block: str) -> str:
        rows: list[str] = []
        for part in block.strip("{|}").split("\n|-"):
            cells = []
            for line in part.splitlines()[1:] if not rows else part.splitlines():
                tag = "th" if line.startswith("!") else "td"
                if line.startswith("|+"):
                    rows.append(f"<caption>{self.inline(line[2:].strip())}</caption>")
                elif line.startswith(("!", "|")):
                    cells += [f"<{tag}>{self.inline(c.strip())}</{tag}>" for c in re.split(r"\|\||!!", line[1:])]
            if cells:
                rows.append(f"<tr>{''.join(cells)}</tr>")
        return f'<table class="wikitable">{"".join(rows)}</table>'

    def inline(self, text: str) -> str:
        """Give the HTML of running text: links, bold, references and the templates that carry words."""
        text = _REF.sub(self._reference, text)
        for _ in range(3):
            text = _TEMPLATE.sub(self._template, text)
        text = _LINK.sub(self._link, text)
        return re.sub(r"'''(.+?)'''", r"<b>\1</b>", text)

    def _reference(self, match: re.Match[str]) -> str:
        number = self._names.get(match[1] or "", 0)
        if not number:
            self.notes.append(esc(match[2] or ""))
            number = len(self.notes)
            if match[1]:
                self._names[match[1]] = number
        return (
            f'<sup id="cite_ref-{number}" class="reference"><a href="#cite_note-{number}">&#91;{number}&#93;</a></sup>'
        )

    def _template(self, match: re.Match[str]) -> str:
        name, *parts = match[1].split("|")
        if name == "読み仮名":
            return f"{parts[0]}（{parts[1]}）"
        if name == "lang":
            return f'<span lang="{parts[0]}">{parts[1]}</span>'
        if name == "convert":
            value = float(parts[0].replace(",", "")) * _FACTORS[parts[1], parts[2]]
            return f"{parts[0]} {parts[1]} ({value:,.{0 if value >= 20 else 1}f} {parts[2]})"
        if name == "要出典":
            return '<sup class="noprint">&#91;<i>要出典</i>&#93;</sup>'
        return ""

    def _link(self, match: re.Match[str]) -> str:
        target, _, shown = match[1].partition("|")
        if target.startswith(("ファイル:", "File:")):
            caption = shown.split("|")[-1]
            return (
                f'<figure typeof="mw:File/Thumb"><a href="{path_of(target)}">'
                '<img src="//upload.wikimedia.org/thumb.jpg"></a>'
                f"<figcaption>{caption}</figcaption></figure>"
            )
        if target.startswith(("Category:", "カテゴリ:")):
            return ""
        return f'<a href="{path_of(target)}" title="{esc(target)}">{shown or target}</a>'
