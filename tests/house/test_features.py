"""docs/features.md stays true: every command it names exists, and every verb is named there or in the README."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from hakusho.cli import COMMANDS

SPIDERS = {"egov", "mod", "nasa", "pmda", "wikipedia"}


def commands(text: str) -> list[str]:
    """What stands in backticks and looks like a command of ours."""
    return re.findall(r"`((?:hakusho|scrapy crawl|python -m) [^`]+)`", text)


def test_every_command_named_exists(root: Path) -> None:
    """A reader can run what the table says."""
    named = commands((root / "docs" / "features.md").read_text("utf-8"))
    assert named
    for line in named:
        words = line.split()
        if words[0] == "hakusho":
            assert words[1] in COMMANDS, line
        elif words[0] == "scrapy":
            assert words[2] in SPIDERS, line
        else:
            assert importlib.util.find_spec(words[2]), line


def test_every_verb_is_documented(root: Path) -> None:
    """No command is a secret."""
    text = "".join((root / name).read_text("utf-8") for name in ("README.md", "docs/features.md"))
    missing = [verb for verb in COMMANDS if f"hakusho {verb}" not in text]
    assert missing == []


def test_the_table_says_of_each_feature_a_command_or_not_yet(root: Path) -> None:
    """No row is left open."""
    rows = re.findall(r"^\|([^|]+)\|([^|]+)\|$", (root / "docs" / "features.md").read_text("utf-8"), flags=re.MULTILINE)
    features = [(name.strip(), here.strip()) for name, here in rows[2:]]
    headings = [name for name, here in features if not here]
    assert all(name.startswith("**") for name in headings), headings
    assert len(features) - len(headings) > 20
