"""The sample workspace with its dataset built, fresh for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sample_workspace import write_workspace

from corpus.base.workspace import Workspace
from corpus.dataset.build import build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every check passes, built once."""
    folder = tmp_path_factory.mktemp("sample") / "data"
    build(write_workspace(folder))
    return folder


@pytest.fixture
def sample(built: Path, tmp_path: Path) -> Workspace:
    """A copy of it that a test may spoil."""
    return Workspace(shutil.copytree(built, tmp_path / "data"))
