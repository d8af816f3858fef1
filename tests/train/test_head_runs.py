"""Heads in a run: their losses in the metrics, their files, their figures, and an exact resume."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from train_samples import fill

from corpus.base.workspace import Workspace
from labeling.taxonomy import Domain, Verdict
from train.checkpoint.store import load
from train.export import plain
from train.heads.files import CONFIG_FILE, FILES, HEADS_FILE
from train.heads.labels import Example, collect
from train.heads.losses import IGNORED, NAMES
from train.heads.model import Heads, load_heads, score
from train.loop.objective import Batch
from train.models import loading
from train.models.bases import Base
from train.qlora import training
from train.qlora.head_training import HeadObjective

SMALL = "--block 24 --batch 1 --held-out-blocks 1 --sample-tokens 2 --dropout 0.1 --rank 4 --targets down_proj"
HEADS = "--heads yes --heads-batch 2 --heads-tokens 24 --gate-targets down_proj --checkpoint-steps 2 --steps 4"
WORDS = [*SMALL.split(), *HEADS.split()]


def run(workspace: Workspace, base: Base, *words: str) -> int:
    """The command on a workspace and the small base."""
    return training.main(["--data", str(workspace.root), "--base", str(base.folder), *WORDS, *words])


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled prompts, made up: what is asked decides the verdict."""
    asked = {"手順を教えて": "ALLOW", "量を決めて": "ESCALATION", "記録を消して": "DENY", "禁じられた物を": "REFUSE"}
    path = tmp_path_factory.mktemp("prompts") / "asked.jsonl"
    rows = [
        {"id": f"{verdict}-{n}", "text": f"{n}番の{what}", "verdict": verdict, "domain": "general" if n % 2 else None}
        for what, verdict in asked.items()
        for n in range(20)
    ]
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small_base: Base, prompts: Path) -> Workspace:
    """A workspace with one run with heads, to be left as it is."""
    workspace = fill(tmp_path_factory.mktemp("heads") / "w")
    assert run(workspace, small_base, "--prompts", str(prompts)) == 0
    return workspace


def hashes(folder: Path) -> dict[str, str]:
    """What a run made."""
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir()) if p.is_file()}


def test_a_run_with_heads_reports_every_loss_saves_and_measures(trained: Workspace, small_base: Base) -> None:
    """Each loss and weight in each step's metrics; files that score; figures with n in metadata and card."""
    folder = trained.path("models", "qlora")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(lines) == 4
    for line in lines:
        assert {name for name in NAMES if line[name] > 0} == set(NAMES)
        assert [line[f"{name}_weight"] for name in NAMES] == [1.0, 1.0, 1.0, 1.0, 0.1]
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    heads = metadata["heads"]
    assert metadata["config"]["prompts"] == "asked.jsonl"
    assert heads["trained_on"]["prompts"] + heads["held_out"]["prompts"] == 80
    assert set(heads["figures"]) == {"safety", "domain", "plausibility", "confidence"}
    of_half = heads["figures"]["plausibility"]
    assert of_half["n"] + of_half["fitted_on"] == heads["held_out"]["pairs"]
    assert sum(one["n"] for one in heads["figures"]["safety"]["recall"].values()) == heads["figures"]["safety"]["n"]
    again = load_heads(folder)
    assert again.temperatures == {name: heads["figures"][name]["temperature"] for name in again.temperatures}
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"- safety (n = {heads['figures']['safety']['n']}): macro-F1" in card
    model = loading.load_adapter(loading.load_model(small_base, "nf4", "bfloat16", "cpu"), folder)
    (found,) = score(model, loading.load_tokenizer(small_base), again, ["手順を教えて"])
    assert again.tokens == 24
    assert sum(found.verdicts.values()) == pytest.approx(1)


def test_a_run_that_goes_on_from_a_checkpoint_makes_the_same_heads(
    trained: Workspace, small_base: Base, prompts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Heads are a part of the checkpoint; from step 2, with dropout and drawn verdicts, every byte is the same."""
    workspace = Workspace(shutil.copytree(trained.root, tmp_path / "w"))
    folder = workspace.path("models", "qlora")
    wanted = hashes(folder)
    first, newest = sorted((folder / "checkpoints").iterdir())
    assert "theta" in load(first)[1].parts["heads"]
    shutil.rmtree(newest)
    (folder / HEADS_FILE).unlink()
    assert run(workspace, small_base, "--prompts", str(prompts)) == 0
    assert "going on from the checkpoint at step 2 of 4" in capsys.readouterr().err
    assert hashes(folder) == wanted


def test_an_export_takes_the_heads_along_or_says_that_they_are_gone(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files are those of the run, and load from there; a run whose heads are missing is no export."""
    words = ["--data", str(trained.root), "--base", str(small_base.folder)]
    assert plain.main(words) == 0
    folder = trained.path("models", "qlora-export")
    for name in FILES:
        assert (folder / name).read_bytes() == (trained.path("models", "qlora") / name).read_bytes()
    assert load_heads(folder).features == 64
    assert "## Heads" in (folder / "README.md").read_text(encoding="utf-8")
    lost = trained.path("models", "qlora") / CONFIG_FILE
    kept = lost.read_bytes()
    lost.unlink()
    assert plain.main([*words, "--name", "other"]) == 1
    assert f"{CONFIG_FILE} is missing; run python -m train.qlora" in capsys.readouterr().err
    lost.write_bytes(kept)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--heads", "no"], "--heads-batch needs heads to train; add --heads yes"),
        (["--heads-lr", "0"], "--heads-lr 0.0: must be a number above 0"),
        (["--heads-batch", "0"], "must be at least 1"),
        (["--heads-weights", "1,1"], "--heads-weights: give five weights"),
        (["--heads-tokens", "999"], "--heads-tokens 999: the base has 256 positions"),
        (["--prompts", "absent.jsonl"], "no such file: absent.jsonl"),
    ],
)
def test_wrong_words_about_heads_end_with_one_line(
    trained: Workspace, small_base: Base, capsys: pytest.CaptureFixture[str], words: list[str], line: str
) -> None:
    """Whatever cannot work says so and leaves no folder."""
    assert run(trained, small_base, "--run", "wrong", *words) in (1, 2)
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
    assert not trained.path("models", "wrong").exists()


def objective(base: Base, examples: dict[str, list[Example]], number: int = 4) -> HeadObjective:
    """Fresh heads on some texts."""
    texts = collect(loading.load_tokenizer(base), examples, 16)
    return HeadObjective(Heads(64), texts, number, (1.0, 1.0, 1.0, 1.0, 0.1), seed=1)


def batch(part: int = 0, parts: int = 1) -> Batch:
    """A batch whose own blocks do not matter here."""
    return Batch(torch.zeros(1, 2, dtype=torch.long), torch.zeros(1, 2, dtype=torch.long), 0, part=part, parts=parts)


def test_confidence_is_whether_the_models_own_verdict_was_right(small_base: Base) -> None:
    """A safety head that is always right gives 1, one that is always wrong 0, an unsure one both; no dice are used."""
    asked = [Example(f"{n}番の手順を教えて", Verdict.DENY, prompt=True) for n in range(12)]
    found = objective(small_base, {"prompts": asked, "documents": [Example("条例の見本", Verdict.DENY)]}, 12)
    model = loading.load_model(small_base, "none", "float32", "cpu").train()
    rows = found._rows(batch(), 0)
    gold = torch.full((len(rows),), Verdict.DENY.code)
    for sure, wanted in ((Verdict.DENY, {1}), (Verdict.REFUSE, {0}), (None, {0, 1})):
        with torch.no_grad():
            found.heads.safety.weight.zero_()
            found.heads.safety.bias.zero_()
            if sure is not None:
                found.heads.safety.bias[sure.code] = 50
        dice = torch.get_rng_state()
        labels = found._judged(model, rows, gold, step=0)
        assert torch.equal(torch.get_rng_state(), dice)
        assert model.training
        assert set(labels[:12].tolist()) == wanted
        assert labels[12:].tolist() == [IGNORED] * 12  # a document is no question
        assert torch.equal(found._judged(model, rows, gold, step=0), labels)
    assert not torch.equal(found._judged(model, rows, gold, step=1), labels)


def test_a_kind_without_labels_gives_no_loss_and_parts_are_one_step(small_base: Base) -> None:
    """Names in counts, losses and metrics are the same; what the parts of a step take is what the whole takes."""
    documents = [Example(f"{n}号の見本", None, Domain.LAW_POLICY) for n in range(6)]
    found = objective(small_base, {"documents": documents})
    model = loading.load_model(small_base, "none", "float32", "cpu")
    assert set(found(model, batch(), 0)) == set(found.counts(batch(), 0)) == {"domain", "decorrelation"}
    whole = found._rows(batch(), 2)
    parts = [found._rows(batch(part, 3), 2) for part in range(3)]
    assert sorted(row for part in parts for row in part) == sorted(whole)
    assert found.counts(batch(2, 3), 2) == {"domain": 1}
    prompted = dataclasses.replace(
        found,
        texts=collect(
            loading.load_tokenizer(small_base), {"prompts": [Example("問い", Verdict.ALLOW, prompt=True)]}, 9
        ),
    )
    assert (
        set(prompted.counts(batch(), 0))
        == {"safety", "confidence", "decorrelation"}
        == set(prompted(model, batch(), 0))
    )
