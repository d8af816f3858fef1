"""Labelled texts: read with their gaps, split without leaks, made wrong in a way that can be told."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from train_samples import encyclopaedia_rows, fill, law_rows, row, write

from corpus.base.errors import EmptyInputError, InputError
from labeling.taxonomy import Domain, Verdict
from train.data import dataset
from train.heads import plausible
from train.heads.calibration import brier, calibration_error, fit_temperature, interval, macro_f1, report
from train.heads.labels import SOURCES, Example, Labelled, documents, prompts
from train.heads.losses import IGNORED, negative_log_likelihood


def file(path: Path, rows: list[dict[str, object]]) -> Path:
    """Prompts as JSONL."""
    path.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows), encoding="utf-8")
    return path


def test_prompts_keep_their_gaps_and_one_in_five_is_held_out(tmp_path: Path) -> None:
    """A missing label stays missing, a row without any is left out, a text is on one side only."""
    rows: list[dict[str, object]] = [
        {"id": n, "text": f"手続その{n % 190}を教えて", "verdict": "DENY", "domain": None} for n in range(200)
    ]
    rows += [{"id": 500, "text": "空", "verdict": None, "domain": ""}]
    rows += [{"id": 501, "text": "軌道とは", "verdict": None, "domain": "aerospace"}]
    trained, held = prompts(file(tmp_path / "p.jsonl", rows))
    assert len(trained) + len(held) == 191
    assert not {one.text for one in trained} & {one.text for one in held}
    assert 20 <= len(held) <= 60
    assert Example("軌道とは", None, Domain.AEROSPACE, prompt=True) in trained + held
    assert trained[0].labels == {"safety": Verdict.DENY.code, "domain": None, "plausibility": None}
    assert prompts(tmp_path / "p.jsonl") == (trained, held)


def test_prompts_are_split_without_comparing_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is looked at once: the time grows with their number and not with its square."""
    rows: list[dict[str, object]] = [{"id": n, "text": f"手続その{n}", "verdict": "DENY"} for n in range(50)]
    path = file(tmp_path / "p.jsonl", rows)
    wanted = prompts(path)

    monkeypatch.setattr(Example, "__eq__", lambda *_: pytest.fail("compared"))
    found = prompts(path)
    monkeypatch.undo()
    assert found == wanted


@pytest.mark.parametrize(
    ("rows", "error", "line"),
    [
        ([{"id": "7", "text": "a", "verdict": "ESCALATE"}], InputError, "row 7: verdict 'ESCALATE' is none of ALLOW"),
        ([{"id": "7", "text": "a", "domain": "space"}], InputError, "row 7: domain 'space' is none of"),
        ([{"id": "7", "text": "a"}], EmptyInputError, "hakusho label --task prompt"),
        ([{"id": "7", "verdict": "DENY"}], InputError, "no column text"),
    ],
)
def test_prompts_that_cannot_be_used(
    tmp_path: Path, rows: list[dict[str, object]], error: type[Exception], line: str
) -> None:
    """One line that names row and value."""
    with pytest.raises(error, match=line):
        prompts(file(tmp_path / "p.jsonl", rows))


def test_documents_are_held_out_as_the_run_does_and_restricted_ones_have_no_verdict(tmp_path: Path) -> None:
    """What the run on a domain holds out, the heads do, and the other way round; at most so many a domain."""
    workspace = fill(tmp_path / "w")
    kept_back = row(
        "取扱説明の見本。" * 5, domain="medical_reg", source="pmda", licence="restricted", verdict="ESCALATION"
    )
    write(workspace, "restricted", "train", [kept_back])
    paths = dataset.shards(workspace, ("restricted",))
    for domain in ("law_policy", "wikipedia_ja_en", "all"):
        selection = dataset.select(paths, domain)
        trained, held = documents(paths, domain, 50, seed=1)
        texts = [{one.text for one in part["documents"]} for part in (trained, held)]
        assert len(texts[0]) + len(texts[1]) == 25
        of_run = {key: plausible.passage(text, 240, 1) for key, text in dataset.documents(paths, _ids(paths))}
        assert {of_run[one.id] for one in selection.held_out} <= texts[1]
        assert {of_run[one.id] for one in selection.train} <= texts[0]
    verdicts = Counter((one.domain, one.verdict) for one in trained["documents"])
    assert verdicts[Domain.MEDICAL_REG, None] == 1
    assert verdicts[Domain.LAW_POLICY, Verdict.ALLOW] == 10
    few, _ = documents(paths, "all", 3, seed=1)
    assert Counter(one.domain for one in few["documents"])[Domain.LAW_POLICY] == 3
    answers = [one.plausible for one in trained["pairs"]]
    assert answers == [True, False] * (len(answers) // 2)
    assert len(answers) > 20


def _ids(paths: list[Path]) -> set[str]:
    return {one.id for one in dataset.admitted(paths, "all")}


def test_a_corrupted_answer_is_the_grounded_one_after_one_change() -> None:
    """The true answer stands in the passage, the false one does not; the same seed gives the same pair."""
    texts = [str(one["text"]) for one in (*law_rows(20), *encyclopaedia_rows(20))]
    made = [plausible.pair(text, texts[place - 1], 200, 1) for place, text in enumerate(texts)]
    assert made == [plausible.pair(text, texts[place - 1], 200, 1) for place, text in enumerate(texts)]
    assert made != [plausible.pair(text, texts[place - 1], 200, 2) for place, text in enumerate(texts)]
    pairs = [one for one in made if one is not None]
    assert len(pairs) > 35
    assert set(Counter(one.change for one in pairs)) == set(plausible.CHANGES)
    for one in pairs:
        assert one.answer in one.passage
        assert one.corrupted not in one.passage
        assert len(one.passage) <= 200
        start = next(n for n, (a, b) in enumerate(zip(one.answer, one.corrupted + "\0", strict=False)) if a != b)
        end = next(n for n, (a, b) in enumerate(zip(one.answer[::-1], one.corrupted[::-1], strict=False)) if a != b)
        assert start + end > 0, "more than one place was changed"


@pytest.mark.parametrize(
    ("change", "sentence", "other", "wanted"),
    [
        ("number", "届出は三十日以内に行う。", "会議は五年ごとに開く。", "届出は五日以内に行う。"),
        ("number", "It was built in 1900 there.", "第五条", None),
        ("negation", "許可を取り消すことができる。", "", "許可を取り消すことができない。"),
        ("negation", "届出を行わなければならない。", "", "届出を行わなくてもよい。"),
        ("negation", "The bridge is not the oldest.", "", "The bridge is the oldest."),
        ("name", "本社はトウキョウにある。", "オオサカの町", "本社はオオサカにある。"),
        ("name", "It is near Kyoto today.", "He went to Osaka.", "It is near Osaka today."),
        ("name", "ひらがなだけ。", "オオサカ", None),
    ],
)
def test_each_change(change: str, sentence: str, other: str, wanted: str | None) -> None:
    """Numbers for numbers of their script, names for names, a negation turned round; else nothing."""
    assert plausible.CHANGES[change](sentence, other, random.Random(1)) == wanted


def test_a_text_without_a_whole_sentence_gives_a_passage_and_no_pair() -> None:
    """Short, empty of sentences, or with nothing to change."""
    assert plausible.passage("短い", 200, 1) == "短い"
    assert plausible.pair("ひらがなだけのぶんしょう。" * 3, "", 200, 1) is None
    twice = "とどけは5にちまで。とどけは3にちまで。"
    assert plausible.pair(twice, "3", 200, 1) is None  # what would come out stands there, too
    assert plausible.pair(twice, "7", 200, 1) is not None


def test_a_step_takes_from_every_source_and_every_epoch_takes_all() -> None:
    """The step's number alone decides; a source without examples is passed over."""
    examples = {"prompts": [Example(f"p{n}") for n in range(7)], "documents": [], "pairs": [Example("x")] * 4}
    texts = Labelled(examples, {})
    first = texts.step(3, 2, seed=1)
    assert first == texts.step(3, 2, seed=1)
    assert [source for source, _ in first] == ["prompts", "prompts", "pairs", "pairs"]
    epoch = [row for step in range(7) for source, row in texts.step(step, 1, seed=1) if source == "prompts"]
    assert sorted(epoch) == list(range(7))
    assert len(texts.every()) == 11
    assert set(SOURCES) == {"prompts", "documents", "pairs"}


def test_a_temperature_is_found_and_mends_over_confidence() -> None:
    """Logits that are k times too large get the temperature k, and with it a smaller error of calibration."""
    generator = torch.Generator().manual_seed(1)
    true = torch.randn(2000, 4, generator=generator)
    labels = torch.multinomial(true.softmax(1), 1, generator=generator).flatten()
    found = fit_temperature(3 * true, labels)
    assert found == pytest.approx(3, rel=0.1)
    losses = [float(negative_log_likelihood(3 * true / t, labels)) for t in (found, 0.97 * found, 1.03 * found)]
    assert losses[0] == min(losses)
    yes = true[:, 0]
    drawn = (torch.rand(2000, generator=generator) < yes.sigmoid()).long()
    assert fit_temperature(3 * yes, drawn) == pytest.approx(3, rel=0.15)
    assert fit_temperature(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long)) == 1.0
    assert 0.05 <= fit_temperature(10 * torch.eye(4), torch.arange(4)) < 0.8  # right everywhere: surer
    assert fit_temperature(10 * torch.eye(4), torch.arange(4).roll(1)) == pytest.approx(20)  # wrong everywhere
    logits = {"safety": 3 * true, "domain": torch.zeros(2000, 8), "plausibility": 3 * yes, "confidence": yes}
    known = {"safety": labels, "domain": torch.full((2000,), IGNORED), "plausibility": drawn, "confidence": drawn}
    temperatures, figures = report(logits, known, torch.arange(2000) % 2 == 0)
    assert temperatures["domain"] == 1.0
    assert set(figures) == {"safety", "plausibility", "confidence"}
    for name in ("safety", "plausibility"):
        told = figures[name]
        assert told["n"] == told["fitted_on"] == 1000
        assert told["ece_after"] < 0.5 * told["ece_before"]
        assert told["brier_after"] < told["brier_before"]
        low, high = told["macro_f1_interval"]
        assert low < told["macro_f1"] < high
        low, high = told["ece_after_interval"]
        assert low < told["ece_after"] < high
    assert sum(one["n"] for one in figures["safety"]["recall"].values()) == 1000


def test_figures_have_their_known_values() -> None:
    """By hand: calibration error with bins of equal mass, Brier score, macro-F1 over the classes that are there."""
    sure = np.repeat([0.6, 0.9], 20)
    right = np.tile([True, False], 20)  # half are right: 0.1 off in half of the bins, 0.4 in the others
    assert calibration_error(sure, right) == pytest.approx(0.25)
    assert calibration_error(np.array([0.8]), np.array([True])) == pytest.approx(0.2)
    assert calibration_error(np.array([0.5, 0.5, 1.0, 1.0]), np.array([False, True, True, False])) == pytest.approx(0.5)
    assert brier(np.array([[0.7, 0.3], [0.2, 0.8]]), np.array([0, 0])) == pytest.approx((0.18 + 1.28) / 2)
    assert macro_f1(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 1])) == pytest.approx((2 / 3 + 2 / 4) / 2)
    assert interval(lambda rows: float(np.mean(rows < 5)), 10) == interval(lambda rows: float(np.mean(rows < 5)), 10)
