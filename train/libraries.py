"""Manners of the third-party libraries: no network, no bars and notices of theirs between our lines."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

from corpus.base.errors import StorageError, TrainingError

__all__ = ["folders", "missing", "offline", "online", "peft_in_peace", "quiet", "versions"]

_CACHES = {  # each variable stands above HF_HOME where it is set, so all are
    "HF_HOME": "huggingface",
    "HF_HUB_CACHE": "huggingface/hub",
    "HF_XET_CACHE": "huggingface/xet",
    "HF_ASSETS_CACHE": "huggingface/assets",
    "HF_DATASETS_CACHE": "huggingface/datasets",
    "TORCH_HOME": "torch",
    "TORCHINDUCTOR_CACHE_DIR": "inductor",
    "TRITON_CACHE_DIR": "triton",
}
_STACK = ("torch", "transformers", "tokenizers", "peft", "bitsandbytes", "safetensors")


def offline() -> None:
    """Keep every library of Hugging Face off the network; for the start of a program, before it imports them."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"


@contextlib.contextmanager
def online() -> Iterator[None]:
    """Let the hub's client use the network for a while: for an upload that was asked for."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = False
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def folders(cache: Path | None, scratch: Path | None) -> None:
    """Have libraries keep downloads and compiled code in one folder, and temporary files in another; both are made.

    For the start of a program: what is imported already looks where it did before. Raises TrainingError where that is
    so, StorageError where a folder cannot be made.
    """
    try:
        for folder in (cache, scratch):
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made ({error.strerror}); give another folder") from error
    if cache is not None:
        wanted = {name: str(cache.resolve() / below) for name, below in _CACHES.items()}
        if "huggingface_hub" in sys.modules and any(os.environ.get(name) != value for name, value in wanted.items()):
            raise TrainingError(f"--cache {cache}: comes too late, the libraries are loaded; set it at the start")
        os.environ.update(wanted)
    if scratch is not None:
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch.resolve())


def quiet() -> None:
    """Leave out progress bars of loading and notices that mean nothing here; errors still show."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    logging.getLogger("bitsandbytes.backends.cpu.ops").addFilter(_no_kernels_notice)


@contextlib.contextmanager
def peft_in_peace() -> Iterator[None]:
    """Leave out two warnings of peft 0.21.

    It asks transformers 5 for an attribute by its old name; and it goes on where a file lacks tensors, which
    train.models.loading takes for an error.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Found missing adapter keys", UserWarning)
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def missing(error: ModuleNotFoundError) -> int:
    """Say on stderr how to install what a command of train needs; its exit status. Raises what is no such library."""
    if (error.name or "").partition(".")[0] not in (*_STACK, "accelerate", "gguf", "huggingface_hub"):
        raise error
    sys.stderr.write(f"error: {error.name} is not installed; install the extra: pip install 'hakusho[train]'\n")
    return 1


def versions() -> dict[str, str]:
    """Versions of the libraries that decide the numbers."""
    return {name: importlib.metadata.version(name) for name in _STACK}


def _no_kernels_notice(record: logging.LogRecord) -> bool:
    """Drop the line about an optional kernel for CPUs: without it bitsandbytes computes the same, only slower."""
    return not record.getMessage().startswith("Failed to load CPU gemm_4bit_forward")
