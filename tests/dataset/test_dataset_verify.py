"""verify: whatever is altered after the build is found."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.base.commit import commit_bytes
from corpus.base.errors import EmptyInputError
from corpus.base.manifest import Manifest
from corpus.base.workspace import Workspace
from corpus.dataset.layout import shard_paths
from corpus.dataset.verify import verify


def test_a_fresh_dataset_has_no_finding(sample: Workspace) -> None:
    """Right after the build all is well, and every file was looked at."""
    files, findings = verify(sample)
    assert findings == []
    assert files == len([path for path in sample.path("dataset").rglob("*") if path.is_file()])


@pytest.mark.parametrize("name", ["README.md", "ATTRIBUTION.parquet", "data/train-00000-of-00001.parquet"])
def test_a_flipped_byte_is_found(sample: Workspace, name: str) -> None:
    """One byte altered, size and time kept, is a finding of that file."""
    path = sample.path("dataset", name)
    stat, data = path.stat(), bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    import os

    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert any(line.startswith(f"dataset/{name}: ") for line in verify(sample)[1])


def test_a_missing_file_is_found(sample: Workspace) -> None:
    """A shard that is gone is one finding, and so is the card that still counts it."""
    path = shard_paths(sample.path("dataset"))[0]
    path.unlink()
    findings = verify(sample)[1]
    assert f"{sample.relative(path)}: missing; build again" in findings
    assert any(line.startswith("dataset/README.md: line") for line in findings)


def test_a_stray_file_is_found(sample: Workspace) -> None:
    """A file that no build made is a finding."""
    sample.path("dataset", "data", "notes.txt").write_text("x", encoding="utf-8")
    assert verify(sample)[1] == ["dataset/data/notes.txt: not a file of this dataset; remove it or build again"]


def test_a_card_that_counts_wrongly_is_found_even_if_the_manifest_agrees(sample: Workspace) -> None:
    """The card is held against the shards, not only against its own hash."""
    path = sample.path("dataset", "README.md")
    text = path.read_text(encoding="utf-8").replace("11 documents,", "12 documents,")
    with Manifest(sample) as manifest:
        manifest.record([commit_bytes(path, text.encode())])
    findings = verify(sample)[1]
    assert len(findings) == 1
    assert "12 documents" in findings[0]


def test_nothing_built(tmp_path: Path) -> None:
    """Without a dataset there is one clear line, and looking for one leaves nothing behind."""
    for root in (tmp_path, tmp_path / "none"):
        with pytest.raises(EmptyInputError, match="hakusho dataset build"):
            verify(Workspace(root))
    assert list(tmp_path.iterdir()) == []
