"""How ECG-QA's numeric questions are read, answered and scored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import InputError, UsageError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.features import NORMAL_MS, as_ecgqa_ms, clinical_ms
from precordia.eval.tasks.ecgqa.numeric_task import ECGQA_NUMERIC, Question, answer_of, load_questions, majority

NORMAL = {"rr interval": 800.0, "p duration": 100.0, "pr interval": 160.0, "qrs duration": 90.0, "qt interval": 400.0,
          "qt corrected": 420.0}  # fmt: skip


def entry(sample_id: int, template: int, answer: list[str], kind: str = "numeric_feature") -> dict[str, object]:
    return {"template_id": template, "sample_id": sample_id, "attribute_type": kind, "answer": answer,
            "ecg_id": [1, 2], "question": "?", "question_type": "comparison_irrelevant-query"}  # fmt: skip


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "ecgqa" / "ptbxl" / "template"
    for split, entries in {
        "train": [
            entry(1, 68, ["none"]),
            entry(2, 68, ["none"]),
            entry(3, 69, ["rr interval"]),
            entry(4, 70, ["none"]),
        ],
        "test": [entry(5, 68, ["qt interval", "rr interval"]), entry(6, 1, ["yes"], "scp_code")],
    }.items():
        (folder / split).mkdir(parents=True)
        (folder / split / "0.json").write_text(json.dumps(entries))
    return tmp_path


@pytest.mark.parametrize(
    ("template", "first", "second", "answer"),
    [
        (68, {"rr interval": 500.0}, {}, {"rr interval"}),
        (69, {"rr interval": 500.0}, {}, {"none"}),
        (69, {}, {"rr interval": 1100.0, "qrs duration": 130.0}, {"rr interval", "qrs duration"}),
        (70, {"qt interval": 300.0}, {"qt interval": 450.0}, {"qt interval"}),
        (70, {}, {}, {"none"}),
        (68, {"pr interval": 260.0}, {"pr interval": None}, {"none"}),
    ],
)
def test_what_is_named(
    template: int, first: dict[str, float], second: dict[str, float | None], answer: set[str]
) -> None:
    assert answer_of(template, NORMAL | first, NORMAL | second) == answer


def test_bounds_of_a_range_are_normal() -> None:
    for name, (low, high) in NORMAL_MS.items():
        assert answer_of(70, NORMAL | {name: low}, NORMAL | {name: high}) == {"none"}


def test_only_numeric_comparisons_are_read(data: Path) -> None:
    questions, digest = load_questions(data / "ecgqa" / "ptbxl" / "template")
    assert [(q.sample_id, q.split) for q in questions] == [
        (5, "test"),
        (1, "train"),
        (2, "train"),
        (3, "train"),
        (4, "train"),
    ]
    assert len(digest) == 64


def test_majority_is_the_commonest_answer_of_each_template() -> None:
    def ask(template: int, *answer: str) -> Question:
        return Question(0, template, 1, 2, frozenset(answer), "train")

    usual = majority([ask(68, "rr interval"), ask(68, "none"), ask(68, "none"), ask(69, "qt interval", "rr interval")])
    assert usual == {68: {"none"}, 69: {"qt interval", "rr interval"}, 70: {"none"}}


def test_no_ecg_no_result(data: Path) -> None:
    with pytest.raises(InputError, match="no question has both of its ECGs"):
        ECGQA_NUMERIC.run(Settings(data))


def test_unknown_baselines(data: Path) -> None:
    with pytest.raises(UsageError, match="baselines"):
        ECGQA_NUMERIC.run(Settings(data, options={"baselines": "all"}))


def test_features_of_a_drawn_ecg() -> None:
    t = np.arange(5000) / 500
    phase = t % 0.8
    x = np.interp(
        phase,
        [0, 0.2, 0.25, 0.3, 0.40, 0.42, 0.45, 0.48, 0.50, 0.55, 0.65, 0.75],
        [0, 0, 0.15, 0, 0, -0.15, 1, -0.3, 0, 0, 0.3, 0],
    )
    signal = np.tile(x, (12, 1)) + np.random.default_rng(0).normal(size=(12, 5000)) * 0.005
    recording = Recording(signal.astype(np.float32), 500.0, LEADS, "drawn")
    clinical, asked = clinical_ms(recording), as_ecgqa_ms(recording)
    assert clinical["rr interval"] == pytest.approx(800, abs=4)
    assert asked["rr interval"] == pytest.approx(800, abs=4)
    assert clinical["qrs duration"] == pytest.approx(100, abs=25)
    assert asked["qrs duration"] == pytest.approx(60, abs=12)
    assert asked["qt interval"] == pytest.approx(330, abs=30)


@pytest.mark.data
def test_the_task_on_a_few_questions(data_dir: Path) -> None:
    result = ECGQA_NUMERIC.run(Settings(data_dir, limit=40, options={"baselines": "none"}))
    rows = {(row.system, row.metric, row.group): row.value for row in result.rows}
    assert rows["precordia", "F1 of naming it", "rr interval"] > 0.9
    assert 0 <= rows["majority", "exact match", ""] <= 1
    assert len(result.samples) == 40
    assert {"answer", "precordia", "majority"} <= set(result.samples[0])
