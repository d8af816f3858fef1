"""Keys of units of work (design rule 3): SHA-256 of stage, code version, canonical configuration and input hashes.

The code version is derived, not typed by hand: the source of the module that holds the stage function and of every
module of ours it imports, read from the import statements, the data files beside them (rules, tables), the installed
version of each other package among them, and the minor version of Python, whose Unicode tables decide what a text is.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.metadata
import importlib.util
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from corpus.base.errors import ConfigError

__all__ = ["OURS", "canonical", "code_version", "unit_key"]

OURS = ("corpus", "crawlers", "labeling", "train", "hakusho")
_GROUND = "corpus.base"  # how a shard is scheduled and committed does not change what is in it
_DATA = frozenset({".toml", ".json", ".jsonl", ".tsv", ".csv", ".txt", ".sql"})
_GROUND_THAT_COUNTS = ("corpus.base.schemas", "corpus.base.shards")  # what does
_GROUND_WHERE_IMPORTED = (*_GROUND_THAT_COUNTS, "corpus.base.credentials")  # what does for those that use it


def unit_key(stage: str, version: str, config: Mapping[str, object], inputs: Sequence[tuple[str, str]]) -> str:
    """The key of a unit: `inputs` are (relative path, SHA-256) in the order the stage reads them."""
    return hashlib.sha256(
        canonical({"stage": stage, "version": version, "config": config, "inputs": list(inputs)})
    ).hexdigest()


def canonical(value: object) -> bytes:
    """One spelling of a JSON value: sorted keys, no blanks, UTF-8.

    Raises ConfigError for what JSON cannot say, NaN included.

    >>> canonical({"b": 1, "a": [True, None]})
    b'{"a":[true,null],"b":1}'
    """
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise ConfigError(f"a configuration of plain JSON values is needed: {error}") from error


@functools.cache
def code_version(module: str) -> str:
    """Version of a stage's code: hash over the sources and packages that its module needs, directly or not."""
    sources, packages = _closure(module)
    digest = hashlib.sha256()
    for name, path in sorted(sources.items()):
        digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
        for data in _data_files(path):
            shown = data.relative_to(path.parent).as_posix()
            digest.update(f"{name}:{shown}\0{hashlib.sha256(data.read_bytes()).hexdigest()}\n".encode())
    for name, version in [
        ("python", f"{sys.version_info[0]}.{sys.version_info[1]}"),
        *sorted(_versions(packages).items()),
    ]:
        digest.update(f"{name}=={version}\n".encode())
    return digest.hexdigest()


def _closure(module: str) -> tuple[dict[str, Path], set[str]]:
    sources: dict[str, Path] = {}
    packages: set[str] = set()
    queue = [module, *_GROUND_THAT_COUNTS]
    while queue:
        name = queue.pop()
        path = _source(name) if name and name not in sources else None
        if path is None:
            continue
        sources[name] = path
        queue.append(name.rpartition(".")[0])  # importing a module runs its package first
        for imported in _imports(name, path):
            top = imported.partition(".")[0]
            if top not in OURS:
                packages.add(top)
            elif not imported.startswith(_GROUND) or imported.startswith(_GROUND_WHERE_IMPORTED):
                queue.append(imported)
    return sources, packages


def _source(name: str) -> Path | None:
    """The file of a module of ours; `from package import function` also names things that are no modules."""
    try:
        spec = importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _imports(name: str, path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            raise ConfigError(
                f"{name}: relative imports hide what a stage depends on; import {name.rpartition('.')[0]} by its name"
            )


def _data_files(path: Path) -> list[Path]:
    """Data of a package (rules, seeds, tables) is part of its version: in its folder, and in folders without code."""
    return sorted(_data_below(path.parent)) if path.name == "__init__.py" else []


def _data_below(folder: Path) -> Iterable[Path]:
    for path in folder.iterdir():
        if path.is_dir() and not (path / "__init__.py").exists():
            yield from _data_below(path)
        elif path.is_file() and path.suffix in _DATA:
            yield path


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


def _versions(packages: Iterable[str]) -> dict[str, str]:
    """The distributions that give those import names, with their versions; a missing package counts nothing."""
    versions: dict[str, str] = {}
    for name in packages:
        if name in sys.stdlib_module_names:
            continue
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # the import has another name: look at all, which is slow
            versions.update({dist: importlib.metadata.version(dist) for dist in _distributions().get(name, [])})
    return versions
