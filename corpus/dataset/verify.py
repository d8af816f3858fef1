"""Hold a built dataset against its manifest, its card and its books."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from corpus.base.errors import CorruptFileError, EmptyInputError, InputError
from corpus.base.manifest import Manifest
from corpus.base.shards import read_shard
from corpus.base.workspace import Workspace
from corpus.dataset.card import render, summarise
from corpus.dataset.layout import CARD, shard_paths

__all__ = ["verify"]


def verify(workspace: Workspace) -> tuple[int, list[str]]:
    """Read every file of data/dataset again: (files looked at, findings, one line each; none means all is well).

    A file is a finding where its bytes are not those committed, it is missing, or nothing is known of it; the card,
    where it does not say what the shards hold. Raises EmptyInputError where no dataset was built.
    """
    folder = workspace.path("dataset")
    none = EmptyInputError(f"no dataset in {workspace.root}; run hakusho dataset build first")
    if not workspace.state.is_file():  # looking must not make a manifest, or a folder for it
        raise none
    with Manifest(workspace) as manifest:
        recorded = [workspace.relative(file.path) for file in manifest.files() if folder in file.path.parents]
        if not recorded:
            raise none
        findings = [_damage(workspace, name) for name in recorded if not manifest.intact(name, deep=True)]
    present = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    known = set(recorded)
    findings += [
        f"{name}: not a file of this dataset; remove it or build again"
        for name in map(workspace.relative, present)
        if name not in known
    ]
    findings += _card_findings(workspace)
    return len(known.union(map(workspace.relative, present))), sorted(findings)


def _damage(workspace: Workspace, name: str) -> str:
    what = "its content is not what was committed" if workspace.path(name).is_file() else "missing"
    return f"{name}: {what}; build again"


def _card_findings(workspace: Workspace) -> list[str]:
    path = workspace.path("dataset", CARD)
    if not path.is_file():
        return []  # already found missing
    try:
        dropped = _dropped(workspace.path("ledger", "dataset", "all.parquet"))
        wanted = render(summarise(shard_paths(workspace.path("dataset"))), dropped)
        found = path.read_text(encoding="utf-8")
    except (CorruptFileError, InputError, UnicodeDecodeError, KeyError) as error:
        return [f"dataset/{CARD}: cannot be held against the shards ({error})"]
    said, counted = found.splitlines(), wanted.splitlines()
    if said == counted:
        return []
    number = next(
        (n for n, (a, b) in enumerate(zip(said, counted, strict=False)) if a != b), min(len(said), len(counted))
    )
    line = said[number] if number < len(said) else "nothing"
    return [f"dataset/{CARD}: line {number + 1} says {line!r}, the shards say otherwise; build again"]


def _dropped(path: Path) -> Counter[str]:
    reasons = read_shard(path, ("reason",)).column("reason").to_pylist()
    return Counter(reason for reason in reasons if reason)
