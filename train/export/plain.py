"""A trained run as one plain model that any runtime loads without this project.

    python -m train.export --data data/miniature --run qlora

The base is dequantised, LoRA merged into it and the gates folded into that, all in float32 and rounded once: the result
is the base's own architecture (Phi3ForCausalLM) in safetensors, with tokenizer and chat template. It is never quantised
to the base's 4-bit grid again, where a small rotation would be erased. Before the folder appears, its logits are
compared: the trained model in float32 against the folded one, and against what transformers loads from the folder; both
differences stand in metadata.json and in the card. A fold that does not compute the same is an error.

A run with reasoning layers is no plain model: `--reasoning keep` exports it with modeling_so8.py beside it, for
transformers with `trust_remote_code=True`, its rotations and gates folded where they can be.

`--gguf q8_0` or `bf16` adds model.gguf and an Ollama Modelfile (train/export/gguf_model.py, train/export/modelfile.py);
`--push ORG/NAME` uploads the folder (train/export/push.py).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.base.errors import InputError, TrainingError, UsageError
from corpus.base.progress import Progress
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.workspace import Workspace
from train.command import command
from train.export import card, gguf_model, modelfile
from train.export.config import Config
from train.heads import files as head_files
from train.models import bases, folders
from train.reasoning import files as reasoning_files

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedTokenizerBase

__all__ = ["CHAT_TEMPLATE", "Config", "export", "main", "run"]

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)  # the form of Phi-3.5, for a base with its tokens and no template of its own
_RUN_FILES = (
    "adapter_config.json", "adapter_model.safetensors", "gates.safetensors", "gates_config.json", folders.METADATA,
    "sample.txt",
)  # fmt: skip
_PROBES, _PROBE_LENGTH = 4, 48  # blocks of random tokens beside the run's own sample
_FOLD_LIMIT = 1e-3  # of the largest logit, or of 1: float32 rounding stays far below, a wrong fold far above


def export(config: Config) -> tuple[dict[str, Any], bool]:
    """Bring an export up to date: its metadata, and whether there was anything to do.

    Raises InputError where run or base are missing, CorruptFileError, UsageError where the folder is another run's,
    TrainingError where the base is another one or the folded model computes something else, StorageError.
    """
    workspace = Workspace(config.data)
    folder = workspace.path("models", config.run)
    trained = folders.of_run(folder)
    base = bases.resolve(config.base, workspace)
    if bases.fingerprint(base) != trained["base"]["sha256"]:
        raise TrainingError(f"{folder} was trained over another base, {trained['base']['name']}; name that with --base")
    target = workspace.path("models", config.folder)
    folders.require_export(target, config.run)
    settings = {"run": config.run, "base": config.base, "dtype": config.dtype, "threads": config.threads}
    settings |= {"gguf": config.gguf, "ablation": config.ablation}
    if layers := _layers(folder, trained, config):
        settings |= {"reasoning": config.reasoning}
    if config.gguf != "none":
        gguf_model.require_phi3(base.folder)
    heads = head_files.FILES if "heads" in trained else ()
    inputs = tuple(folder / name for name in (*_RUN_FILES, *heads, *(reasoning_files.FILES if layers else ())))
    inputs += card.ablation_files(workspace, config.ablation, trained["base"]["sha256"])
    for path in inputs:
        if not path.is_file():
            raise InputError(f"{path} is missing; run python -m train.qlora --run {config.run} again")
    task = Task("export", config.folder, "train.export.plain:run", inputs, settings)
    done = run_tasks(workspace, [task], prune=False).done
    return folders.read(target), bool(done)


def _layers(folder: Path, trained: Mapping[str, Any], config: Config) -> int:
    """How many reasoning layers a run has. Raises UsageError where the options do not go with that."""
    layers = int(trained.get("reasoning", {}).get("layers", 0))
    if layers and config.reasoning == "fold":
        raise UsageError(
            f"{folder} has {layers} reasoning layers, which cannot be folded into a plain model; add --reasoning keep "
            "for an export with its own modelling code"
        )
    if layers and config.gguf != "none":
        raise UsageError(f"{folder} has {layers} reasoning layers, which no GGUF runtime knows; leave out --gguf")
    if config.reasoning == "keep" and not layers:
        raise UsageError(f"{folder} has no reasoning layers; leave out --reasoning keep")
    return layers


def run(job: Job) -> None:
    """Stage function: a run and its base -> models/<name>, a plain model."""
    from train.gates import merge
    from train.loop import fit
    from train.models import loading
    from train.reasoning import extra_layers

    config: Any = job.config
    source = job.workspace.path("models", config["run"])
    trained = folders.of_run(source)
    base = bases.resolve(config["base"], job.workspace)
    tokenizer = loading.load_tokenizer(base)
    of_run = trained["config"]
    with fit.reproducible(of_run["seed"], config["threads"]), Progress("export", total=4, unit="steps") as progress:
        whole = loading.load_model(base, of_run["quantization"], of_run["dtype"], "cpu")
        model = loading.load_adapter(whole, source)
        probes = _probes(tokenizer, (source / "sample.txt").read_text(encoding="utf-8"))
        as_trained = _logits(model, probes)
        progress.advance(note="loaded")
        wanted = _logits(merge.dequantize(model), probes)
        progress.advance(note="dequantised")
        merged = merge.merge(model)
        layers = extra_layers.fold(model)
        progress.advance(note="merged and folded")
        folded = _difference(_logits(model, probes), wanted)
        _require_same(folded, wanted)
        report = {
            "name": job.name,
            "run": config["run"],
            "dtype": config["dtype"],
            "gguf": {"kind": config["gguf"]},
            "base": trained["base"],
            "merged_linears": len(merged),
            "reasoning_layers": layers,
            "logits": {
                "tokens": sum(len(probe) for probe in probes),
                "largest": max(float(part.abs().max()) for part in wanted),
                "folded_max_difference": folded,
                "trained_max_difference": _difference(as_trained, wanted),
            },
            "trained": trained,
        }
        if config["ablation"]:
            report["ablation"] = card.ablation(job.workspace, config["ablation"])

        def fill(folder: Path) -> None:
            for path in job.inputs:
                if path.name in head_files.FILES:
                    shutil.copyfile(path, folder / path.name)
            _write(folder, model, base, tokenizer, report, probes, wanted)

        job.commit_folder(f"models/{job.name}", fill)
        progress.advance(note="written and read again")


def _write(
    folder: Path,
    model: Any,
    base: bases.Base,
    tokenizer: PreTrainedTokenizerBase,
    report: dict[str, Any],
    probes: Sequence[Sequence[int]],
    wanted: Sequence[Tensor],
) -> None:
    """Fill the folder, load it as anybody would, and write down how far that is from what was trained."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from train.reasoning import extra_layers

    kind = getattr(torch, report["dtype"])
    inner = model.get_base_model()
    config = AutoConfig.from_pretrained(base.folder, local_files_only=True)
    config.__dict__.pop("quantization_config", None)
    layers = report["reasoning_layers"]
    with torch.device("meta"):
        plain = extra_layers.plain_model(base.folder, layers) if layers else type(inner)(config)
    weights = {n: t if n.endswith(".generators") else t.to(kind) for n, t in inner.state_dict().items()}
    plain.load_state_dict(weights, assign=True)
    plain.generation_config = inner.generation_config
    plain.save_pretrained(folder)
    if tokenizer.chat_template is None and "<|end|>" in tokenizer.get_vocab():
        tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    loader: Any = type(plain) if layers else AutoModelForCausalLM  # the code beside the weights is this class's file
    del plain
    again: Any = loader.from_pretrained(folder, local_files_only=True, dtype=kind)
    answers = _logits(again.float().eval(), probes)
    report["architecture"] = type(again).__name__
    report["logits"] |= {
        "exported_max_difference": _difference(answers, wanted),
        "exported_relative_error": _relative(answers, wanted),
        "same_next_token": _same_next(answers, wanted),
    }
    if report["gguf"]["kind"] != "none":
        report["gguf"] |= _write_gguf(folder, again, tokenizer, report, probes, wanted)
    text = json.dumps(report, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (folder / folders.METADATA).write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(card.render(report), encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes 0600; what was made of public text may be read


def _write_gguf(
    folder: Path,
    model: Any,
    tokenizer: PreTrainedTokenizerBase,
    report: Mapping[str, Any],
    probes: Sequence[Sequence[int]],
    wanted: Sequence[Tensor],
) -> dict[str, Any]:
    """Add the GGUF and its Modelfile; `model`, the exported one in float32, ends with the numbers of the file."""
    form = modelfile.chat_form(tokenizer)
    path = folder / gguf_model.FILE
    end = modelfile.end_of_turn(tokenizer, form)
    fields = gguf_model.write(path, report["gguf"]["kind"], report["name"], model, tokenizer, end)
    compared = gguf_model.take_over(path, model, fields)
    (folder / modelfile.FILE).write_text(modelfile.render(tokenizer, model, form, path.name), encoding="utf-8")
    answers = _logits(model, probes)
    return {
        "tensors": compared.types,
        "relative_errors": compared.relative_errors,
        "largest_relative_error": max(compared.relative_errors.values()),
        "logits_max_difference": _difference(answers, wanted),
        "logits_relative_error": _relative(answers, wanted),
        "same_next_token": _same_next(answers, wanted),
    }


def _probes(tokenizer: PreTrainedTokenizerBase, sample: str) -> list[list[int]]:
    """Tokens to compare logits on: the run's sample, and random ones, which no training has smoothed."""
    import torch

    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, len(tokenizer), (_PROBES, _PROBE_LENGTH), generator=generator).tolist()
    words: Any = tokenizer(sample, add_special_tokens=False)["input_ids"]
    return [words[:_PROBE_LENGTH], *ids] if words else list(ids)


def _logits(model: nn.Module, probes: Sequence[Sequence[int]]) -> list[Tensor]:
    """(tokens, vocabulary) float32 for each probe."""
    import torch

    with torch.no_grad():
        return [model(input_ids=torch.tensor([probe]), use_cache=False).logits[0].float() for probe in probes]


def _difference(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    return max(float((left - right).abs().max()) for left, right in zip(found, wanted, strict=True))


def _relative(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    import torch

    there, here = torch.cat(list(found)), torch.cat(list(wanted))
    return float((there - here).norm() / here.norm())


def _same_next(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> float:
    """Share of positions where the most likely next token is the same."""
    import torch

    there, here = torch.cat(list(found)).argmax(-1), torch.cat(list(wanted)).argmax(-1)
    return float((there == here).double().mean())


def _require_same(difference: float, wanted: Sequence[Tensor]) -> None:
    largest = max(float(part.abs().max()) for part in wanted)
    if not difference <= _FOLD_LIMIT * max(1.0, largest):
        raise TrainingError(
            f"the folded model is not the trained one: logits differ by {difference:.3g}, of {largest:.3g} at most; "
            "nothing was exported. Report this with the run's metadata.json"
        )


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return command(
        Config,
        argv,
        _whole,
        section="export",
        description="Merge a run's LoRA and gates into its base: one plain model, without code of this project.",
        example="python -m train.export --data data/miniature --run qlora --dtype bfloat16",
    )


def _whole(config: Config) -> str:
    """Export, and upload where asked; what to say of it."""
    from train.export import push

    said = _answer(config, *export(config))
    if not config.push:
        return said
    folder = Workspace(config.data).path("models", config.folder)
    pushed = push.push(folder, config.push, private=config.private, dry_run=config.dry_run)
    if config.json:
        result = {"push": {"repository": pushed.repository, "url": pushed.url, "files": pushed.files}}
        return json.dumps(json.loads(said) | result) + "\n"
    listed = "".join(f"  {size:>12} bytes  {name}\n" for name, size in pushed.files.items())
    where = f"uploaded to {pushed.url}" if pushed.url else f"dry run, nothing uploaded to {pushed.repository}"
    return f"{said}{where}: {len(pushed.files)} files, {sum(pushed.files.values())} bytes, no secrets\n{listed}"


def _answer(config: Config, report: Mapping[str, Any], done: bool) -> str:
    """The result for a person, or with --json for a machine."""
    folder = Workspace(config.data).path("models", config.folder)
    logits = report["logits"]
    if config.json:
        return json.dumps({"folder": str(folder), "done": done, "dtype": report["dtype"], **logits}) + "\n"
    layers = report["reasoning_layers"]
    code = f", {layers} reasoning layers with modelling code of their own" if layers else ""
    return (
        f"{config.folder}: {'exported' if done else 'up to date, nothing to do'}; "
        f"{'a' if layers else 'a plain'} {report['architecture']} in {report['dtype']}, "
        f"{report['merged_linears']} Linears merged{code}\n"
        f"  logits against the trained model in float32: folded {logits['folded_max_difference']:.2g}, as loaded from "
        f"the folder {logits['exported_max_difference']:.2g} (largest logit {logits['largest']:.3g})\n"
        f"{_gguf_line(report['gguf'])}"
        f"  model, tokenizer and card: {folder}\n"
    )


def _gguf_line(gguf: Mapping[str, Any]) -> str:
    if gguf["kind"] == "none":
        return ""
    return (
        f"  {gguf_model.FILE} ({gguf['kind']}), read again: weights within {gguf['largest_relative_error']:.2g} "
        f"(relative), logits within {gguf['logits_max_difference']:.2g}, the same next token at "
        f"{100 * gguf['same_next_token']:.1f} % of the positions\n"
    )
