"""Folders of models/: whose they are, and what their metadata.json says. Nothing here loads torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any, Final

from corpus.base.commit import is_temporary
from corpus.base.errors import CorruptFileError, InputError, UsageError

__all__ = ["METADATA", "of_run", "read", "require_export", "require_run"]

METADATA: Final = "metadata.json"
_EXPORTED = "merged_linears"  # what the metadata of an export says and that of a run does not
_SIGNS = ("checkpoints", "tensorboard", "adapter_config.json", "gates.safetensors")  # of a run, whole or on its way
_SHAPE: Final[Mapping[str, Any]] = {  # what others read in the metadata of a run
    "base": {"name": str, "sha256": str},
    "config": {"seed": int, "quantization": str, "dtype": str},
    "data": {"licences": dict, "attributions": list, "held_out_documents": int},
    "loss": {f"held_out_{name}": (int, float, NoneType) for name in ("before", "after", "change_percent")},
}


def read(folder: Path) -> dict[str, Any]:
    """The metadata of a folder. Raises FileNotFoundError where there is none, CorruptFileError."""
    path = folder / METADATA
    try:
        metadata = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise CorruptFileError(f"{path}: not readable ({error}); make it again") from error
    if not isinstance(metadata, dict):
        raise CorruptFileError(f"{path}: holds no object; make it again")
    return metadata


def of_run(folder: Path) -> dict[str, Any]:
    """The metadata of a run. Raises InputError where there is no run, CorruptFileError where something is missing."""
    again = f"train it: python -m train.qlora --run {folder.name}"
    try:
        metadata = read(folder)
    except FileNotFoundError as error:
        raise InputError(f"no run in {folder}; {again}") from error
    if _EXPORTED in metadata:
        raise InputError(f"{folder} holds an export and no run; name the run with --run")
    if missing := _missing(metadata, _SHAPE):
        raise CorruptFileError(f"{folder / METADATA}: no {missing}, which a run's has; {again}")
    return metadata


def require_run(folder: Path) -> None:
    """Raise UsageError where a folder that a run would fill is another command's: files of two would be mixed."""
    try:
        other = _EXPORTED in read(folder)
    except FileNotFoundError:
        other = _filled(folder) and not any((folder / sign).exists() for sign in _SIGNS)
    except CorruptFileError:
        other = not any((folder / sign).exists() for sign in _SIGNS)
    if other:
        raise UsageError(
            f"--run {folder.name}: {folder} holds an export or something else that is no run; give another name, or "
            "move it away"
        )


def require_export(folder: Path, run: str) -> None:
    """Raise UsageError where a folder that an export of `run` would replace is anything but a former one of it."""
    try:
        there = read(folder)
    except FileNotFoundError:
        there = {} if folder.exists() else {_EXPORTED: 0, "run": run}
    except CorruptFileError as error:
        raise UsageError(f"--name {folder.name}: what {folder} holds cannot be told ({error}); move it away") from error
    if _EXPORTED not in there:
        raise UsageError(f"--name {folder.name}: {folder} holds something else; give another name")
    if there.get("run") != run:
        raise UsageError(
            f"--name {folder.name}: {folder} holds the export of another run, {there.get('run')}; give another name, "
            "or move it away"
        )


def _filled(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(not is_temporary(path) for path in folder.iterdir()))


def _missing(found: Any, shape: Mapping[str, Any]) -> str:
    """The first of the values that is not there or of another type, as a path; empty where all are there."""
    for name, kind in shape.items():
        value = found.get(name)
        if isinstance(kind, Mapping):
            inner = _missing(value, kind) if isinstance(value, dict) else next(iter(kind))
            if inner:
                return f"{name}.{inner}"
        elif name not in found or not isinstance(value, kind):
            return name
    return ""
