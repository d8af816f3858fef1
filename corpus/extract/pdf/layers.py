"""The layers (optional content) of a file that no reader sees: off as the file opens, and on in no other use of it.

Source: ISO 32000-2, 8.11.4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["hidden_layers", "layer_name"]


def hidden_layers(catalog: Any, name_of: Callable[[bytes], str]) -> frozenset[str]:
    """The names of the layers that are never shown, none that another layer bears too; `name_of` decodes a string."""
    properties = _resolved(catalog.get("/OCProperties"))
    if not isinstance(properties, dict):
        return frozenset()
    default = _resolved(properties.get("/D"))
    default = default if isinstance(default, dict) else {}
    on, off = _keys(default.get("/ON")), _keys(default.get("/OFF"))
    closed = str(_resolved(default.get("/BaseState"))) == "/OFF"
    automatic = {key for entry in _list(default.get("/AS")) for key in _keys(_of(entry, "/OCGs"))}
    names: dict[bool, set[str]] = {True: set(), False: set()}
    for layer in _list(properties.get("/OCGs")):
        key = _key(layer)
        hidden = key in off or (closed and key not in on)
        used = key in automatic and any(
            str(_resolved(_of(_of(_of(layer, "/Usage"), use), f"{use}State"))) == "/ON" for use in ("/View", "/Print")
        )
        names[hidden and not used].add(layer_name(layer, name_of))
    return frozenset(names[True] - names[False] - {""})


def layer_name(layer: Any, name_of: Callable[[bytes], str]) -> str:
    """The name of a layer; empty where this is none."""
    name = _of(layer, "/Name")
    return name if isinstance(name, str) else name_of(name or b"")


def _of(value: Any, name: str) -> Any:
    found = _resolved(value)
    return _resolved(found.get(name)) if isinstance(found, dict) else None


def _list(value: Any) -> list[Any]:
    found = _resolved(value)
    return list(found) if isinstance(found, list) else []


def _keys(value: Any) -> set[object]:
    return {_key(part) for part in _list(value)}


def _key(reference: Any) -> object:
    return getattr(reference, "idnum", None)


def _resolved(value: Any) -> Any:
    return value.get_object() if hasattr(value, "get_object") else value
