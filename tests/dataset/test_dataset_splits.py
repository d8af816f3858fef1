"""Splits: stable, by cluster, with a validation split where there is enough."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from corpus.dataset.splits import ENOUGH, SPLITS, assign, position

LAW = ("default", "law_policy")
clusters = st.text("0123456789abcdef", min_size=2, max_size=3)
groups = st.sampled_from([LAW, ("default", "general"), ("cc_by_sa", "general")])


def test_shares_are_nine_to_one() -> None:
    """Of many clusters about 90 % train, 5 % validate, 5 % test."""
    split = assign((str(number), LAW) for number in range(20_000))
    counts = Counter(split.values())
    assert 0.045 < counts["validation"] / 20_000 < 0.055
    assert 0.045 < counts["test"] / 20_000 < 0.055
    assert set(counts) == set(SPLITS)


@given(st.lists(st.tuples(clusters, groups), max_size=60))
def test_order_does_not_matter(rows: list[tuple[str, tuple[str, str]]]) -> None:
    """The same rows in another order are split the same way."""
    assert assign(rows) == assign(reversed(rows))


@given(st.lists(st.tuples(clusters, groups), max_size=60, unique_by=lambda row: row[0]))
def test_enough_documents_have_a_validation_split(rows: list[tuple[str, tuple[str, str]]]) -> None:
    """A domain of 5 documents, 2 of its clusters in train by hash, has a validation split and keeps a train one."""
    split = assign(rows)
    for group in {group for _, group in rows}:
        own = [cluster for cluster, other in rows if other == group]
        found = {split[cluster] for cluster in own}
        by_hash = sum(position(cluster) >= 0.1 for cluster in set(own))
        if len(own) >= ENOUGH and by_hash >= 2:
            assert {"validation", "train"} <= found


@given(st.lists(st.tuples(clusters, groups), max_size=60), st.lists(st.tuples(clusters, groups), max_size=60))
def test_growth_moves_only_what_a_small_domain_needed(
    old: list[tuple[str, tuple[str, str]]], new: list[tuple[str, tuple[str, str]]]
) -> None:
    """A cluster whose own hash says test or validation stays there, whatever else is harvested."""
    before, after = assign(old), assign(old + new)
    for cluster in before:
        if position(cluster) < 0.1:
            assert before[cluster] == after[cluster] != "train"


def test_a_small_domain_gives_its_lowest_train_cluster() -> None:
    """The cluster that moves to validation is the one whose position comes next."""
    train_only = [str(number) for number in range(200) if position(str(number)) >= 0.1][:ENOUGH]
    split = assign((cluster, LAW) for cluster in train_only)
    lowest = min(train_only, key=position)
    assert [cluster for cluster in train_only if split[cluster] == "validation"] == [lowest]
    assert set(assign((cluster, LAW) for cluster in train_only[: ENOUGH - 1]).values()) == {"train"}


def test_one_cluster_is_never_taken_from_train() -> None:
    """A domain that is one cluster of copies stays whole, in train."""
    lonely = next(str(number) for number in range(200) if position(str(number)) >= 0.1)
    assert assign([(lonely, LAW)] * 9) == {lonely: "train"}
