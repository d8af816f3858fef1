"""Secrets are found in texts and files, named by their place, and not shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from corpus.base import credentials

PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIB0123\nabcd==\n-----END RSA " + "PRIVATE KEY-----"
SECRETS = [
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "ASIA" + "ABCDEFGHIJKLMNOP",
    "AIza" + "x" * 35,
    *(f"gh{kind}_" + "a1" * 18 for kind in "opsur"),
    "github_pat_" + "a1" * 12,
    "glpat-" + "a1" * 10,
    "hf_" + "aB" * 17,
    "sk-proj-" + "a1" * 10,
    "npm_" + "aB1" * 12,
    "sk_live_" + "aB1" * 8,
    "rk_test_" + "aB1" * 8,
    "xoxb-" + "1234567890",
    "eyJ" + "hbGciOiJI" + ".eyJ" + "zdWIiOiIx" + "." + "a1" * 8,
    PEM,
]


@pytest.mark.parametrize("secret", SECRETS, ids=lambda secret: secret[:11])
def test_a_secret_is_found_whole_in_a_text_and_by_its_line_in_a_file(secret: str, tmp_path: Path) -> None:
    """The file is searched by beginnings: every kind must have its own among them. What is shown cannot be used."""
    text = f"一行目\nkey={secret} です\n"
    assert [text[start:end] for start, end in credentials.spans(text)] == [secret]
    path = tmp_path / "card.md"
    path.write_text(text, encoding="utf-8")
    (finding,) = credentials.scan(path)
    assert finding.line() == f"{path}, line 2: {secret[:4]}… ({len(secret)} characters)"


def test_any_byte_of_a_binary_file_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a chunk ends in the middle of a secret, or of its beginning; each is found once."""
    monkeypatch.setattr(credentials, "_CHUNK", 64)
    secret = SECRETS[0].encode()
    for at in range(40, 70):
        path = tmp_path / f"{at}.safetensors"
        path.write_bytes(b"\0" * at + secret + b"\0" * 100 + secret)
        places = [finding.place for finding in credentials.scan(path)]
        assert places == [f"byte {at}", f"byte {at + len(secret) + 100}"]


def test_a_private_key_without_its_end_is_one(tmp_path: Path) -> None:
    """Cut off, or amid the bytes of a binary file: its first line of numbers is enough."""
    path = tmp_path / "model.bin"
    path.write_bytes(b"\0\1" + PEM[:32].encode() + b"\n" + b"MIIB" * 16 + b"\n\0\xff")
    (finding,) = credentials.scan(path)
    assert finding.place == "byte 2"


def test_a_secret_that_is_known_is_found_whatever_it_looks_like(tmp_path: Path) -> None:
    """The token in use, in a form that no vendor marks."""
    path = tmp_path / "notes.txt"
    path.write_text("a\nb\nthe word is rosebud-1941\n", encoding="utf-8")
    assert list(credentials.scan(path)) == []
    (finding,) = credentials.scan(path, ["", "rosebud-1941"])
    assert finding.place == "line 3"
    assert "bud" not in finding.masked


def test_numbers_and_empty_files_hold_no_secret(tmp_path: Path) -> None:
    """Weights are random bytes: none of the patterns may fire on them; nor on a word that only begins like one."""
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(2_000_000) + b" hf_hub sk-learn AKIA eyJ AIza task-forces-1234567890123456789012 ")
    assert list(credentials.scan(path)) == []
    path.write_bytes(b"")
    assert list(credentials.scan(path)) == []
