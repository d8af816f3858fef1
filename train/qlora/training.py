"""QLoRA with SO(8) gates on the dataset's shards.

    python -m train.qlora --data data/miniature --steps 30

The base is frozen, in 4 bits; LoRA on its Linears and a rotation behind the chosen ones are trained on packed blocks
of documents. The loss on held-out documents is measured before and after and reported as it falls. Everything lies in
data/models/<run>: the adapter as peft writes it, gates.safetensors, metadata.json, metrics.jsonl, sample.txt, a card,
and checkpoints/ (every 180 s, on SIGINT and SIGTERM, at the end; the newest ten). A run that was stopped or killed goes
on from the newest whole one by itself. The same inputs, configuration and threads give the same bytes on one kind of
CPU, whatever the interruptions; a second run finds that and stops.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from corpus.base.commit import remove_file, sha256_bytes, sha256_file
from corpus.base.errors import ConfigError
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.units import canonical
from corpus.base.workspace import Workspace
from train import libraries, tiny_base
from train.checkpoint.rule import RULE
from train.command import command
from train.data import dataset
from train.heads import labels
from train.loop import outcome
from train.models import bases, folders
from train.packing import chats, tokens
from train.qlora import card
from train.qlora.config import PRESETS, Config
from train.reasoning import files as reasoning_files

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedTokenizerBase

    from train.distributed.ranks import Leader, Ranks
    from train.heads.model import Heads
    from train.loop.board import Board
    from train.loop.objective import Objective
    from train.loop.watch import Watch
    from train.qlora.head_training import HeadRun

__all__ = ["Config", "main", "run", "train"]


def train(config: Config) -> tuple[dict[str, Any], bool]:
    """Bring a run up to date: its metadata, and whether there was anything to do.

    Raises InputError, EmptyInputError, CorruptFileError, LicenceError, TrainingError or StorageError, one line each.
    """
    lr, gate_lr, alpha_lr = config.rates()
    learned = config.gate_alpha == "learned"
    config = replace(
        config, lr=lr, gate_lr=gate_lr, gate_alpha_lr=alpha_lr if learned else None
    )  # what is recorded are numbers
    if config.reasoning_layers:
        config = replace(config, reasoning_lr=config.reasoning_rates()[0])
    workspace = Workspace(config.data)
    folder = workspace.path("models", config.run)
    folders.require_run(folder)
    paths = dataset.shards(workspace, config.include)
    dataset.select(paths, config.domain)  # before a base is made or hashed: what cannot work is said at once
    if config.prompts:
        labels.prompts(config.prompts)
    if config.chats:
        chats.read(config.chats)
    if config.base == bases.TINY:
        tiny_base.ensure(workspace, tiny_base.Shape(threads=config.threads))
    settings = config.settings() | {"base_sha256": bases.fingerprint(bases.resolve(config.base, workspace))}
    if (processes := _processes()) > 1:  # they make the batch so many times as large
        settings["processes"] = processes
    of_tokens = {name: settings[name] for name in ("base", "base_sha256", "domain", "include")}
    inputs: tuple[Path, ...] = tokens.files(tokens.ensure(workspace, paths, of_tokens))
    if config.heads:
        inputs += (*filter(None, [config.prompts]), *paths)
    inputs += config.chats  # the last ones
    task = Task("train", config.run, "train.qlora.training:run", inputs, settings)
    token = RULE.set(config.rule())
    try:
        done = run_tasks(workspace, [task], prune=False).done
    finally:
        RULE.reset(token)
    return folders.of_run(folder), bool(done)


def run(job: Job) -> None:
    """Stage function: streams of tokens and a base -> models/<run>; all processes of torchrun work on it."""
    from train.distributed import ranks

    leader = ranks.LEADER.get(None)
    if leader:
        leader.send(job)
    commit = work(job)
    if leader:
        leader.waiting = True
    commit()


def work(job: Job) -> Callable[[], None]:
    """What each process does of it; what comes back commits the result, and the first process alone calls that."""
    import torch

    from train.checkpoint.store import Store
    from train.distributed import ranks
    from train.loop import fit
    from train.models import loading
    from train.qlora import assembly, memory

    config = _config(job)
    device = loading.device(config.device)
    base = bases.resolve(config.base, job.workspace)
    streams = tokens.open_streams(job.inputs[0].parent)
    blocks, held_out = streams.blocks(config.block, config.held_out_blocks)
    tokenizer = loading.load_tokenizer(base)
    blocks, of_chats = _with_chats(job, config, blocks, tokenizer)
    told = {**job.config, "base": config.base if config.base == bases.TINY else base.name}  # no path of a machine
    checkpoints = job.workspace.path("models", config.run, "checkpoints")
    store = Store(checkpoints, _fingerprint(job, told, device), config.keep_checkpoints)
    memory.require_disk(store.folder, memory.estimate(base.folder, config), config.keep_checkpoints, len(store.all()))
    with fit.reproducible(config.seed, config.threads), contextlib.ExitStack() as open_until_done:
        here = ranks.here()
        model = _model(config, base, device)
        heads = _heads(job, config, model, tokenizer)
        before = fit.mean_loss(model, held_out, config.batch)
        opener = assembly.opener(model, config)
        watch = assembly.watch(model, tokenizer, held_out, config)
        board = _board(job, config, here)
        groups = assembly.groups(model, config) + ([heads.group()] if heads else [])
        here.part_ways(config.seed)
        metrics = fit.fit(
            model,
            blocks,
            groups,
            assembly.plan(config, _objectives(config, heads)),
            f"train {config.run}",
            store=store,
            config=told,
            before_step=opener,
            watch=watch,
            tell=open_until_done.enter_context(board).tell if board else None,
        )
        opener(watch.best_step - 1 if watch.take_best_back(groups) else config.steps)
        after = fit.mean_loss(model, held_out, config.batch)
        of_heads = {"heads": heads.finish(model)} if heads else {}
        torch.manual_seed(config.seed)
        sample = assembly.generate(model, tokenizer, config)
    metadata = _metadata(job, config, base, streams, model, metrics) | {"device": device} | of_heads
    metadata["data"] |= {"tokens": blocks.tokens, "held_out_tokens": held_out.tokens} | of_chats
    metadata["loss"] |= outcome.held_out(before, after)
    if config.patience:
        metadata["loss"] |= {"best_step": watch.best_step, "steps_done": metrics[-1]["step"]}
    texts = {"sample.txt": sample + "\n"} | _samples(watch)
    return functools.partial(
        _commit, job, config, model, base, metadata, metrics, texts, heads.heads if heads else None
    )


def _model(config: Config, base: bases.Base, device: str) -> PeftModel:
    """The base with what is trained on it, where it is to be computed."""
    from train.distributed import ranks
    from train.models import loading
    from train.qlora import assembly
    from train.reasoning import extra_layers

    place = "cpu" if config.fsdp else ranks.here().place(device)  # what is cut goes to its place layer by layer
    whole = loading.load_model(base, config.quantization, config.dtype, place)
    _require_positions(whole.config.max_position_embeddings, config)
    model = assembly.prepared(whole, config)
    extra_layers.announce(model)
    assembly.cut(model, config, device)
    return model


def _objectives(config: Config, heads: HeadRun | None) -> list[Objective]:
    """What a run descends."""
    from train.loop.objective import LanguageModel

    language = LanguageModel(config.steps, config.pet)
    return [language, heads.objective] if heads else [language]


def _board(job: Job, config: Config, here: Ranks) -> Board | None:
    """What TensorBoard reads, where it is asked for; of several processes the first one's."""
    from train.loop.board import Board

    wanted = RULE.get().tensorboard and here.rank == 0
    return Board(job.workspace.path("models", config.run, "tensorboard")) if wanted else None


def _samples(watch: Watch) -> dict[str, str]:
    """The file of samples taken on the way, where there are any."""
    lines = "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in watch.samples)
    return {"samples.jsonl": lines} if lines else {}


def _commit(
    job: Job,
    config: Config,
    model: PeftModel,
    base: bases.Base,
    metadata: dict[str, Any],
    metrics: Sequence[dict[str, float]],
    samples: dict[str, str],
    heads: Heads | None,
) -> None:
    """Put a run's files beside its checkpoints, one by one; metadata.json, the sign that all are there, last."""
    from train.heads.model import save_heads
    from train.models import loading

    texts = {
        "metrics.jsonl": "".join(json.dumps(line) + "\n" for line in metrics),
        **samples,
        "README.md": card.render(metadata),
        "metadata.json": json.dumps(metadata, ensure_ascii=False, indent=2, sort_keys=True) + "\n",
    }
    for stale in ("metadata.json", *reasoning_files.FILES):
        remove_file(job.workspace.path("models", config.run, stale))
    with TemporaryDirectory(prefix="hakusho-") as scratch:
        loading.save_adapter(model, base, Path(scratch))
        if heads:
            save_heads(heads, Path(scratch))
        for file in sorted(Path(scratch).iterdir()):
            job.commit(f"models/{config.run}/{file.name}", functools.partial(shutil.copyfile, file))
    for name, text in texts.items():
        job.commit(f"models/{config.run}/{name}", functools.partial(_write_text, text))


def _fingerprint(job: Job, config: Mapping[str, Any], device: str) -> str:
    """What decides every number of a run, wherever its files lie; a checkpoint goes on only into the same.

    The base is in it by its name and, as `base_sha256`, by its content.
    """
    shards = [sha256_file(path) for path in job.inputs]
    return sha256_bytes(canonical({"config": dict(config), "inputs": shards, "device": device}))


def _metadata(
    job: Job,
    config: Config,
    base: bases.Base,
    streams: tokens.Streams,
    model: PeftModel,
    metrics: Sequence[dict[str, float]],
) -> dict[str, Any]:
    """What the run was made of and from, without a clock or an absolute path."""
    from train.models import loading
    from train.qlora import assembly
    from train.reasoning import extra_layers

    layers = extra_layers.report(model)
    return {
        "run": config.run,
        "config": {name: job.config[name] for name in sorted(job.config) if name not in ("base", "base_sha256")},
        "base": {"name": base.name, "sha256": job.config["base_sha256"]},
        "data": dict(streams.report),
        "trainable": loading.trainable(model),
        "loss": {"train_first": metrics[0]["loss"], "train_last": metrics[-1]["loss"]},
        "gates": assembly.gates_report(model),
        "versions": libraries.versions(),
    } | ({"reasoning": layers} if layers else {})


def _config(job: Job) -> Config:
    """The configuration that a task carries as plain JSON."""
    values = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in job.config.items()
        if name not in ("base_sha256", "processes")
    }
    return Config(data=job.root, **values)  # type: ignore[arg-type]


def _with_chats(
    job: Job, config: Config, blocks: tokens.Blocks, tokenizer: PreTrainedTokenizerBase
) -> tuple[tokens.Blocks, dict[str, Any]]:
    """The blocks with those of the chats behind them, where there are any, and what the metadata says of these."""
    if not config.chats:
        return blocks, {}
    paths = job.inputs[-len(config.chats) :]
    read = chats.read(paths)
    packed = chats.pack(chats.encode(read, tokenizer), config.block, blocks.pad)
    report = {
        "files": {name: sha256_file(path) for name, path in zip(_names(paths), paths, strict=True)},
        "chats": len(read),
        "blocks": len(packed),
        "fill": packed.fill(),
    }
    return chats.WithChats(blocks.stream, blocks.length, blocks.pad, chats=packed), {"chats": report}


def _names(paths: Sequence[Path]) -> list[str]:
    """The files' names without their folders, which tell of a machine; of the same name the later ones numbered."""
    found: list[str] = []
    for path in paths:
        name, number = path.name, 1
        while name in found:
            number += 1
            name = f"{path.name} ({number})"
        found.append(name)
    return found


def _heads(job: Job, config: Config, model: PeftModel, tokenizer: PreTrainedTokenizerBase) -> HeadRun | None:
    """Fresh heads with their texts, where they are asked for: prompts and shards are the inputs behind the streams."""
    if not config.heads:
        return None
    from train.qlora import head_training

    shards = job.inputs[len(tokens.files(Path())) : len(job.inputs) - len(config.chats)]
    return head_training.begin(config, model, int(model.config.hidden_size), tokenizer, shards)


def _require_positions(positions: int, config: Config) -> None:
    if config.block > positions:
        raise ConfigError(f"--block {config.block}: the base has {positions} positions; give at most that")
    if config.heads and config.heads_tokens > positions:
        raise ConfigError(
            f"--heads-tokens {config.heads_tokens}: the base has {positions} positions; give at most that"
        )


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return command(
        Config,
        argv,
        _work,
        section="qlora",
        description="Train LoRA and SO(8) gates on a workspace's dataset, over a frozen base in 4 bits.",
        example="python -m train.qlora --data data/miniature --domain law_policy --steps 30",
        presets=PRESETS,
    )


def _work(config: Config) -> str:
    libraries.folders(config.cache, config.scratch)
    if config.fsdp and _processes() == 1:
        raise ConfigError("--fsdp needs several processes: torchrun --nproc-per-node 2 -m -- train.qlora ...")
    if config.dry_run:
        from train.qlora import dry_run

        return dry_run.answer(config)
    if _processes() == 1:
        return _answer(config, *train(config))
    from train.distributed import ranks
    from train.models import loading

    with ranks.joined(loading.device(config.device)) as here:
        return _follow(config) if here.rank else _lead(config, ranks.Leader(here))


def _lead(config: Config, leader: Leader) -> str:
    """As the first of several processes: all of the run, and the answer."""
    from train.distributed import ranks

    token = ranks.LEADER.set(leader)
    try:
        return _answer(config, *train(config))
    finally:
        leader.dismiss()
        ranks.LEADER.reset(token)


def _follow(config: Config) -> str:
    """As a further one: the training, in silence."""
    from train.distributed import ranks

    token = RULE.set(config.rule())
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
            ranks.follow(work)
    finally:
        RULE.reset(token)
    return ""


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))  # torchrun counts its processes there


def _answer(config: Config, metadata: dict[str, Any], done: bool) -> str:
    folder = Workspace(config.data).path("models", config.run)
    return outcome.answer(folder, metadata, done=done, as_json=config.json)
