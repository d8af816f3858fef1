"""A tiny Phi-3, pre-trained on the encyclopaedic text of a workspace: the base model that any CPU can fine-tune.

    python -m train.tiny_base --data data/miniature

It has Phi-3's module names and shapes in small (RMSNorm, rotary positions, fused qkv and gate/up, untied output), with
a byte-level BPE tokenizer trained on the same text, so that what works on it works on Phi-3.5-mini. A base with random
weights would not do: what LoRA can learn on frozen noise is next to nothing.

It lies in data/models/tiny-base and is made again only when the text, the configuration or the code changes.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.base.errors import ConfigError, EmptyInputError
from corpus.base.stages import Job, Task, run_tasks
from corpus.base.workspace import Workspace, default_root
from labeling.taxonomy import Domain
from train.command import command
from train.data import dataset
from train.models import bases

if TYPE_CHECKING:
    from transformers import Phi3ForCausalLM, PreTrainedTokenizerFast

__all__ = ["Config", "Shape", "ensure", "main", "make", "require_seed", "require_threads"]

BOS, EOS = "<s>", "<|endoftext|>"  # as in Phi-3.5, where the end of text pads too
_MOST_THREADS = 1024
CHAT = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")


@dataclass(frozen=True)
class Shape:
    """What the tiny base is: its sizes and its pre-training; part of the key it is cached under.

    It goes through the text at most `epochs` times: learning a small text by heart is no base for anything. Small
    batches, because at equal tokens many small steps bring a model this small much further. One thread,
    because matrices this small gain little from a second one, and lose much where the cores are shared.
    """

    vocabulary: int = 2048
    hidden: int = 128
    intermediate: int = 384
    layers: int = 4
    heads: int = 4
    positions: int = 1024
    block: int = 128
    batch: int = 2
    steps: int = 600
    epochs: int = 20
    lr: float = 3e-3
    seed: int = 1
    threads: int = 1


@dataclass(frozen=True)
class Config:
    """`python -m train.tiny_base`: where the workspace is, and how long to pre-train."""

    data: Path = field(default_factory=default_root, metadata={"help": "workspace that holds dataset/"})
    steps: int = field(default=Shape.steps, metadata={"help": "most optimiser steps of pre-training"})
    seed: int = field(default=Shape.seed, metadata={"help": "seed of the weights and of the order of the blocks"})
    threads: int = field(default=Shape.threads, metadata={"help": "CPU threads; other numbers give other last digits"})
    json: bool = field(default=False, metadata={"help": "print the result as one JSON line"})

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ConfigError(f"--steps {self.steps}: must be at least 1")
        require_threads(self.threads)
        require_seed(self.seed)


def require_seed(seed: int) -> None:
    """Raise ConfigError for a seed that a random number generator would refuse."""
    if not 0 <= seed < 2**32:
        raise ConfigError(f"--seed {seed}: must be at least 0 and below {2**32}")


def require_threads(threads: int) -> None:
    """Raise ConfigError for a number of threads that no machine has and torch may not take."""
    if not 1 <= threads <= _MOST_THREADS:
        raise ConfigError(f"--threads {threads}: must be from 1 to {_MOST_THREADS}")


def ensure(workspace: Workspace, shape: Shape) -> bool:
    """Have the tiny base of this shape in the workspace; whether it had to be made.

    Raises InputError without a dataset, EmptyInputError without encyclopaedic text in it.
    """
    wanted = tuple(path for path in dataset.shards(workspace, splits=("train",)) if _encyclopaedic([path]))
    if not wanted:
        raise EmptyInputError(
            f"no encyclopaedic text (domain {Domain.WIKIPEDIA_JA_EN}) in {workspace.path('dataset')} to pre-train a "
            "tiny base on; harvest wikipedia first, or name another --base"
        )
    task = Task("tiny-base", "tiny-base", "train.tiny_base:make", wanted, asdict(shape))
    return bool(run_tasks(workspace, [task], prune=False).done)


def make(job: Job) -> None:
    """Stage function: dataset shards -> models/tiny-base (config, weights, tokenizer, metadata)."""
    from train import libraries
    from train.checkpoint import snapshot
    from train.data.plain import PlainText
    from train.loop import fit
    from train.packing import tokens

    libraries.quiet()
    shape = Shape(**job.config)  # type: ignore[arg-type]  # a Job's config is plain JSON: it came from asdict
    rows = _encyclopaedic(job.inputs)
    texts = list(dataset.texts(job.inputs, {row.id for row in rows}))
    tokenizer = train_tokenizer(texts, shape)
    with fit.reproducible(shape.seed, shape.threads):
        model = new_model(tokenizer, shape)
        encoded = PlainText(tokenizer).ids(texts)
        ids = (tokenizer.eos_token_id, tokenizer.pad_token_id)
        blocks = tokens.Blocks(tokens.stream(encoded, ids[0]), shape.block, ids[1])
        steps = min(shape.steps, -(-shape.epochs * len(blocks) // shape.batch))
        plan = fit.Plan(steps, shape.batch, max(1, steps // 20), shape.seed)
        every = snapshot.Group("model", dict(model.named_parameters()), shape.lr)
        metrics = fit.fit(model, blocks, [every], plan, "tiny base")
    metadata = {
        "what": "a tiny Phi-3 pre-trained on encyclopaedic text; for trying the training way out, for nothing else",
        "config": asdict(shape),
        "documents": len(rows),
        "tokens": blocks.tokens,
        "steps": steps,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "licences": dataset.count_licences(rows),
        "attributions": dataset.attributions(rows),
        "loss_first": metrics[0]["loss"],
        "loss_last": metrics[-1]["loss"],
        "versions": libraries.versions(),
    }
    job.commit_folder(bases.TINY_FOLDER, lambda folder: _save(folder, model, tokenizer, metadata))


def train_tokenizer(texts: Sequence[str], shape: Shape) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of these texts: any text goes in and comes out unchanged."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=shape.vocabulary,
        special_tokens=[BOS, EOS, *CHAT],
        min_frequency=3,  # on little text, BPE would else learn whole sentences by heart
        max_token_length=24,  # bytes, 8 kana or kanji
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=EOS,
        additional_special_tokens=list(CHAT),
        model_max_length=shape.positions,
        clean_up_tokenization_spaces=False,
    )


def new_model(tokenizer: PreTrainedTokenizerFast, shape: Shape) -> Phi3ForCausalLM:
    """A Phi-3 of this shape with fresh weights in float32; rows of the vocabulary rounded up to a multiple of 64."""
    from transformers import Phi3Config, Phi3ForCausalLM

    config = Phi3Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.heads,
        max_position_embeddings=shape.positions,
        original_max_position_embeddings=shape.positions,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        attention_dropout=0.0,
    )
    return Phi3ForCausalLM(config)


def _encyclopaedic(paths: Sequence[Path]) -> list[dataset.Row]:
    return dataset.admitted(paths, Domain.WIKIPEDIA_JA_EN)


def _save(folder: Path, model: Any, tokenizer: Any, metadata: Mapping[str, object]) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    text = json.dumps(metadata, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    (folder / "metadata.json").write_text(text, encoding="utf-8")
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes 0600; what was made of public text may be read


def main(argv: Sequence[str]) -> int:
    """The command; returns its exit status."""
    return command(
        Config,
        argv,
        _run,
        section="tiny_base",
        description="Pre-train a tiny Phi-3 on the encyclopaedic text of a workspace's dataset.",
        example="python -m train.tiny_base --data data/miniature",
    )


def _run(config: Config) -> str:
    """Make the base where it is not there; the result for a person, or with --json for a machine."""
    workspace = Workspace(config.data)
    made = ensure(workspace, Shape(steps=config.steps, seed=config.seed, threads=config.threads))
    folder = workspace.path(bases.TINY_FOLDER)
    metadata = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    result = {"folder": str(folder), "made": made} | {
        k: metadata[k] for k in ("documents", "tokens", "loss_first", "loss_last")
    }
    human = (
        f"tiny base: {'made' if made else 'up to date, nothing to do'}; {metadata['documents']} documents, "
        f"loss {metadata['loss_first']:.2f} -> {metadata['loss_last']:.2f}; in {folder}"
    )
    return (json.dumps(result) if config.json else human) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
