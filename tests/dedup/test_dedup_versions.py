"""Versions of one work: told by the source's key, marked as what they are, kept or left out as the user chooses."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from corpus.dedup.find import find, join_inputs, sign, texts_of
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import VERSIONS
from corpus.dedup.versions import versions, work

TEXT = "第一章　我が国を取り巻く安全保障環境は、戦後最も厳しく複雑なものとなっている。" * 4


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("egov", "405AC0000000088_20230401_504AC0000000068", "405AC0000000088_20250601_506AC0000000012"),
        ("mod", "2023/html/n1101000.html", "2024/html/n1101000.html"),
        ("mod", "wp/2023/pdf/R05.pdf", "wp/2024/pdf/R05.pdf"),
        ("pmda", "530100_1124003F1027_1_09", "530100_1124003F1027_1_10"),
        ("wikipedia", "ja:東京", "ja:東京"),
        ("nasa", "20010012345", "20010012345"),
        ("elsewhere", "x_1", "x_1"),
    ],
)
def test_versions_have_one_work(source: str, one: str, other: str) -> None:
    """Keys that differ in year, revision or dump alone are one work."""
    assert work(source, one) == work(source, other)


@pytest.mark.parametrize(
    ("source", "one", "other"),
    [
        ("egov", "405AC0000000088_20230401_x", "405AC0000000089_20230401_x"),
        ("mod", "2024/html/n1101000.html", "2024/html/n1102000.html"),
        ("mod", "2024/html/n2024000.html", "2024/html/n2023000.html"),
        ("pmda", "530100_1124003F1027_1_09", "530100_1124003F1027_2_09"),
        ("wikipedia", "ja:2023", "ja:2024"),
        ("nasa", "20010012345", "20010012346"),
        ("elsewhere", "x_1", "x_2"),
    ],
)
def test_different_works_stay_different(source: str, one: str, other: str) -> None:
    """Another law, page, insert or article is another work, and no source's work is another source's."""
    assert work(source, one) != work(source, other)
    assert work(source, one) != work("other", one)
    assert work(source, "") == ""


def search(chosen: DedupSettings) -> list[tuple[str, str, str]]:
    """(id, keeper, rule) of three revisions of a page, one of them twice, and a copy elsewhere."""
    rows = [
        {"id": "a22", "source": "mod", "revision": "2022", "work": "mod:p", "text": TEXT + "令和四年"},
        {"id": "b23", "source": "mod", "revision": "2023", "work": "mod:p", "text": TEXT + "令和五年"},
        {"id": "c24", "source": "mod", "revision": "2024", "work": "mod:p", "text": TEXT + "令和六年"},
        {"id": "d24", "source": "mod", "revision": "2024", "work": "mod:p", "text": TEXT + "令和六年"},
        {"id": "e", "source": "wikipedia", "revision": "9", "work": "wikipedia:ja:p", "text": TEXT + "引用"},
    ]
    table = join_inputs([pa.Table.from_pylist(rows)])
    found = find(sign(table, chosen), texts_of([table]), chosen)
    return [(row["id"], row["keeper"], row["rule"]) for row in found.duplicates.to_pylist()]


def test_the_newest_version_stays_and_older_ones_are_marked() -> None:
    """By default older versions go with a rule of their own; a copy elsewhere is a near duplicate, no version."""
    assert search(DedupSettings()) == [
        ("a22", "c24", "version"),
        ("b23", "c24", "version"),
        ("d24", "c24", "exact_duplicate"),
        ("e", "c24", "near_duplicate"),
    ]


def test_all_versions_stay_where_asked() -> None:
    """With versions=all no version goes; the same text twice and the copy elsewhere still do."""
    assert search(dataclasses.replace(DedupSettings(), versions="all")) == [
        ("d24", "c24", "exact_duplicate"),
        ("e", "c24", "near_duplicate"),
    ]


def test_the_table_names_the_newest_of_each_work() -> None:
    """Revisions compare by their numbers; of two equal ones the lesser id is named."""
    rows = [
        ("z", "w", "9", "c"),
        ("y", "w", "10", "y"),
        ("x", "w", "10", "c"),
        ("p", "v", "", "p"),
        ("q", "v", "", "p"),
    ]
    table = pa.Table.from_pylist([dict(zip(("id", "work", "revision", "cluster"), row, strict=True)) for row in rows])
    made = versions(table)
    assert made.schema.equals(VERSIONS, check_metadata=True)
    assert {row["id"]: row["newest"] for row in made.to_pylist()} == {"p": "p", "q": "p", "x": "x", "y": "x", "z": "x"}
    assert versions(table.slice(0, 0)).num_rows == 0
