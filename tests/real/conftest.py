"""Real material beside the project: recorded pages, and the private internet that serves them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data(root: Path) -> Path:
    """The folder of recorded pages of the five sources, ../shared/data seen from the project's root."""
    folder = root.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data")
    return folder


@pytest.fixture(scope="session")
def netbox(root: Path) -> Path:
    """The command that runs another one inside a private internet with the five sources; it needs root."""
    command = root.parent / "shared" / "netbox" / "netbox"
    if not command.is_file() or os.geteuid() != 0:
        pytest.skip("needs ../shared/netbox and root")
    return command
