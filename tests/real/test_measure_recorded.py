"""Quality measures on recorded text of both languages."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median

from corpus.measure.quality import measure


def test_languages_tell_themselves_apart(shared_data: Path) -> None:
    """The Japanese share lies above 0.4 for nearly all Japanese documents and near 0 for English ones."""
    lines = (shared_data / "labeling" / "domain.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [(row["lang"], measure(row["text"])) for row in map(json.loads, lines)]
    japanese = [found for lang, found in rows if lang == "ja"]
    english = [found for lang, found in rows if lang == "en"]
    assert sum(found["japanese_share"] > 0.4 for found in japanese) >= 0.95 * len(japanese)
    assert sum(found["japanese_share"] < 0.01 for found in english) >= 0.95 * len(english)
    assert median(found["mean_sentence"] for found in japanese) < median(found["mean_sentence"] for found in english)
    assert all(found["broken"] <= 0.01 * found["chars"] for found in japanese + english)
