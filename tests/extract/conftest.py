"""One valid document a format."""

from __future__ import annotations

import bz2

import pytest
from extract_samples import (
    LAW,
    OLD_WHITE_PAPER,
    PACKINS,
    WHITE_PAPER,
    WIKI_PAGE,
    WIKITEXT,
    make_dump,
    make_pdf,
    make_zip,
)


@pytest.fixture
def law() -> bytes:
    """A statute in 法令標準XML with every kind of provision."""
    return LAW.encode()


@pytest.fixture
def packins() -> bytes:
    """A package insert of a made-up drug."""
    return PACKINS.encode()


@pytest.fixture
def samples() -> dict[str, bytes]:
    """One valid document a format, by a file name."""
    return {
        "law.xml": LAW.encode(),
        "packins.xml": PACKINS.encode(),
        "packins.zip": make_zip({"9_x/9_x.xml": PACKINS.encode()}),
        "mod.html": WHITE_PAPER.encode(),
        "old.html": OLD_WHITE_PAPER.encode("cp932"),
        "wiki.html": WIKI_PAGE.encode(),
        "report.pdf": make_pdf(
            [["The rotor was tested at four speeds", "and the results are given here."]] * 2, title="Rotor"
        ),
        "plain.txt": "第一行です。\n第二行です。".encode("euc_jp"),
        "dump.xml": make_dump([("見本山", 0, WIKITEXT)]),
        "dump.xml.bz2": bz2.compress(make_dump([("見本山", 0, WIKITEXT)])),
    }
