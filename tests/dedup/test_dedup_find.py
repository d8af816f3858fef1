"""The search as a whole, with brute force as the oracle."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.base.errors import ConfigError, InputError
from corpus.dedup.find import Found, find, join_inputs, sign, texts_of
from corpus.dedup.folding import folded
from corpus.dedup.kernel import kernel
from corpus.dedup.settings import DedupSettings
from corpus.dedup.shingles import shingles
from corpus.dedup.tables import CLUSTERS, DUPLICATES, SIGNATURES, values

Row = dict[str, str]
# One slot a band: two documents with any shingle in common are very likely candidates, so that the search must find
# what brute force finds.
WIDE = DedupSettings(threshold=0.5, bands=256, rows=1)


def search(rows: list[Row], chosen: DedupSettings = WIDE) -> Found:
    """Search rows of id and text (source, revision)."""
    table = join_inputs([pa.Table.from_pylist(rows)])
    return find(sign(table, chosen), texts_of([table]), chosen)


def exact_jaccard(left: str, right: str) -> float:
    """Jaccard by definition."""
    ours, theirs = shingles(folded(left)), shingles(folded(right))
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0


def brute_components(texts: dict[str, str], threshold: float) -> dict[str, str]:
    """Least id of each id's component over all pairs of at least the threshold."""
    cluster = {key: key for key in texts}
    for left, right in itertools.combinations(sorted(texts), 2):
        if exact_jaccard(texts[left], texts[right]) >= threshold:
            low, high = sorted((cluster[left], cluster[right]))
            cluster = {key: low if value == high else value for key, value in cluster.items()}
    return cluster


PIECES = st.lists(
    st.sampled_from(["航空機の安全", "白書である。", "the white ", "paper of law", "甲乙丙丁戊", "Ａ", "a"]), max_size=7
)
CORPORA = st.lists(PIECES.map("".join), min_size=1, max_size=9)


@settings(max_examples=80, deadline=None)
@given(CORPORA, st.randoms(use_true_random=False))
def test_the_result_equals_brute_force_in_any_order(texts: list[str], rng: random.Random) -> None:
    """Clusters are those of brute force, each drop names a kept document of its cluster with their exact Jaccard."""
    corpus = {f"d{number}": text for number, text in enumerate(texts)}
    rows = [{"id": key, "text": text} for key, text in corpus.items()]
    found = search(rows)
    assert dict(zip(values(found.clusters, "id"), values(found.clusters, "cluster"), strict=True)) == brute_components(
        corpus, WIDE.threshold
    )
    gone = set(values(found.duplicates, "id"))
    clusters = brute_components(corpus, WIDE.threshold)
    for row in found.duplicates.to_pylist():
        assert row["keeper"] not in gone
        assert row["cluster"] == clusters[row["id"]] == clusters[row["keeper"]]
        assert row["jaccard"] == exact_jaccard(corpus[row["id"]], corpus[row["keeper"]]) >= WIDE.threshold
        assert (row["rule"] == "exact_duplicate") == (corpus[row["id"]] == corpus[row["keeper"]])
    for left, right in itertools.combinations(sorted(set(corpus) - gone), 2):
        assert exact_jaccard(corpus[left], corpus[right]) < WIDE.threshold
    rng.shuffle(rows)
    again = search(rows)
    assert again.duplicates.equals(found.duplicates)
    assert again.clusters.equals(found.clusters)


def test_tables_have_their_schemas_also_when_empty() -> None:
    """No document at all still gives both tables with their schemas."""
    empty = pa.table({"id": pa.array([], pa.string()), "text": pa.array([], pa.string())})
    signed = sign(empty, WIDE)
    found = find(signed, texts_of([empty]), WIDE)
    assert signed.schema.equals(SIGNATURES, check_metadata=True)
    assert found.duplicates.schema.equals(DUPLICATES, check_metadata=True)
    assert found.clusters.schema.equals(CLUSTERS, check_metadata=True)
    assert found.duplicates.num_rows == found.clusters.num_rows == 0


def noise(rng: random.Random, length: int, *, japanese: bool) -> str:
    """Text without structure, of about the bytes that `length` Japanese characters have."""
    if japanese:
        return "".join(chr(rng.randrange(0x4E00, 0x6000)) for _ in range(length))
    return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz ") for _ in range(length * 2))


@pytest.mark.parametrize("japanese", [True, False])
def test_planted_copies_are_found_in_both_languages(japanese: bool) -> None:
    """Of 100 planted copies with a Jaccard of about 0.9 at least 99 are found, and no unrelated one is dropped."""
    rng = random.Random(11)
    rows: list[Row] = []
    for number in range(100):
        text = noise(rng, 600, japanese=japanese)
        cut = len(text) // 20
        rows += [{"id": f"{number:03}a", "text": text}, {"id": f"{number:03}b", "text": text[cut:] + "。追記"}]
        rows.append({"id": f"{number:03}c", "text": noise(rng, 600, japanese=japanese)})
    found = search(rows, DedupSettings())
    gone = {row["id"]: row["keeper"] for row in found.duplicates.to_pylist()}
    assert all(key[:3] == keeper[:3] and {key[3], keeper[3]} == {"a", "b"} for key, keeper in gone.items())
    assert len(gone) >= 99


def test_width_variants_are_copies() -> None:
    """A copy in full-width letters is a near duplicate of Jaccard 1, not an exact one."""
    text = "NASA technical report 2024 ガイドライン"
    wide = text.translate({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
    found = search([{"id": "a", "text": text}, {"id": "b", "text": wide}], DedupSettings())
    assert [(row["jaccard"], row["rule"]) for row in found.duplicates.to_pylist()] == [(1.0, "near_duplicate")]


@pytest.mark.parametrize(
    ("left", "right", "kept"),
    [
        ({"source": "wikipedia", "revision": "9"}, {"source": "egov", "revision": "1"}, "b"),
        ({"source": "pmda", "revision": "1"}, {"source": "mod", "revision": "1"}, "b"),
        ({"source": "blog", "revision": "1"}, {"source": "wikipedia", "revision": "1"}, "b"),
        ({"source": "egov", "revision": "2024-04-01"}, {"source": "egov", "revision": "2023-12-31"}, "a"),
        ({"source": "wikipedia", "revision": "999"}, {"source": "wikipedia", "revision": "1000"}, "b"),
        ({"source": "egov", "revision": "1"}, {"source": "egov", "revision": "1"}, "a"),
    ],
)
def test_the_keeper_is_chosen_by_authority_then_revision_then_id(left: Row, right: Row, kept: str) -> None:
    """Between equal texts the better source stays, then the newer revision, then the lesser id."""
    text = "航空法の一部を改正する法律"
    rows = [{"id": "a", "text": text, **left}, {"id": "b", "text": text, **right}]
    assert values(search(rows).duplicates, "keeper") == [kept]


def test_of_equal_rank_the_longer_text_stays() -> None:
    """Where source and revision agree, the longer copy stays."""
    rows = [
        {"id": "a", "text": "航空法の一部を改正する法律の施行"},
        {"id": "b", "text": "航空法の一部を改正する法律の施行に"},
    ]
    assert values(search(rows).duplicates, "keeper") == ["b"]


def test_the_far_end_of_a_chain_stays() -> None:
    """In a chain a-b-c whose ends are no copies, b goes and both ends stay, in one cluster."""
    text = [chr(0x4E00 + number) for number in range(60)]
    rows = [
        {"id": "a", "text": "".join(text[:40])},
        {"id": "b", "text": "".join(text[8:48])},
        {"id": "c", "text": "".join(text[16:56])},
    ]
    found = search(rows)
    assert [row["id"] for row in found.duplicates.to_pylist()] == ["b"]
    assert values(found.clusters, "cluster") == ["a", "a", "a"]


def test_an_exact_copy_of_a_dropped_document_names_a_kept_one() -> None:
    """The keeper of every drop is kept, also where its own exact copy went before it."""
    base = "".join(chr(0x5000 + number) for number in range(80))
    rows = [{"id": "a", "text": base + "長い方"}, {"id": "b", "text": base}, {"id": "c", "text": base}]
    found = search(rows)
    assert [(row["id"], row["keeper"], row["rule"]) for row in found.duplicates.to_pylist()] == [
        ("b", "a", "near_duplicate"),
        ("c", "a", "near_duplicate"),
    ]


def test_many_identical_and_nearly_identical_documents_stay_cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,500 copies and 1,500 near copies cost checks in proportion to their number, not to its square."""
    plain = kernel()
    checks = 0

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(plain, name)

        def verify_pairs(self, *words: Any) -> None:
            nonlocal checks
            plain.verify_pairs(*words)
            checks += int((~np.isnan(words[-1])).sum())

    monkeypatch.setattr("corpus.dedup.copies.kernel", Counting)
    base = "".join(chr(0x4E00 + number) for number in range(300))
    rows = [{"id": f"x{number}", "text": base} for number in range(1500)]
    rows += [{"id": f"y{number}", "text": f"{base}{number}号"} for number in range(1500)]
    found = search(rows, DedupSettings())
    assert found.duplicates.num_rows == 2999
    assert 0 < checks < 5_000


def test_a_hundred_thousand_identical_documents_are_one_cluster() -> None:
    """10^5 identical documents, one of them in other widths, are one cluster and one kept document."""
    texts = ["防衛白書 第1章"] * 99_999 + ["防衛白書　第１章"]
    table = pa.table({"id": [f"{number:06d}" for number in range(100_000)], "text": texts})
    found = find(sign(table, DedupSettings()), texts_of([table]), DedupSettings())
    assert found.duplicates.num_rows == 99_999
    assert set(values(found.duplicates, "keeper")) == set(values(found.clusters, "cluster")) == {"000000"}
    assert values(found.duplicates, "rule")[-1] == "near_duplicate"


def test_bad_rows_are_refused() -> None:
    """An id that occurs twice, a null text, and signatures of another size each raise one clear line."""
    with pytest.raises(InputError, match="id 'a' occurs more than once"):
        search([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])
    with pytest.raises(InputError, match="1 of 2 rows have no text"):
        sign(pa.table({"id": ["a", "b"], "text": ["x", None]}), WIDE)
    table = pa.table({"id": ["a"], "text": ["x"]})
    with pytest.raises(InputError, match="signatures have 256 slots, not 128"):
        find(sign(table, WIDE), texts_of([table]), DedupSettings())


@pytest.mark.parametrize("values_", [{"threshold": 0.0}, {"threshold": 1.1}, {"bands": 0}, {"rows": 0}, {"seed": -1}])
def test_settings_that_cannot_work_are_refused(values_: dict[str, float]) -> None:
    """Settings out of their range raise ConfigError, not-a-number included."""
    with pytest.raises(ConfigError):
        DedupSettings(**values_)  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        DedupSettings(threshold=float("nan"))
