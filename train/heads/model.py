"""The heads: what the last hidden state says of a text's safety, domain and plausibility, and of that very verdict.

The state at the last real token, h (d = 8 k numbers, scaled to unit mean square), is taken in blocks of 8. One theta
(k, 28) gives each block its rotation R and, by the maps of triality (train.gates.so8.spinors), the half-spin images R+
and R- of the very same rotation. Safety reads R+ h, domain R- h, the verifier R h.

These alone would be three turns of one vector. So three learnt mixtures of the blocks, m_0, m_1, m_2 (each M_i h, with
M_i a k x k matrix over blocks that leaves the 8 places of a block alone, scaled as h is), enter as a vector x = R m_0,
a spinor+ s = R+ m_1 and a spinor- c = R- m_2, block by block. Octonion multiplication joins them as representations:

    x s = R- (m_0 m_1)         conj(x) c = R+ (conj(m_0) m_2)         c conj(s) = R (m_2 conj(m_1))

because R-(a b) = (R a)(R+ b), and because multiplying by a conjugate is the adjoint of multiplying (Baez, "The
Octonions", Bull. AMS 39, 2002, sections 2.2 to 2.4). Each is quadratic in h and belongs to the head whose turn it
has. From all three comes one number a block that no turn changes, the trilinear form of triality,

    t = <c, x s> = <R- m_2, (R m_0)(R+ m_1)> = <m_2, m_0 m_1>,

which every head reads. A head is linear in its view: 8 k numbers of the turned state, 8 k of its product, k of t.
Everything inside is float32 (float64 for heads made `double`), also under autocast.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import rms_norm

from corpus.base.errors import CorruptFileError, InputError, TrainingError
from labeling.taxonomy import DOMAINS, VERDICTS, Domain, Verdict
from train.data.plain import PlainText
from train.gates import so8
from train.gates.octonions import PRODUCT
from train.heads.files import CONFIG_FILE, FILES, HEADS_FILE

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

__all__ = [
    "CALIBRATED",
    "CONFIG_FILE",
    "HEADS_FILE",
    "Answers",
    "Heads",
    "Scores",
    "Views",
    "encode",
    "load_heads",
    "pooled",
    "save_heads",
    "score",
    "state",
]

CALIBRATED: Final = ("safety", "domain", "plausibility", "confidence")  # each with a temperature of its own
_FORMAT = 1
_SPREAD = 0.1  # radians; at theta = 0 the three turned views would be one and the same at the start
_BATCH = 16  # texts scored at once


@dataclass(frozen=True)
class Views:
    """What the heads read: vector, plus, minus (n, 2 k, 8), the turned state and its product; invariants (n, k)."""

    vector: Tensor
    plus: Tensor
    minus: Tensor
    invariants: Tensor


@dataclass(frozen=True)
class Answers:
    """Logits before any temperature: safety (n, 4), domain (n, 8), plausibility (n), confidence (n); and the views."""

    safety: Tensor
    domain: Tensor
    plausibility: Tensor
    confidence: Tensor
    views: Views

    def of(self, name: str) -> Tensor:
        """The logits of one of CALIBRATED."""
        found: Tensor = getattr(self, name)
        return found


class Heads(nn.Module):
    """Four heads over `features` = 8 k numbers: theta (k, 28), mixtures (3, k, k), three Linears of 17 k inputs.

    `tokens`: how many last tokens of a text they are trained on. `temperatures` divide the logits in `score`; 1 until
    they are fitted (train.heads.calibration). Raises TrainingError where `features` is no multiple of 8.
    """

    octonion: Tensor
    conjugate: Tensor

    def __init__(self, features: int, tokens: int = 256) -> None:
        super().__init__()
        if features % so8.BLOCK or not features:
            raise TrainingError(f"a hidden state of {features} numbers has no blocks of {so8.BLOCK}; heads need them")
        blocks = features // so8.BLOCK
        self.theta = nn.Parameter(torch.randn(blocks, so8.COORDINATES) * _SPREAD)
        self.mixtures = nn.Parameter(torch.eye(blocks) + torch.randn(3, blocks, blocks) / blocks**0.5)
        width = 2 * features + blocks
        self.safety = nn.Linear(width, len(VERDICTS))
        self.domain = nn.Linear(width, len(DOMAINS))
        self.verifier = nn.Linear(width, 2)  # plausibility, confidence
        product = torch.tensor(PRODUCT, dtype=torch.float32).reshape(so8.BLOCK**2, so8.BLOCK)
        self.register_buffer("octonion", product / so8.BLOCK**0.5, persistent=False)  # keeps unit mean square
        self.register_buffer("conjugate", torch.tensor([1.0, *[-1.0] * (so8.BLOCK - 1)]), persistent=False)
        self.tokens = tokens
        self.temperatures: dict[str, float] = dict.fromkeys(CALIBRATED, 1.0)

    @property
    def features(self) -> int:
        """d, the length of the hidden state."""
        return so8.BLOCK * self.theta.shape[0]

    def views(self, hidden: Tensor) -> Views:
        """The views of pooled states (n, d), any floating dtype. Raises TrainingError for another d."""
        if hidden.shape[-1] != self.features:
            raise TrainingError(f"these heads read states of {self.features} numbers, not of {hidden.shape[-1]}")
        with torch.autocast(hidden.device.type, enabled=False):
            exact = rms_norm(hidden.to(self.theta.dtype), (self.features,))
            rotations = [so8.rotation(theta) for theta in (self.theta, *so8.spinors(self.theta))]
            blocks = exact.reshape(len(exact), -1, so8.BLOCK)
            mixed = [
                rms_norm(torch.einsum("bc,ncj->nbj", m, blocks).flatten(1), (self.features,)) for m in self.mixtures
            ]
            turned = [_turn(rotation, exact) for rotation in rotations]
            x, s, c = (_turn(rotation, part) for rotation, part in zip(rotations, mixed, strict=True))
            joint = self._times(x, s)
            products = (self._times(c, s * self.conjugate), self._times(x * self.conjugate, c), joint)
            vector, plus, minus = (torch.cat(both, dim=1) for both in zip(turned, products, strict=True))
            return Views(vector, plus, minus, (c * joint).sum(-1) / so8.BLOCK**0.5)

    def forward(self, hidden: Tensor) -> Answers:
        """The logits for pooled states (n, d), any floating dtype."""
        views = self.views(hidden)
        with torch.autocast(hidden.device.type, enabled=False):
            plus, minus, vector = (
                torch.cat([view.flatten(1), views.invariants], dim=1)
                for view in (views.plus, views.minus, views.vector)
            )
            verifier = self.verifier(vector)
            return Answers(self.safety(plus), self.domain(minus), verifier[:, 0], verifier[:, 1], views)

    def _times(self, left: Tensor, right: Tensor) -> Tensor:
        """Octonion products, over sqrt(8): (n, k, 8)."""
        outer = left.unsqueeze(-1) * right.unsqueeze(-2)
        return outer.flatten(-2) @ self.octonion


@dataclass(frozen=True)
class Scores:
    """Calibrated probabilities for one text: of each verdict and each domain (each sums to 1), and of two statements.

    `plausibility`: that the answer at the text's end is grounded in what stands before it. `confidence`: that `verdict`
    is right.
    """

    verdicts: Mapping[Verdict, float]
    domains: Mapping[Domain, float]
    plausibility: float
    confidence: float

    @property
    def verdict(self) -> Verdict:
        """The likeliest verdict."""
        return max(VERDICTS, key=self.verdicts.__getitem__)

    @property
    def domain(self) -> Domain:
        """The likeliest domain."""
        return max(DOMAINS, key=self.domains.__getitem__)


def score(model: nn.Module, tokenizer: PreTrainedTokenizerBase, heads: Heads, texts: Sequence[str]) -> list[Scores]:
    """What the heads say of texts, by as many last tokens as they were trained on; the model's mode is as before.

    Nothing random is drawn. Raises TrainingError where the heads are of another model, or a text is empty.
    """
    found: list[Scores] = []
    training = model.training
    model.eval()
    with torch.no_grad():
        for start in range(0, len(texts), _BATCH):
            ids = encode(tokenizer, texts[start : start + _BATCH], heads.tokens)
            answers = heads(state(model, ids))
            rows = {name: answers.of(name).double() / heads.temperatures[name] for name in CALIBRATED}
            verdicts, domains = rows["safety"].softmax(-1).tolist(), rows["domain"].softmax(-1).tolist()
            sure = zip(*(rows[name].sigmoid().tolist() for name in ("plausibility", "confidence")), strict=True)
            found += [
                Scores(dict(zip(VERDICTS, v, strict=True)), dict(zip(DOMAINS, d, strict=True)), *two)
                for v, d, two in zip(verdicts, domains, sure, strict=True)
            ]
    model.train(training)
    return found


def encode(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], length: int) -> list[list[int]]:
    """The last `length` tokens of each text, none of them a control token. Raises TrainingError where there is none."""
    if not texts:
        return []
    found = [list(ids[-length:]) for ids in PlainText(tokenizer).ids(texts)]
    if not all(found):
        raise TrainingError("a text without any token cannot be scored; leave it out")
    return found


def state(model: nn.Module, texts: Sequence[Sequence[int]]) -> Tensor:
    """The last hidden state of each text at its last token: (texts, d), with gradients where they are on."""
    device = next(model.parameters()).device
    longest = max(len(ids) for ids in texts)
    ids = torch.tensor([[*one, *[0] * (longest - len(one))] for one in texts], device=device)
    mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in texts], device=device)
    output: Any = model(
        input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=True, logits_to_keep=1
    )
    return pooled(output.hidden_states[-1], mask)


def pooled(hidden: Tensor, mask: Tensor) -> Tensor:
    """The states at the last real positions: hidden (n, length, d), mask (n, length) 0 or 1 -> (n, d).

    Padding may be on either side. Raises TrainingError for a row of padding alone.
    """
    if not bool((mask != 0).any(1).all()):
        raise TrainingError("a row without a real token has no last one to read; leave it out")
    places = torch.arange(mask.shape[1], device=mask.device)
    last = torch.where(mask != 0, places, -1).amax(1)
    return hidden[torch.arange(len(hidden), device=hidden.device), last]


def save_heads(heads: Heads, folder: Path) -> None:
    """Write heads.safetensors and heads_config.json, the same bytes for the same heads; inside a commit."""
    tensors = {name: parameter.detach().float().cpu().contiguous() for name, parameter in heads.named_parameters()}
    save_file(tensors, folder / HEADS_FILE, metadata={"format": "pt"})
    text = (
        json.dumps(
            _config(heads.features) | {"temperatures": heads.temperatures, "tokens": heads.tokens},
            indent=2,
            sort_keys=True,
        )
        + "\n"
    )
    (folder / CONFIG_FILE).write_text(text, encoding="utf-8")


def load_heads(folder: Path) -> Heads:
    """The heads of a run or an export, frozen, for use; never fresh ones.

    Raises InputError where the folder has none, CorruptFileError where they cannot be read, TrainingError where they
    were trained for other verdicts or domains.
    """
    for name in FILES:
        if not (folder / name).is_file():
            raise InputError(
                f"{folder / name} is missing, and heads without trained weights say nothing; train them: "
                f"python -m train.qlora --run {folder.name} --heads yes"
            )
    try:
        config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
        tensors = load_file(folder / HEADS_FILE)
        temperatures = {name: float(config["temperatures"][name]) for name in CALIBRATED}
        wanted = _config(config["features"])
        with torch.random.fork_rng():  # the start that is overwritten at once draws nothing from the caller
            heads = Heads(config["features"], int(config["tokens"]))
        heads.load_state_dict(tensors)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError, TrainingError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise CorruptFileError(f"{folder / HEADS_FILE}: no readable heads ({first}); train the run again") from error
    if odd := sorted(name for name, value in wanted.items() if config.get(name) != value):
        raise TrainingError(f"{folder / CONFIG_FILE}: heads of another {odd[0]}; train the run again")
    heads.temperatures = temperatures
    heads.requires_grad_(False)
    return heads.eval()


def _config(features: int) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "features": features,
        "pooling": "last real token",
        "verdicts": [str(verdict) for verdict in VERDICTS],
        "domains": [str(domain) for domain in DOMAINS],
    }


def _turn(rotation: Tensor, features: Tensor) -> Tensor:
    return so8.turn(rotation, features).reshape(len(features), -1, so8.BLOCK)
