"""The page: one self-contained HTML file, no script, nothing loaded from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hakusho.report.run import Page, Statement

__all__ = ["figure", "html"]

_SHARES = frozenset({"rate", "share"})


def html(page: Page) -> str:
    """The page as HTML text. Every value is escaped: titles and URLs come from outside."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    states = [check.state for check in page.checks]
    return environment.get_template("report.html.j2").render(
        page=page,
        tiles=_tiles(page),
        passed=states.count("pass"),
        warnings=states.count("warning"),
        widths={report.name: _widths(report) for report in page.reports},
    )


def figure(value: Any, column: str = "") -> str:
    """A value as a person reads it.

    >>> figure(1234567), figure(0.25, "rate"), figure(None)
    ('1,234,567', '25.00 %', '–')
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2%}".replace("%", " %") if column in _SHARES else f"{value:,.4g}"
    return str(value)


def _tiles(page: Page) -> list[tuple[str, str, str]]:
    """(figure, what it counts, in Japanese) for the head of the page."""
    overview = page.overview
    names = (
        ("sources", "sources", "情報源"),
        ("fetches", "fetches", "取得"),
        ("documents", "documents", "文書"),
        ("duplicates", "duplicates", "重複"),
        ("dataset", "rows in the dataset", "収録"),
        ("dataset_chars", "characters in it", "文字数"),
        ("masked", "personal data masked", "個人情報のマスク"),
    )
    return [(figure(overview[key]), english, japanese) for key, english, japanese in names]


def _widths(report: Statement) -> dict[str, list[float]]:
    """Column -> length of each row's bar, 0 to 100, where the longest of the column is 100."""
    found = {}
    for name in report.bars:
        place = report.columns.index(name)
        values = [row[place] or 0 for row in report.rows]
        longest = max(values, default=0) or 1
        found[name] = [round(100 * value / longest, 1) for value in values]
    return found
