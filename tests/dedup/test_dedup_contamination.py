"""Decontamination: an item of an evaluation set is found inside a long text, in both languages, and nothing else."""

from __future__ import annotations

import json
import random
from pathlib import Path

import dedup_corpus
import pyarrow as pa
import pytest

from corpus.base.errors import ConfigError, EmptyInputError, InputError
from corpus.base.shards import read_shard, write_shard
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup.decontaminate import DecontaminationSettings, Items, stages
from corpus.dedup.folding import folded
from corpus.dedup.stages import pieces_of
from corpus.dedup.tables import CONTAMINATED, ITEMS

JA = "日本国憲法の施行日はいつか。一九四七年五月三日に施行された。"
EN = "Which aircraft first exceeded Mach 1 in level flight? The Bell X-1, in October 1947."


def filler(rng: random.Random, length: int, *, japanese: bool) -> str:
    """Text of its own."""
    if japanese:
        return "".join(chr(rng.randrange(0x4E00, 0x5200)) for _ in range(length))
    words = ["the", "wing", "engine", "test", "of", "pressure", "report", "and", "altitude", "which", "in", "flight"]
    return " ".join(rng.choice(words) for _ in range(length // 5))


def index(*texts: str) -> Items:
    """Items of one set, named by their number."""
    rows = [{"set": "s", "item": str(number), "text": folded(text)} for number, text in enumerate(texts)]
    return Items(pa.Table.from_pylist(rows, schema=ITEMS))


@pytest.mark.parametrize(("item", "japanese"), [(JA, True), (EN, False)])
def test_an_item_inside_a_long_document_is_found(item: str, japanese: bool) -> None:
    """Word for word, in another width, with a small edit; a document of the same kind without it is not."""
    rng = random.Random(5)
    before, after = (filler(rng, 20_000, japanese=japanese) for _ in range(2))
    items = index("an item about something else entirely, nowhere to be seen", item)
    wide = item.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    edited = f"{item[:-2]}る。" if japanese else item.replace("1947", "1948")
    for words in (item, wide, edited):
        hit = items.best(folded(before + words + after), 0.6, 0.7)
        assert hit is not None
        assert (hit.item, hit.items) == ("1", 1)
        assert hit.containment > 0.6
    assert items.best(folded(before + after), 0.6, 0.7) is None
    assert items.best(folded(before + item[: len(item) // 3] + after), 0.6, 0.7) is None


def test_shares_are_exact() -> None:
    """Containment counts distinct windows of 13; a document that is the item has a Jaccard of 1."""
    item = "abcdefghijklmnopqrstuvwxyz"  # 14 windows
    hit = index(item).best("abcdefghijklmnopqrstuvw", 0.5, 0.99)
    assert hit is not None
    assert (hit.containment, hit.jaccard) == (11 / 14, 19 / 22)
    hit = index(item).best(item, 0.5, 0.7)
    assert hit is not None
    assert (hit.containment, hit.jaccard) == (1.0, 1.0)


def test_a_short_item_condemns_nothing() -> None:
    """What is too short to be told from chance is not compared."""
    assert index("東京都千代田区", EN).best(folded("所在地は東京都千代田区霞が関である。" * 3), 0.8, 0.7) is None


def write_set(folder: Path, rows: list[dict[str, object]], name: str = "quiz.jsonl") -> str:
    """An evaluation set as JSONL."""
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def run(made: Workspace, **values: object) -> None:
    """All tasks of the stage."""
    for tasks in stages(made, {**values}, pieces_of(made)):
        run_tasks(made, tasks)


def test_a_workspace_books_what_it_finds(tmp_path: Path) -> None:
    """The document is booked as contaminated, the others as kept; without a set nothing of it is left."""
    rows = dedup_corpus.documents(groups=3)
    key, source, name, revision, text = rows[0]
    rows[0] = (key, source, name, revision, text + EN + text)
    made = dedup_corpus.workspace(tmp_path / "data", rows)
    quiz = write_set(tmp_path, [{"id": "q1", "question": EN}, {"id": "q2", "question": "短い"}])
    run(made, against=(quiz,), text_column="question")
    found = pa.concat_tables([read_shard(path) for path in made.shards("contaminated")])
    assert found.schema.equals(CONTAMINATED)
    assert [(row["id"], row["set"], row["item"], row["containment"]) for row in found.to_pylist()] == [
        (key, "quiz.jsonl", "q1", 1.0)
    ]
    ledger = [row for path in made.path("ledger", "decontamination").iterdir() for row in read_shard(path).to_pylist()]
    assert len(ledger) == len(rows)
    assert [(row["id"], row["reason"], row["detail"]) for row in ledger if row["outcome"] == "dropped"] == [
        (key, "contaminated", "quiz.jsonl:q1")
    ]
    run(made)
    assert made.shards("contaminated") == []
    assert list(made.path("ledger", "decontamination").iterdir()) == []


def test_sets_of_both_kinds_and_bad_ones(tmp_path: Path) -> None:
    """Parquet without ids is numbered; a missing column, too short items and a missing file are one clear line each."""
    made = dedup_corpus.workspace(tmp_path / "data", dedup_corpus.documents(groups=1))
    path = tmp_path / "set.parquet"
    write_shard(path, pa.table({"text": [JA, EN]}))
    run(made, against=(str(path),))
    assert read_shard(made.path("dedup", "evaluation.parquet"))["item"].to_pylist() == ["0", "1"]
    for rows, values, error, message in (
        ([{"q": "x" * 40}], {}, InputError, "line 1, column 'text': nothing there"),
        ([{"text": "short"}], {}, EmptyInputError, "none of 1 items has 20 characters"),
        ([{"text": EN}], {"text_column": "t"}, InputError, "column 't'"),
    ):
        with pytest.raises(error, match=message):
            run(made, against=(write_set(tmp_path, rows),), **values)
    with pytest.raises(InputError, match="no such file"):
        run(made, against=(str(tmp_path / "none.jsonl"),))
    with pytest.raises(ConfigError):
        DecontaminationSettings(containment=0.0)
