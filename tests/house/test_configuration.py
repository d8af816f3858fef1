"""docs/configuration.md lists every setting, with the default and the help that the code has, and no other."""

from __future__ import annotations

import dataclasses
import importlib
import re
from pathlib import Path

from hakusho.settings import SECTIONS


def test_the_table_is_what_the_code_says(root: Path) -> None:
    """A reader of the table and a reader of the code know the same."""
    wanted = []
    for section, place in SECTIONS.items():
        module, _, name = place.partition(":")
        fields = dataclasses.fields(getattr(importlib.import_module(module), name))
        wanted += [(f"{section}.{field.name}", str(field.default), field.metadata["help"]) for field in fields]
    text = (root / "docs" / "configuration.md").read_text("utf-8")
    assert re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$", text, flags=re.MULTILINE) == wanted
