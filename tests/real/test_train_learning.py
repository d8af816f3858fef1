"""QLoRA on recorded laws, over a tiny base of recorded encyclopaedia articles."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest

from corpus.base.shards import write_shard
from corpus.base.workspace import Workspace
from train.qlora import training


def articles(folder: Path) -> list[str]:
    """Articles in Japanese and English, as an encyclopaedia has them."""
    lines = (folder / "ja" / "jaquad_articles.jsonl").read_text(encoding="utf-8").splitlines()
    japanese = ["\n".join(value for value in json.loads(line).values() if isinstance(value, str)) for line in lines]
    english = [path.read_text(encoding="utf-8") for path in sorted((folder / "en" / "wikitext").glob("*.txt"))]
    return [text[:6000] for text in japanese[:60] + english]


def laws(folder: Path) -> list[str]:
    """Laws as plain text."""
    paths = sorted((folder / "laws2013" / "text_utf8").rglob("*.txt"))
    texts = [path.read_text(encoding="utf-8") for path in paths]
    return [text[:20_000] for text in texts if len(text) > 1000][:40]


def write(workspace: Workspace, relative: str, texts: list[str], domain: str, licence: str) -> None:
    """One shard of a dataset of these texts."""
    ids = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in texts]
    columns: dict[str, list[str]] = {"id": ids, "text": texts}
    for name, value in (("source", "sample"), ("domain", domain), ("verdict", "ALLOW"), ("licence", licence)):
        columns[name] = [value] * len(texts)
    columns["attribution"] = [""] * len(texts)
    write_shard(workspace.path("dataset", relative), pa.table(columns).sort_by("id"))


@pytest.mark.slow
def test_qlora_learns_law(shared_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """100 steps over the tiny base in NF4 lower the loss on held-out real laws by 10 % at least.

    A base whose weights are random and frozen does not get there. Computed in float32: without instructions for
    bfloat16 a CPU takes many times longer in that.
    """
    workspace = Workspace(tmp_path)
    law = laws(shared_data / "egov")
    assert len(law) >= 20
    write(workspace, "data/train-00000-of-00001.parquet", law[4:], "law_policy", "PDL-1.0")
    write(workspace, "data/validation-00000-of-00001.parquet", law[:4], "law_policy", "PDL-1.0")
    encyclopaedia = articles(shared_data / "wikipedia")
    write(workspace, "cc_by_sa/train-00000-of-00001.parquet", encyclopaedia, "wikipedia_ja_en", "CC-BY-SA-4.0")
    words = ["--steps", "100", "--block", "128", "--dtype", "float32"]
    assert training.main(["--data", str(tmp_path), "--json", *words]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["held_out_change_percent"] <= -10
    sample = workspace.path("models", "qlora", "sample.txt").read_text(encoding="utf-8")
    assert len(sample) > len("第一条　この法律は、")
