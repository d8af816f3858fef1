"""Base models: where they are on this machine. Nothing here touches the network or loads torch.

A model of the Hugging Face hub is used where its files are in the local cache, and is never fetched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from corpus.base.commit import sha256_bytes, sha256_file
from corpus.base.errors import InputError
from corpus.base.workspace import Workspace

__all__ = ["TINY", "TINY_FOLDER", "Base", "fingerprint", "resolve"]

TINY = "tiny"
TINY_FOLDER = "models/tiny-base"  # of a workspace; train.tiny_base fills it
_GIGABYTES = {"AXCXEPT/Borea-Phi-3.5-mini-Instruct-Jp": 7.6, "microsoft/Phi-3.5-mini-instruct": 7.6}  # bf16 weights
_FILES = ("config.json", "*.safetensors", "tokenizer*", "*.model")


@dataclass(frozen=True)
class Base:
    """A base model on this machine: its name, which holds no absolute path, and its folder."""

    name: str
    folder: Path


def resolve(name: str, workspace: Workspace) -> Base:
    """Find a base: "tiny" (the workspace's), a folder, or the id of a hub model in the local cache.

    Raises InputError where it is not on this machine; the line says its size and the command that fetches it.
    """
    if name == TINY:
        return Base(f"../{Path(TINY_FOLDER).name}", workspace.path(TINY_FOLDER))
    if Path(name).is_dir():
        return Base(Path(name).resolve().name, Path(name))
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise InputError(f"no base model at {name}; give a model's folder, a hub id as owner/name, or {TINY}")
    return Base(name, _cached(name))


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except HFValidationError as error:
        raise InputError(f"{name} is no id of a hub model; give owner/name, a folder, or {TINY}") from error
    except LocalEntryNotFoundError as error:
        size = f"about {_GIGABYTES[name]} GB" if name in _GIGABYTES else "see its page for the size"
        raise InputError(
            f"base model {name} is not on this machine ({size}); fetch it once with: hf download {name}"
        ) from error


def fingerprint(base: Base) -> str:
    """A hash over the files that make the base: configuration, weights, tokenizer. Raises InputError."""
    files = sorted({path for pattern in _FILES for path in base.folder.glob(pattern)})
    if not (base.folder / "config.json").is_file() or not any(path.suffix == ".safetensors" for path in files):
        raise InputError(f"{base.folder}: no model (config.json and *.safetensors); fetch or make it again")
    return sha256_bytes("".join(f"{path.name}\0{sha256_file(path)}\n" for path in files).encode())
