"""Settings by `--set`: faults are told in the words that were typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.base.errors import ConfigError
from hakusho.cli import main
from hakusho.settings import check, section


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("dedup.threshold=x", "--set dedup.threshold=x: need a number"),
        ("dedup.bands=1.5", "--set dedup.bands=1.5: need a whole number"),
        ("dedup.thresold=1", "--set dedup.thresold: no such key; did you mean threshold?"),
    ],
)
def test_a_wrong_word_is_told_as_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str, said: str
) -> None:
    """No flag is named that nobody typed, and what is needed is said in plain words."""
    monkeypatch.chdir(tmp_path)
    for read in (lambda: section("dedup", [word]), lambda: check([word])):
        with pytest.raises(ConfigError) as caught:
            read()
        assert str(caught.value) == said


@pytest.mark.parametrize("words", [("--threshold", "x"), ("--bands", "1.5"), ("--rows", "many")])
def test_a_wrong_flag_is_told_as_a_flag(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, str]
) -> None:
    """`hakusho dedup` has flags of its own; a fault in one names it and not --set."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as leaving:
        main(["dedup", "a.jsonl", "--out", "o", *words])
    assert leaving.value.code == 2
    error = capsys.readouterr().err
    assert f"'{words[0]}'" in error
    assert "--set" not in error
    assert error.count("\n") == 1
