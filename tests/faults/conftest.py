"""What the fault tests need from the machine, or the reason why they are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

_HELPERS = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "base")]
sys.path.extend(one for one in _HELPERS if one not in sys.path)  # base_stages is shared with tests/base


@pytest.fixture(scope="session")
def strace() -> str:
    """The path of strace, where it may trace a child of ours."""
    path = shutil.which("strace")
    if path is None or subprocess.run([path, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs strace and ptrace")
    return path


@pytest.fixture(scope="session")
def own_mounts() -> list[str]:
    """The words that run a command with mounts of its own."""
    words = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    probe = ["sh", "-c", "mount -t tmpfs -o size=100k none /mnt"]
    if shutil.which("unshare") is None or subprocess.run([*words, *probe], capture_output=True, check=False).returncode:
        pytest.skip("needs unshare and a tmpfs of its own")
    return words


@pytest.fixture(scope="session")
def environment(root: Path) -> Mapping[str, str]:
    """The environment of a child that imports our packages and the test's helpers, and writes no byte code."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*_HELPERS, str(root)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter that runs the tests."""
    return sys.executable
