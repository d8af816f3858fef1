"""Which rows are trained on, and how tokens become blocks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from train_samples import encyclopaedia_rows, law_rows, row, write

from corpus.base.errors import CorruptFileError, EmptyInputError, InputError, LicenceError
from corpus.base.workspace import Workspace
from train.data import dataset


def test_only_allowed_rows_of_the_domain_are_taken(make_workspace: Callable[[str], Workspace]) -> None:
    """ALLOW rows of the domain are trained on, the validation split is held out, each other row has a reason."""
    workspace = make_workspace("w")
    rows = law_rows(3, seed=5)
    rows[0]["verdict"] = "ESCALATION"
    rows[1]["domain"] = "nsfw_adult"
    rows[2]["text"] = " \n"
    write(workspace, "data", "train", [*law_rows(10), *rows])
    selection = dataset.select(dataset.shards(workspace), "law_policy")
    assert {r.id for r in selection.train} == {r["id"] for r in law_rows(10)}
    assert {r.id for r in selection.held_out} == {r["id"] for r in law_rows(2, seed=7)}
    assert selection.held_out_from == "validation"
    assert selection.dropped == {"verdict": 1, "never_trained": 1, "empty": 1, "other_domain": 12}
    assert selection.read == len(selection.train) + len(selection.held_out) + selection.dropped.total()


def test_all_domains_leave_out_what_is_never_trained(make_workspace: Callable[[str], Workspace]) -> None:
    """Domain "all" takes law and encyclopaedia, and no row of a blocked domain even if it says ALLOW."""
    workspace = make_workspace("w")
    blocked = row("見本の文。", domain="nsfw_block", source="egov", licence="PDL-1.0")
    write(workspace, "data", "test", [blocked])
    write(workspace, "data", "train", [*law_rows(10), blocked])
    selection = dataset.select(dataset.shards(workspace), "all")
    assert {r.domain for r in selection.train} == {"law_policy", "wikipedia_ja_en"}
    assert blocked["id"] not in {r.id for r in selection.train}


def test_without_a_validation_split_some_documents_are_held_out(tmp_path: Path) -> None:
    """No held-out document is trained on, also where the validation split has none of the domain."""
    workspace = Workspace(tmp_path)
    write(workspace, "data", "train", law_rows(20))
    selection = dataset.select(dataset.shards(workspace), "law_policy")
    assert selection.held_out_from == "train"
    assert (len(selection.train), len(selection.held_out)) == (18, 2)
    assert not {r.id for r in selection.train} & {r.id for r in selection.held_out}


def test_restricted_texts_only_on_request(make_workspace: Callable[[str], Workspace]) -> None:
    """Package inserts are read with include=restricted, where their verdict is ESCALATION, and never without."""
    workspace = make_workspace("w")
    insert = row("添付文書の見本。", domain="law_policy", source="pmda", licence="restricted", verdict="ESCALATION")
    write(workspace, "restricted", "train", [insert])
    without = dataset.select(dataset.shards(workspace), "law_policy")
    asked = dataset.select(dataset.shards(workspace, ("restricted",)), "law_policy")
    assert insert["id"] not in {r.id for r in without.train}
    assert insert["id"] in {r.id for r in asked.train}
    assert dataset.count_licences(asked.train) == {"PDL-1.0": 10, "restricted": 1}


@pytest.mark.parametrize("licence", [None, "", "CC-BY-SA-4.0", "restricted", "CC-BY-NC-4.0"])
def test_a_row_without_a_fit_licence_stops_training(
    make_workspace: Callable[[str], Workspace], licence: str | None
) -> None:
    """No licence, no training: such a row is an error that names document and shard, also in another domain."""
    workspace = make_workspace("w")
    bad = row("見本。", domain="general", source="mod", licence=licence)
    write(workspace, "data", "train", [*law_rows(3), bad])
    with pytest.raises(LicenceError, match=str(bad["id"])):
        dataset.select(dataset.shards(workspace), "law_policy")


def test_bad_datasets_are_named(tmp_path: Path) -> None:
    """A missing, truncated, foreign or too small dataset is one clear error of its kind."""
    workspace = Workspace(tmp_path)
    with pytest.raises(InputError, match="hakusho dataset build"):
        dataset.shards(workspace)
    path = write(workspace, "data", "train", law_rows(1))
    with pytest.raises(EmptyInputError, match="too few documents"):
        dataset.select([path], "law_policy")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(CorruptFileError, match="not a whole Parquet file"):
        dataset.select([path], "law_policy")
    foreign = write(workspace, "data", "validation", [{"id": "a", "text": "b"}])
    with pytest.raises(CorruptFileError, match="no shard of the dataset"):
        dataset.select([foreign], "law_policy")


@pytest.mark.parametrize("name", ["train-00007-of-00009.parquet", "train-00001-of-00001.parquet", "train-copy.parquet"])
def test_a_stray_shard_is_not_trained_on(make_workspace: Callable[[str], Workspace], name: str) -> None:
    """A shard beside the N of its split, or one of them gone, is an error that names it and says what to do."""
    workspace = make_workspace("w")
    path = workspace.path("dataset", "data", "train-00000-of-00001.parquet")
    path.with_name(name).write_bytes(path.read_bytes())
    with pytest.raises(CorruptFileError, match=f"{name}: .* hakusho dataset build"):
        dataset.shards(workspace)
    path.with_name(name).rename(path.with_name("train-00001-of-00002.parquet"))
    path.unlink()
    with pytest.raises(CorruptFileError, match="train-00001-of-00002"):
        dataset.shards(workspace)
    path.with_name("train-00001-of-00002.parquet").rename(path)
    assert path in dataset.shards(workspace)


def test_many_shards_of_a_split_are_read(make_workspace: Callable[[str], Workspace]) -> None:
    """Shards 0 to N-1 of one N are all read, in order."""
    workspace = make_workspace("w")
    path = write(workspace, "data", "train", law_rows(3))
    path.rename(path.with_name("train-00001-of-00002.parquet"))
    path = write(workspace, "data", "train", law_rows(2, seed=9))
    path.rename(path.with_name("train-00000-of-00002.parquet"))
    names = [path.name for path in dataset.shards(workspace, splits=("train",)) if path.parent.name == "data"]
    assert names == ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"]
    assert len(dataset.select(dataset.shards(workspace), "law_policy").train) == 5


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_document_twice_stops_training(make_workspace: Callable[[str], Workspace], split: str) -> None:
    """An id that occurs twice in a split, or in two of them, is an error that names it."""
    workspace = make_workspace("w")
    twice = law_rows(1)[0]
    write(workspace, "data", split, [*law_rows(2, seed=7), twice, *([twice] if split == "train" else [])])
    with pytest.raises(CorruptFileError, match=f"document {twice['id']} is in train-00000-of-00001.parquet, too"):
        dataset.select(dataset.shards(workspace), "law_policy")


def test_an_encyclopaedia_article_twice_makes_no_base(make_workspace: Callable[[str], Workspace]) -> None:
    """What a tiny base is made of holds no id twice either."""
    workspace = make_workspace("w")
    rows = law_rows(2)
    write(workspace, "data", "train", [*rows, rows[0]])
    with pytest.raises(CorruptFileError, match="hakusho dataset build"):
        dataset.admitted(dataset.shards(workspace, splits=("train",)), "all")


def test_texts_are_read_a_shard_at_a_time_in_order(make_workspace: Callable[[str], Workspace]) -> None:
    """Only the wanted documents come, in the order of the shards."""
    workspace = make_workspace("w")
    paths = dataset.shards(workspace, splits=("train",))
    law, wiki = law_rows(10), encyclopaedia_rows(12)
    wanted = {str(law[3]["id"]), str(law[8]["id"]), str(wiki[0]["id"])}
    rows = [r for rows in (wiki, law) for r in sorted(rows, key=lambda r: str(r["id"])) if r["id"] in wanted]
    assert list(dataset.texts(paths, wanted)) == [r["text"] for r in rows]
