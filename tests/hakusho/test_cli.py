"""The command line: every verb has help with an example, errors are one line, start-up is light."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hakusho.cli import COMMANDS


def hakusho(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "hakusho.cli", *words], capture_output=True, text=True, cwd=cwd, check=False
    )


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_command_has_help_with_an_example(verb: str) -> None:
    """A user finds an example that can be pasted, for each verb."""
    import importlib

    import click

    command = importlib.import_module(f"hakusho.commands.{verb}").command
    pages = [command] if not isinstance(command, click.Group) else [command, *command.commands.values()]
    for page in pages:
        context = click.Context(page, info_name=f"hakusho {verb}")
        text = page.get_help(context)
        assert "Example" in text
        assert f"hakusho {verb}" in text.split("Example", 1)[1]
        if not isinstance(page, click.Group):
            assert "--json" in text


def test_help_is_quick_and_loads_nothing_heavy() -> None:
    """`hakusho --help` answers in under half a second of processor time and never imports torch."""
    code = (
        "import sys, time; began = time.process_time()\n"
        "from hakusho.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'duckdb', 'pyarrow', 'scrapy', 'numpy'} & set(sys.modules)\n"
        "sys.stderr.write(f'{time.process_time() - began} {sorted(heavy)}')"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spent, _, heavy = answer.stderr.partition(" ")
    assert float(spent) < 0.5
    assert heavy == "[]"


def test_an_unknown_command_names_the_nearest() -> None:
    """A slip of the finger costs one line and exit status 2."""
    answer = hakusho("reprot")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "did you mean report?" in answer.stderr


def test_an_unknown_option_is_one_line() -> None:
    """So does a wrong option."""
    answer = hakusho("curate", "--wrokers", "2")
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "--wrokers" in answer.stderr


@pytest.mark.parametrize("verb", ["curate", "label", "dataset build"])
def test_an_empty_corpus_is_one_clear_line(verb: str, tmp_path: Path) -> None:
    """Where nothing was harvested the command says so and fails, without a traceback."""
    answer = hakusho(*verb.split(), "--data", str(tmp_path / "none"))
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "Traceback" not in answer.stderr


def test_a_wrong_setting_names_the_nearest(tmp_path: Path) -> None:
    """An unknown key of --set is refused before any work."""
    answer = hakusho("curate", "--data", str(tmp_path), "--set", "dedup.thresold=0.8")
    assert answer.returncode == 2
    assert "did you mean threshold?" in answer.stderr


def test_doctor_looks_at_everything_and_speaks_json(tmp_path: Path) -> None:
    """Python, disk, GPU, root, fonts and the base model are all reported."""
    answer = hakusho("doctor", "--json", "--data", str(tmp_path))
    found = {one["what"]: one for one in json.loads(answer.stdout)["findings"]}
    assert {"Python", "disk", "GPU", "root", "fonts", "base model"} <= set(found)
    assert found["Python"]["state"] == "ok"
    assert "hf download" in found["base model"]["detail"] or found["base model"]["state"] == "ok"


@pytest.mark.parametrize("contact", ["nobody", "mailto:"])
def test_doctor_does_not_praise_a_contact_that_a_harvest_refuses(tmp_path: Path, contact: str) -> None:
    """It looks with the harvest's own eyes."""
    (tmp_path / "hakusho.toml").write_text(f'contact = "{contact}"\n')
    found = {one["what"]: one for one in json.loads(hakusho("doctor", "--json", cwd=tmp_path).stdout)["findings"]}
    assert found["contact"]["state"] == "missing"


def test_no_word_at_all_gives_the_help() -> None:
    """On stderr and with status 2, since nothing was done."""
    answer = hakusho()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("Usage: hakusho")


def test_output_that_cannot_be_written_is_one_line() -> None:
    """A full disk behind a redirection is told; a reader that has enough is not even that."""
    with Path("/dev/full").open("w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "hakusho.cli", "doctor"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (answer.returncode, answer.stderr.count("\n")) == (1, 1)
    assert "cannot write to standard output: No space left on device" in answer.stderr
    read, write = os.pipe()
    os.close(read)
    answer = subprocess.run(
        [sys.executable, "-m", "hakusho.cli", "doctor"], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (answer.returncode, answer.stderr) == (1, "")


def test_version_is_that_of_the_package() -> None:
    """`hakusho --version` names the installed version."""
    from importlib.metadata import version

    assert version("hakusho") in hakusho("--version").stdout
