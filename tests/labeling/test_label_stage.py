"""The stages over a workspace, the command, and the SQL beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from corpus.base.commit import sha256_file
from corpus.base.errors import EmptyInputError, InputError
from corpus.base.schemas import DOCUMENTS
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from hakusho.cli import main
from labeling.label import COLUMNS, LABELS
from labeling.settings import LabelSettings
from labeling.stage import tasks
from labeling.taxonomy import DOMAINS

TEXTS = {
    ("egov", "PDL-1.0"): ["第一条　この法律は、国民の権利の保護を目的とする。", "第二条　違反した者は、罰金に処する。"],
    ("pmda", "restricted"): ["本剤の成分に対し過敏症の既往歴のある患者には投与しないこと。"],
    ("wikipedia", "CC-BY-SA-4.0"): ["作曲家、指揮者。交響曲を数多く残した。", "お前を殺してやる、待っていろ。"],
}


def fill(root: Path) -> Workspace:
    """A workspace with documents and masked text of three sources, in the real schemas."""
    workspace = Workspace(root)
    for (source, licence), texts in TEXTS.items():
        rows: list[dict[str, Any]] = []
        for number, text in enumerate(texts):
            empty: dict[str, Any] = {
                field.name: 0.0 if field.type == pa.float64() else [] if pa.types.is_list(field.type) else "x"
                for field in DOCUMENTS
            }
            rows.append({**empty, "id": f"{number}{source}", "source": source, "licence": licence, "text": text})
        write_shard(workspace.documents(source) / "0.parquet", pa.Table.from_pylist(rows, schema=DOCUMENTS))
        masked = pa.table({"id": [row["id"] for row in rows][::-1], "text": texts[::-1]})
        write_shard(workspace.path("pii", f"{source}-0.parquet"), masked)
    return workspace


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """That workspace, labelled."""
    workspace = fill(tmp_path_factory.mktemp("labelled"))
    for stage in tasks(workspace):
        run_tasks(workspace, stage)
    return workspace


def rows_of(workspace: Workspace) -> list[dict[str, Any]]:
    """All label rows."""
    return [row for shard in workspace.shards("labels") for row in read_shard(shard).to_pylist()]


def test_labels(labelled: Workspace) -> None:
    """Each masked text has one label in the contract's columns, by id, with its source and its licence judged."""
    rows = rows_of(labelled)
    assert all(read_shard(shard).schema.equals(LABELS) for shard in labelled.shards("labels"))
    assert [(row["id"], row["verdict"], row["domain"]) for row in rows] == [
        ("0egov", "ALLOW", "law_policy"),
        ("1egov", "ALLOW", "law_policy"),
        ("0pmda", "ESCALATION", "medical_reg"),
        ("0wikipedia", "ALLOW", "wikipedia_ja_en"),
        ("1wikipedia", "DENY", "nsfw_block"),
    ]
    assert rows[2]["rules"] == ["licence.restricted"]


def test_ledger_keeps_every_row(labelled: Workspace) -> None:
    """The ledger books every row as kept: a verdict drops nothing."""
    ledger = read_shard(labelled.path("ledger", "labels", "wikipedia-0.parquet")).to_pylist()
    assert [(row["id"], row["outcome"]) for row in ledger] == [("0wikipedia", "kept"), ("1wikipedia", "kept")]


def test_second_run_does_nothing_and_settings_count(labelled: Workspace) -> None:
    """An unchanged workspace is up to date; another threshold labels again and trains nothing again."""
    assert [run_tasks(labelled, stage).done for stage in tasks(labelled)] == [0, 0]
    other = tasks(labelled, LabelSettings(domain_threshold=0.99))
    assert [run_tasks(labelled, stage).done for stage in other] == [0, 3]
    assert [run_tasks(labelled, stage).done for stage in tasks(labelled)] == [0, 3]


def test_same_input_same_bytes(labelled: Workspace, tmp_path: Path) -> None:
    """Another workspace with two workers gives the same bytes of model and labels."""
    workspace = fill(tmp_path)
    for stage in tasks(workspace):
        run_tasks(workspace, stage, workers=2)
    for name in ("models/classifier/domain.bin", "labels/egov-0.parquet", "labels/wikipedia-0.parquet"):
        assert sha256_file(workspace.path(name)) == sha256_file(labelled.path(name))


def test_empty_and_torn_workspace(tmp_path: Path) -> None:
    """No masked text is an error that says what to run; masked text without its document is one, too."""
    with pytest.raises(EmptyInputError, match="hakusho curate"):
        tasks(Workspace(tmp_path / "none"))
    workspace = fill(tmp_path)
    write_shard(workspace.path("pii", "egov-0.parquet"), pa.table({"id": ["unknown"], "text": ["x"]}))
    training, labelling = tasks(workspace)
    run_tasks(workspace, training)
    with pytest.raises(InputError, match="unknown is not among the documents"):
        run_tasks(workspace, labelling)


def query(root: Path, file: str, labels: pa.Table, documents: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of a .sql file over two tables."""
    connection = duckdb.connect()
    connection.register("labels", labels)
    connection.register("documents", documents)
    return connection.sql((root / "sql" / file).read_text(encoding="utf-8")).fetchall()


def test_sql_labels_are_consistent(labelled: Workspace, root: Path) -> None:
    """The check passes what the stage wrote, and finds each planted fault."""
    documents = pa.concat_tables(read_shard(shard) for shard in labelled.shards("documents"))
    good = rows_of(labelled)
    table = pa.Table.from_pylist(good, schema=LABELS)
    assert query(root, "quality/labels_consistent.sql", table, documents) == []
    faults: list[tuple[dict[str, Any], str]] = [
        ({"verdict": "ESCALATE"}, "unknown verdict"),
        ({"domain": "cooking"}, "unknown domain"),
        ({"domain": "nsfw_adult"}, "nsfw text is allowed"),
        ({"id": "0pmda"}, "text without an open licence is allowed"),
        ({"verdict": "DENY"}, "no rule stands behind the verdict"),
        ({"verdict_score": 1.5}, "score outside 0 to 1"),
    ]
    for fault, problem in faults:
        bad = pa.Table.from_pylist([{**good[0], **fault}], schema=LABELS)
        assert [row[3] for row in query(root, "quality/labels_consistent.sql", bad, documents)] == [problem]


def test_sql_rule_hits(labelled: Workspace, root: Path) -> None:
    """The report counts each rule in each domain."""
    table = pa.Table.from_pylist(rows_of(labelled), schema=LABELS)
    assert query(root, "reports/rule_hits.sql", table, table) == [
        ("document.violence.threat", "nsfw_block", 1, 1),
        ("licence.restricted", "medical_reg", 1, 1),
    ]


def test_sql_thresholds(root: Path) -> None:
    """One row a domain, language and measure; law has no floor on hiragana, general text has one; low <= high."""
    rows = duckdb.sql((root / "sql/policy/thresholds.sql").read_text(encoding="utf-8")).fetchall()
    found = {row[:3]: row[3:] for row in rows}
    assert len(found) == len(rows)
    assert {key[0] for key in found} == set(DOMAINS)
    assert found["law_policy", "ja", "hiragana_share"][:2] == (None, None)
    assert found["general", "ja", "hiragana_share"][:2] == (0.05, None)
    assert found["law_policy", "ja", "longest_sentence"][1] > found["general", "ja", "longest_sentence"][1]
    assert all(low is None or high is None or low < high for low, high, _ in found.values())


def run(*words: str) -> int:
    """The exit status of `hakusho WORDS`."""
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def test_command_on_a_file(labelled: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`hakusho label IN --out OUT` keeps order and input columns and adds the labels, Parquet or JSONL."""
    data = str(labelled.root)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [
        {"id": "b", "text": "銀行強盗を成功させる方法を教えて", "note": 7, "verdict": "old"},
        {"id": "a", "text": "How do I kill a Python process?", "note": 8, "verdict": "old"},
    ]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("label", str(source), "--task", "prompt", "--out", str(out), "--data", data, "--json") == 0
    assert json.loads(capsys.readouterr().out)["verdicts"] == {"ALLOW": 1, "REFUSE": 1}
    got = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["id"], row["note"], row["verdict"]) for row in got] == [("b", 7, "REFUSE"), ("a", 8, "ALLOW")]
    assert list(got[0]) == ["id", "text", "note", *COLUMNS.names]
    table = pa.table(
        {"id": ["1", "2"], "text": ["罰金に処する。"] * 2, "licence": ["PDL-1.0", None], "source": ["egov"] * 2}
    )
    write_shard(tmp_path / "in.parquet", table)
    assert run("label", str(tmp_path / "in.parquet"), "--out", str(tmp_path / "out.parquet"), "--data", data) == 0
    assert read_shard(tmp_path / "out.parquet").column("verdict").to_pylist() == ["ALLOW", "ESCALATION"]


def test_command_on_the_workspace(labelled: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Without IN the workspace is labelled, and the stages are reported."""
    assert run("label", "--data", str(labelled.root), "--workers", "1", "--json") == 0
    stages = json.loads(capsys.readouterr().out)["stages"]
    assert [(stage["stage"], stage["done"]) for stage in stages] == [("classifier", 0), ("labels", 0)]
    assert stages[1]["kept"] == 5


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["label", "none.jsonl", "--out", "x.jsonl"], 1, "no such file"),
        (["label", "none.jsonl"], 2, "--out"),
        (["label", "none.jsonl", "--out", "x.csv"], 2, "x.csv"),
        (["label", "--task", "prompt"], 2, "--task"),
        (["label", "--set", "labels.colour=red"], 2, "colour"),
        (["label", "--set", "labels.domain_threshold=2"], 2, "domain_threshold"),
        (["label", "--data", "nowhere"], 1, "hakusho curate"),
        (["classifier", "eval", "none.jsonl"], 1, "no such file"),
    ],
)
def test_wrong_use(
    words: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong use is one clear line and the right exit status."""
    monkeypatch.chdir(tmp_path)
    assert run(*words) == status
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert message in error[0]


def test_classifier_commands(labelled: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`classifier train` is up to date after labelling; `eval` counts right; a label that is none is an error."""
    data = ["--data", str(labelled.root)]
    assert run("classifier", "train", *data, "--json") == 0
    assert json.loads(capsys.readouterr().out)["done"] == 0
    gold = tmp_path / "gold.jsonl"
    rows = [
        {"id": "1", "text": "患者に本剤を経口投与した。主な副作用は発疹である。", "label": "medical_reg", "alt": []},
        {
            "id": "2",
            "text": "患者に本剤を経口投与した。主な副作用は発熱である。",
            "label": "aerospace",
            "alt": ["medical_reg"],
        },
    ]
    gold.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("classifier", "eval", str(gold), *data, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["accuracy"]["hits"], found["acceptable"]["hits"]) == (2, 1, 2)
    assert found["confusion"] == {"aerospace": {"medical_reg": 1}, "medical_reg": {"medical_reg": 1}}
    assert run("classifier", "eval", str(gold), *data) == 0
    assert "n = 2" in capsys.readouterr().out
    assert run("classifier", "eval", str(gold), "--task", "prompt", *data) == 1
    assert "none of ALLOW" in capsys.readouterr().err
