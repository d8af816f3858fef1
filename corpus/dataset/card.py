"""README.md of the dataset: the YAML that `datasets.load_dataset` reads, and a card whose every figure is counted.

`summarise` reads the shards, `render` writes the card from that and the dropped rows alone: the same shards give the
same card, which is how `verify` holds a card against its data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from corpus.base.shards import read_shard
from corpus.dataset.layout import ATTRIBUTION_FILE, FOLDERS, ROWS, place_of
from corpus.dataset.licences import licence_of
from corpus.dataset.splits import SPLITS

__all__ = ["Cell", "Summary", "render", "summarise"]


@dataclass(frozen=True, order=True)
class Cell:
    """What rows are counted by."""

    config: str
    split: str
    source: str
    domain: str
    verdict: str
    lang: str
    licence: str


@dataclass
class Summary:
    """Counts over the shards of a dataset; `credits` is (source, licence) -> credit line of the smallest id."""

    rows: Counter[Cell] = field(default_factory=Counter)
    chars: Counter[Cell] = field(default_factory=Counter)
    masked_rows: int = 0
    masked_spans: int = 0
    credits: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    extractors: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)


def summarise(shards: Iterable[Path]) -> Summary:
    """Count the rows of these shards. Raises CorruptFileError where one cannot be read."""
    found = Summary()
    columns = ("source", "domain", "verdict", "lang", "licence")
    more = ("id", "n_chars", "pii_masked", "attribution", "extractor", "extractor_version", "policy_version")
    for path in shards:
        place = place_of(path)
        if place is None:
            continue
        for row in read_shard(path, (*columns, *more)).to_pylist():
            _count(found, Cell(*place, *(row[column] for column in columns)), row)
    return found


def _count(found: Summary, cell: Cell, row: Mapping[str, Any]) -> None:
    found.rows[cell] += 1
    found.chars[cell] += row["n_chars"]
    found.masked_rows += row["pii_masked"] > 0
    found.masked_spans += row["pii_masked"]
    found.extractors.add(f"{row['extractor']} {row['extractor_version']}")
    found.policies.add(row["policy_version"])
    credit = (row["id"], row["attribution"])
    key = (cell.source, cell.licence)
    found.credits[key] = min(found.credits.get(key, credit), credit)


def render(summary: Summary, dropped: Mapping[str, int]) -> str:
    """The text of README.md for these counts; `dropped` is reason -> rows that the gates kept out."""
    counted = (_front_matter, _opening, _configs, _composition, _licences, _personal_data)
    parts = [part(summary) for part in counted]
    parts += [_nsfw(dropped), _kept_out(summary, dropped), _splits(), _columns(summary)]
    return "\n\n".join(parts) + "\n"


def _front_matter(summary: Summary) -> str:
    total = summary.rows.total()
    bounds = (
        (1_000, "n<1K"),
        (10_000, "1K<n<10K"),
        (100_000, "10K<n<100K"),
        (1_000_000, "100K<n<1M"),
        (10_000_000, "1M<n<10M"),
    )
    size = next((name for bound, name in bounds if total < bound), "10M<n<100M")
    lines = ["---", "pretty_name: Hakusho", "language:", *_items(summary, lambda cell: cell.lang), "license:"]
    lines += _items(summary, lambda cell: licence_of(cell.licence).hub)
    lines += ["task_categories:", "- text-generation", "size_categories:", f"- {size}", "configs:"]
    for config in _present(summary):
        lines.append(f"- config_name: {config}")
        lines += ["  default: true"] if config == "default" else []
        lines.append("  data_files:")
        for split in _present_splits(summary, config):
            lines += [f"  - split: {split}", f"    path: {FOLDERS[config]}/{split}-*.parquet"]
    return "\n".join([*lines, "---"])


def _opening(summary: Summary) -> str:
    rows, chars = summary.rows.total(), summary.chars.total()
    return (
        "# Hakusho: official text in Japanese and English\n\n"
        f"{rows:,} documents, {chars:,} characters, from public official sources and the encyclopaedia. Every row says "
        "where it came from, under which licence, and which reader and policy made it what it is.\n\n"
        f"公的機関の公開文書と百科事典の {rows:,} 文書、{chars:,} 文字。"
        "各行に出典・ライセンス・抽出器・判定方針の版を記録しています。\n\n"
        '```python\nfrom datasets import load_dataset\n\nload_dataset("path/to/this/folder", '
        f'"{next(iter(_present(summary)), "default")}")\n```'
    )


def _configs(summary: Summary) -> str:
    what = {
        "default": "open licences",
        "cc_by_sa": "share-alike licence: what is made from it is shared under the same licence",
        "restricted": "**not open**: held back by its licence alone; read it only where you have the right to",
    }
    rows = [
        (f"`{config}`", what[config], *(_sum(summary.rows, config=config, split=split) for split in SPLITS),
         _sum(summary.chars, config=config))
        for config in _present(summary)
    ]  # fmt: skip
    return "## Configurations\n\n" + _table(("configuration", "holds", *SPLITS, "characters"), rows)


def _composition(summary: Summary) -> str:
    header = ("configuration", "source", "domain", "verdict", "language", "licence", "documents", "characters")
    cells: Counter[tuple[str, ...]] = Counter()
    chars: Counter[tuple[str, ...]] = Counter()
    for cell, number in summary.rows.items():
        key = (cell.config, cell.source, cell.domain, cell.verdict, cell.lang, cell.licence)
        cells[key] += number
        chars[key] += summary.chars[cell]
    return "## Composition\n\n" + _table(header, [(*key, cells[key], chars[key]) for key in sorted(cells)])


def _licences(summary: Summary) -> str:
    names = sorted({cell.licence for cell in summary.rows})
    rows = [
        (
            name,
            f"[{known.name}]({known.url})" if known.url else known.name,
            _sum(summary.rows, licence=name),
            known.duty,
        )
        for name in names
        for known in [licence_of(name)]
    ]
    examples = [(source, licence, credit) for (source, licence), (_, credit) in sorted(summary.credits.items())]
    return (
        "## Licences and attribution\n\n"
        + _table(("id", "licence", "documents", "what it asks of you"), rows)
        + "\n\nThe credit line of a row is its column `attribution`; the dates of retrieval that some sources ask for, "
        f"and the URL the bytes came from, are in `{ATTRIBUTION_FILE}` (one row an id). The texts are edited: "
        "normalised, and personal data masked; say so when you cite them (加工して作成). One example a source:\n\n"
        + _table(("source", "licence", "credit line"), examples)
    )


def _personal_data(summary: Summary) -> str:
    return (
        "## Personal data\n\n"
        f"{summary.masked_spans:,} spans of personal data or secrets were masked; documents that held any: "
        f"{summary.masked_rows:,} (column `pii_masked`). Detection is by rules with check digits and context, so it "
        "misses some; contacts of public bodies and names of office holders in official texts are kept on purpose. "
        "If you find personal data, tell the maintainers its row id."
    )


def _nsfw(dropped: Mapping[str, int]) -> str:
    held = {reason: number for reason, number in sorted(dropped.items()) if reason.startswith("nsfw_")}
    count = "none was found here" if not held else ", ".join(f"{number:,} {reason}" for reason, number in held.items())
    return (
        "## Adult and harmful text\n\n"
        "Text of the domains nsfw_adult and nsfw_block serves detection and refusal only and is in no configuration of "
        f"this dataset ({count})."
    )


def _kept_out(summary: Summary, dropped: Mapping[str, int]) -> str:
    rows = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    total = summary.rows.total() + sum(dropped.values())
    return f"## What was kept out\n\nOf {total:,} normalised documents {summary.rows.total():,} are here" + (
        ":\n\n" + _table(("reason", "documents"), rows) if rows else "."
    )


def _splits() -> str:
    return (
        "## Splits\n\n"
        "A near-duplicate cluster goes as a whole to the split that the SHA-256 of its id chooses: about 90 % train, "
        "5 % validation, 5 % test. A domain of a configuration with at least 5 documents that chance left without "
        "validation gets its train cluster of lowest hash."
    )


def _columns(summary: Summary) -> str:
    rows = [(f"`{column.name}`", str(column.type), (column.metadata or {})[b"doc"].decode()) for column in ROWS]
    return (
        "## Columns\n\n"
        + _table(("column", "type", "meaning"), rows)
        + f"\n\nReaders: {', '.join(sorted(summary.extractors)) or 'none'}. "
        f"Policy: {', '.join(sorted(summary.policies)) or 'none'}."
    )


def _present(summary: Summary) -> list[str]:
    return [config for config in FOLDERS if _sum(summary.rows, config=config)]


def _present_splits(summary: Summary, config: str) -> list[str]:
    return [split for split in SPLITS if _sum(summary.rows, config=config, split=split)]


def _sum(counter: Counter[Cell], **wanted: str) -> int:
    return sum(
        number
        for cell, number in counter.items()
        if all(getattr(cell, name) == value for name, value in wanted.items())
    )


def _items(summary: Summary, key: Callable[[Cell], str]) -> list[str]:
    return [f"- {item}" for item in sorted({key(cell) for cell in summary.rows})]


def _table(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in rows]
    return "\n".join(lines)


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return " ".join(str(value).split()).replace("|", "\\|")
