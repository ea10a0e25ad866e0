"""Built ECG-QA: balance between answers, the same bytes from the same seed, files that the ECG-QA loader reads."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from precordia.core.drafts import Draft, Statement
from precordia.core.errors import InputError, UsageError
from precordia.core.findings import Finding, Measurements
from precordia.datasets.ecgqa.builder.annotated import NOISES, leads_of
from precordia.datasets.ecgqa.builder.build import build, consecutive, irrelevant
from precordia.datasets.ecgqa.builder.check import AGREES, FAR, NEAR_LIMIT, NOT_KNOWN, NOT_MADE, OTHER_LABEL, check
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN, draw
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.builder.writer import entry_of, write
from precordia.datasets.ecgqa.classes import load_classes
from precordia.datasets.ecgqa.questions import Question, load_questions
from precordia.datasets.ptbxl import read_table
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.built_task import ECGQA_BUILT, spread
from precordia.eval.tasks.ecgqa.named import names_of, verdict_of

RNG = np.random.default_rng


def archive(n: int = 60) -> list[Facts]:
    """ECGs of which every third has static noise in I and II, every fifth LVH; two ECGs a patient."""
    return [
        Facts(
            i,
            f"p{i // 2}",
            {"SR": 0.0, **({"LVH": 100.0} if i % 5 == 0 else {"NORM": 100.0})},
            {"static noise": frozenset({"I", "II"})} if i % 3 == 0 else {},
            taken=f"2000-01-{1 + i % 2:02d}",
        )
        for i in range(n)
    ]


def of_noise(slot: Slot) -> bool:
    return slot.template.attribute_type == "noise"


def test_verify_draws_as_the_released_train_questions_do() -> None:
    pool: Mapping[tuple[str, ...], Sequence[int]] = {("yes",): range(23), ("no",): range(23, 1000)}
    assert Counter(a for _, a in draw("verify", pool, frozenset(), TRAIN, RNG(0))) == {("yes",): 23, ("no",): 115}
    pool = {("yes",): range(5), ("no",): range(5, 1000)}
    drawn = draw("verify", pool, frozenset(range(900, 1000)), TRAIN, RNG(0))
    no = [i for i, answer in drawn if answer == ("no",)]
    assert (sum(i >= 900 for i in no), sum(i < 900 for i in no)) == (12, 13)
    pool = {("yes",): range(300), ("no",): range(300, 1000)}
    assert Counter(a for _, a in draw("verify", pool, frozenset(), TRAIN, RNG(0))) == {("yes",): 100, ("no",): 200}
    assert draw("verify", {("no",): range(10)}, frozenset(), TRAIN, RNG(0)) == []


def test_query_and_choose_hold_each_answer_to_its_share() -> None:
    pool: Mapping[tuple[str, ...], Sequence[int]] = {
        ("none",): range(500),
        ("a",): range(500, 600),
        ("a", "b"): range(600, 604),
    }
    drawn = Counter(a for _, a in draw("query", pool, frozenset(), TRAIN, RNG(0)))
    assert drawn == {("none",): 100, ("a",): 50, ("a", "b"): 4}
    chosen = Counter(a for _, a in draw("choose", pool, frozenset(), HELD_OUT, RNG(0)))
    assert chosen == {("none",): 6, ("a",): 12, ("a", "b"): 4}
    assert draw("query", {("none",): range(500), ("a",): range(3)}, frozenset(), TRAIN, RNG(0)) == []


def test_the_same_seed_builds_the_same_questions_whatever_the_order() -> None:
    ecgs = archive()
    first = build(ecgs, wanted=of_noise)
    assert first == build(ecgs[::-1], wanted=of_noise)
    assert first != build(ecgs, wanted=of_noise, seed=7)
    assert [q.sample_id for q in first] == list(range(len(first)))
    alone = build(ecgs, wanted=lambda slot: slot.template.template_id == 27)
    of_27 = [q for q in first if q.template == 27]
    assert [(q.text, q.ecgs) for q in alone] == [(q.text, q.ecgs) for q in of_27]


def test_a_choice_shows_no_ecg_twice_in_a_template() -> None:
    asked = [q.ecgs for q in build(archive(), wanted=of_noise) if q.template == 31]
    assert asked
    assert len(asked) == len(set(asked))


def test_pairs_are_neighbours_of_one_patient_or_of_two_patients() -> None:
    ecgs = archive(10)
    assert consecutive(ecgs) == [(i, i + 1) for i in range(0, 10, 2)]
    pairs = irrelevant(ecgs, 30, RNG(0))
    assert len(pairs) == len(set(pairs)) == 30
    assert all(ecgs[a].patient != ecgs[b].patient for a, b in pairs)
    assert irrelevant(ecgs[:1], 30, RNG(0)) == []


def test_written_questions_are_read_by_the_loader_of_the_released_ones(tmp_path: Path) -> None:
    questions = build(archive(), wanted=of_noise)
    write(tmp_path / "a", {"test": questions}, {"test": range(60)})
    write(tmp_path / "b", {"test": questions}, {"test": range(60)})
    assert load_questions(tmp_path / "a")[0] == questions
    classes, _ = load_classes(tmp_path / "a")
    assert classes.by_template[27] == ("no", "yes")
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert all((tmp_path / "a" / p).read_bytes() == (tmp_path / "b" / p).read_bytes() for p in files)
    with pytest.raises(InputError, match="not empty"):
        write(tmp_path / "a", {}, {})


def released(template: int, text: str, answer: str, *ecgs: int, attribute: str = "noise") -> Question:
    kind = "single-verify" if len(ecgs) == 1 else "comparison_irrelevant-query"
    return Question("train", len(text), template, 0, kind, attribute, text, frozenset(answer.split(" + ")), ecgs)


def test_disagreement_is_told_with_its_reason() -> None:
    drift = "Does this ECG show baseline drift?"
    still = "What numeric features of the second ECG are still abnormal as compared to the first ECG?"
    numeric = "numeric_feature"
    facts = {
        1: Facts(1, "p", noise={"baseline drift": frozenset({"I"})}, ranges={"qrs duration": "above the normal range"}),
        2: Facts(2, "q", ranges={"qrs duration": "above the normal range"}),
        3: Facts(3, "r"),
    }
    near, far = {1: {"qrs duration": 112.0}, 2: {"qrs duration": 160.0}}, {1: {"qrs duration": 150.0}}
    questions = [
        released(27, drift, "yes", 1),
        released(27, drift, "yes", 2),
        released(27, "Is there drift?", "yes", 1),
        released(70, still, "qrs duration", 1, 2, attribute=numeric),
        released(70, still, "none", 1, 2, attribute=numeric),
        released(70, still, "none", 1, 3, attribute=numeric),
    ]
    outcomes = [c.outcome for c in check(questions, facts, near)]
    assert outcomes == [AGREES, OTHER_LABEL, NOT_MADE, AGREES, NEAR_LIMIT, NOT_KNOWN]
    assert check(questions[4:5], facts, far)[0].outcome == FAR


def test_a_draft_is_read_by_its_findings() -> None:
    statement = Statement("Possible LVH.", (Finding("LVH", "uncertain"), Finding("CLBBB", "absent"), Finding("STACH")))
    draft = Draft((statement,), measurements=Measurements(axis_deg=120.0))
    plain = Question(
        "test", 0, 9, 0, "single-query", "scp_code", "What diagnostic symptoms?", frozenset({"none"}), (1,)
    )
    assert names_of(draft, plain) == {"left ventricular hypertrophy", "sinus tachycardia"}
    axis = Question("test", 0, 22, 0, "single-query", "heart_axis", "What axis?", frozenset({"none"}), (1,))
    assert names_of(draft, axis) == {"right axis deviation"}
    left = Question(
        "test", 0, 20, 0, "single-verify", "heart_axis", "?", frozenset({"no"}), (1,), ("left axis deviation",)
    )
    assert verdict_of(draft, left) == "no"
    rhythm = Question("test", 0, 17, 0, "single-verify", "scp_code", "Does this?", frozenset({"yes"}), (1,))
    assert verdict_of(draft, rhythm) == "yes"
    options = ("conduction disturbance", "hypertrophy")
    either = Question("test", 0, 3, 0, "single-choose", "scp_code", "Which?", frozenset({"none"}), (1,), options)
    assert names_of(draft, either) == {"hypertrophy"}


def test_a_sample_is_shared_out_over_types_and_templates() -> None:
    questions = build(archive(), wanted=of_noise)
    sample = spread(questions, 30, seed=1)
    assert sample == spread(questions, 30, seed=1)
    assert Counter(q.type for q in sample) == {"single-verify": 10, "single-choose": 10, "single-query": 10}
    assert {q.template for q in sample} == {q.template for q in questions}


def test_options_that_are_not_understood_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="axis='left'"):
        ECGQA_BUILT.run(Settings(tmp_path, options={"axis": "left"}))
    with pytest.raises(InputError, match=r"ptbxl_database\.csv"):
        ECGQA_BUILT.run(Settings(tmp_path))


@pytest.mark.data
def test_every_released_noise_question_is_answered_as_released(data_dir: Path) -> None:
    result = ECGQA_BUILT.run(Settings(data_dir, limit=0, options={"check": "published"}))
    noise = next(row for row in result.rows if row.group == "noise")
    assert (noise.value, noise.n) == (1.0, 10_000)


@pytest.mark.data
def test_entries_have_the_released_fields_in_their_order(data_dir: Path) -> None:
    shard = data_dir / "ecgqa" / "ptbxl" / "template" / "train" / "120000.json"
    assert list(json.loads(shard.read_bytes())[0]) == list(entry_of(build(archive(), wanted=of_noise)[0]))


@pytest.mark.data
def test_noise_questions_are_asked_of_as_many_train_ecgs_as_released(data_dir: Path) -> None:
    rows, _ = read_table(data_dir / "ptbxl")
    listed = (data_dir / "ecgqa" / "ptbxl" / "train_ecgs.tsv").read_text().split()[1::2]
    noises = [(int(i), {n: leads_of(rows[int(i)][column]) for column, n in NOISES.items()}) for i in listed]
    ecgs = [Facts(i, str(i), noise={n: leads for n, leads in kinds.items() if leads}) for i, kinds in noises]
    built = build(ecgs, caps=TRAIN, wanted=lambda slot: slot.template.template_id in (26, 27, 28))
    released, _ = load_questions(data_dir / "ecgqa" / "ptbxl")
    released = [q for q in released if q.attribute == "noise"]
    cut = {released[0].text, released[-1].text}
    counts = [Counter((q.text, *q.answer) for q in found if q.text not in cut) for found in (built, released)]
    assert len(counts[1]) > 80
    assert {key: counts[0][key] for key in counts[1]} == counts[1]
