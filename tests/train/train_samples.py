"""Samples: a dataset in the layout of corpus.dataset, of sentences made up here, and a base that is made in seconds."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from corpus.base.shards import write_shard
from corpus.base.workspace import Workspace
from train.tiny_base import Shape

if TYPE_CHECKING:
    from transformers import Phi3ForCausalLM

Row = dict[str, str | None]

SMALL = Shape(vocabulary=512, hidden=64, intermediate=128, layers=2, positions=256, block=64, steps=40)

_BODIES = ("市長", "知事", "主務大臣", "委員会", "事業者", "管理者", "届出人", "審査会")
_THINGS = ("届出", "許可", "登録", "報告書", "計画", "手数料", "検査", "記録", "申請書", "台帳")
_DUTIES = (
    "を行わなければならない",
    "を公表するものとする",
    "を取り消すことができる",
    "を定めるものとする",
    "を保存しなければならない",
)
_WHENS = ("三十日以内に", "速やかに", "毎年度", "あらかじめ", "必要があると認めるときは、", "前項の規定により")
_PLACES = ("川", "山", "島", "町", "橋", "湖", "駅", "塔", "港", "平野")
_NAMES = ("北沢", "白峰", "東浜", "青葉", "大滝", "千歳", "緑丘", "朝霧", "石橋", "若松")
_FACTS = ("に位置する", "として知られる", "の名の由来となった", "で最も古い", "に面している", "の中心である")
_KINDS = ("river", "hill", "island", "town", "bridge", "lake", "station", "tower", "harbour", "plain")
_TRAITS = (
    "known for its long history",
    "the oldest of its kind",
    "close to the northern coast",
    "visited by many people",
)


def law_text(rng: random.Random, articles: int = 14) -> str:
    """A made-up ordinance of numbered articles."""
    title = f"{rng.choice(_NAMES)}市{rng.choice(_THINGS)}条例"
    lines = [title, f"第一条　この条例は、{rng.choice(_THINGS)}に関し必要な事項を定めることを目的とする。"]
    for number in range(2, articles):
        body, thing, other = rng.choice(_BODIES), rng.choice(_THINGS), rng.choice(_THINGS)
        lines.append(f"第{number}条　{body}は、{rng.choice(_WHENS)}{other}に係る{thing}{rng.choice(_DUTIES)}。")
    return "\n".join(lines)


def encyclopaedia_text(rng: random.Random, sentences: int = 22) -> str:
    """A made-up article, Japanese and English sentences mixed."""
    lines = []
    for _ in range(sentences):
        name, place = rng.choice(_NAMES), rng.choice(_PLACES)
        if rng.random() < 0.6:
            lines.append(f"{name}{place}は{rng.choice(_NAMES)}地方の{rng.choice(_PLACES)}{rng.choice(_FACTS)}。")
        else:
            kind = rng.choice(_KINDS)
            lines.append(f"The {kind} was built in {rng.randint(1600, 2020)} and is {rng.choice(_TRAITS)}.")
    return "\n".join(lines)


def row(text: str, *, domain: str, source: str, licence: str | None, verdict: str = "ALLOW") -> Row:
    """A row of the dataset with the columns that training reads, and title and url."""
    digest = hashlib.sha256(f"{source}{text}".encode()).hexdigest()[:32]
    return {
        "id": digest,
        "text": text,
        "source": source,
        "domain": domain,
        "verdict": verdict,
        "lang": "ja",
        "title": text[:12],
        "url": f"https://example.org/{digest}",
        "licence": licence,
        "attribution": f"出典：{source}の見本",
    }


def write(workspace: Workspace, folder: str, split: str, rows: Sequence[Row]) -> Path:
    """Write one shard of the dataset."""
    path = workspace.path("dataset", folder, f"{split}-00000-of-00001.parquet")
    write_shard(path, pa.Table.from_pylist(sorted(rows, key=lambda r: str(r["id"]))))
    return path


def law_rows(number: int, seed: int = 1) -> list[Row]:
    """Documents of domain law_policy."""
    rng = random.Random(seed)
    return [row(law_text(rng), domain="law_policy", source="egov", licence="PDL-1.0") for _ in range(number)]


def encyclopaedia_rows(number: int, seed: int = 2) -> list[Row]:
    """Documents of domain wikipedia_ja_en."""
    rng = random.Random(seed)
    return [
        row(encyclopaedia_text(rng), domain="wikipedia_ja_en", source="wikipedia", licence="CC-BY-SA-4.0")
        for _ in range(number)
    ]


def fill(root: Path) -> Workspace:
    """A workspace whose dataset has law (10 to train on, 2 held out) and an encyclopaedia (12)."""
    workspace = Workspace(root)
    write(workspace, "data", "train", law_rows(10))
    write(workspace, "data", "validation", law_rows(2, seed=7))
    write(workspace, "cc_by_sa", "train", encyclopaedia_rows(12))
    return workspace


def random_base(seed: int = 1) -> Phi3ForCausalLM:
    """A Phi-3 of two small layers and 256 tokens with random weights, frozen, float32: nothing to wait for."""
    import torch
    from transformers import Phi3Config, Phi3ForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Phi3ForCausalLM(
            Phi3Config(
                vocab_size=256, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=4, max_position_embeddings=128, original_max_position_embeddings=128,
                bos_token_id=0, eos_token_id=1, pad_token_id=1, attention_dropout=0.0,
            )
        )  # fmt: skip
    model.requires_grad_(False)
    return model
