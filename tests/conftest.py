"""Shared by all tests: the sample workspace, the table of skips at the end, and the rule that CI knows every skip."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from corpus.base.workspace import Workspace

ROOT = Path(__file__).parent.parent
_KNOWN = Path(__file__).parent / "skips.txt"


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's root folder."""
    return ROOT


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which every check passes, with its dataset, built once."""
    from sample_workspace import write_workspace

    from corpus.dataset.build import build

    folder = tmp_path_factory.mktemp("sample") / "data"
    build(write_workspace(folder))
    return folder


@pytest.fixture
def sample(built: Path, tmp_path: Path) -> Workspace:
    """A copy of it that a test may spoil."""
    from corpus.base.workspace import Workspace

    return Workspace(shutil.copytree(built, tmp_path / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first: a long one begun last would run while the other worker has nothing to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def _skips(reporter: pytest.TerminalReporter) -> dict[str, list[str]]:
    """Reason -> tests that were skipped for it."""
    found: dict[str, list[str]] = defaultdict(list)
    for report in reporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found[reason.removeprefix("Skipped: ")].append(report.nodeid)
    return found


def _known() -> set[str]:
    lines = _KNOWN.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was skipped and why; under CI name the skips that tests/skips.txt does not allow."""
    skips = _skips(terminalreporter)
    terminalreporter.section("skips")
    if not skips:
        terminalreporter.write_line("   0  nothing was skipped")
    for reason, tests in sorted(skips.items()):
        mark = "" if reason in _known() else "   <- not in tests/skips.txt"
        terminalreporter.write_line(f"{len(tests):4d}  {reason}{mark}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Under CI a skip that tests/skips.txt does not name is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("CI") or reporter is None or hasattr(session.config, "workerinput"):
        return
    if set(_skips(reporter)) - _known() and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
