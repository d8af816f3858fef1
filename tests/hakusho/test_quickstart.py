"""`./run`: the miniature the whole way, once; the same bytes in another folder and with another number of workers."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from corpus.base.workspace import Workspace
from hakusho import quickstart
from hakusho.miniature.planted import planted

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# what carries a clock, and what is state or cache
TRAINED = ("models/", "tokens/")  # what training makes; the second workspace is not trained in
MAY_DIFFER = (
    "raw/", "fetches/", "dataset/ATTRIBUTION.parquet", "state.sqlite", "downloads/", "harvests/", ".miniature",
)  # fmt: skip


def run(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What `./run --data DIR` calls once the environment is set up."""
    command = [sys.executable, "-m", "hakusho.quickstart", "--data", str(data), *words]
    variables = {key: value for key, value in os.environ.items() if key != "HAKUSHO_CONTACT"}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def hashes(data: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of every file whose bytes must not depend on anything but the input."""
    found = {path.relative_to(data).as_posix(): path for path in sorted(data.rglob("*")) if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in found.items()
        if not name.startswith(MAY_DIFFER)
    }


@pytest.fixture(scope="module")
def whole_way(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A workspace after `./run` with two workers, and what it printed."""
    data = tmp_path_factory.mktemp("quickstart") / "a"
    answer = run(data, "--workers", "2")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return data, answer.stdout


def test_it_says_what_became_of_each_source(whole_way: tuple[Path, str]) -> None:
    """The table has a line a source; the end says where things are and what to do next."""
    _, shown = whole_way
    for source in ("egov", "mod", "nasa", "pmda", "wikipedia"):
        assert f"\n{source} " in shown
    assert "dropped by reason" in shown
    assert "rights_export_control 1" in shown
    assert "report.html" in shown
    assert "scrapy crawl pmda" in shown


def test_the_planted_duplicates_are_found_and_no_others(whole_way: tuple[Path, str]) -> None:
    """Exactly the planted pairs share a cluster."""
    documents = pq.ParquetDataset(Workspace(whole_way[0]).shards("documents")).read(["id", "source", "key"]).to_pylist()
    name = {row["id"]: (row["source"], row["key"]) for row in documents}
    pairs = pq.read_table(whole_way[0] / "dedup" / "duplicates.parquet").to_pylist()
    found = {frozenset((name[row["id"]], name[row["keeper"]])) for row in pairs}
    assert found == {frozenset((one, other)) for _, one, other in planted().duplicates}


def test_the_planted_personal_data_is_masked(whole_way: tuple[Path, str]) -> None:
    """No planted value is left in any text of the dataset, and the document is still there."""
    texts = [
        text
        for path in (whole_way[0] / "dataset").glob("*/*.parquet")
        for text in pq.read_table(path, columns=["text"]).column("text").to_pylist()
    ]
    assert texts
    for kind, value in planted().pii_spans:
        assert not any(value in text for text in texts), kind
        assert any(f"[{kind}]" in text for text in texts), kind


def test_the_dataset_opens_with_the_datasets_library(
    whole_way: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`datasets.load_dataset` reads each configuration, and the rows are those of the ledger."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    rows = 0
    for name in ("default", "cc_by_sa", "restricted"):
        loaded = datasets.load_dataset(str(whole_way[0] / "dataset"), name, cache_dir=str(tmp_path))
        rows += sum(split.num_rows for split in loaded.values())
    kept = pq.read_table(whole_way[0] / "ledger" / "dataset").column("outcome").to_pylist().count("kept")
    assert rows == kept


def test_attribution_says_that_this_was_a_rehearsal(whole_way: tuple[Path, str]) -> None:
    """Made-up documents from loopback are never passed off as the sites' own."""
    rows = pq.read_table(whole_way[0] / "dataset" / "ATTRIBUTION.parquet").to_pylist()
    assert rows
    assert all(row["rehearsal"] and row["harvested_url"].startswith("http://127.0.0.1:") for row in rows)


def test_training_lowered_the_loss_on_held_out_law(whole_way: tuple[Path, str]) -> None:
    """The adapter that was saved learnt something that it was not shown."""
    [path] = (whole_way[0] / "models").glob("*/gates.safetensors")
    metadata = json.loads((path.parent / "metadata.json").read_text("utf-8"))
    assert metadata["loss"]["held_out_after"] < metadata["loss"]["held_out_before"]
    assert (path.parent / "adapter_model.safetensors").stat().st_size > 0
    assert (path.parent / "sample.txt").read_text("utf-8").strip()


def test_run_again_redoes_nothing(whole_way: tuple[Path, str]) -> None:
    """A second run changes no file that holds a result, and says that everything is up to date."""
    data, _ = whole_way
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file() and "state" not in path.name}
    answer = run(data, "--workers", "2")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "harvest: up to date" in answer.stdout
    assert "units done" not in answer.stdout
    after = {path: path.stat().st_mtime_ns for path in data.rglob("*") if path.is_file() and "state" not in path.name}
    assert {path.name for path in before if before[path] != after.get(path)} <= {".miniature"}
    assert set(after) == set(before)


def test_another_folder_and_one_worker_give_the_same_bytes(whole_way: tuple[Path, str], tmp_path: Path) -> None:
    """Documents and everything built from them before training are equal, byte for byte."""
    other = Workspace(tmp_path / "b")
    quickstart.harvest(other)
    quickstart.build(other, workers=1)
    built, first = hashes(other.root), hashes(whole_way[0])
    assert {name: digest for name, digest in built.items() if not name.startswith(TRAINED)} == {
        name: digest for name, digest in first.items() if not name.startswith(TRAINED)
    }
    assert built["models/classifier/domain.bin"] == first["models/classifier/domain.bin"]


@pytest.mark.parametrize(
    "verb", ["curate", "dedup", "label", "dataset build", "dataset verify", "report", "doctor", "classifier train"]
)
def test_json_is_one_object_and_nothing_else(whole_way: tuple[Path, str], verb: str) -> None:
    """Machines read stdout, also where rows were dropped."""
    command = [sys.executable, "-m", "hakusho.cli", *verb.split(), "--data", str(whole_way[0]), "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert isinstance(json.loads(answer.stdout), dict)


def test_a_damaged_document_comes_back_and_history_stays(whole_way: tuple[Path, str], tmp_path: Path) -> None:
    """Damage is put aside, the documents are the same bytes again, and each still goes back to a fetch."""
    other = Workspace(tmp_path / "damaged")
    shutil.copytree(whole_way[0], other.root)
    before, history = hashes(other.root), set(other.root.glob("fetches/*/*.parquet"))
    for source in ("egov", "wikipedia"):
        shard = min(other.documents(source).glob("*.parquet"))
        shard.write_bytes(shard.read_bytes()[:-50])
    assert quickstart.harvest(other) == "harvest: 2 of 5 sources harvested"
    quickstart.build(other, workers=2)
    after = hashes(other.root)
    assert len([name for name in after if name.startswith("quarantine/")]) == 2
    changed = {name for name in before if after.get(name) != before[name]}
    assert changed <= {"reports/report.html", "reports/report.json"}  # they count fetches, and there are more now
    assert history < set(other.root.glob("fetches/*/*.parquet"))
    assert all(
        check["offending"] == 0 for check in json.loads((other.root / "reports/report.json").read_text())["checks"]
    )


def test_every_module_that_settings_name_is_in_the_key_of_a_harvest() -> None:
    """Scrapy finds parts by strings: a change of any of them must harvest again."""
    from crawlers import settings

    named = {word.rpartition(".")[0] for value in vars(settings).values() for word in _strings(value)}
    ours = {name for name in named if name.startswith("crawlers.")}
    assert ours
    assert ours <= set(quickstart.parts("egov")) | {"crawlers.spiders"}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for one in value:
            yield from _strings(one)
        if isinstance(value, dict):
            yield from _strings(list(value.values()))


def test_a_foreign_harvest_is_not_mixed_with_made_up_documents(tmp_path: Path) -> None:
    """A workspace with somebody's documents is refused in one line, and left as it was."""
    folder = tmp_path / "documents" / "egov"
    folder.mkdir(parents=True)
    (folder / "0.parquet").write_bytes(b"somebody's")
    answer = run(tmp_path)
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "choose another folder" in answer.stderr
    assert (folder / "0.parquet").read_bytes() == b"somebody's"
