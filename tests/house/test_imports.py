"""The import direction of the house: who may know whom (docs/architecture.md)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PARTS = ("gates", "data", "distributed", "checkpoint", "reasoning", "heads", "models", "packing", "loop")
TRAIN = tuple(
    f"train.{name}" for name in ("command", "libraries", "tiny_base", *PARTS)
)  # what its commands are made of

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
    "train/gates": ("corpus.base",),  # within train each imports only from rows above, so there are no cycles
    "train/data": ("corpus.base", "labeling.taxonomy"),
    "train/distributed": ("corpus.base",),
    "train/checkpoint": ("corpus.base", "train.data", "train.distributed"),
    "train/reasoning": ("corpus.base", "train.gates", "train.checkpoint"),
    "train/heads": ("corpus.base", "labeling.taxonomy", "train.gates", "train.data"),
    "train/models": ("corpus.base", "train.libraries", "train.gates", "train.reasoning"),
    "train/packing": ("corpus.base", "train.data", "train.models"),
    "train/loop": ("corpus.base", "train.distributed", "train.data", "train.checkpoint", "train.packing"),
    "train/qlora": ("corpus.base", "labeling.taxonomy", *TRAIN),
    "train/ablate": ("corpus.base", "labeling.taxonomy", *TRAIN),
    "train/export": ("corpus.base", *TRAIN),
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
    assert wrong("train/gates", "from train.loop import fit") == ["train.loop.fit"]
    assert wrong("train", "from labeling.taxonomy import Verdict\nimport torch") == []


def test_every_package_folder_is_in_the_table(root: Path) -> None:
    """A new folder of corpus or train must be given its place first."""
    found = [path for top in ("corpus", "train") for path in (root / top).iterdir() if (path / "__init__.py").exists()]
    assert {f"{path.parent.name}/{path.name}" for path in found} <= set(ALLOWED)


def test_the_folders_of_train_import_only_rows_above() -> None:
    """No cycle among them, not even through a lazy import."""
    names = [folder.replace("/", ".") for folder in ALLOWED if folder.startswith("train/")]
    for place, name in enumerate(names):
        assert not set(ALLOWED[name.replace(".", "/")]) & set(names[place:]), name
