"""Where everything of one workspace lies.

Paths in the manifest are relative, so a workspace can move to another drive.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["SOURCES", "Workspace", "default_root"]

SOURCES = ("egov", "mod", "nasa", "pmda", "wikipedia")
_BY_SOURCE = ("documents", "fetches")  # these two lie a folder a source; every later stage is one flat folder


def default_root() -> Path:
    """The workspace of a command that names none: $HAKUSHO_DATA, else ./data."""
    return Path(os.environ.get("HAKUSHO_DATA") or "data")


class Workspace:
    """The folder layout of design.md under one root.

    >>> Workspace("data").documents("egov").as_posix()
    'data/documents/egov'
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)

    def __repr__(self) -> str:
        return f"Workspace({str(self.root)!r})"

    @property
    def state(self) -> Path:
        """The SQLite file with the manifest."""
        return self.root / "state.sqlite"

    def path(self, *parts: str) -> Path:
        """A path below the root."""
        return self.root.joinpath(*parts)

    def relative(self, path: Path) -> str:
        """The path as the manifest names it: relative to the root, with "/" in it; an input elsewhere as it is."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.as_posix()

    def documents(self, source: str) -> Path:
        """The folder of a source's documents."""
        return self.root / "documents" / source

    def fetches(self, source: str) -> Path:
        """The folder of a source's fetch history."""
        return self.root / "fetches" / source

    def shards(self, stage: str) -> list[Path]:
        """The committed Parquet shards of a stage, sorted by path."""
        pattern = "*/*.parquet" if stage in _BY_SOURCE else "*.parquet"
        return sorted(p for p in (self.root / stage).glob(pattern) if not p.name.startswith("."))
