"""Configuration from TOML and words."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.config import help_text, load, nearest, parse_cli, split_words
from corpus.base.errors import ConfigError


@dataclass(frozen=True)
class Settings:
    """Every kind of value that a configuration of ours holds."""

    name: str
    limit: int = field(default=10, metadata={"help": "most rows"})
    share: float = 0.5
    loud: bool = False
    mode: Literal["fast", "exact"] = "fast"
    bits: Literal[4, 8] = 4
    folder: Path = Path("data")
    words: tuple[str, ...] = ()
    sizes: tuple[int, ...] = (1, 2)
    most: int | None = None


def test_defaults_file_and_words_in_that_order(tmp_path: Path) -> None:
    """A word wins over the file, the file over the default."""
    file = tmp_path / "a.toml"
    file.write_text('[run]\nname = "from file"\nlimit = 3\nshare = 1\nwords = ["a", "b"]\nbits = 8\nfolder = "x"\n')
    made = load(Settings, file=file, section="run", overrides={"limit": "7", "most": "5"})
    assert made == Settings("from file", limit=7, share=1.0, words=("a", "b"), bits=8, folder=Path("x"), most=5)
    assert type(made.share) is float


def test_a_file_without_the_section_changes_nothing(tmp_path: Path) -> None:
    """One file may serve several commands."""
    file = tmp_path / "a.toml"
    file.write_text("[other]\nanything = 1\n")
    assert load(Settings, file=file, section="run", overrides={"name": "n"}) == Settings("n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"name": "n", "limits": "1"}, "--limits: no such key; did you mean limit?"),
        ({"name": "n", "zzz": "1"}, "--zzz: no such key; known: bits, folder, limit,"),
        ({"name": "n", "limit": "many"}, "--limit many: need a whole number"),
        ({"name": "n", "share": "half"}, "--share half: need a number"),
        ({"name": "n", "loud": "perhaps"}, "--loud perhaps: need true or false"),
        ({"name": "n", "mode": "exactly"}, "--mode exactly: no such choice; did you mean exact?"),
        ({"name": "n", "sizes": "1,x"}, "--sizes 1,x: need a list, each a whole number"),
        ({}, "missing: --name"),
    ],
)
def test_words_that_do_not_fit_are_one_clear_line(words: dict[str, str], said: str) -> None:
    """The line names the key, the value and what would fit."""
    with pytest.raises(ConfigError) as caught:
        load(Settings, overrides=words)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[run]\nlimits = 1", "limits: no such key; did you mean limit?"),
        ('[run]\nlimit = "1"', "limit = '1': need a whole number"),
        ("[run]\nlimit = true", "limit = True: need a whole number"),
        ("[run]\nloud = 1", "loud = 1: need true or false"),
        ("[run]\nwords = [1]", "words = 1: need text"),
        ("[run]\nbits = 5", "a.toml: bits = 5: no such choice; known: 4, 8"),
        ("run = 3", "need a table, [run]"),
        ("[run", "no valid TOML"),
    ],
)
def test_files_that_do_not_fit_are_one_clear_line(tmp_path: Path, text: str, said: str) -> None:
    """TOML has types: they are held, and the line says where."""
    file = tmp_path / "a.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load(Settings, file=file, section="run", overrides={"name": "n"})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"limits": "1"}, "--set run.limits: no such key; did you mean limit?"),
        ({"limit": "many"}, "--set run.limit=many: need a whole number"),
        ({"mode": "exactly"}, "--set run.mode=exactly: no such choice; did you mean exact?"),
        ({}, "missing: --set run.name"),
    ],
)
def test_messages_spell_words_as_the_user_did(words: dict[str, str], said: str) -> None:
    """A word that was no --flag is never called one."""
    with pytest.raises(ConfigError) as caught:
        load(Settings, overrides=words, flag="--set run.", equals="=")
    assert str(caught.value) == said


def test_missing_and_binary_files(tmp_path: Path) -> None:
    """A file that is not there or no text is a ConfigError, no traceback."""
    with pytest.raises(ConfigError, match=r"cannot read .*missing.toml"):
        load(Settings, file=tmp_path / "missing.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="no valid TOML"):
        load(Settings, file=tmp_path / "b.toml")


@given(
    name=st.text().filter(lambda t: not t.startswith("--")),
    limit=st.integers(),
    share=st.floats(allow_nan=False),
    loud=st.booleans(),
    sizes=st.lists(st.integers()).map(tuple),
    most=st.none() | st.integers(),
)
def test_words_round_trip(
    name: str, limit: int, share: float, loud: bool, sizes: tuple[int, ...], most: int | None
) -> None:
    """What is written as words is read back as the same values."""
    made = Settings(name, limit=limit, share=share, loud=loud, sizes=sizes, most=most)
    argv = [
        f"--name={name}", "--limit", str(limit), "--share", str(share), "--loud", str(loud).lower(),
        f"--sizes={','.join(map(str, sizes))}", "--most", str(most).lower(),
    ]  # fmt: skip
    assert parse_cli(Settings, argv, prog="p", section="", description="d", example="e") == made


def test_split_words() -> None:
    """Values by blank or by =, a bare flag is true, a negative number is a value."""
    words, rest = split_words(["--a", "1", "--b=x=y", "--c", "--d", "-5", "stray", "--e"])
    assert words == {"a": "1", "b": "x=y", "c": "true", "d": "-5", "e": "true"}
    assert rest == ["stray"]


def test_parse_cli_reads_the_config_file_and_dashes(tmp_path: Path) -> None:
    """`--config` gives the file; a key may be spelt with - or _; a stray word is refused."""
    file = tmp_path / "a.toml"
    file.write_text('[p]\nname = "n"\n')

    def call(*argv: str) -> Settings:
        return parse_cli(Settings, ["--config", str(file), *argv], prog="p", section="p", description="d", example="e")

    assert call("--loud", "--mode", "exact") == Settings("n", loud=True, mode="exact")
    with pytest.raises(ConfigError, match="unexpected word 'stray'"):
        call("--limit", "3", "stray")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "n"\n', "a.toml: name stands in no table; write it under [qlora]"),
        ('[qlroa]\nname = "n"\n', "a.toml: no such table [qlroa]; did you mean [qlora]?"),
        ('[qlora]\nname = "n"\n[qlora2]\nlimit = 3\n', "a.toml: no such table [qlora2]; did you mean [qlora]?"),
        ("[export]\nrun = 1\n", "a.toml: no table [qlora]; write the keys under it"),
        ("", "a.toml: no table [qlora]; write the keys under it"),
    ],
)
def test_no_key_of_the_config_file_passes_unread(tmp_path: Path, text: str, said: str) -> None:
    """A file that was named for a command has a table for it, and nothing that was meant for it elsewhere."""
    file = tmp_path / "a.toml"
    file.write_text(text)
    words = ["--config", str(file), "--name", "n"]
    with pytest.raises(ConfigError) as caught:
        parse_cli(Settings, words, prog="p", section="qlora", description="d", example="e")
    assert str(caught.value).endswith(said)


def test_other_tables_of_the_config_file_are_other_commands(tmp_path: Path) -> None:
    """One file may serve several commands."""
    file = tmp_path / "a.toml"
    file.write_text('[qlora]\nname = "n"\n[export]\nrun = 1\n')
    words = ["--config", str(file)]
    assert parse_cli(Settings, words, prog="p", section="qlora", description="d", example="e") == Settings("n")


def test_a_misspelt_option_of_every_command_is_named(tmp_path: Path) -> None:
    """--config, --help and --preset are options, too."""
    for word, meant in (("conf", "config"), ("presett", "preset")):
        with pytest.raises(ConfigError, match=rf"^--{word}: no such key; did you mean {meant}\?$"):
            parse_cli(Settings, [f"--{word}", "x"], prog="p", section="", description="", example="", presets=tmp_path)


def test_help_on_a_terminal_that_knows_ascii_alone() -> None:
    """What it cannot show is replaced; no traceback."""
    code = (
        "from corpus.base.config import parse_cli\nimport dataclasses\n"
        "Config = dataclasses.make_dataclass('Config', [('name', str, 'n')])\n"
        "parse_cli(Config, ['--help'], prog='p', section='', description='白書', example='p')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert b"\n??\n" in ended.stdout


def test_help_shows_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    """--help leaves with 0 and names each key, its kind, help and default, and the example."""
    with pytest.raises(SystemExit) as left:
        parse_cli(Settings, ["--help"], prog="p", section="", description="Does it.", example="p --name n")
    assert left.value.code == 0
    page = capsys.readouterr().out
    assert page == help_text(Settings, prog="p", section="", description="Does it.", example="p --name n")
    for part in ("--name TEXT", "(required)", "--limit N", "most rows (default: 10)", "fast|exact", "p --name n"):
        assert part in page


@given(st.text(), st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_nearest_names_a_known_word(word: str, known: list[str]) -> None:
    """Whatever was typed, the answer holds a word that exists."""
    assert any(one in nearest(word, known) for one in known)
