"""QLoRA with SO(8) gates on the dataset's shards.

    python -m train.qlora --data data/miniature --steps 30

The base is frozen, in 4 bits; LoRA on its Linears and a rotation behind the chosen ones are trained on packed blocks
of documents. The loss on held-out documents is measured before and after and reported as it falls. Everything lies in
data/models/<run>: the adapter as peft writes it, gates.safetensors, metadata.json, metrics.jsonl, sample.txt, a card.
The same inputs, configuration and threads give the same bytes on one kind of CPU; a second run finds that and stops.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from corpus.base.commit import sha256_file
from corpus.base.config import nearest, parse_cli
from corpus.base.errors import ConfigError, HakushoError, TrainingError
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.workspace import Workspace
from labeling.taxonomy import DOMAINS, Domain
from train import bases, card, data, tiny_base

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from train import loop, models

__all__ = ["Config", "main", "run", "train"]

_RESERVED = ("classifier", "tiny-base")  # folders of data/models that other commands write
_SURROGATE = re.compile("[\ud800-\udfff]")  # what bytes of the command line become that are no UTF-8
_NOT_IN_KEY = ("data", "json")  # where and how to answer: no part of what is made


def _help(text: str, default: Any) -> Any:
    return field(default=default, metadata={"help": text})


@dataclass(frozen=True)
class Config:
    """Every choice of a run; the defaults train the tiny base for a moment on any CPU."""

    data: Path = field(default=Path("data"), metadata={"help": "workspace that holds dataset/ and gets models/<run>"})
    run: str = _help("name of the run, a folder below data/models", "qlora")
    base: str = _help("'tiny', a model's folder, or a hub id in the local cache", "tiny")
    domain: str = _help("domain to train on, or 'all'", str(Domain.LAW_POLICY))
    include: tuple[Literal["restricted"], ...] = _help("configs beyond the open and share-alike ones", ())
    steps: int = _help("optimiser steps", 30)
    batch: int = _help("blocks a step", 4)
    block: int = _help("tokens a block", 256)
    held_out_blocks: int = _help("most blocks of held-out text to measure the loss on", 32)
    lr: float | None = _help("learning rate of LoRA; none: 0.01 on the tiny base, 0.0002 on any other", None)
    gate_lr: float | None = _help("that of the gates' angles, in radians; none: 0.01 and 0.001", None)
    warmup: int = _help("steps of warm-up", 3)
    rank: int = _help("rank of LoRA", 16)
    alpha: int = _help("alpha of LoRA: its output is scaled by alpha / rank", 32)
    targets: tuple[str, ...] = _help("Linears with LoRA", ("qkv_proj", "o_proj", "gate_up_proj", "down_proj"))
    gate_targets: tuple[str, ...] = _help("Linears with an SO(8) gate behind them", ("o_proj", "down_proj"))
    gate_layers: tuple[int, ...] = _help("layers with gates; none named: all", ())
    quantization: Literal["nf4", "none"] = _help("how the base is held", "nf4")
    dtype: Literal["bfloat16", "float32"] = _help("type of the base's numbers in computation", "bfloat16")
    device: Literal["auto", "cpu", "cuda"] = _help("where to compute; auto takes a GPU where there is one", "auto")
    threads: int = _help("CPU threads; other numbers give other last digits", 1)
    seed: int = _help("seed of LoRA's start, of the order of the blocks and of the sample", 1)
    prompt: str = _help("beginning of the text that the trained model continues", "第一条　この法律は、")
    sample_tokens: int = _help("tokens to generate", 64)
    json: bool = _help("print the result as one JSON line", False)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "held_out_blocks", "rank", "alpha", "threads", "sample_tokens"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} {getattr(self, name)}: must be at least 1")
        if self.block < 2 or self.warmup < 0:
            raise ConfigError("--block must be at least 2, --warmup at least 0")
        for name, rate in zip(("--lr", "--gate-lr"), self.rates(), strict=True):
            if not math.isfinite(rate) or rate <= 0:
                raise ConfigError(f"{name} {rate}: must be a number above 0")
        tiny_base.require_seed(self.seed)
        if not self.prompt or _SURROGATE.search(self.prompt):
            raise ConfigError("--prompt: give at least one character, in UTF-8, for the model to continue")
        known = ("all", *(str(domain) for domain in DOMAINS if domain not in data.NEVER_TRAINED))
        if self.domain not in known:
            raise ConfigError(f"--domain {self.domain}: no domain to train on; {nearest(self.domain, known)}")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.run) or self.run in _RESERVED:
            raise ConfigError(f"--run {self.run}: give a plain folder name other than {' and '.join(_RESERVED)}")
        if not self.targets:
            raise ConfigError("--targets: name at least one Linear for LoRA")

    def rates(self) -> tuple[float, float]:
        """Learning rates of LoRA and of the gates: a tiny base forgives, and needs, far more than a real one."""
        lr, gate_lr = (1e-2, 1e-2) if self.base == bases.TINY else (2e-4, 1e-3)
        return lr if self.lr is None else self.lr, gate_lr if self.gate_lr is None else self.gate_lr


def train(config: Config) -> tuple[dict[str, Any], bool]:
    """Bring a run up to date: its metadata, and whether there was anything to do.

    Raises InputError, EmptyInputError, CorruptFileError, LicenceError, TrainingError or StorageError, one line each.
    """
    lr, gate_lr = config.rates()
    config = replace(config, lr=lr, gate_lr=gate_lr)  # what is recorded are numbers
    workspace = Workspace(config.data)
    paths = data.shards(workspace, config.include)
    data.select(paths, config.domain)  # before a base is made or hashed: what cannot work is said at once
    if config.base == bases.TINY:
        tiny_base.ensure(workspace, tiny_base.Shape(threads=config.threads))
    settings: dict[str, Any] = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(config).items()
        if name not in _NOT_IN_KEY
    }
    settings["base_sha256"] = bases.fingerprint(bases.resolve(config.base, workspace))
    task = Task("train", config.run, "train.qlora:run", tuple(paths), settings)
    done = run_tasks(workspace, [task], prune=False).done
    metadata = workspace.path("models", config.run, "metadata.json").read_text(encoding="utf-8")
    return json.loads(metadata), bool(done)


def run(job: Job) -> None:
    """Stage function: dataset shards and a base -> models/<run>."""
    import torch

    from train import loop, models

    config = _config(job)
    device = _device(config)
    base = bases.resolve(config.base, job.workspace)
    selection = data.select(job.inputs, config.domain)
    tokenizer = models.load_tokenizer(base)
    blocks, held_out = _blocks(selection, tokenizer, config)
    with loop.reproducible(config.seed, config.threads):
        base_model = models.load_model(base, config.quantization, config.dtype, device)
        _require_positions(base_model.config.max_position_embeddings, config)
        model = models.attach(base_model, _adapter(config))
        before = loop.mean_loss(model, held_out, config.batch)
        plan = loop.Plan(config.steps, config.batch, config.warmup, config.seed)
        metrics = loop.fit(model, blocks, _groups(model, config), plan, f"train {config.run}")
        after = loop.mean_loss(model, held_out, config.batch)
        torch.manual_seed(config.seed)
        sample = _generate(model, tokenizer, config)
    metadata = _metadata(job, config, base, selection, model, metrics) | {"device": device}
    metadata["data"] |= {"tokens": blocks.tokens, "held_out_tokens": held_out.tokens}
    metadata["loss"] |= {
        "held_out_before": before,
        "held_out_after": after,
        "held_out_change_percent": 100 * (after - before) / before,
    }

    def write(folder: Path) -> None:
        models.save_adapter(model, base, folder)
        _write_text(folder / "metadata.json", json.dumps(metadata, ensure_ascii=False, indent=2, sort_keys=True) + "\n")
        _write_text(folder / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in metrics))
        _write_text(folder / "sample.txt", sample + "\n")
        _write_text(folder / "README.md", card.render(metadata))
        for file in folder.iterdir():
            file.chmod(0o644)  # safetensors writes 0600; what was made of public text may be read

    job.commit_folder(f"models/{config.run}", write)


def _metadata(
    job: Job,
    config: Config,
    base: bases.Base,
    selection: data.Selection,
    model: PeftModel,
    metrics: Sequence[dict[str, float]],
) -> dict[str, Any]:
    """What the run was made of and from, without a clock or an absolute path."""
    from train import libraries, models

    return {
        "run": config.run,
        "config": {name: job.config[name] for name in sorted(job.config) if name not in ("base", "base_sha256")},
        "base": {"name": base.name, "sha256": job.config["base_sha256"]},
        "data": _data_report(job, selection),
        "trainable": models.trainable(model),
        "loss": {"train_first": metrics[0]["loss"], "train_last": metrics[-1]["loss"]},
        "gate_largest_angle": _largest_angle(model),
        "versions": libraries.versions(),
    }


def _config(job: Job) -> Config:
    """The configuration that a task carries as plain JSON."""
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in job.config.items()
        if name != "base_sha256"
    }
    return Config(data=job.root, **values)  # type: ignore[arg-type]


def _adapter(config: Config) -> models.Adapter:
    from train import models

    return models.Adapter(config.rank, config.alpha, config.targets, config.gate_targets, config.gate_layers)


def _device(config: Config) -> str:
    import torch

    there = torch.cuda.is_available()
    if config.device == "cuda" and not there:
        raise TrainingError("--device cuda: torch sees no GPU here; mend the driver, or use --device cpu")
    return "cuda" if there and config.device != "cpu" else "cpu"


def _require_positions(positions: int, config: Config) -> None:
    if config.block > positions:
        raise ConfigError(f"--block {config.block}: the base has {positions} positions; give at most that")


def _blocks(
    selection: data.Selection, tokenizer: PreTrainedTokenizerBase, config: Config
) -> tuple[data.Blocks, data.Blocks]:
    """The blocks to train on, and those to measure by: never of the same document."""

    def packed(rows: Sequence[data.Row]) -> data.Blocks:
        encoded: Any = tokenizer([row.text for row in rows], add_special_tokens=False, verbose=False)
        end: Any = tokenizer.eos_token_id
        return data.pack(encoded["input_ids"], config.block, end=end, pad=end)

    return packed(selection.train), packed(selection.held_out).at_most(config.held_out_blocks)


def _groups(model: PeftModel, config: Config) -> list[loop.Group]:
    """LoRA and gates, each with its learning rate."""
    from train import loop
    from train.gates import gates_of

    angles = [gate.theta for gate in gates_of(model).values()]
    known = {id(angle) for angle in angles}
    lora = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    lr, gate_lr = config.rates()
    return [loop.Group(lora, lr), *([loop.Group(angles, gate_lr)] if angles else [])]


def _largest_angle(model: PeftModel) -> float:
    """The largest coordinate of any gate, in radians: how far the gates have turned at all."""
    from train.gates import gates_of

    return max((float(gate.theta.detach().abs().max()) for gate in gates_of(model).values()), default=0.0)


def _generate(model: PeftModel, tokenizer: PreTrainedTokenizerBase, config: Config) -> str:
    """The prompt and what the trained model makes of it, sampled."""
    import torch

    model.eval()
    encoded: Any = tokenizer(config.prompt, add_special_tokens=False, return_tensors="pt").to(model.device)
    with torch.no_grad():
        output: Any = model.generate(  # type: ignore[no-untyped-call]
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            max_new_tokens=config.sample_tokens,
            do_sample=True,
            temperature=0.8,
            pad_token_id=tokenizer.eos_token_id,
        )
    return str(tokenizer.decode(output[0], skip_special_tokens=True))


def _data_report(job: Job, selection: data.Selection) -> dict[str, Any]:
    rows = selection.train
    return {
        "shards": {job.workspace.relative(path): sha256_file(path) for path in job.inputs},
        "rows_read": selection.read,
        "rows_dropped": dict(sorted(selection.dropped.items())),
        "documents": len(rows),
        "held_out_documents": len(selection.held_out),
        "held_out_from": selection.held_out_from,
        "licences": data.count_licences(rows),
        "attributions": data.attributions(rows),
        "restricted_included": "restricted" in (job.config["include"] or ()),  # type: ignore[operator]
    }


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit status."""
    from train import libraries

    libraries.offline()
    try:
        config = parse_cli(
            Config,
            argv,
            prog="python -m train.qlora",
            section="qlora",
            description="Train LoRA and SO(8) gates on a workspace's dataset, over a frozen base in 4 bits.",
            example="python -m train.qlora --data data/miniature --domain law_policy --steps 30",
        )
        metadata, done = train(config)
    except HakushoError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except ModuleNotFoundError as error:
        return libraries.missing(error)
    except KeyboardInterrupt:
        sys.stderr.write("stopped; nothing of this run was saved\n")
        return 130
    sys.stdout.write(_answer(config, metadata, done))
    return 0


def _answer(config: Config, metadata: dict[str, Any], done: bool) -> str:
    """The result for a person, or with --json for a machine."""
    folder = Workspace(config.data).path("models", config.run)
    loss, seen = metadata["loss"], metadata["data"]
    if config.json:
        result = {"folder": str(folder), "done": done, "steps": config.steps, **loss, "documents": seen["documents"]}
        return json.dumps(result) + "\n"
    change = loss["held_out_change_percent"]
    return (
        f"{config.run}: {'trained' if done else 'up to date, nothing to do'}; {config.steps} steps on "
        f"{seen['documents']} documents\n"
        f"  loss on {seen['held_out_documents']} held-out documents of {config.domain}: "
        f"{loss['held_out_before']:.3f} -> {loss['held_out_after']:.3f} "
        f"({change:+.1f} %{'' if change < 0 else '; it did NOT fall'})\n"
        f"  adapter, gates, sample and card: {folder}\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
