"""The order of the blocks: a permutation by arithmetic."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from train.data.order import Cursor, batch_indices, permuted


@given(st.integers(1, 300), st.integers(0, 2**31), st.integers(0, 5))
def test_every_epoch_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    """Each of 0..n-1 stands at exactly one position."""
    assert sorted(permuted(p, size, seed, epoch) for p in range(size)) == list(range(size))


@given(st.integers(1, 9), st.integers(1, 7), st.integers(0, 2**31))
def test_each_epoch_goes_through_every_block_once(blocks: int, batch: int, seed: int) -> None:
    """The blocks of consecutive steps, cut into epochs, are permutations of all; a step depends on nothing else."""
    steps = -(-3 * blocks // batch)
    order = [index for step in range(steps) for index in batch_indices(step, batch, blocks, seed)]
    for epoch in range(3):
        assert sorted(order[epoch * blocks : (epoch + 1) * blocks]) == list(range(blocks))
    assert batch_indices(steps - 1, batch, blocks, seed) == order[-batch:]


def test_orders_look_random_and_differ() -> None:
    """Epochs and seeds have orders of their own, neighbours do not stay neighbours, first places are spread evenly."""
    orders = {(s, e): [permuted(p, 1000, s, e) for p in range(1000)] for s in (1, 2) for e in (0, 1)}
    assert len({tuple(order) for order in orders.values()}) == 4
    for order in orders.values():
        assert sum(abs(a - b) == 1 for a, b in pairwise(order)) < 10
        assert sum(place == block for place, block in enumerate(order)) < 8
    first = [permuted(0, 10, seed, 0) for seed in range(2000)]
    assert all(150 < first.count(block) < 250 for block in range(10))


def test_a_place_in_a_huge_corpus_costs_nothing() -> None:
    """No list of all blocks is made: a position among 10^12 is answered at once, within range."""
    places = {permuted(p, 10**12, 1, 0) for p in range(1000)}
    assert len(places) == 1000
    assert max(places) < 10**12
    assert max(places) > 0.9 * 10**12


def test_a_cursor_says_where_the_run_stands() -> None:
    """Epoch and place follow from step, batch and blocks."""
    cursor = Cursor(step=7, batch=3, blocks=10, seed=1).as_json()
    assert (cursor["epoch"], cursor["position_in_epoch"]) == (2, 1)
