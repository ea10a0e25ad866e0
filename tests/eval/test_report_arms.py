"""Arms: each shows what it says, and whatever a model writes the delivered report says what the judgement says."""

from __future__ import annotations

import json

import numpy as np
import pytest

from precordia.cli.main import main
from precordia.concepts import label_report
from precordia.core.case import Case
from precordia.core.drafts import Prompt, Reply
from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Why
from precordia.eval.tasks.reports.arms import ARMS, Answered, puts_of
from precordia.eval.tasks.reports.arms_task import CONTRADICTED, CONTROL, F1, _figures
from precordia.eval.tasks.reports.data import PTBXL, Sample
from precordia.judgement.evidence import Evidence

WRITTEN = ["sinus rhythm. left bundle branch block.", "atrial fibrillation."] * 6
CASES = [Case(i, f"rec{i}", f"patient {i}", report, tuple(label_report(report))) for i, report in enumerate(WRITTEN, 1)]


class Model(LanguageModel):
    name = "scripted"

    def __init__(self, *texts: str) -> None:
        items = [{"text": text, "precedents": [1], "measurements": []} for text in texts]
        self.text = json.dumps({"statements": items, "abstain": False})

    def reply(self, prompt: Prompt) -> Reply:
        return Reply(self.text, 100, 10, 0.5)


def hits(*ids: int) -> tuple[Hit, ...]:
    return tuple(Hit(n, 0.9, CASES[i - 1], Why({"signal": 0.9})) for n, i in enumerate(ids, 1))


def sample(name: str, report: str, *nearest: int) -> Sample:
    signal = np.zeros((12, 1000), np.float32)
    recording = Recording(signal, 100.0, LEADS, name, patient_id=f"patient {name}")
    evidence = Evidence(recording, Measurements(heart_rate_bpm=72.0), Quality(1.0, True, {}, ()), hits=hits(*nearest))
    return Sample(recording, report, tuple(label_report(report)), PTBXL, evidence)


SAMPLES = [sample("a", WRITTEN[0], 1, 3, 5, 7), sample("b", WRITTEN[1], 2, 4, 6, 8)]


def test_each_arm_shows_its_own_precedents_and_one_the_judgement() -> None:
    model = Model()
    shown = {arm: puts_of(arm, SAMPLES, CASES, model, 42) for arm in ARMS}
    assert [len(put.prompt.hits) for put in shown["none"]] == [0, 0]
    assert {h.case.case_id for h in shown["nearest"][0].prompt.hits} == {1, 3, 5, 7}
    assert {h.case.case_id for h in shown["wrong patient"][0].prompt.hits} == {2, 4, 6, 8}
    assert len(shown["random"][0].prompt.hits) == 4
    assert [p.prompt for p in shown["random"]] == [p.prompt for p in puts_of("random", SAMPLES, CASES, model, 42)]
    for arm, puts in shown.items():
        assert all(("To phrase" in p.prompt.messages[-1].content) == (arm == "nearest by judgement") for p in puts)
        assert all("72 bpm" in p.prompt.messages[-1].content for p in puts)


@pytest.mark.parametrize(
    "texts", [("Atrial fibrillation.", "Give aspirin."), ("Sinus rhythm.",), (), ("Left bundle branch block, doctor.",)]
)
def test_a_model_never_makes_a_report_worse_than_the_judgement_alone(texts: tuple[str, ...]) -> None:
    model = Model(*texts)
    found = {
        arm: [Answered(put, model.reply(put.prompt)) for put in puts_of(arm, SAMPLES, CASES, model, 42)] for arm in ARMS
    }
    rows, table = _figures(found, seed=42)
    value = {(row.system, row.metric): row.value for row in rows}
    for arm in ARMS:
        for metric in (F1, CONTRADICTED):
            assert value[f"{arm}, delivered less precordia", metric] == 0.0
        assert value[arm, "reports that say more than the judgement"] == 0.0
        assert all(answered.delivered.said == answered.put.sample.truth for answered in found[arm])
    assert value["precordia", F1] == 1.0
    assert {f"{own}, raw less {other}, raw" for own in ARMS[3:] for other in ("none", "random", "wrong patient")} <= {
        row.system for row in rows
    }
    assert {row["system"] for row in table} >= {"none, raw", "nearest, proved", "precordia"}
    assert not any("aspirin" in str(row) for row in table)


def test_what_a_model_writes_is_counted_before_and_after() -> None:
    model = Model("Sinus rhythm.", "Atrial fibrillation.")
    puts = puts_of("nearest", SAMPLES, CASES, model, 42)
    rows, _ = _figures({"nearest": [Answered(put, model.reply(put.prompt)) for put in puts]}, seed=42)
    value = {(row.system, row.metric): row.value for row in rows}
    assert value["nearest", "sentences proved"] == 0.5
    assert value["nearest", "sentences contradicted"] == 0.5
    assert 0 < value["nearest, raw", F1] < value["nearest, delivered", F1] == 1.0
    assert value["nearest", "tokens of a reply"] == 10.0


def test_a_control_is_a_second_model_that_is_shown_nothing() -> None:
    taught, control = Model("Sinus rhythm.", "Left bundle branch block."), Model("Sinus rhythm.")
    found = {
        name: [Answered(put, one.reply(put.prompt)) for put in puts_of(arm, SAMPLES[:1], CASES, one, 42)]
        for name, arm, one in (("nearest", "nearest", taught), (CONTROL, "none", control))
    }
    value = {(row.system, row.metric): row.value for row in _figures(found, seed=42)[0]}
    assert value["nearest, raw", F1] == value["nearest report", F1] == 1.0
    assert value["nearest, raw less control, raw", F1] == 1.0 - value["control, raw", F1] > 0


def test_other_models_are_shown_the_same_and_set_beside_the_first() -> None:
    first, other = Model("Sinus rhythm.", "Left bundle branch block."), Model("Sinus rhythm.")
    found = {
        name: [Answered(put, one.reply(put.prompt)) for put in puts_of(arm, SAMPLES[:1], CASES, one, 42)]
        for name, arm, one in (("nearest", "nearest", first), ("other", "nearest", other))
    }
    value = {(row.system, row.metric): row.value for row in _figures(found, seed=42)[0]}
    assert value["other, raw less nearest, raw", F1] == value["other, raw", F1] - 1.0 < 0


def test_options_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for options, says in (
        ((), "--llm local"),
        (("--llm", "openai:m@http://127.0.0.1:9/v1", "--set", "arms=all"), "arms='all' is not known"),
        (("--set", "tokens=0"), "tokens='0'"),
        (("--set", "x=1"), "no setting x"),
        (("--llm", "openai:m@http://127.0.0.1:9/v1", "--set", "beside=openai:m@http://127.0.0.1:9/v1"), "named twice"),
    ):
        assert main(["eval", "report-arms", *options]) == 2
        assert says in capsys.readouterr().err
