"""The heads: equivariant by the algebra, more than turns of one vector, trained by losses that all have a gradient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_gates import ADAPTER, turn_gates
from test_models import open_lora
from torch import Tensor

from corpus.base.errors import CorruptFileError, InputError, TrainingError
from labeling.taxonomy import DOMAINS, VERDICTS
from train.gates import so8
from train.heads import losses
from train.heads.losses import IGNORED
from train.heads.model import CONFIG_FILE, HEADS_FILE, Heads, Scores, load_heads, pooled, save_heads, score, state
from train.models import loading
from train.models.bases import Base

K = 4


def fresh(seed: int = 1, spread: float = 1.0) -> Heads:
    """Heads over 32 numbers in float64, their angles far from zero."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        heads = Heads(8 * K).double()
    with torch.no_grad():
        heads.theta.mul_(10 * spread)
    return heads


def states(n: int = 6, seed: int = 2, size: int = 8 * K) -> Tensor:
    """Random hidden states."""
    return torch.randn(n, size, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def labels(**known: list[int]) -> dict[str, Tensor]:
    """Labels for six texts, missing where none is given."""
    return {name: torch.tensor(known.get(name, [IGNORED] * 6)) for name in losses.CALIBRATED}


EVERY = labels(
    safety=[0, 1, 2, 3, IGNORED, 0],
    domain=[7, IGNORED, 3, 0, 1, 2],
    plausibility=[1, 0, IGNORED, 1, 0, 1],
    confidence=[0, 1, 1, 0, IGNORED, 1],
)


def test_products_turn_with_their_representation_and_the_trilinear_form_not_at_all() -> None:
    """For any theta: views are R, R+ and R- of those at theta = 0, block by block, and t is the same to rounding."""
    heads, hidden = fresh(), states()
    turned = heads.views(hidden)
    rotations = [so8.rotation(theta) for theta in (heads.theta, *so8.spinors(heads.theta))]
    with torch.no_grad():
        heads.theta.zero_()
    plain = heads.views(hidden)
    for rotation, was, now in zip(
        rotations, (plain.vector, plain.plus, plain.minus), (turned.vector, turned.plus, turned.minus), strict=True
    ):
        both = torch.cat([rotation, rotation])  # the turned state's blocks, then the product's
        assert torch.allclose(torch.einsum("bij,nbj->nbi", both, was), now, atol=1e-11)
        assert (now - was).abs().max() > 0.5
    assert torch.allclose(plain.invariants, turned.invariants, atol=1e-11)
    assert plain.invariants.abs().max() > 0.1


def test_the_views_are_more_than_three_turns_of_one_vector() -> None:
    """Products are no linear map of the state: they are even in it, t is odd, and neither is a turn of h's blocks."""
    heads, hidden = fresh(), states()
    views, mirrored = heads.views(hidden), heads.views(-hidden)
    for view, opposite in ((views.plus, mirrored.plus), (views.minus, mirrored.minus), (views.vector, mirrored.vector)):
        assert torch.allclose(view[:, :K], -opposite[:, :K])
        assert torch.allclose(view[:, K:], opposite[:, K:])
    assert torch.allclose(views.invariants, -mirrored.invariants)
    norms = views.vector.norm(dim=-1)
    assert torch.allclose(norms[:, :K], views.plus.norm(dim=-1)[:, :K])
    assert not torch.allclose(norms[:, K:], views.plus.norm(dim=-1)[:, K:], atol=0.1)


def test_shapes_dtypes_and_where_the_state_is_read() -> None:
    """float32 for half-precision states, also under autocast; the last real token, with padding on either side."""
    heads = Heads(8 * K)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        answers = heads(states().bfloat16())
    assert (answers.safety.shape, answers.domain.shape) == ((6, len(VERDICTS)), (6, len(DOMAINS)))
    assert answers.plausibility.shape == answers.confidence.shape == (6,)
    assert {answers.of(name).dtype for name in losses.CALIBRATED} == {torch.float32}
    assert torch.equal(answers.safety, heads(states().bfloat16()).safety)
    hidden = torch.arange(12.0).reshape(3, 4, 1)
    mask = torch.tensor([[1, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1]])
    assert pooled(hidden, mask).flatten().tolist() == [2, 7, 11]
    with pytest.raises(TrainingError, match="without a real token"):
        pooled(hidden, mask * 0)
    with pytest.raises(TrainingError, match="no blocks of 8"):
        Heads(20)
    with pytest.raises(TrainingError, match="states of 32 numbers, not of 64"):
        heads(states(size=64))


@pytest.mark.parametrize("name", losses.NAMES)
def test_each_loss_has_a_gradient_that_reaches_theta_and_its_own_head_alone(name: str) -> None:
    """None is zero by construction: theta and mixtures feel each; a head feels its own loss, and no other head does."""
    heads = fresh()
    losses.losses(heads(states()), EVERY)[name].backward()
    for parameter in (heads.theta, heads.mixtures):
        assert parameter.grad is not None
        assert parameter.grad.flatten(1).abs().amax(1).min() > 1e-6
    own = {"safety": heads.safety, "domain": heads.domain, "decorrelation": None}.get(name, heads.verifier)
    for head in (heads.safety, heads.domain, heads.verifier):
        weight = head.weight.grad
        if head is own:
            assert weight is not None
            felt = weight.abs().amax(1) > 0
            assert felt.tolist() == (
                [name == "plausibility", name == "confidence"] if len(felt) == 2 else [True] * len(felt)
            )
        else:
            assert weight is None


def test_missing_labels_count_for_nothing_and_a_kind_without_any_has_no_loss() -> None:
    """Masked rows do not change a loss; no label of a kind, no loss of that name, and no count."""
    heads, hidden = fresh(), states()
    found = losses.losses(heads(hidden), EVERY)
    assert set(found) == set(losses.NAMES)
    assert losses.counts(EVERY, 6) == {
        "safety": 5,
        "domain": 5,
        "plausibility": 5,
        "confidence": 5,
        "decorrelation": 6,
    }
    other = hidden.clone()
    other[4] += 3  # its verdict is missing
    assert losses.losses(heads(other), EVERY)["safety"] == found["safety"]
    alone = labels(domain=[7] * 6)
    assert set(losses.losses(heads(hidden), alone)) == {"domain", "decorrelation"}
    assert losses.counts(alone, 1) == {"domain": 6}
    single = {key: values[:1] for key, values in alone.items()}
    assert set(losses.losses(heads(hidden[:1]), single)) == {"domain"}


def test_decorrelation_is_the_squared_cross_covariance_and_angles_lower_it() -> None:
    """Its value is that of the formula; theta alone brings it down; the unpooled one would not move with theta."""
    heads, hidden = fresh(spread=0.1), states(64)
    views = heads.views(hidden)
    wanted = 0.0
    for left, right in ((views.vector, views.plus), (views.vector, views.minus), (views.plus, views.minus)):
        matrix = torch.zeros(8, 8, dtype=torch.float64)
        for b in range(2 * K):
            matrix += ((left[:, b] - left[:, b].mean(0)).T @ (right[:, b] - right[:, b].mean(0))).detach()
        wanted += float((matrix / (63 * 2 * K)).square().sum())
    before = float(losses.decorrelation(views).detach())
    assert before == pytest.approx(wanted, rel=1e-9)
    optimizer = torch.optim.Adam([heads.theta], lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        losses.decorrelation(heads.views(hidden)).backward()
        optimizer.step()
    assert float(losses.decorrelation(heads.views(hidden)).detach()) < 0.2 * before
    centred = [view - view.mean(0) for view in (views.vector[:, :K], heads.views(hidden).vector[:, :K])]
    whole = [(part.flatten(1).T @ part.flatten(1)).square().sum() for part in centred]
    assert torch.allclose(whole[0], whole[1])


def test_a_heads_loss_reaches_lora_and_gates_through_the_state(small_base: Base) -> None:
    """Whatever of the model is trained feels what the heads read; padding beside a shorter text changes nothing."""
    model = loading.attach(loading.load_model(small_base, "none", "float32", "cpu"), ADAPTER)
    open_lora(model)
    turn_gates(model)
    heads = Heads(64)
    texts = [list(range(10, 30)), list(range(40, 47))]
    hidden = state(model, texts)
    assert torch.allclose(state(model, texts[1:])[0], hidden[1], atol=1e-4)
    language: Any = model.get_output_embeddings()  # what the heads read is what the next token is read from
    assert torch.allclose(language(hidden[0]), model(input_ids=torch.tensor(texts[:1])).logits[0, -1], atol=1e-4)
    known = {name: values[:2] for name, values in EVERY.items()}
    torch.stack(list(losses.losses(heads(hidden), known).values())).sum().backward()
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name


def test_saved_heads_come_back_and_score_the_same(small_base: Base, tmp_path: Path) -> None:
    """The same bytes twice, the same probabilities with their temperatures, the model's mode and dice untouched."""
    model = loading.load_model(small_base, "none", "float32", "cpu").train()
    tokenizer = loading.load_tokenizer(small_base)
    heads = Heads(64, tokens=16)
    heads.temperatures = {"safety": 2.0, "domain": 0.5, "plausibility": 1.5, "confidence": 3.0}
    save_heads(heads, tmp_path)
    before = [(tmp_path / name).read_bytes() for name in (HEADS_FILE, CONFIG_FILE)]
    save_heads(heads, tmp_path)
    assert [(tmp_path / name).read_bytes() for name in (HEADS_FILE, CONFIG_FILE)] == before
    dice = torch.get_rng_state()
    again = load_heads(tmp_path)
    texts = ["条例とは何か。", "届出を行わなければならない。" * 9]
    found = score(model, tokenizer, again, texts)
    assert torch.equal(torch.get_rng_state(), dice)
    assert model.training
    assert found == score(model, tokenizer, heads, texts)
    assert [one.verdict for one in found] == [max(VERDICTS, key=one.verdicts.__getitem__) for one in found]
    for one in found:
        assert sum(one.verdicts.values()) == pytest.approx(1)
        assert sum(one.domains.values()) == pytest.approx(1)
        assert set(one.verdicts) == set(VERDICTS)
        assert one.domain in DOMAINS
        assert 0 < one.plausibility < 1
    with torch.no_grad():
        logits = heads(state(model.eval(), [tokenizer(texts[1], add_special_tokens=False)["input_ids"][-16:]]))
    assert found[1].confidence == pytest.approx(float((logits.confidence[0] / 3).sigmoid()), abs=1e-5)
    assert list(found[1].domains.values()) == pytest.approx((logits.domain[0] / 0.5).softmax(0).tolist(), abs=1e-5)
    with pytest.raises(TrainingError, match="without any token"):
        score(model, tokenizer, heads, [""])
    with pytest.raises(TrainingError, match="states of 32 numbers"):
        score(model, tokenizer, Heads(32), texts)
    assert isinstance(found[0], Scores)


def test_no_heads_is_an_error_and_never_random_ones(tmp_path: Path) -> None:
    """A missing file, a damaged one, one of another vocabulary: each is named, with what to do."""
    folder = tmp_path / "one"
    folder.mkdir()
    with pytest.raises(InputError, match=rf"one/{HEADS_FILE} is missing.*python -m train.qlora --run one --heads yes"):
        load_heads(folder)
    save_heads(Heads(16), folder)
    tensors = load_file(folder / HEADS_FILE)
    del tensors["domain.weight"]
    save_file(tensors, folder / HEADS_FILE)
    with pytest.raises(CorruptFileError, match=rf"one/{HEADS_FILE}: no readable heads"):
        load_heads(folder)
    save_heads(Heads(16), folder)
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    for change, error in (({"verdicts": ["ALLOW"]}, TrainingError), ({"temperatures": {}}, CorruptFileError)):
        (folder / CONFIG_FILE).write_text(json.dumps(config | change), encoding="utf-8")
        with pytest.raises(error, match="train the run again"):
            load_heads(folder)
    (folder / CONFIG_FILE).unlink()
    with pytest.raises(InputError, match=f"{CONFIG_FILE} is missing"):
        load_heads(folder)
