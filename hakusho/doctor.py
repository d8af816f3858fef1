"""What this machine has of what Hakusho needs: looked at, not assumed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BASE_MODEL", "BASE_MODEL_GB", "Finding", "examine"]

BASE_MODEL = "AXCXEPT/Borea-Phi-3.5-mini-Instruct-Jp"
BASE_MODEL_GB = round(3.82 * 2, 1)  # 3.82 G parameters, two bytes each in bfloat16
_DISK_NEEDED_GB = 5.0  # the environment, the miniature and a small harvest
_PYTHON = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `state` is ok, note (works, with a limit) or missing (something will not work)."""

    what: str
    state: str
    detail: str


def examine(data: Path) -> list[Finding]:
    """Look at Python, disk, GPU, rights, fonts, tools and the base model, for a workspace at `data`."""
    return [_python(), _disk(data), _gpu(), _root(), _fonts(), _contact(), _strace(), _base_model()]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    wanted = ".".join(map(str, _PYTHON))
    return Finding("Python", "ok" if sys.version_info >= _PYTHON else "missing", f"{version} (needs {wanted} or newer)")


def _disk(data: Path) -> Finding:
    there = next(path for path in [data.absolute(), *data.absolute().parents] if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    state = "ok" if free >= _DISK_NEEDED_GB else "missing"
    return Finding("disk", state, f"{free:.1f} GB free where {data} is or will be (needs {_DISK_NEEDED_GB:.0f} GB)")


def _gpu() -> Finding:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return Finding(
            "GPU", "note", "none found (no nvidia-smi); tiny models train on the CPU, the full base needs 12 GB"
        )
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    cards = _lines(query)
    if not cards:
        return Finding("GPU", "note", "nvidia-smi is there and lists no card; training uses the CPU")
    return Finding("GPU", "ok", "; ".join(cards))


def _lines(command: list[str]) -> list[str]:
    """What a tool prints; nothing where it fails, hangs or cannot be started."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [] if answer.returncode else [line.strip() for line in answer.stdout.splitlines() if line.strip()]


def _root() -> Finding:
    if os.geteuid() == 0:
        return Finding("root", "note", "running as root: not needed; an ordinary user is safer for a crawl")
    return Finding("root", "ok", "not root, and not needed")


def _fonts() -> Finding:
    tool = shutil.which("fc-list")
    count = len(_lines([tool, ":lang=ja", "family"])) if tool is not None else 0
    if count:
        return Finding("fonts", "ok", f"{count} Japanese font(s) for looking at reports")
    return Finding(
        "fonts", "note", "no Japanese font found: extraction does not need one, a browser on this machine does"
    )


def _contact() -> Finding:
    from corpus.base.errors import ConfigError
    from crawlers.identity import contact

    try:
        given = contact()
    except ConfigError as error:
        return Finding("contact", "missing", f"{error}; a live harvest will not start")
    if given:
        return Finding("contact", "ok", f"{given} is named to the sites you harvest")
    how = 'export HAKUSHO_CONTACT=mailto:you@example.org, or contact = "…" in hakusho.toml'
    return Finding("contact", "note", f"none: a live harvest will not start; {how}")


def _strace() -> Finding:
    if shutil.which("strace"):
        return Finding("strace", "ok", "the power-cut tests can run")
    return Finding("strace", "note", "not installed: the power-cut tests will be skipped")


def _base_model() -> Finding:
    get = f"hf download {BASE_MODEL}"
    cache = Path(os.environ.get("HF_HUB_CACHE") or _hf_home() / "hub")
    folder = cache / f"models--{BASE_MODEL.replace('/', '--')}"
    if any(folder.glob("snapshots/*/config.json")):
        size = sum(file.stat().st_size for file in folder.glob("blobs/*") if file.is_file()) / 1e9
        return Finding("base model", "ok", f"{BASE_MODEL}, {size:.1f} GB in {cache}")
    return Finding("base model", "note", f"{BASE_MODEL} is not in {cache}; about {BASE_MODEL_GB} GB: {get}")


def _hf_home() -> Path:
    return Path(
        os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    )
