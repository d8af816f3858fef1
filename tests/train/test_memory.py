"""What a run takes, said before it begins: at Phi-3.5-mini's true shape, and against what a small run really takes."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile
from train_samples import random_base

from corpus.base.config import parse_cli
from corpus.base.errors import StorageError
from train.checkpoint.snapshot import Standing
from train.loop.objective import LanguageModel
from train.loop.step import Stepper
from train.models import loading
from train.models.bases import Base
from train.packing.tokens import Blocks
from train.qlora import assembly, memory, training
from train.qlora.config import PRESETS, Config

GB = 10**9
NAMES = ("h200", "rtx3060-12gb", "rtx3060-fp16", "tiny-cpu")


@pytest.fixture(scope="module")
def phi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shape of Phi-3.5-mini and nothing else."""
    folder = tmp_path_factory.mktemp("phi")
    shape = {
        "model_type": "phi3", "architectures": ["Phi3ForCausalLM"], "hidden_size": 3072, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 32, "intermediate_size": 8192, "vocab_size": 32064,
        "max_position_embeddings": 131072, "original_max_position_embeddings": 4096, "bos_token_id": 1,
        "eos_token_id": 32000, "pad_token_id": 32000, "tie_word_embeddings": False,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(shape), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shape of the small random base."""
    folder = tmp_path_factory.mktemp("small")
    random_base().config.save_pretrained(folder)
    return folder


def preset(name: str, *words: str) -> Config:
    """The configuration that a preset gives."""
    argv = ["--preset", name, *words]
    return parse_cli(Config, argv, prog="p", section="qlora", description="", example="", presets=PRESETS)


def test_presets_hold_what_they_are_named_for() -> None:
    """Each loads; the two of the original have its values; words win over them; files are these and no other."""
    assert sorted(path.stem for path in PRESETS.glob("*.toml")) == list(NAMES)
    found = {name: preset(name) for name in NAMES}
    first, later = found["rtx3060-fp16"], found["rtx3060-12gb"]
    assert (first.dtype, first.batch, first.accumulate, first.lr) == ("float16", 1, 16, 2e-4)
    assert (first.init_scale, first.gate_layers) == (0.05, ())
    assert (later.dtype, later.batch, later.accumulate, later.lr) == ("bfloat16", 1, 8, 2e-5)
    assert (later.steps, later.warmup) == (500, 100)
    assert first.base == later.base == "AXCXEPT/Borea-Phi-3.5-mini-Instruct-Jp"
    assert found["tiny-cpu"].base == "tiny"
    assert preset("rtx3060-12gb", "--steps", "7").steps == 7


_ROOM = {"h200": 141, "rtx3060-12gb": 12, "rtx3060-fp16": 12, "tiny-cpu": 16}  # GB: of the GPU, or of a plain machine


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_fits_where_it_says(phi: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Dry-run at Phi-3.5-mini's true shape: its exact number of parameters, and less than the device has."""
    assert training.main(["--preset", name, "--base", str(phi), "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["base_parameters"] == 3_821_079_552
    lora = 32 * 16 * ((3072 + 9216) + (3072 + 3072) + (3072 + 16384) + (8192 + 3072))
    assert found["trained_parameters"] == lora + 32 * 2 * 384 * 28
    assert found["memory"] < _ROOM[name] * GB
    assert found["optimizer"] == 8 * found["trained_parameters"]
    four_bit = 3_821_079_552 - 2 * 32064 * 3072 - 65 * 3072
    assert found["weights"].get("nf4", 0) == (0 if name == "h200" else pytest.approx(0.5159 * four_bit, rel=1e-4))


def test_the_table_is_for_a_person_and_sums_up(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line has its bytes; too large a block is said to be too large; nothing is written."""
    words = ["--base", str(small), "--dry-run", "--data", str(small / "none"), "--device", "cpu"]
    assert training.main(words) == 0
    text = capsys.readouterr().out
    assert "115,008 parameters" in text
    rows = {line[2:26].strip(): line[26:].split()[0] for line in text.splitlines()[1:]}
    sizes = {name: float(size.replace(",", "")) for name, size in rows.items()}
    assert sum(list(sizes.values())[:-4]) == pytest.approx(sizes["memory, all"], abs=1)
    assert training.main([*words, "--batch", "900000", "--block", "4096"]) == 0
    assert "TOO LITTLE" in capsys.readouterr().out
    assert not (small / "none").exists()


def test_an_unknown_preset_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, status 2."""
    assert training.main(["--preset", "rtx3060-16gb"]) == 2
    assert capsys.readouterr().err == "error: --preset rtx3060-16gb: no such preset; did you mean rtx3060-12gb?\n"


@pytest.mark.parametrize(
    ("quantization", "dtype", "twice", "layers"),
    [
        ("none", "float32", False, 0),
        ("none", "bfloat16", True, 0),
        ("nf4", "bfloat16", False, 0),
        ("none", "float32", False, 2),
        ("none", "bfloat16", True, 4),
        ("nf4", "bfloat16", False, 4),
    ],
)
def test_the_estimate_is_near_what_a_step_takes(
    tmp_path: Path, quantization: loading.Quantization, dtype: loading.Dtype, twice: bool, layers: int
) -> None:
    """Weights, optimiser and the peak of a real second step, counted allocation by allocation: within 20 %."""
    random_base().save_pretrained(tmp_path)
    config = Config(
        base=str(tmp_path), quantization=quantization, dtype=dtype, batch=4, block=128, activation_checkpointing=twice,
        reasoning_layers=layers,
    )  # fmt: skip
    said = memory.estimate(tmp_path, config)
    base = loading.load_model(Base("random", tmp_path), quantization, dtype, "cpu")
    model = assembly.prepared(base, config).train()
    groups = assembly.groups(model, config)
    optimizer = torch.optim.AdamW([{"params": list(g.parameters.values()), "lr": g.lr} for g in groups])
    data = Blocks(np.random.default_rng(1).integers(2, 250, 2048).astype("<u2"), 128, 1)
    stepper = Stepper(model, data, groups, optimizer, assembly.plan(config, [LanguageModel()]))
    at = Standing()
    stepper.take(at)
    kept = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in model.state_dict().values()}
    moments = [value for state in optimizer.state.values() for name, value in state.items() if name != "step"]
    assert sum(value.nbytes for value in moments) == said.optimizer
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as seen:
        stepper.take(at)
    assert seen.profiler is not None
    events = [event for event in seen.profiler.kineto_results.events() if event.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    peak = sum(kept.values()) + said.optimizer + int(np.cumsum(sizes).max())
    assert said.memory == pytest.approx(peak, rel=0.2)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("twice", [False, True])
def test_layers_keep_what_the_estimate_says(tmp_path: Path, dtype: loading.Dtype, twice: bool) -> None:
    """What reasoning layers keep for the backward pass, tensor by tensor: within 3 %, or their inputs alone."""
    random_base().save_pretrained(tmp_path)
    kept, said = [], []
    for layers in (0, 3):
        config = Config(
            base=str(tmp_path), quantization="none", dtype=dtype, batch=4, block=128, activation_checkpointing=twice,
            reasoning_layers=layers,
        )  # fmt: skip
        said.append(memory.estimate(tmp_path, config).activations)
        base = loading.load_model(Base("random", tmp_path), "none", dtype, "cpu")
        kept.append(kept_bytes(assembly.prepared(base, config).train()))
    inputs = 3 * 4 * 128 * 64 * (2 if dtype == "bfloat16" else 4)
    if twice:
        assert kept[1] - kept[0] == pytest.approx(inputs, rel=0.02)
        assert said[1] - said[0] >= inputs
    else:
        assert said[1] - said[0] == pytest.approx(kept[1] - kept[0], rel=0.03)


def kept_bytes(model: Any) -> int:
    """Bytes of all tensors that a pass through the layers keeps for its backward pass, weights apart."""
    weights = {tensor.untyped_storage().data_ptr() for tensor in model.state_dict().values()}
    found: dict[int, tuple[int, torch.Tensor]] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes(), tensor
        return tensor

    ids = torch.randint(2, 250, (4, 128), generator=torch.Generator().manual_seed(1))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output = model.get_base_model().model(input_ids=ids, use_cache=False)
    assert output.last_hidden_state.requires_grad
    return sum(size for size, _ in found.values())


def test_too_little_disk_is_one_line(tmp_path: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep + 1 checkpoints and the results must have room; those that lie there are counted, for they are rotated."""
    needs = memory.estimate(small, Config(base=str(small)))
    assert needs.checkpoint == 12 * needs.trained_parameters + 2**20
    usage = namedtuple("usage", "total used free")
    free = [3 * needs.checkpoint + needs.results]
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**13, 0, free[0]))
    memory.require_disk(tmp_path / "no" / "folder", needs, 2, 0)
    free[0] -= 1
    memory.require_disk(tmp_path, needs, 2, 1)
    with pytest.raises(StorageError, match=r"3 checkpoints with the results take .* GB; make room") as caught:
        memory.require_disk(tmp_path / "no" / "folder", needs, 2, 0)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
