"""Configuration: frozen dataclasses, one loader for TOML files and `--key value` words.

An unknown key is an error that names the nearest one; a value that does not fit names what would. Defaults stand in the
dataclass, help in `field(metadata={"help": ...})`.
"""

from __future__ import annotations

import dataclasses
import difflib
import sys
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from corpus.base.errors import ConfigError

__all__ = ["help_text", "load", "nearest", "option", "parse_cli", "read_toml", "split_words"]

T = TypeVar("T")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def option(text: str, default: Any) -> Any:
    """A field of a configuration with its help text."""
    return dataclasses.field(default=default, metadata={"help": text})


def nearest(word: str, known: Sequence[str]) -> str:
    """A clause that names the nearest known word, or all of them where none is near.

    >>> nearest("limits", ["limit", "lang"])
    'did you mean limit?'
    """
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"known: {', '.join(sorted(known))}"


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file as a dictionary. Raises ConfigError where it is missing or no TOML."""
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"cannot read {file}: {error.strerror}; give an existing TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: no valid TOML ({error})") from error


def load(
    cls: type[T],
    *,
    file: Path | None = None,
    preset: Path | None = None,
    section: str = "",
    overrides: Mapping[str, str] | None = None,
    flag: str = "--",
    equals: str = " ",
) -> T:
    """Make a configuration from its defaults, TOML files (or one table of each) and words, the later ones winning.

    `preset` is read before `file`. `flag` and `equals` are what the user wrote before the key of a word and before its
    value, for messages.
    Raises ConfigError for an unknown key, a value of the wrong kind, a required key that is missing, or whatever the
    dataclass's own `__post_init__` rejects.
    """
    values: dict[str, Any] = {}
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for source in (preset, file):
        for key, value in (_table(source, section) if source is not None else {}).items():
            _known(key, names, shown=f"{source}: {key}")
            values[key] = _from_toml(key, value, hints[key], str(source))
    for word, text in (overrides or {}).items():
        key = word.replace("-", "_")
        _known(key, names, shown=f"{flag}{word}")
        values[key] = _from_text(text, hints[key], f"{flag}{word}{equals}{text}")
    missing = [f.name for f in dataclasses.fields(cls) if _required(f) and f.name not in values]  # type: ignore[arg-type]
    if missing:
        raise ConfigError(f"missing: {', '.join(flag + name for name in missing)}")
    return cls(**values)


def split_words(argv: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Split `--key value` and `--key=value` from other words; a flag before another option or the end means true."""
    words: dict[str, str] = {}
    rest: list[str] = []
    queue = list(argv)
    while queue:
        word = queue.pop(0)
        if not word.startswith("--") or word == "--":
            rest.append(word)
            continue
        key, equals, value = word[2:].partition("=")
        if not equals:
            value = queue.pop(0) if queue and not queue[0].startswith("--") else "true"
        words[key] = value
    return words, rest


def _table(file: Path, section: str) -> dict[str, Any]:
    table = read_toml(file)
    if not section:
        return table
    found = table.get(section, {})
    if not isinstance(found, dict):
        raise ConfigError(f"{file}: {section} = {found!r}: need a table, [{section}]")
    return found


def parse_cli(
    cls: type[T],
    argv: Sequence[str],
    *,
    prog: str,
    section: str,
    description: str,
    example: str,
    presets: Path | None = None,
) -> T:
    """Read `--config FILE --key value …` into `cls`; `--help` prints every key with its help and leaves (SystemExit 0).

    `section` is the table of the TOML file that belongs to this command, "" for the whole file. `presets` is a folder
    of such files that `--preset NAME` chooses from; `--config` and words stand above it. Raises ConfigError.
    """
    words, rest = split_words(argv)
    if "help" in words or "-h" in rest:
        text = help_text(cls, prog=prog, section=section, description=description, example=example, presets=presets)
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))  # a terminal may know ASCII alone
        raise SystemExit(0)
    if rest:
        raise ConfigError(f"{prog}: unexpected word {rest[0]!r}; options are --key value, see {prog} --help")
    config = words.pop("config", None)
    file = Path(config) if config else None
    if file and section:
        _check_tables(file, section)
    preset = _preset(words.pop("preset"), presets) if presets and "preset" in words else None
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for word in words:
        _known(word.replace("-", "_"), [*names, "config", "help", *(["preset"] if presets else [])], shown=f"--{word}")
    return load(cls, file=file, preset=preset, section=section, overrides=words)


def _check_tables(file: Path, section: str) -> None:
    """Nothing of a file that a user names for one command passes unread: keys without a table, no table of its own."""
    table = read_toml(file)
    for key, value in table.items():
        if not isinstance(value, dict):
            raise ConfigError(f"{file}: {key} stands in no table; write it under [{section}]")
        if key != section and difflib.get_close_matches(key, [section], cutoff=0.75):
            raise ConfigError(f"{file}: no such table [{key}]; did you mean [{section}]?")
    if section not in table:
        raise ConfigError(f"{file}: no table [{section}]; write the keys under it")


def _names(presets: Path) -> list[str]:
    return sorted(path.stem for path in presets.glob("*.toml"))


def _preset(name: str, presets: Path) -> Path:
    known = _names(presets)
    if name not in known:
        raise ConfigError(f"--preset {name}: no such preset; {nearest(name, known)}")
    return presets / f"{name}.toml"


def help_text(
    cls: type[object], *, prog: str, section: str, description: str, example: str, presets: Path | None = None
) -> str:
    """The help page of a configuration."""
    lines = [f"Usage: {prog} [--config FILE] [--key value …]", "", description, "", "Options:"]
    where = f", in its table [{section}]" if section else ""
    lines.append("  --config FILE".ljust(34) + f"TOML file with any of the keys below{where}")
    if presets:
        lines.append("  --preset NAME".ljust(34) + f"one of {', '.join(_names(presets))}; keys below stand above it")
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        default = "required" if _required(field) else f"default: {_shown(field)}"
        name = f"  --{field.name.replace('_', '-')} {_kind(hints[field.name])}"
        lines.append(f"{name.ljust(34)}{field.metadata.get('help', '')} ({default})")
    return "\n".join([*lines, "", "Example:", f"  {example}", ""])


def _known(key: str, names: Sequence[str], *, shown: str) -> None:
    if key not in names:
        raise ConfigError(f"{shown}: no such key; {nearest(key, names)}")


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _shown(field: dataclasses.Field[Any]) -> str:
    value = field.default if field.default is not dataclasses.MISSING else field.default_factory()  # type: ignore[operator]
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value)) or "none"
    return str(value).lower() if isinstance(value, bool) else "none" if value in (None, "") else str(value)


def _kind(hint: Any) -> str:
    members, _ = _members(hint)
    if get_origin(members[0]) is typing.Literal:
        return "|".join(map(str, get_args(members[0])))
    if get_origin(members[0]) in (tuple, list):
        return "A,B,…"
    return {bool: "true|false", int: "N", float: "X", str: "TEXT", Path: "PATH"}.get(members[0], "VALUE")


def _needed(hint: Any) -> str:
    """What a value must be, in words: the other half of "… : need …"."""
    kind = _members(hint)[0][0]
    if get_origin(kind) is typing.Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) in (tuple, list):
        return f"a list, each {_needed(get_args(kind)[0])}"
    words = {bool: "true or false", int: "a whole number", float: "a number", str: "text", Path: "a path"}
    return words.get(kind, "another value")


def _members(hint: Any) -> tuple[list[Any], bool]:
    """The types of an optional hint, and whether None is among them."""
    if get_origin(hint) in (typing.Union, types.UnionType):
        members = [one for one in get_args(hint) if one is not type(None)]
        return members, len(members) < len(get_args(hint))
    return [hint], False


def _from_text(text: str, hint: Any, shown: str) -> Any:
    members, optional = _members(hint)
    if optional and text.lower() in ("none", ""):
        return None
    try:
        return _scalar(text, members[0])
    except ConfigError as error:
        raise ConfigError(f"{shown}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{shown}: need {_needed(hint)}") from error


def _scalar(text: str, kind: Any) -> Any:
    if get_origin(kind) in (tuple, list):
        item = get_args(kind)[0]
        return get_origin(kind)(_scalar(part.strip(), item) for part in text.split(",") if part.strip())
    if get_origin(kind) is typing.Literal:
        for choice in get_args(kind):
            if str(choice) == text:
                return choice
        raise ConfigError(f"no such choice; {nearest(text, [str(choice) for choice in get_args(kind)])}")
    if kind is bool:
        if text.lower() not in _TRUE + _FALSE:
            raise ValueError(text)
        return text.lower() in _TRUE
    return kind(text)


def _from_toml(key: str, value: Any, hint: Any, where: str) -> Any:
    """TOML has types of its own; a whole number may stand for a float, a string for a path or a choice."""
    members, _ = _members(hint)
    kind = members[0]
    origin = get_origin(kind)
    if origin in (tuple, list) and isinstance(value, list):
        item = get_args(kind)[0]
        return origin(_from_toml(key, one, item, where) for one in value)
    if origin is typing.Literal and type(value) in (str, int):
        return _from_text(str(value), kind, f"{where}: {key} = {value!r}")
    if kind is Path:
        if isinstance(value, str):
            return Path(value)
    elif kind is float and type(value) is int:
        return float(value)
    elif type(value) is kind:
        return value
    raise ConfigError(f"{where}: {key} = {value!r}: need {_needed(hint)}")
