"""What the small language model learns from: nobody's own reports as precedents, and stand-ins that agree as real ones do."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from precordia.concepts import label_report
from precordia.core.case import Case
from precordia.core.drafts import Message, Prompt
from precordia.core.findings import Finding
from precordia.core.retrieval import Hit
from precordia.datasets.ecgqa.questions import Question
from precordia.datasets.ptbxl import read_table
from precordia.eval.tasks.own_model.task import choices_of, question_figures, report_figures, winners
from precordia.fitting.reports.lessons import reply_wanted
from precordia.fitting.reports.material import Known, gather, nearest
from precordia.fitting.reports.texts import agreement, indicators, stand_ins
from precordia.language_models.own_model.material import canonical, statements_in
from precordia.language_models.own_model.recipe import Recipe


def known(number: int, patient: str, *concepts: str, at: float = 0.0) -> Known:
    vector = np.array([np.cos(at), np.sin(at)], np.float32)
    findings = tuple(Finding(c) for c in concepts)
    return Known(number, patient, 1, True, vector, np.zeros((1, 1), np.float16), "", findings)


def test_precedents_are_the_nearest_of_other_patients() -> None:
    archive = [
        known(1, "a", "SR", at=0.0), known(2, "b", "AFIB", at=0.2), known(3, "c", "NORM", at=0.1), known(4, "d", at=0.01)
    ]  # fmt: skip
    found = nearest(archive[:1], archive)[0]
    assert [text for text, _ in found] == ["Normal ECG.", "Atrial fibrillation."]  # not its own, not one without words
    assert found[0][1] == pytest.approx(np.cos(0.1), abs=1e-3)


def test_agreement_is_the_jaccard_index_of_findings() -> None:
    rows = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    assert agreement(rows[0], rows[1:]) == pytest.approx((0.5 + 0.0) / 2)


def test_stand_ins_are_of_other_patients_and_agree_as_wanted() -> None:
    rng = np.random.default_rng(0)
    names = ["SR", "AFIB", "NORM", "LVH", "CLBBB", "IMI", "AMI", "1AVB"]
    reports: Sequence[list[Finding]] = [[Finding(c) for c in rng.choice(names, 2, replace=False)] for _ in range(300)]
    found = indicators(reports)
    patients = [str(i // 3) for i in range(300)]
    close, high = stand_ins(found, patients, 6, wanted=1.0, seed=1)
    again, _ = stand_ins(found, patients, 6, wanted=1.0, seed=1)
    _, low = stand_ins(found, patients, 6, wanted=0.0, seed=1)
    assert high > low + 0.1
    assert np.array_equal(close, again)
    for row, others in enumerate(close.tolist()):
        assert len(set(others)) == 6
        assert all(patients[row] != patients[other] for other in others)


def test_the_reply_wanted_cites_the_precedents_that_state_it() -> None:
    hits = tuple(
        Hit(n, 0.9, Case(n, f"r{n}", f"p{n}", None, (Finding(c),))) for n, c in enumerate(("SR", "AFIB", "SR"), 1)
    )
    reply = json.loads(reply_wanted([Finding("SR"), Finding("LVH", "absent")], Prompt((Message("user", "?"),), hits)))
    assert reply == {
        "statements": [{"text": "Sinus rhythm.", "precedents": [1, 3], "measurements": []}], "abstain": False
    }  # fmt: skip


def asked(kind: str, attributes: tuple[str, ...]) -> Question:
    return Question("test", 1, 1, 1, f"single-{kind}", "scp_code", "?", frozenset({"yes"}), (1,), attributes)


def test_choices_are_those_of_the_question() -> None:
    assert choices_of(asked("verify", ("x",))) == ("no", "not sure", "yes")
    assert choices_of(asked("choose", ("b", "a"))) == ("b", "a", "a, b", "none")
    assert choices_of(asked("query", ("a", "b", "c"))) == ()


def test_figures_are_micro_averages_and_the_best_is_named() -> None:
    samples = [
        {"system": s, "patient": p, "right": r, "said": n, "true": t, "group": "single-verify"}
        for s, p, r, n, t in (("a", "1", 1, 2, 2), ("a", "2", 2, 2, 4), ("b", "1", 0, 1, 2), ("b", "2", 1, 1, 4))
    ]
    rows = {(r.system, r.metric): r.value for r in report_figures(samples)}
    assert rows["a", "micro F1 of findings"] == pytest.approx(2 * 3 / (4 + 6))
    assert rows["b", "micro precision of findings"] == pytest.approx(1 / 2)
    assert rows["b", "micro recall of findings"] == pytest.approx(1 / 6)
    assert winners(report_figures(samples)) == ["micro F1 of findings, reports: best is a with 0.600"]
    exact = {(r.system, r.group): r.value for r in question_figures([{**s, "right": s["right"] > 0} for s in samples])}
    assert (exact["a", "single-verify"], exact["b", "single-verify"]) == (1.0, 0.5)


@pytest.fixture
def small_ptbxl(data_dir: Path, tmp_path: Path) -> Path:
    """Some of PTB-XL: 40 records of fold 6 and 12 of fold 8 that are here, 60 rows of fold 6 whose signals are not."""
    source, folder = data_dir / "ptbxl", tmp_path / "ptbxl"
    folder.mkdir()
    (folder / "records100").symlink_to(source / "records100")
    with (source / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        rows = list(reader)
    here = [r for r in rows if (source / f"{r['filename_lr']}.hea").is_file()]
    kept = [r for r in here if r["strat_fold"] == "6"][:40] + [r for r in here if r["strat_fold"] == "8"][:12]
    numbers = {r["ecg_id"] for r in here}
    kept += [r for r in rows if r["strat_fold"] == "6" and r["ecg_id"] not in numbers][:60]
    with (folder / "ptbxl_database.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, reader.fieldnames or [])
        writer.writeheader()
        writer.writerows(kept)
    return tmp_path


@pytest.mark.data
def test_what_is_gathered_keeps_folds_apart_and_holds_no_words_of_reports(small_ptbxl: Path) -> None:
    rows, _ = read_table(small_ptbxl / "ptbxl")
    material = gather(small_ptbxl, Recipe("test", archive=(6,), held_out=(8,), simulated=2))
    real = [e for e in material.ecgs if e.key.startswith("ptbxl")]
    assert len(material.ecgs) == len(real) + 2
    assert {int(rows[int(e.key.partition(":")[2])]["strat_fold"]): e.held_out for e in real} == {6: False, 8: True}
    ours = {
        s for r in rows.values() if r["strat_fold"] == "6" for s in statements_in(canonical(label_report(r["report"])))
    }
    cited = {s for e in material.ecgs for text, _ in e.precedents for s in statements_in(text)}
    assert cited
    assert cited <= ours
    assert len(material.texts) > 20
    assert all(len(t.precedents) == 20 for t in material.texts)
    simulated = {s for e in material.ecgs if not e.key.startswith("ptbxl") for s in statements_in(e.report)}
    assert set(material.statements()) <= ours | simulated
    words = material.words()
    assert all(question in words for e in real for question, _ in e.questions)
    assert not any((r["report"] or "").strip() in words for r in rows.values() if len(r["report"]) > 25)
