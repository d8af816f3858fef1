"""The search as one call over files: what it shares with the search over tables, and datasketch as its oracle."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasketch import MinHash, MinHashLSH

from benchmarks.dedup_corpus import Corpus, make
from corpus.base.errors import EmptyInputError, InputError
from corpus.dedup.find import find, join_inputs, sign, texts_of
from corpus.dedup.folding import folded
from corpus.dedup.search import deduplicate
from corpus.dedup.settings import DedupSettings
from corpus.dedup.shingles import shingle_hashes, shingles


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """1,200 documents of some 300 bytes, half Japanese."""
    return make(1200, seed=5, size=300)


@pytest.fixture(scope="module")
def files(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The corpus in two files."""
    folder = tmp_path_factory.mktemp("search")
    corpus.write(folder / "whole.parquet")
    table = pq.read_table(folder / "whole.parquet")
    paths = [folder / "one.parquet", folder / "two.parquet"]
    pq.write_table(table.slice(0, 500), paths[0])
    pq.write_table(table.slice(500), paths[1])
    return paths


@pytest.mark.parametrize(("memory", "threads"), [(1 << 30, 1), (20_000, 1), (20_000, 2)])
def test_it_finds_what_the_search_over_tables_finds(files: list[Path], memory: int, threads: int) -> None:
    """In memory, with texts and bands on disk, with two threads, and with the files the other way round."""
    table = join_inputs([pq.read_table(path) for path in files])
    chosen = DedupSettings()
    expected = find(sign(table, chosen), texts_of([table]), chosen)
    assert expected.duplicates.num_rows > 50
    for order in (files, files[::-1]):
        found = deduplicate(order, chosen, memory=memory, threads=threads)
        assert found.duplicates.equals(expected.duplicates)
        assert found.clusters.equals(expected.clusters)


def test_recall_is_not_below_datasketch_and_the_same_in_both_languages(corpus: Corpus, files: list[Path]) -> None:
    """Planted pairs of J >= 0.8, and other spellings: each that datasketch's LSH finds, in ja as in en."""
    clusters = dict(zip(*deduplicate(files).clusters.to_pydict().values(), strict=True))
    roots = [clusters[f"d{row:08d}"] for row in range(len(corpus.texts))]
    marked = {row for left, right, value, *_ in corpus.pairs if value >= 0.8 for row in (left, right)}
    index, made = MinHashLSH(num_perm=128, params=(16, 8)), {}
    for row in marked:
        made[row] = MinHash(num_perm=128, seed=1, scheme="affine32", hashfunc=lambda value: value)
        made[row].update_batch(shingle_hashes(folded(corpus.texts[row])).tolist())
        index.insert(row, made[row])
    for language in ("ja", "en"):
        near = [pair for pair in corpus.pairs if pair[3] == language and pair[4] == "copy" and pair[2] >= 0.8]
        ours = sum(roots[left] == roots[right] for left, right, *_ in near)
        theirs = sum(right in index.query(made[left]) for left, right, *_ in near)
        assert len(near) >= 20
        assert ours >= theirs
        assert ours / len(near) >= 0.99
    spelled = [pair for pair in corpus.pairs if pair[4] != "copy"]
    assert {pair[4] for pair in spelled} == {"width", "old kanji"}
    assert all(roots[left] == roots[right] for left, right, *_ in spelled)


def test_every_dropped_document_has_a_mate(corpus: Corpus, files: list[Path]) -> None:
    """The Jaccard of each row is that of brute force with its keeper, which stays."""
    duplicates = deduplicate(files).duplicates.to_pylist()
    gone = {row["id"] for row in duplicates}
    for row in duplicates:
        ours, theirs = (shingles(folded(corpus.texts[int(row[name][1:])])) for name in ("id", "keeper"))
        assert row["keeper"] not in gone
        assert row["jaccard"] == len(ours & theirs) / len(ours | theirs) >= 0.7


def test_bad_files_are_one_clear_line(tmp_path: Path) -> None:
    """A missing column, an id twice, a null text, and no document at all."""
    path = tmp_path / "in.parquet"
    for table, said in (
        (pa.table({"id": ["a"], "body": ["x"]}), "no column 'text'; there are body, id"),
        (pa.table({"id": ["a", "a"], "text": ["x", "y"]}), "id 'a' occurs more than once"),
        (pa.table({"id": ["a", "b"], "text": ["x", None]}), "the text of 'b' is null"),
        (pa.table({"id": [None, "b"], "text": ["x", "y"]}), "1 of 2 rows have no id"),
    ):
        pq.write_table(table, path)
        with pytest.raises(InputError, match=said):
            deduplicate([path])
    pq.write_table(pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())}), path)
    with pytest.raises(EmptyInputError, match="no rows"):
        deduplicate([path])
