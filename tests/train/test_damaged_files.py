"""Folders that are damaged, or another command's: one line that says what, where and what to do, never a traceback."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from train_samples import SMALL

from corpus.base.errors import CorruptFileError, HakushoError, InputError, TrainingError, UsageError
from corpus.base.workspace import Workspace
from train.export import card, gguf_model
from train.gates.gating import CONFIG_FILE, GATES_FILE, GateConfig, gates_of
from train.models import folders, loading
from train.models.bases import Base
from train.packing import tokens
from train.qlora import memory, training
from train.qlora.config import Config
from train.reasoning.extra_layers import ReasoningConfig

WEIGHTS = "adapter_model.safetensors"
GATE, LORA = "model.layers.0.mlp.down_proj.theta", "base_model.model.model.layers.0.mlp.down_proj.lora_A.weight"
RUN = {
    "base": {"name": "tiny", "sha256": "0"},
    "config": {"seed": 1, "quantization": "none", "dtype": "float32"},
    "data": {"licences": {}, "attributions": [], "held_out_documents": 1},
    "loss": {"held_out_before": 2.0, "held_out_after": 1, "held_out_change_percent": -50.0},
}


def plain(base: Base) -> Any:
    """The base as it is loaded."""
    return loading.load_model(base, "none", "float32", "cpu")


@pytest.fixture
def adapter(small_base: Base, tmp_path: Path) -> Path:
    """A saved adapter with LoRA, learned gates and a reasoning layer."""
    gates = GateConfig(("o_proj", "down_proj"), learned=True, strength=0.5)
    made = loading.attach(plain(small_base), loading.Adapter(2, 4, ("down_proj",), gates, 0.0, ReasoningConfig(1)))
    folder = tmp_path / "adapter"
    folder.mkdir()
    loading.save_adapter(made, small_base, folder)
    return folder


def values(file: str, **new: Any) -> Callable[[Path], None]:
    """Gives a JSON file other values; None takes one out."""

    def change(folder: Path) -> None:
        path = folder / file
        told = json.loads(path.read_text("utf-8")) | new
        path.write_text(json.dumps({name: value for name, value in told.items() if value is not None}), "utf-8")

    return change


def whole(file: str, text: str) -> Callable[[Path], None]:
    """Writes a file anew."""
    return lambda folder: (folder / file).write_text(text, "utf-8") and None


def tensors(file: str, name: str, other: str = "") -> Callable[[Path], None]:
    """Takes a tensor out, or gives it another name."""

    def change(folder: Path) -> None:
        found = load_file(folder / file)
        taken = found.pop(name)
        save_file(found | ({other: taken} if other else {}), folder / file, metadata={"format": "pt"})

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (values(CONFIG_FILE, method="foo"), "method 'foo' is none of exp, cayley"),
        (values(CONFIG_FILE, form="foo"), "form 'foo' is none of geodesic, linear"),
        (values(CONFIG_FILE, form=None), "no readable safetensors file with its config"),
        (values(CONFIG_FILE, strength="x"), "no readable safetensors file with its config"),
        (values(CONFIG_FILE, strength=2), "strength 2 is not from 0 to 1"),
        (whole(CONFIG_FILE, "[]"), "no readable safetensors file with its config"),
        (tensors(GATES_FILE, GATE), f"{GATE} is missing"),
        (tensors(GATES_FILE, GATE.replace("theta", "alpha")), "alpha is missing"),
        (tensors(GATES_FILE, GATE, "model.norm.theta"), f"{GATE} is missing"),
        (whole("adapter_config.json", "[]"), "adapter_config.json: the adapter does not load"),
        (whole("adapter_config.json", "{}"), "the adapter does not load"),
        (values("adapter_config.json", r="x"), "the adapter does not load"),
        (tensors(WEIGHTS, LORA), f"{LORA} is missing"),
        (tensors(WEIGHTS, LORA, LORA.replace("0.mlp", "9.mlp")), f"{LORA} is missing"),
        (values("reasoning_config.json", strength="x"), "no readable reasoning layers"),
        (values("reasoning_config.json", layers=None), "no readable reasoning layers"),
    ],
)
def test_a_damaged_adapter_is_refused(
    small_base: Base, adapter: Path, change: Callable[[Path], None], words: str
) -> None:
    """Unknown words, tensors that are missing or of no use: the file and the tensor are named; nothing is invented."""
    change(adapter)
    with pytest.raises(CorruptFileError, match=words) as caught:
        loading.load_adapter(plain(small_base), adapter)
    assert "\n" not in str(caught.value)
    assert str(adapter) in str(caught.value)


def test_a_tensor_of_another_shape_is_refused(small_base: Base, adapter: Path) -> None:
    """Of LoRA as of gates (tests/train/test_gates.py): it belongs to another base."""
    found = load_file(adapter / WEIGHTS)
    save_file(found | {LORA: found[LORA][:, 1:].contiguous()}, adapter / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(TrainingError, match="the adapter does not fit this base") as caught:
        loading.load_adapter(plain(small_base), adapter)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "{}", '{"dtype": "none"}', '{"dtype": [1]}', '{"dtype": "<u2"}'])
def test_what_an_export_or_a_run_finds_damaged_beside_it(tmp_path: Path, text: str) -> None:
    """Streams of tokens, an ablation, a base for GGUF."""
    for path in tokens.files(tmp_path):
        path.write_text(text, encoding="utf-8")
    with pytest.raises(CorruptFileError, match="no readable streams of tokens"):
        tokens.open_streams(tmp_path)
    for path in (tmp_path / "ablation" / "one" / "ablation.json", tmp_path / "config.json"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="no readable ablation"):
        card.ablation_files(Workspace(tmp_path), "one", "0")
    with pytest.raises(HakushoError, match=re.escape(str(tmp_path))):
        gguf_model.require_phi3(tmp_path)


def test_gates_of_a_version_that_did_not_list_them(small_base: Base, adapter: Path) -> None:
    """Are those of the file."""
    values(CONFIG_FILE, linears=None)(adapter)
    assert len(gates_of(loading.load_adapter(plain(small_base), adapter))) == 2 * SMALL.layers


@pytest.mark.parametrize("text", ["{}", "[]", "{", '""', "[" * 100_000])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"])
def test_a_damaged_base_is_refused_or_loads(small_base: Base, tmp_path: Path, file: str, text: str) -> None:
    """Whatever stands in the file: one line, or nothing that mattered."""
    folder = tmp_path / "base"
    shutil.copytree(small_base.folder, folder)
    (folder / file).write_text(text, encoding="utf-8")
    said = []
    for load in (
        lambda: loading.load_tokenizer(Base("base", folder)),
        lambda: plain(Base("base", folder)),
        lambda: memory.estimate(folder, Config(base=str(folder))),
    ):
        try:
            load()
        except HakushoError as error:
            said.append(str(error))
    assert all("\n" not in line and str(folder) in line for line in said if "end-of-text" not in line)
    if file in ("config.json", "tokenizer.json"):
        assert said


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("[]", CorruptFileError, "metadata.json: holds no object"),
        ("{", CorruptFileError, "metadata.json: not readable"),
        ("{}", CorruptFileError, "no base.name, which a run's has; train it: python -m train.qlora --run there"),
        (json.dumps(RUN | {"loss": {"held_out_before": "2"}}), CorruptFileError, "no loss.held_out_before"),
        (json.dumps(RUN | {"merged_linears": 3}), InputError, "holds an export and no run"),
    ],
)
def test_metadata_of_no_run(tmp_path: Path, text: str, error: type[HakushoError], words: str) -> None:
    """What an export reads of a run is there, or a line says what is not."""
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "metadata.json").write_text(json.dumps(RUN), encoding="utf-8")
    assert folders.of_run(folder) == RUN
    (folder / "metadata.json").write_text(text, encoding="utf-8")
    with pytest.raises(error, match=words):
        folders.of_run(folder)


def test_a_run_leaves_the_folder_of_another_command_alone(
    make_workspace: Callable[[str], Workspace], capsys: pytest.CaptureFixture[str]
) -> None:
    """One line, status 2, nothing written; its own folders, whole, damaged or just begun, it goes on with."""
    workspace = make_workspace("w")
    folder = workspace.path("models", "there")
    folder.mkdir(parents=True)
    exported = json.dumps({"run": "qlora", "merged_linears": 3})
    for name, text in (("metadata.json", exported), ("notes.txt", "mine"), ("metadata.json", "{")):
        (folder / name).write_text(text, encoding="utf-8")
        assert training.main(["--data", str(workspace.root), "--run", "there"]) == 2
        error = capsys.readouterr().err
        assert "--run there: " in error
        assert "give another name, or move it away" in error
        assert error.count("\n") == 1
        (folder / name).unlink()
    assert not list(folder.iterdir())
    folders.require_run(folder)
    for name, text in (("metadata.json", json.dumps(RUN)), ("metadata.json", "{"), ("notes.txt", "mine")):
        (folder / "checkpoints").mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
        folders.require_run(folder)


def test_an_export_leaves_the_export_of_another_run_alone(tmp_path: Path) -> None:
    """It replaces its own alone."""
    folder = tmp_path / "there"
    folders.require_export(folder, "law")
    folder.mkdir()
    with pytest.raises(UsageError, match="holds something else"):
        folders.require_export(folder, "law")
    (folder / "metadata.json").write_text(json.dumps({"run": "law", "merged_linears": 3}), encoding="utf-8")
    folders.require_export(folder, "law")
    with pytest.raises(UsageError, match="the export of another run, law; give another name"):
        folders.require_export(folder, "tax")
    (folder / "metadata.json").write_text("{", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be told"):
        folders.require_export(folder, "law")
