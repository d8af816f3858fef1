"""Checkpoints: whole or not there, verified before use, the newest ten kept.

A checkpoint is one folder, `<serial>-step-<step>`, committed by corpus.base.commit: it appears by one rename after
everything in it is on the disk. It holds safetensors of each part (LoRA, gates, optimiser, random number generators),
state.json (cursor, scheduler, metrics, configuration) and manifest.json with the size and SHA-256 of every file and a
SHA-256 of itself. Loading verifies all of that; one that fails is named on stderr and the one before it is taken.
Nothing is unpickled: a checkpoint from elsewhere can be wrong, but it cannot run code.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from corpus.base.commit import commit_folder, is_temporary, sha256_bytes, sha256_file
from corpus.base.errors import CorruptFileError, InputError
from corpus.base.units import canonical
from train.checkpoint.rule import Rule

__all__ = ["Snapshot", "Store", "Timer", "load"]

FORMAT = 1
_MANIFEST, _STATE = "manifest.json", "state.json"
_NAME = re.compile(r"(\d{6,})-step-(\d{8,})")


@dataclass(frozen=True)
class Snapshot:
    """All that a run is after `step` steps: tensors by part and name, and a state of plain JSON values."""

    step: int
    parts: Mapping[str, Mapping[str, Tensor]]
    state: Mapping[str, Any]


class Timer:
    """Says when the next checkpoint is due; it starts at the last one, or at its own making."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._saved = time.monotonic()

    def due(self, step: int) -> bool:
        """Whether to save after this many steps."""
        by_step = self.rule.steps > 0 and step % self.rule.steps == 0
        return by_step or time.monotonic() - self._saved >= self.rule.seconds

    def saved(self) -> None:
        """Start again."""
        self._saved = time.monotonic()


class Store:
    """The checkpoints of one run in one folder; `fingerprint` stands for everything that decides its numbers."""

    def __init__(self, folder: Path, fingerprint: str, keep: int = Rule.keep) -> None:
        self.folder, self.fingerprint, self.keep = folder, fingerprint, keep

    def all(self) -> list[Path]:
        """The checkpoints, oldest first, whole or not."""
        found = [path for path in self.folder.glob("*-step-*") if _NAME.fullmatch(path.name)]
        return sorted(found, key=_serial)

    def save(self, snapshot: Snapshot) -> Path:
        """Commit a checkpoint and remove the oldest beyond `keep`. Raises StorageError; then the former ones stand."""
        serial = _serial(there[-1]) + 1 if (there := self.all()) else 1
        path = self.folder / f"{serial:06d}-step-{snapshot.step:08d}"
        commit_folder(path, lambda folder: self._write(folder, snapshot))
        for old in self.all()[: -self.keep]:
            shutil.rmtree(old, ignore_errors=True)
        return path

    def newest(self) -> Snapshot | None:
        """The newest checkpoint of this run that is whole; each damaged one that is passed over is named on stderr.

        Checkpoints of another configuration are left alone: to go on from them would be no exact resume.
        """
        for path in reversed(self.all()):
            try:
                fingerprint, snapshot = load(path)
            except InputError as error:
                sys.stderr.write(f"checkpoint passed over: {error}; taking the one before it\n")
                continue
            if fingerprint == self.fingerprint:
                return snapshot
        return None

    def _write(self, folder: Path, snapshot: Snapshot) -> None:
        for part, tensors in snapshot.parts.items():
            whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
            save_file(whole, folder / f"{part}.safetensors", metadata={"format": "pt"})
        state = json.dumps({"step": snapshot.step, **snapshot.state}, ensure_ascii=False, allow_nan=False)
        (folder / _STATE).write_text(state + "\n", encoding="utf-8")
        files = {
            path.name: {"size": path.stat().st_size, "sha256": sha256_file(path)} for path in sorted(folder.iterdir())
        }
        body = {"format": FORMAT, "fingerprint": self.fingerprint, "step": snapshot.step, "files": files}
        whole_manifest = json.dumps(body | {"sha256": sha256_bytes(canonical(body))}, indent=2, sort_keys=True)
        (folder / _MANIFEST).write_text(whole_manifest + "\n", encoding="utf-8")


def load(path: Path) -> tuple[str, Snapshot]:
    """Verify a checkpoint and read it: its run's fingerprint, and what it holds. Raises InputError."""
    manifest = _manifest(path)
    names = {entry.name for entry in path.iterdir() if not is_temporary(entry)} - {_MANIFEST}
    if names != set(manifest["files"]):
        odd = sorted(names ^ set(manifest["files"]))[0]
        raise CorruptFileError(f"{path}: {odd} is missing or was not written by this run")
    for name, wanted in manifest["files"].items():
        file = path / name
        if file.stat().st_size != wanted["size"] or sha256_file(file) != wanted["sha256"]:
            raise CorruptFileError(f"{file}: not what the checkpoint's manifest says")
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        parts = {Path(name).stem: load_file(path / name) for name in sorted(names) if name.endswith(".safetensors")}
    except (OSError, ValueError, SafetensorError) as error:
        raise CorruptFileError(f"{path}: does not load ({error})") from error
    return manifest["fingerprint"], Snapshot(state.pop("step"), parts, state)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((path / _MANIFEST).read_text(encoding="utf-8"))
        wanted = manifest.pop("sha256")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no whole checkpoint (no {_MANIFEST})") from error
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise CorruptFileError(f"{path / _MANIFEST}: not readable ({error})") from error
    if sha256_bytes(canonical(manifest)) != wanted or manifest["format"] != FORMAT:
        raise CorruptFileError(f"{path / _MANIFEST}: altered, or of another version of Hakusho")
    return manifest


def _serial(path: Path) -> int:
    return int(path.name.partition("-")[0])
