"""What gates cost in a training step on a CPU, beside plain peft LoRA and peft's OFT; and tokens on their way.

    python -m benchmarks.train                       # writes benchmarks/results/train.json

Steps: a Phi-3 with random weights in bf16 and in NF4, one optimiser step of each variant in turns, medians over the
rounds, in CPU seconds of one thread; the peak memory of each in a process of its own. The CPU's form is smaller than
Phi-3.5-mini's, which benchmarks.train_gpu takes. Tokens: the repository's own texts, over and over as documents of one
length, through a byte-level BPE of 32,000 at most that was trained on them, to the stream that blocks are cut from; and
how full the blocks of packed chats are.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from time import process_time
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # CPU seconds are counted: one thread is the plainest

import numpy as np
import torch

from benchmarks.common import clock, keep, peak_mb, table, versions
from benchmarks.train_step import (
    SMALL,
    TINY,
    VARIANTS,
    Shape,
    Step,
    forget,
    in_turns,
    make_base,
    make_variant,
    quantized,
    summary,
)
from train.packing import chats

_PRECISIONS = ("bf16", "nf4")
_SHAPES = {"small": SMALL, "tiny": TINY}
_TEXTS = Path(__file__).parents[1] / "hakusho" / "miniature" / "texts"
_DOCUMENT = 2000  # characters


def steps(shape: Shape, precision: str, repeats: int) -> dict[str, dict[str, Any]]:
    """Every variant's step: seconds, tokens a second, ratios to plain LoRA of time and of peak memory."""
    base = _base(shape, precision)
    contestants = {name: Step(make_variant(base, name), shape) for name in VARIANTS}
    for step in contestants.values():
        step()
        step()
    rows = summary(in_turns(contestants, repeats, clock=process_time), shape.tokens * shape.batch)
    for name, step in contestants.items():
        rows[name]["trainable"] = step.trainable()
        rows[name]["peak_mb"] = _peak(shape, precision, name)
        rows[name]["memory_ratio"] = round(rows[name]["peak_mb"] / rows[VARIANTS[0]]["peak_mb"], 4)
    del base, contestants
    forget()
    return rows


def alone(shape: Shape, precision: str, variant: str) -> None:
    """What a process of its own does for the memory of a variant: three steps; prints its peak in MB."""
    step = Step(make_variant(_base(shape, precision), variant), shape)
    for _ in range(3):
        step()
    sys.stdout.write(json.dumps(peak_mb()))


def tokenised(folder: Path, wanted: int, block: int) -> dict[str, Any]:
    """Tokens a CPU second from text to the stream on disk, and how full the blocks are that are cut from it."""
    from train import tiny_base
    from train.packing import tokens

    texts = [path.read_text("utf-8") for path in sorted(folder.rglob("*.txt"))]
    tokenizer = tiny_base.train_tokenizer(texts, tiny_base.Shape(vocabulary=32000))
    documents = [text[at : at + _DOCUMENT] for text in texts for at in range(0, len(text), _DOCUMENT)]
    end: Any = tokenizer.eos_token_id
    once = sum(len(ids) + 1 for ids in tokenizer(documents, add_special_tokens=False)["input_ids"])
    rounds = max(1, wanted // once)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "train.tokens"
        with clock() as time:
            tokens.write_stream(path, iter(documents * rounds), tokenizer, "<u2")
        stream = np.fromfile(path, dtype="<u2")
    blocks = tokens.Blocks(stream, block, end)
    return {
        "characters_of_text": sum(len(text) for text in texts),
        "rounds": rounds,
        "vocabulary": len(tokenizer),
        "tokens": len(stream),
        "tokens_per_cpu_s": round(len(stream) / time.cpu),
        "block": block,
        "fill": round(blocks.tokens / (len(blocks) * block), 5),
    }


def packed_chats(number: int, block: int) -> dict[str, Any]:
    """How full the blocks are that chats of log-normal lengths (median 300 tokens) are packed into, none cut."""
    draw = np.random.default_rng(1)
    lengths = np.clip(draw.lognormal(np.log(300), 0.9, number), 16, block).astype(int)
    made = [chats.Encoded(np.ones(n, dtype=np.int32), np.arange(n) >= n // 2) for n in lengths]
    with clock() as time:
        blocks = chats.pack(made, block, 0)
    return {
        "chats": number,
        "tokens": blocks.tokens,
        "block": block,
        "fill": round(blocks.fill(), 5),
        "tokens_per_cpu_s": round(blocks.tokens / time.cpu),
    }


def _base(shape: Shape, precision: str) -> Any:
    base = make_base(shape, "cpu")
    return quantized(base) if precision == "nf4" else base


def _peak(shape: Shape, precision: str, variant: str) -> float:
    name = next(name for name, one in _SHAPES.items() if one == shape)
    words = [sys.executable, "-m", "benchmarks.train", "--shape", name]
    done = subprocess.run([*words, "--alone", precision, variant], capture_output=True, text=True, check=True)
    return round(float(json.loads(done.stdout)), 1)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(_SHAPES), default="small")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--texts", type=Path, default=_TEXTS, help="folder of .txt files for the tokens")
    parser.add_argument("--tokens", type=int, default=2_000_000, help="about so many are made")
    parser.add_argument("--dry", action="store_true", help="print, and keep no result")
    parser.add_argument("--alone", nargs=2, metavar=("PRECISION", "VARIANT"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    torch.set_num_threads(1)
    shape = _SHAPES[given.shape]
    if given.alone:
        alone(shape, *given.alone)
        return
    result: dict[str, Any] = {
        "versions": versions(("torch", "transformers", "peft", "bitsandbytes", "tokenizers")),
        "shape": asdict(shape),
        "repeats": given.repeats,
        "tokens": tokenised(given.texts, given.tokens, 2048),
        "chats": packed_chats(20_000, 2048),
        "steps": {},
    }
    table([result["tokens"]])
    table([result["chats"]])
    for precision in _PRECISIONS:
        rows = steps(shape, precision, given.repeats)
        result["steps"][precision] = rows
        table([{"variant": f"{precision} {name}", **_plain(row)} for name, row in rows.items()])
    if not given.dry:
        sys.stdout.write(f"kept in {keep('train', result)}\n")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, list)}


if __name__ == "__main__":
    main()
