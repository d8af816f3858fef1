"""Manners of the third-party libraries."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from corpus.base.errors import StorageError, TrainingError
from corpus.base.workspace import Workspace
from train import libraries, tiny_base
from train.ablate import ablation
from train.export import plain
from train.models.bases import Base
from train.qlora import training


def test_a_missing_library_is_one_line_that_names_the_extra(
    make_workspace: Callable[[str], Workspace], small_base: Base
) -> None:
    """Without torch the command ends with status 1 and the line that installs it; faults of ours stay loud."""
    code = (
        "import sys; sys.modules['torch'] = None; from train.qlora.training import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["--data", str(make_workspace("w").root), "--base", str(small_base.folder)]
    result = subprocess.run([sys.executable, "-c", code, *words], check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == "error: torch is not installed; install the extra: pip install 'hakusho[train]'\n"
    with pytest.raises(ModuleNotFoundError):
        libraries.missing(ModuleNotFoundError("No module named 'ours'", name="ours"))


def test_only_the_harmless_notice_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    """The notice about an optional CPU kernel does not show; any other warning of bitsandbytes does."""
    libraries.quiet()
    logger = logging.getLogger("bitsandbytes.backends.cpu.ops")
    logger.warning("Failed to load CPU gemm_4bit_forward from kernels-community: %s", "none")
    logger.warning("something else")
    assert [record.getMessage() for record in caplog.records] == ["something else"]


def test_a_refused_call_never_loads_torch(tmp_path: Path) -> None:
    """What needs no model is answered without the weight of torch."""
    code = (
        "import sys; from train.qlora.training import main;"
        "main(['--data', sys.argv[1]]); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, capture_output=True).returncode == 0


def test_cache_and_scratch_are_where_they_are_told(tmp_path: Path) -> None:
    """In a fresh process, before anything is imported; a variable of the user that names another place gives way."""
    code = (
        "import sys, pathlib, tempfile; from train import libraries;"
        "libraries.folders(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]));"
        "from huggingface_hub import constants; print(constants.HF_HOME, constants.HF_HUB_CACHE, tempfile.gettempdir())"
    )
    cache, scratch = tmp_path / "deep" / "cache", tmp_path / "scratch"
    words = [sys.executable, "-c", code, str(cache), str(scratch)]
    root = Path(__file__).parent.parent.parent
    environment = os.environ | {"HF_HUB_CACHE": "/nowhere", "PYTHONPATH": str(root)}
    answer = subprocess.run(words, env=environment, capture_output=True, text=True, check=True, cwd=root)
    assert answer.stdout.split() == [str(cache / "huggingface"), str(cache / "huggingface" / "hub"), str(scratch)]


def test_a_cache_that_comes_too_late_or_has_no_place_is_one_line(tmp_path: Path) -> None:
    """Libraries that are loaded would go on looking where they did."""
    import huggingface_hub  # noqa: F401

    with pytest.raises(TrainingError, match="comes too late"):
        libraries.folders(tmp_path / "c", None)
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be made"):
        libraries.folders(None, tmp_path / "file" / "below")


@pytest.mark.parametrize("main", [training.main, plain.main, ablation.main, tiny_base.main])
@pytest.mark.parametrize("threads", ["0", "1025", "100000000000"])
def test_threads_that_no_machine_has_are_one_line(
    main: Callable[[Sequence[str]], int], threads: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of every command, before anything is loaded."""
    assert main(["--threads", threads]) == 2
    assert capsys.readouterr().err == f"error: --threads {threads}: must be from 1 to 1024\n"
