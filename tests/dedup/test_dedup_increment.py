"""Increments: what is added later, in any portions and order, gives what one run over everything gives."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import dedup_corpus
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.executor import Executor
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup import join, stages
from corpus.dedup.find import find, join_inputs, sign, texts_of
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import SIGNATURES
from corpus.dedup.versions import work

SETTINGS = DedupSettings(threshold=0.6, bands=16, rows=4)
ROWS = dedup_corpus.documents(groups=5)


def search(made: Workspace, executor: Executor | None = None) -> None:
    """Bring all stages up to date."""
    for tasks in stages.tasks(made, SETTINGS):
        run_tasks(made, tasks, executor=executor)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The corpus searched in one run."""
    made = dedup_corpus.workspace(tmp_path_factory.mktemp("whole"), ROWS)
    search(made)
    return made


@settings(max_examples=4, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 2))
def test_increments_in_any_order_give_the_bytes_of_one_run(whole: Workspace, rng: random.Random, portions: int) -> None:
    """Random splits of the corpus into harvests, in random order, end with the files of one run over everything."""
    with tempfile.TemporaryDirectory() as folder:
        order = ROWS[:]
        rng.shuffle(order)
        cuts = sorted(rng.sample(range(1, len(order)), portions))
        for end in [*cuts, len(order)]:
            made = dedup_corpus.workspace(Path(folder) / "grown", order[:end])
            search(made)
        assert dedup_corpus.hashes(made) == dedup_corpus.hashes(whole)


def test_the_stages_find_what_a_search_in_memory_finds(whole: Workspace) -> None:
    """The tables of the stages are those of corpus.dedup.find over everything at once."""
    table = join_inputs(
        [
            pa.Table.from_pylist(
                [
                    {"id": key, "source": source, "revision": revision, "work": work(source, name), "text": text}
                    for key, source, name, revision, text in ROWS
                ]
            )
        ]
    )
    found = find(sign(table, SETTINGS), texts_of([table]), SETTINGS)
    assert read_shard(whole.path("dedup", "duplicates.parquet")).equals(found.duplicates)
    assert read_shard(whole.path("dedup", "clusters.parquet")).equals(found.clusters)
    assert set(found.duplicates["rule"].to_pylist()) == {"exact_duplicate", "near_duplicate", "version"}


def test_tables_do_not_depend_on_where_tasks_are_cut(whole: Workspace, tmp_path: Path) -> None:
    """A task a band and prefix, many parts and groups: the same tables and books as one task of each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "ROWS", 7)
        patch.setattr(stages, "PREFIX", 13)
        patch.setattr(join, "PART", 9)
        cut = dedup_corpus.workspace(tmp_path, ROWS)
        search(cut)
    assert len(list(cut.path("dedup", "bands").iterdir())) == 1 + 16 * 3
    assert len(list(cut.path("dedup", "verified").iterdir())) > 4
    assert len(list(cut.path("dedup", "gathered").iterdir())) > 2
    tables = ("dedup/duplicates", "dedup/clusters", "dedup/versions", "ledger")
    assert dedup_corpus.hashes(cut, *tables) == dedup_corpus.hashes(whole, *tables)


def test_only_new_texts_are_signed(tmp_path: Path) -> None:
    """A former signature is taken over as it stands; a new document is signed; a damaged file is no help."""
    rows = sorted(row for row in dedup_corpus.documents() if row[1] == "egov")
    digit = max({row[0][0] for row in rows}, key=lambda one: sum(row[0][0] == one for row in rows))
    mine = [row for row in rows if row[0][0] == digit]
    assert len(mine) > 1
    made = dedup_corpus.workspace(tmp_path, mine[1:])
    search(made)
    place = made.path("dedup", "signatures", f"egov-{digit}.parquet")
    former = read_shard(place)
    marked = former.set_column(
        former.column_names.index("length"), former.schema.field("length"), pa.array([7] * former.num_rows, pa.int32())
    )
    write_shard(place, marked)
    dedup_corpus.workspace(tmp_path, mine)
    sign_all = next(iter(stages.tasks(made, SETTINGS)))
    run_tasks(made, sign_all)
    lengths = dict(zip(*(read_shard(place)[name].to_pylist() for name in ("id", "length")), strict=True))
    assert lengths == {row[0]: len(row[4]) if row is mine[0] else 7 for row in mine}
    assert read_shard(place).schema.equals(SIGNATURES)
    place.write_bytes(place.read_bytes()[:-50])
    dedup_corpus.workspace(tmp_path, mine[:-1])
    run_tasks(made, next(iter(stages.tasks(made, SETTINGS))))
    assert read_shard(place)["length"].to_pylist() == [len(row[4]) for row in mine[:-1]]
