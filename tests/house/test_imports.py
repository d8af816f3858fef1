"""The import direction of the house: who may know whom (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

# folder -> prefixes of ours that it may import besides itself; the longest folder that fits decides
ALLOWED = {
    "corpus/base": (),
    "corpus/text": ("corpus.base",),
    "corpus/extract": ("corpus.base", "corpus.text"),
    "corpus/measure": ("corpus.base", "corpus.text"),
    "corpus/dedup": ("corpus.base", "corpus.text"),
    "corpus/dataset": ("corpus.base",),
    "crawlers": ("corpus",),
    "labeling": ("corpus",),
    "train": ("corpus.base", "labeling.taxonomy", "labeling.policy", "labeling.formats"),
    "hakusho": ("corpus", "crawlers", "labeling", "train"),
}
OURS = ("corpus", "crawlers", "labeling", "train", "hakusho")


def imported(source: str) -> Iterator[str]:
    """Names of modules a source imports, `from a import b` as a.b too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide what depends on what"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def wrong(folder: str, source: str) -> list[str]:
    """Imports of a source in `folder` that the table does not allow."""
    own = folder.replace("/", ".")
    allowed = (own, *ALLOWED[folder])
    ours = [name for name in imported(source) if name.partition(".")[0] in OURS]
    return [name for name in ours if not any(f"{name}.".startswith(f"{prefix}.") for prefix in allowed)]


def files(root: Path, folder: str) -> list[Path]:
    """Python files for which this folder is the longest that fits."""
    deeper = [other for other in ALLOWED if other.startswith(f"{folder}/")]
    found = sorted((root / folder).rglob("*.py"))
    return [path for path in found if not any((root / other) in path.parents for other in deeper)]


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_only_what_the_table_allows(root: Path, folder: str) -> None:
    """No file of the house imports against the direction."""
    found = files(root, folder)
    assert found, f"{folder} holds no Python file: mend the table"
    offending = {str(p.relative_to(root)): w for p in found if (w := wrong(folder, p.read_text(encoding="utf-8")))}
    assert offending == {}


def test_the_check_sees_a_wrong_import() -> None:
    """The check is not one that cannot fail."""
    assert wrong("corpus/base", "from corpus.text import fold") == ["corpus.text.fold"]
    assert wrong("train", "import labeling.rules") == ["labeling.rules"]
    assert wrong("train", "from labeling.taxonomy import Verdict\nimport torch") == []


def test_every_package_folder_is_in_the_table(root: Path) -> None:
    """A new folder of corpus must be given its place first."""
    folders = {f"corpus/{path.name}" for path in (root / "corpus").iterdir() if (path / "__init__.py").exists()}
    assert folders <= set(ALLOWED)
