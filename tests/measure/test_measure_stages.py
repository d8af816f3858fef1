"""The stages "measures" and "pii" over a small workspace, and `hakusho pii` on files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.commit import sha256_file
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import Task, run_tasks
from corpus.base.workspace import Workspace
from corpus.measure.pii import PII
from corpus.measure.pii_rules import RULES
from corpus.measure.quality import MEASURES
from hakusho.cli import main

ROWS = [
    {"id": "a", "source": "egov", "text": "総務省の電話は03-1234-5678である。"},
    {"id": "b", "source": "wikipedia", "text": "連絡先は taro@example.jp、電話は03-1234-5678。"},
    {"id": "c", "source": "wikipedia", "text": "個人の情報を含まない文章である。"},
]


def workspace(root: Path) -> Workspace:
    """A workspace with two normalised shards."""
    made = Workspace(root)
    write_shard(made.path("normalised", "egov-0.parquet"), pa.Table.from_pylist(ROWS[:1]))
    write_shard(made.path("normalised", "wikipedia-0.parquet"), pa.Table.from_pylist(ROWS[1:]))
    return made


def run(made: Workspace, stage: str, function: str, workers: int) -> dict[str, str]:
    """Run a stage; the digest of every file of it and of its ledger."""
    tasks = [Task(stage, shard.stem, function, (shard,)) for shard in made.shards("normalised")]
    report = run_tasks(made, tasks, workers=workers)
    assert (report.rows_in, report.kept, report.done) == (3, 3, 2)
    files = [*made.path(stage).rglob("*.parquet"), *made.path("ledger", stage).rglob("*.parquet")]
    return {made.relative(path): sha256_file(path) for path in sorted(files)}


@pytest.mark.parametrize(
    ("stage", "function"), [("measures", "corpus.measure.stage:run"), ("pii", "corpus.measure.pii_stage:run")]
)
def test_bytes_and_books_do_not_depend_on_the_number_of_workers(tmp_path: Path, stage: str, function: str) -> None:
    """One and two workers give byte-identical shards and ledgers, and every document is booked as kept."""
    one = run(workspace(tmp_path / "one"), stage, function, 1)
    two = run(workspace(tmp_path / "two"), stage, function, 2)
    assert len(one) == 4
    assert one == two


def test_the_shards_follow_their_schemas(tmp_path: Path) -> None:
    """Measures and masked texts are there by id; an official source keeps its office line, another source does not."""
    made = workspace(tmp_path)
    run(made, "measures", "corpus.measure.stage:run", 1)
    run(made, "pii", "corpus.measure.pii_stage:run", 1)
    assert read_shard(made.path("measures", "egov-0.parquet")).schema.equals(MEASURES)
    official = read_shard(made.path("pii", "egov-0.parquet"))
    assert official.schema.equals(PII)
    assert official["text"].to_pylist() == [ROWS[0]["text"]]
    assert [span["action"] for span in official["spans"].to_pylist()[0]] == ["keep"]
    other = read_shard(made.path("pii", "wikipedia-0.parquet"))
    assert other["text"].to_pylist() == ["連絡先は [EMAIL]、電話は[PHONE]。", ROWS[2]["text"]]


def call(*words: str) -> int:
    """Run `hakusho pii`; its exit status."""
    with pytest.raises(SystemExit) as leaving:
        main(["pii", *words])
    return int(leaving.value.code or 0)


@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_the_command_masks_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    """JSONL in, either kind out: id, spans and masked text; neither screen nor log shows a value."""
    source = tmp_path / "in.jsonl"
    rows = [{"id": row["id"], "text": row["text"]} for row in ROWS]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / f"out.{suffix}"
    assert call(str(source), "--out", str(out), "--json") == 0
    screen = capsys.readouterr()
    assert json.loads(screen.out)["masked"] == {"EMAIL": 1, "PHONE": 2}
    assert "example.jp" not in screen.out + screen.err
    assert "5678" not in screen.out + screen.err
    if suffix == "jsonl":
        made = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    else:
        made = read_shard(out).to_pylist()
    assert list(made[0]) == ["id", "spans", "text"]
    span = made[1]["spans"][0]
    assert rows[1]["text"][span["start"] : span["end"]] == "taro@example.jp"
    assert (span["type"], span["action"]) == ("EMAIL", "mask")
    assert made[2] == {"id": "c", "spans": [], "text": ROWS[2]["text"]}


def test_a_missing_file_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing input ends with status 1 and one line, and writes nothing."""
    assert call(str(tmp_path / "none.jsonl"), "--out", str(tmp_path / "o.jsonl")) == 1
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "o.jsonl").exists()


def test_help_lists_every_type_found_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever relies on masking reads what is looked for, each rule by name, and that the rest stays."""
    assert call("--help") == 0
    page = " ".join(capsys.readouterr().out.split())
    found, _, rest = page.partition("Types found:")[2].partition("Nothing else is looked for:")
    assert set(re.findall(r"\b[A-Z][A-Z_]{3,}\b", found)) == {kind for kind, _ in RULES}
    for what in ("addresses", "dates of birth", "bank accounts", "passports", "residence cards", "social security"):
        assert what in rest


def test_columns_without_a_part_in_it_cannot_fail_the_command(tmp_path: Path) -> None:
    """A column of mixed types is not read, and a source that is no name is no official one."""
    source = tmp_path / "in.jsonl"
    rows = [{"id": n, "text": ROWS[0]["text"], "n": n if n else "0", "source": ["egov"]} for n in range(2)]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert call(str(source), "--out", str(tmp_path / "out.jsonl")) == 0
    made = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in made] == ["0", "1"]
