"""The domain classifier: repeatable, calibrated, silent where it knows nothing."""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.base.commit import sha256_file
from corpus.base.errors import CorruptFileError, InputError, TrainingError
from labeling import classifier as module
from labeling.classifier import SEEDS, DomainClassifier, fit_temperature, load_seeds, temper, train
from labeling.features import features, size
from labeling.policy import DOMAIN_WORDS
from labeling.taxonomy import DOMAINS, Domain


def test_seeds_are_balanced() -> None:
    """Every domain has at least 30 passages, half Japanese and half English, none twice."""
    rows = [json.loads(line) for line in SEEDS.read_text(encoding="utf-8").splitlines()]
    count = Counter((row["domain"], row["lang"]) for row in rows)
    assert {domain for domain, _ in count} == set(map(str, DOMAINS))
    assert all(abs(count[d, "ja"] - count[d, "en"]) <= 2 and count[d, "ja"] + count[d, "en"] >= 30 for d in DOMAINS)
    assert len({row["text"] for row in rows}) == len(rows)


def test_training_twice_gives_the_same_bytes(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another training, from another folder and with threads offered, writes the same two files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    train(tmp_path)
    for name in ("domain.bin", "domain.json"):
        assert sha256_file(tmp_path / name) == sha256_file(model / name)


def test_card(model: Path) -> None:
    """domain.json says what the model was made of and how good it was on passages it had not seen."""
    card = json.loads((model / "domain.json").read_text(encoding="utf-8"))
    assert card["passages"] == len(load_seeds())
    assert card["seeds_sha256"] == sha256_file(SEEDS)
    assert 0.65 < card["held_out_accuracy"] < 1
    assert card["held_out_nll"] < math.log(len(DOMAINS)) / 2


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("海上自衛隊の護衛艦が日米共同訓練に参加し、防衛省は警戒監視を続けると発表した。", Domain.DEFENSE_PUBLIC),
        (
            "The Department of Defense instruction assigns responsibilities to military commanders.",
            Domain.DEFENSE_PUBLIC,
        ),
        ("ロケットの打上げ後、人工衛星は軌道に投入され太陽電池パドルを展開した。", Domain.AEROSPACE),
        ("The spacecraft entered orbit and its rocket engine was tested in a wind tunnel.", Domain.AEROSPACE),
        ("通常、成人には一日二回経口投与する。副作用として発疹があらわれることがある。", Domain.MEDICAL_REG),
        ("Patients with renal impairment received a lower dose; adverse reactions were reported.", Domain.MEDICAL_REG),
        ("第五条　前条の規定に違反した者は、五十万円以下の罰金に処する。", Domain.LAW_POLICY),
        ("The parties shall not assign this Agreement without the prior written consent.", Domain.LAW_POLICY),
    ],
)
def test_plain_cases(classifier: DomainClassifier, text: str, domain: Domain) -> None:
    """An unmistakable sentence of a source that the seeds do not hold gets its domain, in both languages."""
    (found,) = classifier.predict([text])
    assert found.domain is domain


@pytest.mark.parametrize("text", ["", " \n\t", "。。。!?", "\0", "12345", "1 " * 50, "人工衛星", "The rocket engine"])
def test_few_words_no_opinion(classifier: DomainClassifier, text: str) -> None:
    """A text of no or too few words gets the same probability for all domains."""
    (found,) = classifier.predict([text])
    assert (found.domain, found.score) == (Domain.GENERAL, 1 / 8)


@given(st.lists(st.text(), max_size=4))
def test_predict_never_raises(classifier: DomainClassifier, texts: list[str]) -> None:
    """Any texts give probabilities that sum to 1, none above 1, and the same ones in a batch as alone."""
    found = classifier.predict(texts)
    assert found == [classifier.predict([text])[0] for text in texts]
    for one in found:
        assert math.isclose(sum(one.probabilities.values()), 1, rel_tol=1e-9)
        assert all(0 <= p <= 1 for p in one.probabilities.values())
        assert one.score == max(one.probabilities.values())


@given(st.text())
def test_features_are_one_line(text: str) -> None:
    """What fastText gets has no line break of any kind and no kana or kanji that touches its neighbour."""
    words = features(text).split(" ")
    assert len(features(text).splitlines()) <= 1
    assert all(len(word) == 1 for word in words if word and "\u3041" <= word[0] <= "\u9fff")


def test_features_split_japanese() -> None:
    """Japanese is split by character, Latin words stay whole, numbers and case do not matter."""
    assert features("第12条\nABC宇宙") == features("第 3 条 abc 宇 宙") == "第 条 abc 宇 宙"
    assert features("03-1234-5678 (5mg) １２ 1,200") == "0mg"


def test_no_passage_is_too_short() -> None:
    """The classifier is asked about nothing shorter than what it was trained on."""
    shortest = min(size(features(text)) for _, text in load_seeds())
    assert DOMAIN_WORDS <= shortest < DOMAIN_WORDS + 2


def test_temper() -> None:
    """A temperature above 1 flattens, below 1 sharpens, and keeps the order and the sum; scores over 1 are clipped."""
    row = {"a": 1.00002, "b": 0.1}
    assert temper(row, 1.0) == pytest.approx({"a": 1 / 1.1, "b": 0.1 / 1.1})
    assert temper(row, 2.0)["a"] < temper(row, 1.0)["a"] < temper(row, 0.5)["a"] < 1


def test_fit_temperature() -> None:
    """Over-confident predictions get a temperature above 1, timid ones below it."""
    sure, timid = {"a": 0.99, "b": 0.01}, {"a": 0.6, "b": 0.4}
    assert fit_temperature([("a", sure)] * 7 + [("b", sure)] * 3) > 2
    assert fit_temperature([("a", timid)] * 99 + [("b", timid)]) < 1


def test_missing_and_corrupt(model: Path, tmp_path: Path) -> None:
    """A missing or damaged model or seed file is one line that says what to do."""
    with pytest.raises(InputError, match="hakusho classifier train"):
        DomainClassifier.load(tmp_path)
    (tmp_path / "domain.json").write_bytes((model / "domain.json").read_bytes())
    (tmp_path / "domain.bin").write_bytes(b"not a model")
    with pytest.raises(CorruptFileError, match="hakusho classifier train"):
        DomainClassifier.load(tmp_path)
    with pytest.raises(InputError, match="seed"):
        load_seeds(tmp_path / "none.jsonl")
    seeds = tmp_path / "seeds.jsonl"
    seeds.write_text('{"domain": "general", "text": "x"}\n')
    with pytest.raises(InputError, match="no passage for domain"):
        load_seeds(seeds)
    seeds.write_text('{"domain": "cooking", "text": "x"}\n')
    with pytest.raises(CorruptFileError, match="line 1"):
        load_seeds(seeds)


def test_failed_training_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What fastText cannot do becomes a TrainingError with its reason."""
    monkeypatch.setitem(module.PARAMETERS, "loss", "none of these")
    with pytest.raises(TrainingError, match="could not train"):
        train(tmp_path)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing half-made is left
