"""Near duplicates among recorded encyclopaedia articles: planted edits are found, different articles are not."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa

from corpus.dedup.find import find, join_inputs, sign, texts_of
from corpus.dedup.settings import DedupSettings
from corpus.dedup.tables import values


def articles(folder: Path) -> dict[str, str]:
    """Articles of at least 400 characters, by title, half Japanese and half English."""
    found: dict[str, str] = {}
    for line in (folder / "ja" / "jaquad_articles.jsonl").read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found[f"ja-{len(found)}"] = "\n".join(str(value) for value in row.values() if isinstance(value, str))
    for path in sorted((folder / "en" / "wikitext").glob("*.txt")):
        found[f"en-{path.stem}"] = path.read_text(encoding="utf-8")
    return {key: text[:4000] for key, text in found.items() if len(text) >= 400}


def test_lightly_edited_copies_are_found_and_nothing_else(shared_data: Path) -> None:
    """Each article with one word in fifty changed is dropped for its original; no other article is."""
    rng = random.Random(5)
    originals = articles(shared_data / "wikipedia")
    assert len(originals) >= 30
    rows = [{"id": key, "text": text, "revision": "2"} for key, text in originals.items()]
    for key, text in originals.items():
        letters = list(text)
        for place in rng.sample(range(len(letters)), len(letters) // 100):
            letters[place] = "別"
        rows.append({"id": f"{key}-copy", "text": "".join(letters), "revision": "1"})
    rng.shuffle(rows)
    table = join_inputs([pa.Table.from_pylist(rows)])
    chosen = DedupSettings()
    found = find(sign(table, chosen), texts_of([table]), chosen)
    pairs = dict(zip(values(found.duplicates, "id"), values(found.duplicates, "keeper"), strict=True))
    assert {key for key, keeper in pairs.items() if key != f"{keeper}-copy"} == set()
    assert len(pairs) >= 0.98 * len(originals)
    assert min(values(found.duplicates, "jaccard")) >= chosen.threshold
