"""``precordia eval report-labels`` on a small table of made-up reports, and on PTB-XL."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from precordia.core.errors import InputError
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.report_labels import data as data
from precordia.eval.tasks.report_labels.task import REPORT_LABELS

SAID = {
    "sinus rhythm. normal ecg.": ["NORM", "SR"],
    "sinus rhythm. possible old inferior infarct.": ["IMI", "SR"],
    "sinusrhythmus linksschenkelblock": ["CLBBB", "SR"],
    "vorhofflimmern, keine st-hebung": ["AFIB"],
}


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "ptbxl"
    folder.mkdir(parents=True)
    with (folder / "ptbxl_database.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["ecg_id", "patient_id", "report", "scp_codes"])
        for number in range(1, 161):
            text, codes = list(SAID.items())[number % len(SAID)]
            table.writerow([number, float(number), text, str(dict.fromkeys(codes, 0.0))])
    with (folder / "scp_statements.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["", "diagnostic_class"])
        table.writerows([["NORM", "NORM"], ["IMI", "MI"], ["CLBBB", "CD"], ["SR", ""], ["AFIB", ""]])
    return tmp_path / "data"


def test_it_is_a_registered_task() -> None:
    assert TASKS.get("report-labels") is REPORT_LABELS


def test_patients_are_in_one_half_only_and_both_halves_are_used(made_up: Path) -> None:
    records = data.read_coded(made_up / "ptbxl")
    assert 40 < sum(record.untouched for record in records) < 120
    assert records[0].untouched == data.Coded(999, records[0].patient, "", frozenset(), "en").untouched


def test_drawing_takes_a_patient_and_a_text_once_from_the_untouched_half(made_up: Path) -> None:
    records = data.read_coded(made_up / "ptbxl")
    drawn = data.draw(records, n_each=5)
    assert [r.ecg_id for r in drawn] == [r.ecg_id for r in data.draw(records, n_each=5)]
    assert sorted(r.text for r in drawn) == sorted(SAID)
    assert all(r.untouched for r in drawn)


def test_reading_counts_a_wrong_status_as_wrong(made_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    truth = {
        1: frozenset({("SR", "present"), ("IMI", "uncertain")}),
        3: frozenset({("AFIB", "present"), ("STE_", "present")}),
    }
    monkeypatch.setattr(
        "precordia.eval.tasks.report_labels.task.read_annotations", lambda sample: truth if sample == "random" else {}
    )
    result = REPORT_LABELS.run(Settings(made_up, options={"part": "reading"}))
    figures = {(row.metric, row.group): row for row in result.rows}
    assert figures["reading, findings: F1", ""].value == pytest.approx(3 / 4)
    assert figures["reading, uncertain findings: F1", ""].value == 1
    assert ("reading, absent findings: F1", "") not in figures
    assert [s["added"] for s in result.samples] == ["", "STE_:absent"]
    assert all("sinus" not in str(value) for s in result.samples for value in s.values())


def test_codes_are_scored_beside_tf_idf(made_up: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("precordia.eval.tasks.report_labels.task.N_CODES", 5)
    result = REPORT_LABELS.run(Settings(made_up, options={"part": "codes"}))
    systems = {row.system for row in result.rows}
    assert {"precordia", "precordia, findings alone", "TF-IDF logistic regression"} == systems
    whole = [r for r in result.rows if r.group == "" and r.metric.endswith("micro-F1")]
    assert all(row.value == 1 for row in whole)
    assert any("disagreements" in note for note in result.notes)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"ptbxl_database\.csv"):
        REPORT_LABELS.run(Settings(tmp_path))


def test_annotations_are_300_and_carry_no_text() -> None:
    annotations = data.read_annotations()
    assert len(annotations) == 300
    assert len(data.read_annotations("negated")) == 40
    assert sum(map(len, annotations.values())) > 1000


@pytest.mark.data
def test_the_annotated_reports_are_the_drawn_ones_and_are_read_well(data_dir: Path) -> None:
    records = data.read_coded(data_dir / "ptbxl")
    assert [r.ecg_id for r in data.draw(records)] == list(data.read_annotations())
    assert [r.ecg_id for r in data.draw_negated(records)] == list(data.read_annotations("negated"))
    result = REPORT_LABELS.run(Settings(data_dir, options={"part": "reading"}))
    f1 = next(r.value for r in result.rows if r.metric == "reading, findings: F1" and not r.group)
    assert f1 >= 0.97
