"""Kill training runs with SIGKILL at ten random moments each, let them go on, and say what they made in the end.

    python tests/train/kill_run.py WORKSPACE BASE SEED WORD...

Once over a whole base and once over one in NF4. The libraries are loaded once; each attempt is a fork of this process
that runs the command as a user would. Prints one JSON line a kind: the files of an uninterrupted run, the steps in the
newest checkpoint at each kill, and the files of each run that was killed and finished (one that ends before its tenth
kill is followed by another under a new name), as SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

KILLS = 10
KINDS = ("none", "nf4")


def result(folder: Path) -> dict[str, str]:
    """What a run made, its name apart."""
    names = ("adapter_model.safetensors", "gates.safetensors", "metrics.jsonl", "sample.txt")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def attempt(words: list[str]) -> int:
    """Start the command in a fork; its process id."""
    pid = os.fork()
    if pid:
        return pid
    from train.qlora import training

    os.dup2(2, 1)
    code = 70
    try:
        code = training.main(words)
    finally:
        os._exit(code)


def newest(folder: Path) -> int:
    """The step of the newest checkpoint, 0 without one."""
    names = sorted(path.name for path in folder.glob("checkpoints/[0-9]*-step-*"))
    return int(names[-1].rpartition("-")[2]) if names else 0


def killed(pid: int, folder: Path, rng: random.Random) -> bool:
    """Kill an attempt some steps on and then a random while, anywhere in a step or commit; whether it came to that."""
    wanted, delay = newest(folder) + rng.randint(0, 6), rng.uniform(0, 0.15)
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if newest(folder) >= wanted and folder.exists():
            time.sleep(delay)
            os.kill(pid, signal.SIGKILL)
            return os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        time.sleep(0.01)
    return False


def story(root: Path, words: list[str], kind: str, rng: random.Random) -> Iterator[tuple[str, object]]:
    """One kind of base: an uninterrupted run, then ten kills."""
    words = ["--data", str(root), "--quantization", kind, *words]
    os.waitpid(attempt([*words, "--run", f"whole-{kind}"]), 0)
    yield "whole", result(root / "models" / f"whole-{kind}")
    moments: list[int] = []
    finished: list[dict[str, str]] = []
    while True:
        name = f"{kind}-{len(finished)}"
        folder = root / "models" / name
        pid = attempt([*words, "--run", name])
        if len(moments) < KILLS and killed(pid, folder, rng):
            moments.append(newest(folder))
            continue
        if len(moments) == KILLS:
            os.waitpid(pid, 0)
        finished.append(result(folder))
        if len(moments) == KILLS:
            break
    yield "moments", moments
    yield "finished", finished


def main(root: Path, base: str, seed: int, words: list[str]) -> None:
    """Both kinds, one after the other."""
    import bitsandbytes  # noqa: F401  what an attempt needs, loaded once
    import peft  # noqa: F401
    import torch
    import transformers.models.phi3.modeling_phi3  # noqa: F401

    from train import libraries
    from train.loop import fit  # noqa: F401
    from train.models import loading  # noqa: F401

    torch.set_num_threads(1)
    libraries.offline()
    rng = random.Random(seed)
    for kind in KINDS:
        told = dict(story(root, ["--base", base, *words], kind, rng))
        sys.stdout.write(json.dumps({"kind": kind, **told}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4:])
