"""ruff, mypy strict, codespell and sqlfluff run clean; files and functions stay short; nothing is left unfinished."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("corpus", "crawlers", "labeling", "train", "hakusho")
CODE = (*PACKAGES, "tests")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")


def run(root: Path, *words: str) -> None:
    """Run a tool of the environment; its output is the message where it fails."""
    answer = subprocess.run([sys.executable, "-m", *words], cwd=root, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def tracked(root: Path, *patterns: str) -> list[Path]:
    """Files of the project, by pattern, outside the environment and data."""
    found = [
        path
        for pattern in patterns
        for folder in (*CODE, "sql", "docs", "benchmarks")
        for path in (root / folder).rglob(pattern)
    ]
    return sorted(path for path in found if "__pycache__" not in path.parts)


def test_ruff_check(root: Path) -> None:
    """The linter finds nothing."""
    run(root, "ruff", "check", ".")


def test_ruff_format(root: Path) -> None:
    """The formatter would change nothing."""
    run(root, "ruff", "format", "--check", ".")


@pytest.mark.slow
def test_mypy_strict(root: Path) -> None:
    """Types hold, strictly."""
    run(root, "mypy")


def test_codespell(root: Path) -> None:
    """English words are spelt right."""
    run(
        root,
        "codespell_lib",
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "docs",
        *CODE,
    )


def test_sqlfluff(root: Path) -> None:
    """SQL is written in one way."""
    run(root, "sqlfluff", "lint", "sql", "--disable-progress-bar")


def test_python_files_stay_under_400_lines(root: Path) -> None:
    """A file is short enough to be read at once."""
    long = {
        str(p.relative_to(root)): n
        for p in tracked(root, "*.py")
        if (n := len(p.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}


def test_nothing_is_left_unfinished(root: Path) -> None:
    """No note to self in the code."""
    here = Path(__file__)
    found = [
        str(p.relative_to(root))
        for p in tracked(root, "*.py", "*.sql")
        if p != here and UNFINISHED.search(p.read_text("utf-8"))
    ]
    assert found == []


def test_no_print_of_paths_of_one_machine(root: Path) -> None:
    """No file names a folder of a developer's machine."""
    path = re.compile(r"/(?:work|root|home)/[a-z]")
    found = [
        str(p.relative_to(root))
        for p in tracked(root, "*.py", "*.sql", "*.md", "*.toml")
        if p != Path(__file__) and path.search(p.read_text("utf-8"))
    ]
    assert found == []
