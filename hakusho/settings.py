"""Settings of a run: hakusho.toml in the current folder, then `--set SECTION.KEY=VALUE` words, over the defaults.

    contact = "mailto:you@example.org"      # who answers for a live harvest

    [text]
    min_chars_ja = 80

    [dedup]
    threshold = 0.7

Each section is a frozen dataclass that lives beside the code it steers; an unknown section or key is an error that
names the nearest.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from corpus.base.config import load, nearest, read_toml
from corpus.base.errors import ConfigError

__all__ = ["FILE", "SECTIONS", "check", "check_file", "section"]

FILE = Path("hakusho.toml")
SECTIONS = {
    "harvest": "crawlers.thresholds:HarvestSettings",
    "text": "corpus.text.settings:TextSettings",
    "dedup": "corpus.dedup.settings:DedupSettings",
    "decontamination": "corpus.dedup.decontaminate:DecontaminationSettings",
    "boilerplate": "corpus.dedup.boilerplate:BoilerplateSettings",
    "labels": "labeling.settings:LabelSettings",
    "dataset": "corpus.dataset.settings:DatasetSettings",
}
_TOP = ("contact",)  # read by the crawlers


def section(name: str, words: Sequence[str] = (), *, file: Path = FILE) -> dict[str, Any]:
    """One section as plain values, for a task's configuration. Raises ConfigError."""
    overrides = {key: value for where, key, value in map(_split, words) if where == name}
    module, _, cls = SECTIONS[name].partition(":")
    present = check_file(file)
    made = load(
        getattr(importlib.import_module(module), cls),
        file=file if present else None,
        section=name,
        overrides=overrides,
        flag=f"--set {name}.",
        equals="=",
    )
    return asdict(made)


def check(words: Sequence[str]) -> None:
    """See that every `--set` word names a section and a key that exist, whether or not this command reads them."""
    for name in {where for where, _, _ in map(_split, words)}:
        section(name, words)


def _split(word: str) -> tuple[str, str, str]:
    path, equals, value = word.partition("=")
    where, dot, key = path.partition(".")
    if not equals or not dot:
        raise ConfigError(f"--set {word}: write SECTION.KEY=VALUE, e.g. --set dedup.threshold=0.8")
    if where not in SECTIONS:
        raise ConfigError(f"--set {word}: no such section {where!r}; {nearest(where, list(SECTIONS))}")
    return where, key, value


def check_file(file: Path = FILE) -> bool:
    """Whether there is a file; all that it names at its top must exist. Raises ConfigError."""
    if not file.exists():
        return False
    for key in read_toml(file):
        if key not in SECTIONS and key not in _TOP:
            raise ConfigError(f"{file}: no such section or key {key!r}; {nearest(key, [*SECTIONS, *_TOP])}")
    return True
