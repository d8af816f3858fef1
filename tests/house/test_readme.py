"""The README shows exactly two commands for a fresh machine, in both languages, and CI calls the second."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

COMMANDS = ["./run", "./run test"]


def quick_start(text: str, heading: str) -> list[str]:
    """The command lines of the code blocks under a heading, comments cut off."""
    section = re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    blocks = re.findall(r"^```\w*\n(.*?)^```$", section, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]


@pytest.mark.parametrize(("file", "heading"), [("README.md", "Quick start"), ("README.ja.md", "クイックスタート")])
def test_the_quick_start_is_exactly_the_two_commands(root: Path, file: str, heading: str) -> None:
    """A fresh machine needs these two and nothing else."""
    assert quick_start((root / file).read_text("utf-8"), heading) == COMMANDS


def test_both_commands_are_executable_here(root: Path) -> None:
    """What the README names exists and can be run."""
    assert (root / "run").stat().st_mode & 0o111
    assert (root / "run").read_text("utf-8").startswith("#!/bin/sh\n")


def test_ci_calls_the_readme_test_command(root: Path) -> None:
    """CI runs what the README says, and nothing else tests."""
    assert COMMANDS[1] in (root / ".ci" / "run").read_text("utf-8").splitlines()


def test_both_readmes_have_the_same_sections_and_commands(root: Path) -> None:
    """The Japanese page says the same: as many sections, and the same code blocks but for comments."""
    english, japanese = ((root / name).read_text("utf-8") for name in ("README.md", "README.ja.md"))

    def sections(text: str) -> int:
        return len(re.findall(r"^## ", text, flags=re.MULTILINE))

    def code(text: str) -> list[str]:
        blocks = re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
        return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]

    assert sections(english) == sections(japanese)
    assert code(english) == code(japanese)
