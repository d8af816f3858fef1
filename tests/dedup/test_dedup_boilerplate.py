"""Boilerplate: lines that many documents of one source repeat are counted, and no text is changed."""

from __future__ import annotations

from pathlib import Path

import dedup_corpus
import pytest

from corpus.base.errors import ConfigError
from corpus.base.shards import read_shard
from corpus.base.stages import run_tasks
from corpus.base.workspace import Workspace
from corpus.dedup.boilerplate import BoilerplateSettings, tasks
from corpus.dedup.tables import BOILERPLATE_DOCUMENTS, BOILERPLATE_LINES


def corpus(folder: Path) -> Workspace:
    """A head in three documents of a source, once twice and indented, a foot in two; and another source's."""
    texts = [
        ("a1", "mod", "防衛白書\n第一節\n前へ"),
        ("b2", "mod", "防衛白書\n　防衛白書 \n第二節"),
        ("c3", "mod", "防衛白書\r\n第三節\n\n前へ"),
        ("d4", "mod", "第四節は防衛白書ではない"),
        ("e5", "nasa", "防衛白書\nReport"),
    ]
    return dedup_corpus.workspace(folder, [(key, source, key, "1", text) for key, source, text in texts])


def test_lines_are_counted_by_source(tmp_path: Path) -> None:
    """Documents and occurrences of each line; a part of a line is none; another source counts for itself."""
    made = corpus(tmp_path)
    run_tasks(made, tasks(made, BoilerplateSettings(documents=2, share=0.6), memory=1 << 28))
    lines = read_shard(made.path("boilerplate", "lines", "mod.parquet"))
    assert lines.schema.equals(BOILERPLATE_LINES)
    assert lines.to_pylist() == [
        {"source": "mod", "line": "防衛白書", "documents": 3, "occurrences": 4, "chars": 4},
    ]
    shares = read_shard(made.path("boilerplate", "documents", "mod.parquet"))
    assert shares.schema.equals(BOILERPLATE_DOCUMENTS)
    told = {
        row["id"]: (row["lines"], row["boilerplate_lines"], row["chars"], row["share"]) for row in shares.to_pylist()
    }
    assert told == {"a1": (3, 1, 9, 0.444444), "b2": (3, 2, 11, 0.727273), "c3": (3, 1, 9, 0.444444)}
    assert read_shard(made.path("boilerplate", "lines", "nasa.parquet")).num_rows == 0


def test_bounds_that_cannot_work_are_refused() -> None:
    """One document repeats nothing; a share lies between 0 and 1."""
    for values in ({"documents": 1}, {"share": 1.5}):
        with pytest.raises(ConfigError, match="boilerplate"):
            BoilerplateSettings(**values)  # type: ignore[arg-type]
