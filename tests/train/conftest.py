"""Fixtures of the tests of train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from train_samples import SMALL, fill

from corpus.base.workspace import Workspace
from train import tiny_base
from train.models import bases
from train.models.bases import Base, resolve

torch.set_num_threads(1)  # matrices this small lose time to a second thread, most of all where cores are shared


@pytest.fixture
def make_workspace(tmp_path: Path) -> Callable[[str], Workspace]:
    """Workspaces with the same dataset under different names."""
    return lambda name: fill(tmp_path / name)


@pytest.fixture(scope="session")
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A base of two small layers, pre-trained for a moment."""
    workspace = fill(tmp_path_factory.mktemp("base"))
    tiny_base.ensure(workspace, SMALL)
    return resolve(str(workspace.path(bases.TINY_FOLDER)), workspace)
