"""The checks of sql/quality: silent on a sound workspace, each finds the fault it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sample_workspace import DOCS, amend, shard_with

from corpus.base.shards import read_shard, write_shard
from corpus.base.workspace import Workspace
from corpus.dataset.layout import place_of, shard_paths
from hakusho.database import Query, Table, connect, queries, query

IDS = {doc.key: doc.id for doc in DOCS}
Rows = list[dict[str, Any]]


def run(workspace: Workspace, name: str, threads: int = 1) -> Table:
    """The rows that a check finds."""
    check: Query = next(item for item in queries("quality") if item.name == name)
    with connect(workspace, threads=threads) as connection:
        return query(connection, check.sql)


def setting(key: str, **values: Any) -> Callable[[Rows], Rows]:
    """A change of the row with the id of this document."""
    return lambda rows: [{**row, **values} if row["id"] == IDS[key] else row for row in rows]


def dataset_shard(workspace: Workspace, key: str) -> Any:
    """The dataset's shard that holds a document."""
    return next(
        path
        for path in shard_paths(workspace.path("dataset"))
        if IDS[key] in read_shard(path, ["id"]).column("id").to_pylist()
    )


def book_drop(workspace: Workspace, stage: str, change: Callable[[Rows], Rows]) -> None:
    """Change the books of the shard of law-1 at a stage."""
    amend(workspace.path("ledger", stage, f"egov-{IDS['law-1'][0]}.parquet"), change)


def lose_a_line(workspace: Workspace) -> None:
    """Take law-1 out of the books of its normalisation."""
    book_drop(workspace, "normalised", lambda rows: [row for row in rows if row["id"] != IDS["law-1"]])


def no_licence(workspace: Workspace) -> None:
    """Take the licence from law-1."""
    amend(workspace.documents("egov") / f"{IDS['law-1'][0]}.parquet", setting("law-1", licence=None))


def id_twice(workspace: Workspace) -> None:
    """Write the label of law-1 twice."""
    path = shard_with(workspace, "labels", IDS["law-1"])
    amend(path, lambda rows: [*rows, next(row for row in rows if row["id"] == IDS["law-1"])])


def no_fetch(workspace: Workspace) -> None:
    """Forget the fetch of law-1."""
    raw = next(doc.raw for doc in DOCS if doc.key == "law-1")
    path = workspace.path("fetches", "egov", "run-1.parquet")
    amend(path, lambda rows: [row for row in rows if row["raw_sha256"] != raw])


def leak(workspace: Workspace) -> None:
    """Put a row of train, with its text, into validation too."""
    places = {place_of(path): path for path in shard_paths(workspace.path("dataset"))}
    row = read_shard(places["default", "train"]).to_pylist()[0]
    amend(places["default", "validation"], lambda rows: [*rows, row])


def forbidden(workspace: Workspace) -> None:
    """Label law-1 REFUSE after the dataset was built."""
    amend(shard_with(workspace, "labels", IDS["law-1"]), setting("law-1", verdict="REFUSE"))


def garbled(workspace: Workspace) -> None:
    """Put text of a wrong encoding into the dataset."""
    amend(dataset_shard(workspace, "law-1"), setting("law-1", text="縺薙ｌ縺ｯ縺代〒縺吶 " * 5))


def unmasked(workspace: Workspace) -> None:
    """Put the e-mail address back into the dataset."""
    text = next(doc.text for doc in DOCS if doc.key == "2001")
    amend(dataset_shard(workspace, "2001"), setting("2001", text=text))


def no_credit(workspace: Workspace) -> None:
    """Take a row out of ATTRIBUTION.parquet."""
    path = workspace.path("dataset", "ATTRIBUTION.parquet")
    amend(path, lambda rows: [row for row in rows if row["id"] != IDS["law-1"]])


def long_sentences(workspace: Workspace) -> None:
    """Give law-1 a mean sentence that no statute has."""
    amend(shard_with(workspace, "measures", IDS["law-1"]), setting("law-1", mean_sentence=5000.0))


def misspelt(workspace: Workspace) -> None:
    """Give law-1 a verdict that is none of the four."""
    amend(shard_with(workspace, "labels", IDS["law-1"]), setting("law-1", verdict="PERMIT"))


FAULTS: dict[str, tuple[Callable[[Workspace], None], dict[str, Any]]] = {
    "ledger_conservation": (lose_a_line, {"id": IDS["law-1"], "problem": "went in and is not booked"}),
    "documents_licence": (no_licence, {"id": IDS["law-1"], "problem": "no licence"}),
    "duplicate_ids": (id_twice, {"place": "labels", "id": IDS["law-1"], "occurrences": 2}),
    "orphan_documents": (no_fetch, {"id": IDS["law-1"]}),
    "split_leak": (leak, {"kind": "cluster", "splits": "train, validation", "documents": 2}),
    "dataset_forbidden": (forbidden, {"id": IDS["law-1"], "verdict": "REFUSE", "problem": "verdict forbids it"}),
    "dataset_text": (garbled, {"id": IDS["law-1"], "problem": "garbled: wrong encoding"}),
    "pii_unmasked": (unmasked, {"id": IDS["2001"], "problem": "not the masked text"}),
    "dataset_attribution": (no_credit, {"id": IDS["law-1"], "problem": "not in ATTRIBUTION.parquet"}),
    "labels_consistent": (misspelt, {"id": IDS["law-1"], "verdict": "PERMIT", "problem": "unknown verdict"}),
    "measures_outside": (long_sentences, {"id": IDS["law-1"], "measure": "mean_sentence", "value": 5000.0}),
}


def test_every_check_has_a_planted_fault() -> None:
    """No check is shipped that was never seen to fail, and there are at least eight."""
    names = {item.name for item in queries("quality")}
    assert names == set(FAULTS)
    assert len(names) >= 8


@pytest.mark.parametrize("name", FAULTS)
def test_silent_on_sound_data_and_finds_its_fault(sample: Workspace, name: str) -> None:
    """No rows before the fault is planted, the fault's row after, the same with one thread and with four."""
    assert run(sample, name).rows == []
    plant, wanted = FAULTS[name]
    plant(sample)
    found = run(sample, name)
    assert wanted in [{key: row[key] for key in wanted} for row in found.records()]
    assert run(sample, name, threads=4) == found


@pytest.mark.parametrize("name", FAULTS)
def test_silent_on_an_empty_workspace(tmp_path: Any, name: str) -> None:
    """A workspace without a single file breaks no rule."""
    assert run(Workspace(tmp_path), name).rows == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda row: [row, row], "booked twice"),
        (lambda row: [row, {**row, "id": "f" * 32}], "booked and never went in"),
        (lambda row: [{**row, "outcome": "dropped", "reason": "x"}], "dropped and still in the output"),
        (lambda row: [{**row, "outcome": "dropped"}], "neither kept nor dropped with a reason"),
        (lambda row: [{**row, "outcome": "lost"}], "neither kept nor dropped with a reason"),
    ],
)
def test_the_books_are_held_against_both_ends(sample: Workspace, change: Any, problem: str) -> None:
    """Each way in which books can lie is named."""
    book_drop(
        sample,
        "labels",
        lambda rows: [new for row in rows for new in (change(row) if row["id"] == IDS["law-1"] else [row])],
    )
    assert problem in [row["problem"] for row in run(sample, "ledger_conservation").records()]


def test_a_row_kept_in_the_books_and_missing_from_the_output(sample: Workspace) -> None:
    """What the books keep must be there."""
    amend(shard_with(sample, "measures", IDS["law-1"]), lambda rows: [row for row in rows if row["id"] != IDS["law-1"]])
    assert [(row["stage"], row["id"], row["problem"]) for row in run(sample, "ledger_conservation").records()] == [
        ("measures", IDS["law-1"], "kept and not in the output")
    ]


@pytest.mark.parametrize(
    ("lost", "stage", "problem"),
    [
        ("documents", "normalised", "booked and never went in"),
        ("normalised", "measures", "booked and never went in"),
        ("normalised", "normalised", "kept and not in the output"),
        ("measures", "measures", "kept and not in the output"),
        ("pii", "dataset", "booked and never went in"),
        ("labels", "labels", "kept and not in the output"),
    ],
)
@pytest.mark.parametrize("emptied", [True, False])
def test_a_whole_side_of_a_stage_that_is_lost(
    sample: Workspace, lost: str, stage: str, problem: str, emptied: bool
) -> None:
    """Books of a stage whose whole input or output is lost are wrong books, whether files are empty or gone."""
    for path in sample.shards(lost):
        if emptied:
            amend(path, lambda _: [])
        else:
            path.unlink()
    found = [
        (row["id"], row["problem"]) for row in run(sample, "ledger_conservation").records() if row["stage"] == stage
    ]
    assert (IDS["law-2"], problem) in found


@pytest.mark.parametrize("stage", ["normalised", "measures", "pii", "dedup", "labels", "dataset"])
def test_output_without_books(sample: Workspace, stage: str) -> None:
    """A stage that made rows and has no books at all is found."""
    for path in sample.path("ledger", stage).iterdir():
        path.unlink()
    found = run(sample, "ledger_conservation").records()
    assert {(row["stage"], row["problem"]) for row in found} == {(stage, "went in and is not booked")}
    assert IDS["law-2"] in {row["id"] for row in found}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" \n　", "empty"),
        ("\ufffd abc " * 30, "garbled: unfit characters"),
        ("Itâ€™s the shipâ€™s. " * 5, "garbled: wrong encoding"),
        ("ã“ã‚Œã¯" * 5, "garbled: wrong encoding"),
        ("縺だけは字である。" + "正しい文を続けて書く。" * 20, None),
        ("Ãngström–Müller — naïve café. “Quoted”\tand\nlisted." * 3, None),
    ],
)
def test_garbled_and_empty_text(sample: Workspace, text: str, problem: str | None) -> None:
    """Broken text is told from rare but right characters."""
    amend(dataset_shard(sample, "law-1"), setting("law-1", text=text))
    assert [row["problem"] for row in run(sample, "dataset_text").records()] == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("stage", "key", "values", "problem"),
    [
        ("labels", "law-1", {"domain": "nsfw_adult"}, "nsfw text"),
        ("labels", "insert-1", {"rules": ["licence.restricted", "document.x"]}, "verdict forbids it"),
        ("labels", "law-1", {"id": "0" * 32}, "no label"),
        ("documents", "law-1", {"licence": "CC-BY-SA-4.0"}, "licence outside its configuration"),
        ("documents", "law-1", {"licence": None}, "licence outside its configuration"),
        ("documents", "law-1", {"id": "0" * 32}, "no such document"),
    ],
)
def test_each_forbidden_row_is_named(
    sample: Workspace, stage: str, key: str, values: dict[str, Any], problem: str
) -> None:
    """The rows are judged by documents and labels as they stand, each kind of fault by its name."""
    amend(shard_with(sample, stage, IDS[key]), setting(key, **values))
    assert [(row["id"], row["problem"]) for row in run(sample, "dataset_forbidden").records()] == [(IDS[key], problem)]


def test_a_duplicate_in_the_dataset_is_forbidden(sample: Workspace) -> None:
    """A row that dedup removed must not be in the dataset."""
    path = sample.path("dedup", "duplicates.parquet")
    amend(path, lambda rows: [*rows, {**rows[0], "id": IDS["law-2"]}])
    assert [row["id"] for row in run(sample, "dataset_forbidden").records()] == [IDS["law-2"]]


def test_a_masked_value_left_elsewhere_is_found_without_being_shown(sample: Workspace) -> None:
    """A telephone number masked in one place and readable in another is found; the finding does not repeat it."""
    text = read_shard(shard_with(sample, "pii", IDS["2001"])).to_pylist()
    masked = next(row["text"] for row in text if row["id"] == IDS["2001"])
    both = setting("2001", text=masked.replace("[PHONE]", "090-1234-5678", 1))
    amend(shard_with(sample, "pii", IDS["2001"]), both)
    amend(dataset_shard(sample, "2001"), both)
    found = run(sample, "pii_unmasked")
    assert {row["type"] for row in found.records()} == {"PHONE"}
    assert "1234" not in str(found.rows)


def test_the_same_text_in_two_splits_is_a_leak_even_in_two_clusters(sample: Workspace) -> None:
    """Copies that dedup missed are found by their text."""
    places = {place_of(path): path for path in shard_paths(sample.path("dataset"))}
    text = read_shard(places["default", "train"]).to_pylist()[0]["text"]
    amend(places["default", "validation"], lambda rows: [{**rows[0], "text": text}, *rows[1:]])
    assert [(row["kind"], row["documents"]) for row in run(sample, "split_leak").records()] == [("text", 2)]


def test_checks_read_many_shards_as_one(sample: Workspace) -> None:
    """A table in one shard and in many gives the same findings."""
    no_licence(sample)
    forbidden(sample)
    before = {name: run(sample, name) for name in FAULTS}
    import pyarrow as pa

    for stage in ("labels", "normalised", "pii", "measures"):
        shards = sample.shards(stage)
        whole = pa.concat_tables([read_shard(path) for path in shards])
        for path in shards:
            path.unlink()
        write_shard(sample.path(stage, "all.parquet"), whole)
    assert {name: run(sample, name) for name in FAULTS} == before


@pytest.mark.parametrize(("around", "found"), [("call {} now", True), ("番号{}です", True), ("no. 9{}9", False)])
def test_a_masked_value_inside_a_longer_number_is_another_number(sample: Workspace, around: str, found: bool) -> None:
    """Only the value as a whole is a leak."""
    shard = dataset_shard(sample, "2001")
    text = next(row["text"] for row in read_shard(shard).to_pylist() if row["id"] == IDS["2001"])
    leak_it = setting("2001", text=text + around.format("090-1234-5678"))
    amend(shard, leak_it)
    assert ("value still readable" in str(run(sample, "pii_unmasked").rows)) == found


def test_a_value_kept_on_purpose_is_no_leak(sample: Workspace) -> None:
    """Where the same number is kept in one place by policy, that it is readable is no fault."""
    shard = shard_with(sample, "pii", IDS["2001"])

    def keep_one(rows: Rows) -> Rows:
        row = next(row for row in rows if row["id"] == IDS["2001"])
        next(span for span in row["spans"] if span["type"] == "PHONE")["action"] = "keep"
        row["text"] = row["text"].replace("[PHONE]", "090-1234-5678", 1)
        return rows

    amend(shard, keep_one)
    text = next(row["text"] for row in read_shard(shard).to_pylist() if row["id"] == IDS["2001"])
    amend(dataset_shard(sample, "2001"), setting("2001", text=text))
    assert run(sample, "pii_unmasked").rows == []
