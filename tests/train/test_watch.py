"""Looking at a run between its steps changes nothing; it stops early, falls back and goes on as it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_gates import ADAPTER
from test_step import blocks
from torch import Tensor, nn
from train_samples import random_base

from corpus.base.errors import TrainingError
from train.checkpoint.rule import RULE, Rule
from train.checkpoint.snapshot import Group
from train.checkpoint.store import Store
from train.gates import gating
from train.loop import fit
from train.loop.fit import Plan
from train.loop.watch import Look, Watch
from train.models import loading

STEPS = 6


class Run:
    """A run in memory, with dropout on; each begins from the same weights and random numbers."""

    def __init__(self, store: Store | None = None) -> None:
        torch.manual_seed(5)
        self.model = loading.attach(random_base(), replace(ADAPTER, dropout=0.2))
        trained = {name: p for name, p in self.model.named_parameters() if p.requires_grad}
        self.groups = [Group("all", trained, 1e-2)]
        self.store = store
        self.now = 0
        self.weights: list[dict[str, Tensor]] = []

    def fit(self, watch: Watch | None = None, before: Callable[[int], None] | None = None) -> list[dict[str, float]]:
        """Train; remembers the step under way and the weights after each."""

        def note(step: int) -> None:
            self.now = step + 1
            if before:
                before(step)

        keep = lambda _line: self.weights.append(self.state())  # noqa: E731
        plan = Plan(STEPS, 2, 1, 1)
        return fit.fit(
            self.model, blocks(200), self.groups, plan, "t", store=self.store, before_step=note, watch=watch, tell=keep
        )

    def state(self) -> dict[str, Tensor]:
        """A copy of what is trained."""
        return {name: p.detach().clone() for name, p in self.groups[0].parameters.items()}

    def watch(self, look: Look, losses: list[float]) -> Watch:
        """A watch to which the held-out loss is what the list says for the step."""
        return Watch(look, self.model, 1, loss=lambda: losses[self.now - 1], sample=lambda: "")


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Whether all weights are equal to the bit."""
    return all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@contextmanager
def saving() -> Iterator[None]:
    """A checkpoint after every step."""
    token = RULE.set(Rule(steps=1))
    try:
        yield
    finally:
        RULE.reset(token)


def test_validation_and_generation_change_nothing() -> None:
    """Metrics, weights, gradients, random numbers and mode are those of a run that nobody looked at."""
    plain, looked = Run(), Run()
    wanted = plain.fit()
    random = torch.get_rng_state()
    looked = Run()
    sampled: nn.Module = looked.model

    def sample() -> str:
        ids = torch.tensor([[5, 6, 7]])
        out = sampled.generate(input_ids=ids, attention_mask=ids > 0, max_new_tokens=4, do_sample=True)  # type: ignore[operator]
        return str(out.tolist())

    watch = Watch(
        Look(2, 0, 3), looked.model, 9, loss=lambda: fit.mean_loss(looked.model, blocks(40), 2), sample=sample
    )
    found = looked.fit(watch)
    assert [line["step"] for line in found if line.pop("held_out", None)] == [2, 4, 6]
    assert found == wanted
    assert same(looked.state(), plain.state())
    assert torch.equal(torch.get_rng_state(), random)
    assert looked.model.training
    assert all(p.grad is None for p in looked.model.parameters())
    assert [seen["step"] for seen in watch.samples] == [3, 6]
    assert watch.samples[0]["text"] != watch.samples[1]["text"]


def test_patience_stops_and_takes_the_best_weights_back() -> None:
    """Two validations without a new least loss end the run; the weights are those of the least."""
    run = Run()
    watch = run.watch(Look(1, 2), [3.0, 2.0, 2.5, 2.0, 1.0, 1.0])
    metrics = run.fit(watch)
    assert [line["held_out"] for line in metrics] == [3.0, 2.0, 2.5, 2.0]
    assert (watch.best, watch.best_step) == (2.0, 2)
    assert not same(run.state(), run.weights[1])
    assert watch.take_best_back(run.groups)
    assert same(run.state(), run.weights[1])
    patient = Run()
    loose = patient.watch(Look(1, 0), [3.0, 2.0, 2.5, 2.0, 4.0, 5.0])
    assert len(patient.fit(loose)) == STEPS
    assert not loose.take_best_back(patient.groups)


@pytest.mark.parametrize("cut", [2, 3])
def test_a_resumed_run_stops_at_the_same_step_with_the_same_best(tmp_path: Path, cut: int) -> None:
    """Patience, best state and samples live in the checkpoint."""
    losses = [3.0, 2.0, 2.5, 2.1, 1.0, 1.0]
    whole = Run()
    wanted = whole.watch(Look(1, 2, 1), losses)
    metrics = whole.fit(wanted)

    def die(step: int) -> None:
        if step == cut:
            raise InterruptedError

    with saving():
        first = Run(Store(tmp_path, "f"))
        with pytest.raises(InterruptedError):
            first.fit(first.watch(Look(1, 2, 1), losses), die)
        second = Run(Store(tmp_path, "f"))
        watch = second.watch(Look(1, 2, 1), losses)
        assert second.fit(watch) == metrics
        third = Run(Store(tmp_path, "f"))
        over = third.watch(Look(1, 2, 1), losses)
        assert third.fit(over, die) == metrics  # it was over: no step is taken
    for one, run in ((watch, second), (over, third)):
        assert one.samples == wanted.samples
        assert one.take_best_back(run.groups)
        assert same(run.state(), whole.weights[1])


def test_numbers_that_break_leave_the_last_good_state(tmp_path: Path) -> None:
    """A weight that is no number stops the run; the model holds the last checkpoint again and the line says so."""
    run = Run(Store(tmp_path, "f"))
    name = next(iter(run.groups[0].parameters))

    def break_it(step: int) -> None:
        if step == 3:
            with torch.no_grad():
                run.groups[0].parameters[name].fill_(float("nan"))

    with saving(), pytest.raises(TrainingError, match=r"the loss is nan at step 4.*the model is back at step 3"):
        run.fit(before=break_it)
    assert same(run.state(), run.weights[2])
    newest = Store(tmp_path, "f").newest()
    assert newest is not None
    assert newest.step == 3
    with pytest.raises(TrainingError, match="nothing was saved before it"):
        Run().fit(Run().watch(Look(1), [float("nan")]))


def test_weights_that_are_no_number_are_never_saved(tmp_path: Path) -> None:
    """One that no loss feels is found before the checkpoint is written."""
    run = Run(Store(tmp_path, "f"))
    run.groups.append(Group("idle", {"one": nn.Parameter(torch.tensor(float("inf")))}, 0.1))
    with saving(), pytest.raises(TrainingError, match="one holds what is no number after step 1"):
        run.fit()
    assert Store(tmp_path, "f").all() == []


def test_gates_may_begin_scattered() -> None:
    """Angles of the asked deviation, the same for the same seed; the random numbers of the run are not touched."""
    model = Run().model
    state = torch.get_rng_state()
    gating.scatter(model, 0.05, 3)
    angles = torch.cat([gate.theta.detach().flatten() for gate in gating.gates_of(model).values()])
    assert float(angles.std()) == pytest.approx(0.05, rel=0.1)
    gating.scatter(model, 0.05, 3)
    assert torch.equal(angles, torch.cat([gate.theta.flatten() for gate in gating.gates_of(model).values()]))
    assert torch.equal(state, torch.get_rng_state())
