"""The commands report, sql, why and dataset, as a user calls them."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sample_workspace import DOCS, amend, shard_with

from corpus.base.commit import sha256_file
from corpus.base.workspace import Workspace
from hakusho.cli import main
from hakusho.database import queries
from hakusho.report.text import cells, table

IDS = {doc.key: doc.id for doc in DOCS}
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run `hakusho …` on the sample: (exit status, stdout, stderr)."""
    monkeypatch.setenv("HAKUSHO_DATA", str(tmp_path / "data"))

    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as caught:
            main(words)
        out, err = capsys.readouterr()
        return int(caught.value.code or 0), out, err

    return run


def deny_law_1(workspace: Workspace) -> None:
    """Plant a fault of severity error."""
    denied = {"verdict": "DENY", "rules": ["document.hate"]}
    amend(
        shard_with(workspace, "labels", IDS["law-1"]),
        lambda rows: [row | denied if row["id"] == IDS["law-1"] else row for row in rows],
    )


class Page(HTMLParser):
    """What a page loads and holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loaded += [
            value or "" for name, value in attrs if name in ("src", "href") and not (value or "").startswith("#")
        ]
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_report_passes_and_stands_alone(sample: Workspace, call: Call) -> None:
    """All checks pass: exit 0; the page is well-formed, loads and runs nothing, names no folder and no time."""
    status, out, err = call("report")
    assert (status, err) == (0, "")
    assert out.count("pass ") >= 8
    page = sample.path("reports", "report.html").read_text(encoding="utf-8")
    read = Page(page)
    assert read.open == []
    assert read.loaded == []
    assert not {"script", "link", "img", "iframe"} & read.tags
    assert "url(" not in page
    both = page + sample.path("reports", "report.json").read_text(encoding="utf-8")
    assert str(sample.root) not in both
    assert not re.search(r"\d\d:\d\d|2026-11", both)


def test_report_shows_the_numbers_of_the_json(sample: Workspace, call: Call) -> None:
    """What --json prints is what report.json holds, and every figure of a report is on the page."""
    status, out, _ = call("report", "--json")
    plain = json.loads(out)
    assert status == 0
    assert plain == json.loads(sample.path("reports", "report.json").read_text(encoding="utf-8"))
    page = sample.path("reports", "report.html").read_text(encoding="utf-8")
    for report in plain["reports"]:
        for row in report["rows"]:
            for value in row:
                shown = f"{value:,}" if isinstance(value, int) else value
                assert not isinstance(shown, str) or f">{shown}<" in page.replace("&#34;", '"') or shown == ""
    assert plain["overview"]["documents"] == len(DOCS)
    assert plain["overview"]["dataset"] == 11


def test_report_is_the_same_twice_with_any_number_of_threads(sample: Workspace, call: Call) -> None:
    """The same workspace gives the same bytes; nothing is written where nothing changed."""
    files = [sample.path("reports", name) for name in ("report.html", "report.json")]
    call("report", "--workers", "1")
    before = [(sha256_file(path), path.stat().st_mtime_ns) for path in files]
    _, out, _ = call("report", "--workers", "4", "--memory-limit", "300MB")
    assert [(sha256_file(path), path.stat().st_mtime_ns) for path in files] == before
    assert "(unchanged)" in out


def test_a_failing_check_is_exit_1_and_on_the_page(sample: Workspace, call: Call) -> None:
    """A check of severity error that finds rows fails the command and shows the first of them."""
    deny_law_1(sample)
    status, out, _ = call("report")
    assert status == 1
    assert "fail     The dataset holds only" in out
    page = sample.path("reports", "report.html").read_text(encoding="utf-8")
    assert IDS["law-1"] in page
    assert f"1 of {len(queries('quality'))} checks fail" in page


def test_a_warning_is_exit_0(sample: Workspace, call: Call) -> None:
    """A measure outside its threshold is worth a look and fails nothing."""
    for path in sample.shards("measures"):
        amend(path, lambda rows: [{**row, "mean_sentence": 9999.0} for row in rows])
    status, out, _ = call("report", "--json")
    check = next(check for check in json.loads(out)["checks"] if check["name"] == "measures_outside")
    assert status == 0
    assert (check["state"], check["offending"]) == ("warning", 11)


def test_only_the_first_twenty_rows_are_shown(sample: Workspace, call: Call) -> None:
    """A check with many findings counts them all and shows twenty."""
    path = sample.path("dedup", "clusters.parquet")
    amend(path, lambda rows: [row for row in rows for _ in range(2)])
    path = sample.path("dedup", "duplicates.parquet")
    amend(
        path, lambda rows: [{**row, "id": f"{number:032d}"} for row in rows for number in range(10) for _ in range(2)]
    )
    _, out, _ = call("report", "--json")
    check = next(check for check in json.loads(out)["checks"] if check["name"] == "duplicate_ids")
    assert check["offending"] == 25
    assert len(check["rows"]) == 20


def test_what_comes_from_outside_is_escaped(sample: Workspace, call: Call) -> None:
    """Markup in harvested values stays text."""
    for path in sample.shards("documents"):
        amend(path, lambda rows: [{**row, "rights": ["<script>alert(1)</script>"]} for row in rows])
    call("report")
    page = sample.path("reports", "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_report_on_an_empty_workspace(tmp_path: Path, call: Call) -> None:
    """Nothing harvested: checks that looked at nothing do not pass, and nothing is written; a query still works."""
    (tmp_path / "data").mkdir()
    status, out, err = call("report")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "harvest first" in err
    assert list((tmp_path / "data").iterdir()) == []
    assert json.loads(call("sql", "SELECT count(*) AS n FROM rows", "--json")[1]) == {"columns": ["n"], "rows": [[0]]}


def test_report_on_fetches_alone(sample: Workspace, call: Call) -> None:
    """A harvest that brought no document is something to report on."""
    for path in [*sample.root.iterdir()]:
        if path.name != "fetches":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    status, _, err = call("report")
    assert (status, err) == (0, "")
    assert "Nothing yet." in sample.path("reports", "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "words", [("report",), ("sql", "SELECT 1"), ("why", "abcd"), ("dataset", "verify"), ("dataset", "build")]
)
def test_no_workspace_is_one_line(call: Call, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Each command says in one line that there is nothing, fails, and makes no folder."""
    status, out, err = call(*words)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("sample")
def test_sql_prints_a_table_or_one_json_object(call: Call) -> None:
    """A query's rows, for people and for machines."""
    statement = "SELECT source, count(*) AS n FROM rows GROUP BY source ORDER BY source"
    assert call("sql", statement)[1].splitlines() == [
        "source     n", "---------  -", "egov       8", "nasa       2", "pmda       2", "wikipedia  4"
    ]  # fmt: skip
    assert json.loads(call("sql", statement, "--json")[1]) == {
        "columns": ["source", "n"],
        "rows": [["egov", 8], ["nasa", 2], ["pmda", 2], ["wikipedia", 4]],
    }


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        ("SELECT id FROM rows WHERE false", {"columns": ["id"], "rows": []}),
        ("SELECT 1 AS a, 2 AS a", {"columns": ["a", "a"], "rows": [[1, 2]]}),
        (
            "SELECT 'nan'::FLOAT AS a, ['-inf'::DOUBLE, 1.5] AS b",
            {"columns": ["a", "b"], "rows": [[None, [None, 1.5]]]},
        ),
        ("SELECT {'k': 'inf'::DOUBLE, 'd': 2.50} AS a", {"columns": ["a"], "rows": [[{"k": None, "d": 2.5}]]}),
        ("SELECT MAP {1: 'x'} AS a, '\\xFF'::BLOB AS b", {"columns": ["a", "b"], "rows": [[{"1": "x"}, "ff"]]}),
        (
            "SELECT DATE '2026-11-01' AS a, true AS b, NULL AS c",
            {"columns": [*"abc"], "rows": [["2026-11-01", True, None]]},
        ),
    ],
)
@pytest.mark.usefixtures("sample")
def test_sql_json_is_one_strict_object(call: Call, statement: str, wanted: dict[str, object]) -> None:
    """No row, equal column names, nested values and numbers that JSON has not: one object that any reader takes."""
    status, out, _ = call("sql", statement, "--json")

    def refuse(name: str) -> None:
        raise AssertionError(name)

    assert (status, json.loads(out, parse_constant=refuse)) == (0, wanted)


@pytest.mark.usefixtures("sample")
def test_sql_runs_files(call: Call, tmp_path: Path) -> None:
    """A file of the user, and by name one of those that come along."""
    own = tmp_path / "mine.sql"
    own.write_text("-- mine\nSELECT count(*) AS n FROM documents;\n", encoding="utf-8")
    assert json.loads(call("sql", "--file", str(own), "--json")[1]) == {"columns": ["n"], "rows": [[len(DOCS)]]}
    assert len(json.loads(call("sql", "--file", "sql/reports/funnel.sql", "--json")[1])["rows"]) == 4
    status, _, err = call("sql", "--file", str(tmp_path / "none.sql"))
    assert (status, err.count("\n")) == (1, 1)


@pytest.mark.usefixtures("sample")
def test_sql_lists_views_and_files(call: Call) -> None:
    """--list names every view and every file."""
    names = {name for _, name, _ in json.loads(call("sql", "--list", "--json")[1])["rows"]}
    assert {
        "fetches",
        "documents",
        "rows",
        "thresholds",
        "sql/reports/funnel.sql",
        "sql/quality/split_leak.sql",
    } <= names
    assert not [name for name in names if name.endswith("_empty")]


@pytest.mark.parametrize(
    "words", [("selec 1",), ("",), (), ("SELECT 1", "--list"), ("SELECT 1", "--file", "x"), ("SELECT 1; SELECT 2",)]
)
@pytest.mark.usefixtures("sample")
def test_sql_wrong_use_is_exit_2_and_one_line(call: Call, words: tuple[str, ...]) -> None:
    """A bad query, none, or two at once."""
    status, out, err = call("sql", *words)
    assert (status, out, err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("name", ["id", "prefix", "key", "source:key", "url"])
@pytest.mark.usefixtures("sample")
def test_why_knows_a_document_by_its_names(call: Call, name: str) -> None:
    """Id, prefix, key and URL lead to the same story."""
    doc = next(doc for doc in DOCS if doc.key == "law-2")
    names = {"id": doc.id, "prefix": doc.id[:9], "key": doc.key, "source:key": f"egov:{doc.key}", "url": doc.url}
    status, out, _ = call("why", names[name], "--json")
    assert status == 0
    assert json.loads(out)["document"]["id"] == doc.id


@pytest.mark.usefixtures("sample")
def test_why_tells_the_whole_story(call: Call) -> None:
    """Fetches, ledger, labels with rules and evidence, personal data without its value, place in the dataset."""
    story = json.loads(call("why", "2001", "--json")[1])
    assert [line["stage"] for line in story["ledger"]] == [
        "extract", "normalised", "measures", "pii", "dedup", "labels", "dataset"
    ]  # fmt: skip
    assert story["fetches"][0]["outcome"] == "document"
    assert {span["type"] for span in story["personal_data"]} == {"EMAIL", "PHONE"}
    assert story["dataset"]["config"] == "default"
    assert story["attribution"]["harvested_url"] == story["document"]["url"]
    assert "1234-5678" not in json.dumps(story)
    labels = json.loads(call("why", "insert-2", "--json")[1])["labels"]
    assert labels["rules"] == ["document.self_harm", "licence.restricted"]
    assert labels["evidence"]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("law-2", "in the dataset: configuration default"),
        ("stub", "not in the dataset: dropped at normalised, too_short"),
        ("law-1-copy", f"not in the dataset: dropped at dataset, duplicate ({IDS['law-1']})"),
        ("refused", "not in the dataset: dropped at dataset, verdict_refuse (document.refused)"),
        ("https://egov.example/denied", "no document: Disallow: /denied (line 3)"),
    ],
)
@pytest.mark.usefixtures("sample")
def test_why_says_the_outcome_first(call: Call, name: str, first: str) -> None:
    """The first line answers the question, also for a page that never became a document."""
    status, out, _ = call("why", name)
    assert status == 0
    assert out.splitlines()[0].startswith(first)


@pytest.mark.parametrize("name", ["nothing", "ab", "https://egov.example/other", ""])
@pytest.mark.usefixtures("sample")
def test_why_nothing_is_known(call: Call, name: str) -> None:
    """An unknown name, or too short a prefix, is one line and exit 1."""
    status, out, err = call("why", name)
    assert (status, out, err.count("\n")) == (1, "", 1)


def test_why_an_ambiguous_name_lists_the_documents(sample: Workspace, call: Call) -> None:
    """A key that two documents have is answered with their ids."""
    for path in (sample.documents("egov")).glob("*.parquet"):
        amend(path, lambda rows: [{**row, "key": "same"} for row in rows])
    status, _, err = call("why", "same")
    assert (status, err.count("\n")) == (1, 1)
    assert "names 8 documents" in err
    assert "(8 in all)" in err


def test_dataset_build_and_verify(sample: Workspace, call: Call) -> None:
    """Built anew with other shards, verified, damaged, found, healed."""
    assert call("dataset", "build", "--set", "dataset.shard_rows=1")[0] == 0
    assert json.loads(call("dataset", "verify", "--json")[1])["findings"] == []
    victim = next(sample.path("dataset", "data").glob("train-00000-*"))
    victim.write_bytes(victim.read_bytes()[:-1])
    status, out, _ = call("dataset", "verify")
    assert status == 1
    assert f"dataset/data/{victim.name}: its content is not what was committed" in out
    assert call("dataset", "build", "--set", "dataset.shard_rows=1")[0] == 0
    assert call("dataset", "verify")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [("dataset.shard_row=3", "shard_rows"), ("data.shard_rows=3", "dataset"), ("dataset.shard_rows=0", "1 or more")],
)
@pytest.mark.usefixtures("sample")
def test_dataset_build_wrong_settings(call: Call, words: str, said: str) -> None:
    """A wrong setting is wrong use, and the nearest is named."""
    status, _, err = call("dataset", "build", "--set", words)
    assert (status, err.count("\n")) == (2, 1)
    assert said in err


def test_tables_align_japanese() -> None:
    """Full-width characters take two columns, numbers stand to the right, long cells are cut."""
    lines = table(["name", "n"], [("白書", 1), ("a" * 80, 1000)], most=10).splitlines()
    assert lines == ["name           n", "----------  ----", "白書           1", "aaaaaaaaa…  1000"]
    assert len({cells(line) for line in lines}) == 1
