"""Keys of units of work."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base import units
from corpus.base.errors import ConfigError
from corpus.base.units import canonical, code_version, unit_key

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).map(lambda value: value)


class House:
    """A little package "fakeours" on disk that counts as ours; version() reads it anew each time."""

    def __init__(self, root: Path) -> None:
        self.root = root / "fakeours"
        self.write("__init__.py", "")
        self.write("stage.py", "import json\nfrom fakeours.helper import help_me\nimport fakeours.sub.table\n")
        self.write("helper.py", "def help_me():\n    import fakeours.far\n")
        self.write("far.py", "X = 1\n")
        self.write("sub/__init__.py", "")
        self.write("sub/table.py", "import pyarrow\n")
        self.write("sub/data/rules.toml", "a = 1\n")
        self.write("stranger.py", "")
        self.write("rules/words.txt", "one\n")
        self.write("lone/__init__.py", "")
        self.write("lone/words.txt", "not of this stage\n")

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def version(self) -> str:
        code_version.cache_clear()
        importlib.invalidate_caches()
        return code_version("fakeours.stage")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The little package, importable."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(units, "OURS", (*units.OURS, "fakeours"))
    yield House(tmp_path)
    code_version.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] == "fakeours"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    "file", ["stage.py", "helper.py", "far.py", "__init__.py", "sub/__init__.py", "sub/table.py", "rules/words.txt",
             "sub/data/rules.toml"],
)  # fmt: skip
def test_version_follows_every_source_and_data_file_it_needs(house: House, file: str) -> None:
    """A change in the stage, in what it imports however far, or in the packages' data gives another version."""
    before = house.version()
    house.write(file, "# changed\n")
    assert house.version() != before


@pytest.mark.parametrize("file", ["stranger.py", "rules/readme.md", "lone/words.txt", "sub/other.py"])
def test_version_ignores_what_the_stage_does_not_import(house: House, file: str) -> None:
    """A module that nothing here imports, and another package's data, leave the version alone."""
    before = house.version()
    house.write(file, "# changed\n")
    assert house.version() == before


def test_version_follows_installed_packages(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of an imported package gives another version."""
    before = house.version()
    true = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0" if name == "pyarrow" else true(name))
    assert house.version() != before


def test_plumbing_does_not_count_but_schemas_and_shards_do(house: House) -> None:
    """How a shard is scheduled and committed leaves keys alone; how rows become bytes does not."""
    house.write("stage.py", "import corpus.base.stages\nfrom corpus.base import commit, executor\n")
    sources, packages = units._closure("fakeours.stage")
    ground = {name for name in sources if name.startswith("corpus.base.")}
    assert ground == {"corpus.base.schemas", "corpus.base.shards"}
    assert "pyarrow" in packages  # its version decides the bytes of every shard, imported by the stage or not


def test_relative_imports_are_refused(house: House) -> None:
    """They would hide what a stage depends on: one line says what to write."""
    house.write("helper.py", "from . import far\n")
    with pytest.raises(ConfigError, match=r"fakeours\.helper: relative imports .* import fakeours by its name"):
        house.version()


def test_key_depends_on_every_part() -> None:
    """Stage, version, configuration, input hash, input path and input order each change the key."""
    one = ("s", "v", {"a": 1}, [("p", "1"), ("q", "2")])
    others = [
        ("t", *one[1:]), ("s", "w", *one[2:]), ("s", "v", {"a": 2}, one[3]), (*one[:3], [("p", "1"), ("q", "3")]),
        (*one[:3], [("q", "2"), ("p", "1")]), (*one[:3], [("r", "1"), ("q", "2")]), (*one[:3], [("p", "1")]),
    ]  # fmt: skip
    keys = [unit_key(*call) for call in (one, *others)]  # type: ignore[arg-type]
    assert len(set(keys)) == len(keys)
    assert unit_key(*one) == keys[0]  # type: ignore[arg-type]


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_canonical_is_blind_to_order_and_tells_values_apart(value: dict[str, object]) -> None:
    """The order of keys does not count; one more key does."""
    assert canonical(dict(reversed(value.items()))) == canonical(value)
    longer = {**value, "a key of ours" + "".join(value): 0}
    assert canonical(longer) != canonical(value)


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {1, 2}, Path("x"), b"bytes"])
def test_canonical_refuses_what_json_cannot_say(value: object) -> None:
    """NaN, sets, paths: a ConfigError."""
    with pytest.raises(ConfigError, match="plain JSON values"):
        canonical(value)
