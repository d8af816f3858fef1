"""`hakusho plan` and `hakusho harvest` on the embedded miniature."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakusho.harvesters import line
from hakusho.miniature import Miniature


@pytest.fixture(scope="module")
def miniature() -> Iterator[Miniature]:
    """The five sites on loopback."""
    with Miniature() as sites:
        yield sites


def hakusho(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, in a folder of its own, without a contact."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HAKUSHO")}
    env["PYTHONPATH"] = str(Path(__file__).parents[2])
    command = [sys.executable, "-m", "hakusho.cli", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_a_plan_asks_for_robots_alone_and_names_rule_and_line(tmp_path: Path, miniature: Miniature) -> None:
    """Allowed and denied routes, each with what decided; the exit status says that one may ask nothing."""
    before = len(miniature.log)
    base = miniature.base_url("wikipedia")
    told = hakusho(
        tmp_path, "plan", "wikipedia", "--base-url", base, "--route", "dump,html,api", "--set", "opt_in=api", "--json"
    )
    assert {access.path for access in miniature.log[before:]} == {"/robots.txt"}
    [plan] = json.loads(told.stdout)["plans"]
    dump, html, api = plan["routes"]
    assert told.returncode == 1
    assert all(entry["allowed"] for route in (dump, html) for entry in route["entries"])
    assert [(entry["allowed"], entry["rule"]) for entry in api["entries"]] == [(False, "Disallow: /w/")] * 2
    assert all(entry["line"] for entry in api["entries"])
    assert plan["licences"] == ["CC-BY-SA-4.0"]
    assert (dump["delay"], dump["delay_why"]) == (1.0, "own")
    assert dump["documents"]
    assert dump["seconds"] > 0


def test_a_plan_is_told_in_words_and_keeps_to_the_limit(tmp_path: Path, miniature: Miniature) -> None:
    """For a person: a line a route and a line an entry."""
    told = hakusho(tmp_path, "plan", "egov", "--base-url", miniature.base_url("egov"), "--limit", "40")
    assert told.returncode == 0, told.stderr
    assert "route api: API version 2; about 40 documents, 41 requests" in told.stdout
    assert (
        "allowed https://laws.e-gov.go.jp/api/2/laws: no rule; robots.txt HTTP 200, an HTML page: no rules"
        in told.stdout
    )


def test_what_needs_the_users_word_is_told_in_one_line(tmp_path: Path) -> None:
    """The API of Wikipedia, the registered zip, an unknown source, a live harvest without a contact: status 2."""
    for words, clause in (
        (("wikipedia", "--route", "api"), "-a opt_in=api says that you know"),
        (("pmda", "--route", "set"), "the zip is for registered users"),
        (("mod", "--since", "2026-01-01", "--route", "archive"), "no feed of changes"),
        (("mods",), "did you mean mod?"),
        (("mod",), "HAKUSHO_CONTACT"),
        (("mod", "--set", "harvest.max_fail=1"), "did you mean max_failed?"),
        (("mod", "--set", "USER_AGENT=Mozilla/5.0"), "a robot goes by one name"),
        (("mod", "--set", "DOWNLOAD_DELAY=soon"), "--set DOWNLOAD_DELAY=soon: need a number"),
    ):
        told = hakusho(tmp_path, "harvest", *words)
        assert (told.returncode, told.stderr.count("\n")) == (2, 1), told.stderr
        assert clause in told.stderr


@pytest.mark.parametrize("verb", ["plan", "harvest"])
def test_a_misspelt_table_is_named_by_every_command(tmp_path: Path, verb: str) -> None:
    """What stands in hakusho.toml is read or refused."""
    (tmp_path / "hakusho.toml").write_text("[havrest]\nmin_documents = 3\n")
    told = hakusho(tmp_path, verb, "mod")
    assert (told.returncode, told.stderr.count("\n")) == (2, 1), told.stderr
    assert "did you mean harvest?" in told.stderr


def test_ctrl_c_is_told_by_the_exit_status(tmp_path: Path, miniature: Miniature) -> None:
    """130, as a shell has it, so that a script does not go on with half a harvest."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HAKUSHO")}
    words = ["harvest", "egov", "--route", "api", "--base-url", miniature.base_url("egov"), "--json"]
    before = len(miniature.log)
    # whoever runs tests in the background has the signal ignored, and so would what they start
    heeds = "import signal as s, hakusho.cli as h; s.signal(s.SIGINT, s.default_int_handler); h.main()"
    process = subprocess.Popen(
        [sys.executable, "-c", heeds, *words], cwd=tmp_path, stdout=subprocess.PIPE,
        env=env | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    end = time.monotonic() + 60
    while len(miniature.log) < before + 4:
        assert time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 130
    assert told["exit_codes"] == {"egov": 130}


def test_two_sources_at_once_with_a_report_each(tmp_path: Path, miniature: Miniature) -> None:
    """Both come, the reports are one JSON object and two rows for SQL, and a source below its thresholds fails all."""
    base = f"{miniature.base_url('egov')},ntrs.nasa.gov={miniature.url('ntrs.nasa.gov')}"
    quick = ("--base-url", base, "--set", "DOWNLOAD_DELAY=0")
    both = hakusho(tmp_path, "harvest", "egov", "nasa", *quick, "--json")
    assert (both.returncode, both.stderr) == (0, "")
    reports = {report["source"]: report for report in json.loads(both.stdout)["harvests"]}
    assert {source: report["documents"] for source, report in reports.items()} == {"egov": 14, "nasa": 11}
    assert (reports["egov"]["licences"], reports["egov"]["below"]) == ({"PDL-1.0": 14}, [])
    few = hakusho(
        tmp_path,
        "harvest",
        "nasa",
        *quick,
        "--limit",
        "2",
        "--data",
        "few",
        "--fresh",
        "--set",
        "harvest.min_documents=3",
    )
    assert few.returncode == 1
    assert "fewer than harvest.min_documents = 3" in few.stdout
    asked = hakusho(tmp_path, "sql", "SELECT source FROM harvests ORDER BY source", "--json")
    assert asked.returncode == 0, asked.stderr
    assert asked.stdout.index("egov") < asked.stdout.index("nasa")


def test_the_live_line_says_where_a_source_stands() -> None:
    """Done, queued, denied, failed, rate, time left, and the gap with its reason."""
    state = {"status": "mod", "done": 1, "queued": 2, "denied": 3, "failed": 4, "pages_per_minute": 30.4,
             "left": None, "delay": 17.5, "why": "Retry-After"}  # fmt: skip
    assert line(state) == "mod: 1 done, 2 queued, 3 denied, 4 failed, 30/min, gap 17.5 s (Retry-After)"
