"""Building the dataset: what is in it, in which order, in which bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sample_workspace import DOCS, Doc, amend, sentence, shard_with, write_workspace

from corpus.base.commit import sha256_file
from corpus.base.errors import EmptyInputError, InputError, LedgerError
from corpus.base.shards import read_shard, write_shard
from corpus.base.workspace import Workspace
from corpus.dataset.build import build
from corpus.dataset.layout import ROWS, place_of, shard_paths
from corpus.dataset.settings import DatasetSettings


def rows_of(workspace: Workspace) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(configuration, split) -> rows, in the order of the shards."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in shard_paths(workspace.path("dataset")):
        place = place_of(path)
        assert place is not None
        found.setdefault(place, []).extend(read_shard(path).to_pylist())
    return found


def hashes(workspace: Workspace) -> dict[str, str]:
    """Path -> SHA-256 of the files that the same input must reproduce."""
    paths = [*workspace.path("dataset").rglob("*"), *workspace.path("ledger", "dataset").rglob("*")]
    return {
        workspace.relative(path): sha256_file(path)
        for path in paths
        if path.is_file() and path.name != "ATTRIBUTION.parquet"
    }


def test_what_is_kept_and_where(sample: Workspace) -> None:
    """Open rows are in default, share-alike in cc_by_sa, inserts that only their licence held back in restricted."""
    keys = {doc.id: doc.key for doc in DOCS}
    found: dict[str, set[str]] = {}
    for (config, _), rows in rows_of(sample).items():
        found.setdefault(config, set()).update(keys[row["id"]] for row in rows)
    assert found == {
        "default": {*(f"law-{number}" for number in range(1, 7)), "2001", "2002"},
        "cc_by_sa": {"東京", "Kyoto"},
        "restricted": {"insert-1"},
    }


def test_the_books(sample: Workspace) -> None:
    """Every masked text is booked once, with the reason of its drop."""
    rows = read_shard(sample.path("ledger", "dataset", "all.parquet")).to_pylist()
    reasons = {row["id"]: row["reason"] for row in rows}
    keys = {doc.key: doc.id for doc in DOCS}
    assert len(rows) == len(DOCS) - 1  # the stub never came so far
    assert {key: reasons[keys[key]] for key in ("law-1-copy", "insert-2", "held", "refused", "law-1")} == {
        "law-1-copy": "duplicate",
        "insert-2": "verdict_escalation",
        "held": "nsfw_adult",
        "refused": "verdict_refuse",
        "law-1": "",
    }


def test_rows_carry_masked_text_and_provenance(sample: Workspace) -> None:
    """A row holds the masked text, its length, its masked spans, and where it came from."""
    doc = next(doc for doc in DOCS if doc.key == "2001")
    row = next(row for rows in rows_of(sample).values() for row in rows if row["id"] == doc.id)
    assert "taro@" not in row["text"]
    assert row["text"].count("[EMAIL]") == 4
    assert row["pii_masked"] == 8
    assert row["n_chars"] == len(row["text"])
    assert (row["url"], row["licence"], row["raw_sha256"], row["lang"]) == (doc.url, "US-GOV-PD", doc.raw, "en")
    assert (row["extractor"], row["extractor_version"], row["policy_version"]) == ("sample", "1", "1")
    assert list(row) == ROWS.names


def test_same_input_same_bytes(tmp_path: Path, sample: Workspace) -> None:
    """Two workspaces with the same input hold the same bytes; times are in ATTRIBUTION alone."""
    other = write_workspace(tmp_path / "elsewhere")
    path = next(iter(other.shards("fetches")))
    amend(path, lambda rows: [{**row, "time": datetime(2030, 1, 1, tzinfo=UTC)} for row in rows])
    build(other)
    assert hashes(sample) == hashes(other)
    assert len(hashes(sample)) > 5


def test_a_second_build_does_nothing(sample: Workspace) -> None:
    """What is up to date is left alone."""
    assert build(sample).done == 0


def test_shards_are_bounded_sorted_and_stale_ones_go(sample: Workspace) -> None:
    """A smaller bound makes more shards in the order of the ids, and no shard of the old build is left."""
    whole = rows_of(sample)
    build(sample, DatasetSettings(shard_rows=2))
    names = sorted(path.name for path in sample.path("dataset", "data").iterdir())
    train = len(whole["default", "train"])
    total = -(-train // 2)
    assert [name for name in names if name.startswith("train")] == [
        f"train-{number:05d}-of-{total:05d}.parquet" for number in range(total)
    ]
    assert rows_of(sample) == whole
    for rows in whole.values():
        assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    build(sample, DatasetSettings(shard_bytes=1))
    assert rows_of(sample) == whole
    assert {read_shard(path).num_rows for path in shard_paths(sample.path("dataset"))} == {1}


def test_a_shard_that_a_killed_build_left_is_removed(sample: Workspace) -> None:
    """A shard that no finished build wrote would be loaded with the others, so the next build takes it away."""
    whole = rows_of(sample)
    first = shard_paths(sample.path("dataset"))[0]
    stray = first.with_name("train-00000-of-00009.parquet")
    stray.write_bytes(first.read_bytes())
    assert build(sample).done == 0
    assert not stray.exists()
    assert rows_of(sample) == whole


def test_a_cluster_lies_in_one_split(tmp_path: Path) -> None:
    """Near-copies that dedup left standing (versions of one text) are never separated."""
    workspace = write_workspace(tmp_path, [Doc("egov", f"law-{number}", sentence(number)) for number in range(40)])
    path = workspace.path("dedup", "clusters.parquet")
    amend(
        path, lambda rows: [{**row, "cluster": rows[0]["id"] if row["id"][0] < "8" else row["cluster"]} for row in rows]
    )
    build(workspace)
    places = {row["id"]: split for (_, split), rows in rows_of(workspace).items() for row in rows}
    assert len({split for key, split in places.items() if key[0] < "8"}) == 1
    assert len(set(places.values())) > 1


def test_everything_dropped_is_an_error_and_leaves_no_old_shard(sample: Workspace) -> None:
    """A dataset of nothing fails with the reasons and says that the shards of the build before went; they come back."""
    good = {path: path.read_bytes() for path in sample.shards("labels")}
    before = hashes(sample)
    for path in good:
        amend(path, lambda rows: [{**row, "verdict": "DENY"} for row in rows])
    with pytest.raises(LedgerError, match=r"verdict_deny.*what it made before is gone.*rebuilds its files") as caught:
        build(sample)
    assert "\n" not in str(caught.value)
    assert shard_paths(sample.path("dataset")) == []
    for path, data in good.items():
        path.write_bytes(data)
    build(sample)
    assert hashes(sample) == before


def test_a_text_without_document_is_an_error(sample: Workspace) -> None:
    """A masked text that no document explains stops the build with its id."""
    doc = DOCS[0]
    amend(next(p for p in sample.shards("documents") if p == _documents_shard(sample, doc)), _without(doc.id))
    with pytest.raises(InputError, match=doc.id):
        build(sample)


def test_a_text_without_label_is_dropped(sample: Workspace) -> None:
    """No label, no place in the dataset."""
    doc = DOCS[0]
    amend(shard_with(sample, "labels", doc.id), _without(doc.id))
    assert build(sample).dropped["no_label"] == 1


def test_an_unknown_licence_is_dropped(tmp_path: Path) -> None:
    """No licence, no training."""
    docs = [*DOCS[:3], replace(DOCS[3], licence=None), replace(DOCS[4], licence="GFDL")]
    report = build(write_workspace(tmp_path, docs))
    assert dict(report.dropped) == {"no_licence": 1, "unknown_licence": 1}


def test_nothing_to_build_from(tmp_path: Path) -> None:
    """An empty workspace is one clear line."""
    with pytest.raises(EmptyInputError, match="no pii"):
        build(Workspace(tmp_path / "none"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["clusters", "duplicates"])
def test_without_the_tables_of_duplicates_nothing_is_built(sample: Workspace, name: str) -> None:
    """A table of dedup that is missing stops the build in one line: else every copy would be shipped."""
    before = hashes(sample)
    sample.path("dedup", f"{name}.parquet").unlink()
    with pytest.raises(EmptyInputError, match=rf"no dedup/{name}\.parquet in .*; run hakusho curate first"):
        build(sample)
    assert hashes(sample) == before


def test_a_text_that_dedup_never_saw_is_an_error(sample: Workspace) -> None:
    """A masked text newer than the tables of duplicates stops the build with its id."""
    doc = DOCS[0]
    amend(sample.path("dedup", "clusters.parquet"), _without(doc.id))
    with pytest.raises(InputError, match=rf"{doc.id} is in no cluster.*hakusho curate"):
        build(sample)


def test_attribution_joins_the_last_fetch(sample: Workspace) -> None:
    """ATTRIBUTION has one row an id, with time and URL of the last fetch, and says what was a rehearsal."""
    doc = next(doc for doc in DOCS if doc.key == "law-2")
    later, url = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC), "http://127.0.0.1:8123/law-2"
    before = hashes(sample)

    def again(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        fetch = next(row for row in rows if row["raw_sha256"] == doc.raw)
        return [*rows, {**fetch, "time": later, "url": url}]

    amend(sample.path("fetches", "egov", "run-1.parquet"), again)
    build(sample)
    rows = {row["id"]: row for row in read_shard(sample.path("dataset", "ATTRIBUTION.parquet")).to_pylist()}
    assert set(rows) == {row["id"] for some in rows_of(sample).values() for row in some}
    assert (rows[doc.id]["retrieved_at"], rows[doc.id]["harvested_url"], rows[doc.id]["rehearsal"]) == (
        later,
        url,
        True,
    )
    other = next(doc for doc in DOCS if doc.key == "law-3")
    assert (rows[other.id]["harvested_url"], rows[other.id]["rehearsal"]) == (other.url, False)
    assert rows[other.id]["attribution"]
    assert hashes(sample) == before  # a new fetch changes nothing but ATTRIBUTION


def test_attribution_reads_history_older_than_a_column(tmp_path: Path) -> None:
    """Fetches of before asked_url was a column are credited by their URL."""
    workspace = write_workspace(tmp_path)
    for path in workspace.shards("fetches"):
        table = read_shard(path)
        write_shard(path, table.select([name for name in table.column_names if name != "asked_url"]))
    build(workspace)
    rows = {row["id"]: row for row in read_shard(workspace.path("dataset", "ATTRIBUTION.parquet")).to_pylist()}
    assert rows[DOCS[0].id]["harvested_url"] == DOCS[0].url


def test_a_row_cut_from_a_dump_is_attributed_to_its_fetch(tmp_path: Path) -> None:
    """Where the bytes were cut out of a container, the fetch of the container counts."""
    workspace = write_workspace(tmp_path)
    doc = DOCS[0]
    amend(
        _documents_shard(workspace, doc),
        lambda rows: [{**row, "container_sha256": "c" * 64} if row["id"] == doc.id else row for row in rows],
    )
    amend(
        workspace.path("fetches", "egov", "run-1.parquet"),
        lambda rows: [
            {**row, "raw_sha256": "c" * 64, "url": "https://dump"} if row["raw_sha256"] == doc.raw else row
            for row in rows
        ],
    )
    build(workspace)
    rows = {row["id"]: row for row in read_shard(workspace.path("dataset", "ATTRIBUTION.parquet")).to_pylist()}
    assert rows[doc.id]["harvested_url"] == "https://dump"


def test_load_dataset_opens_every_configuration(sample: Workspace, tmp_path: Path) -> None:
    """The Hugging Face library reads each configuration from the folder alone, with the rows that are in it."""
    code = (
        "import datasets, sys\n"
        "for name in ('default', 'cc_by_sa', 'restricted'):\n"
        "    found = datasets.load_dataset(sys.argv[1], name, cache_dir=sys.argv[2])\n"
        "    for split, rows in found.items(): print(name, split, rows.num_rows, ','.join(rows['id']))\n"
    )
    home = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1"}
    answer = subprocess.run(
        [sys.executable, "-c", code, str(sample.path("dataset")), str(tmp_path / "cache")],
        env={**os.environ, **home}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    found = {(name, split): (int(count), ids) for name, split, count, ids in map(str.split, answer.stdout.splitlines())}
    assert found == {place: (len(rows), ",".join(row["id"] for row in rows)) for place, rows in rows_of(sample).items()}


def _documents_shard(workspace: Workspace, doc: Doc) -> Path:
    return workspace.documents(doc.source) / f"{doc.id[0]}.parquet"


def _without(key: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [row for row in rows if row["id"] != key]
