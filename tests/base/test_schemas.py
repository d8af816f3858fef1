"""The two tables at the source, and the ledger."""

from __future__ import annotations

import doctest
import importlib
import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.schemas import DOCUMENTS, FETCHES, LEDGER, SECTION, document_id

TABLES = {"documents": DOCUMENTS, "fetches": FETCHES, "ledger": LEDGER, "section": pa.schema(list(SECTION))}


@pytest.mark.parametrize("table", TABLES)
def test_every_field_is_documented(table: str) -> None:
    """Each column says in words what it holds."""
    for field in TABLES[table]:
        assert len((field.metadata or {}).get(b"doc", b"")) > 10, field.name


def _types(kind: pa.DataType) -> list[pa.DataType]:
    inner = [kind.field(i).type for i in range(kind.num_fields)]
    return [kind, *(deep for one in inner for deep in _types(one))]


def test_documents_carry_no_clock() -> None:
    """No column of documents, however deep, has a type or a name of time; fetches has one."""
    for field in DOCUMENTS:
        assert not any(pa.types.is_temporal(kind) for kind in _types(field.type)), field.name
        assert not re.search(r"time|date|clock|fetched|retrieved", field.name), field.name
    assert FETCHES.field("time").type == pa.timestamp("us", tz="UTC")


def test_documents_hold_what_provenance_asks_for() -> None:
    """Every column of the provenance rule is there, and only what may be unknown is nullable."""
    asked = "source key revision url raw_sha256 licence licence_evidence attribution rights extractor extractor_version"
    assert set(f"{asked} kept_share garbled_share id text sections".split()) <= set(DOCUMENTS.names)
    assert {field.name for field in DOCUMENTS if field.nullable} == {"container_sha256", "licence", "reservations"}


def test_ledger_fields() -> None:
    """The ledger's columns, in order."""
    assert LEDGER.names == ["stage", "unit", "id", "outcome", "reason", "detail"]


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_document_id(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """32 hex digits; the same for the same three parts, another for others (no part flows into the next)."""
    assert re.fullmatch(r"[0-9a-f]{32}", document_id(*one))
    if not any("\0" in part for part in (*one, *other)):
        assert (document_id(*one) == document_id(*other)) == (one == other)


@pytest.mark.parametrize("name", ["config", "errors", "progress", "schemas", "units", "workspace"])
def test_examples_in_docstrings(name: str) -> None:
    """The examples of corpus/base give what they say."""
    result = doctest.testmod(importlib.import_module(f"corpus.base.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
