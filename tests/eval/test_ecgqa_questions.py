"""The published layout: read as it is, refused where it is not."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from precordia.core.errors import InputError
from precordia.datasets.ecgqa.classes import Classes, load_classes
from precordia.datasets.ecgqa.questions import Question, load_questions, stratified
from precordia.fitting.answers.signals import find_signals, number_of


def entry(sample_id: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "template_id": 1, "question_id": 7, "sample_id": sample_id, "question_type": "single-verify",
        "attribute_type": "noise", "question": "Noise?", "answer": ["no"], "ecg_id": [5], "attribute": ["static noise"],
    } | changed  # fmt: skip


def write(folder: Path, entries: list[Any], split: str = "train", wording: str = "template", name: str = "0") -> Path:
    path = folder / wording / split / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(entries))
    return path


def test_questions_and_hashes(tmp_path: Path) -> None:
    train = write(tmp_path, [entry(0), entry(1, answer=["yes"])])
    pair = entry(0, question_type="comparison_irrelevant-query", ecg_id=[5, 6], attribute=None, answer=["none"])
    write(tmp_path, [pair], "test")
    questions, hashes = load_questions(tmp_path)
    assert [q.key for q in questions] == ["test/0", "train/0", "train/1"]
    assert questions[0].ecgs == (5, 6)
    assert questions[0].attributes == ()
    assert questions[2].answer == {"yes"}
    assert hashes["template/train/0.json"] == hashlib.sha256(train.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"question_type": "single-guess"}, "question type 'single-guess'"),
        ({"attribute_type": "shoe_size"}, "attribute type"),
        ({"ecg_id": [1, 2]}, "names 2 ECGs where its type has 1"),
        ({"answer": []}, "no answer"),
        ({"answer": "no"}, "'answer' is 'no'"),
        ({"answer": ["late stage of myocardial infarction"]}, "before ECG-QA 1.0.2"),
    ],
)
def test_what_is_not_as_published_is_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    write(tmp_path, [entry(0), entry(1, **changed)])
    with pytest.raises(InputError, match=rf"0\.json, entry 1: .*{message}"):
        load_questions(tmp_path)


def test_a_missing_field_and_a_sample_twice_are_refused(tmp_path: Path) -> None:
    bad = entry(0)
    del bad["question_id"]
    write(tmp_path, [bad])
    with pytest.raises(InputError, match="has no 'question_id'"):
        load_questions(tmp_path)
    write(tmp_path, [entry(3), entry(3)])
    with pytest.raises(InputError, match="train/3 stands there twice"):
        load_questions(tmp_path)


def test_no_shard(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no ECG-QA shard"):
        load_questions(tmp_path)


CLASSES = Classes(
    ("no", "not sure", "yes", "burst noise", "static noise", "above the normal range", "within the normal range"),
    {1: ("no", "not sure", "yes"), 2: ("burst noise", "static noise"), 3: ("above the normal range",)},
)


def question(kind: str, template: int, attributes: tuple[str, ...]) -> Question:
    return Question("train", 0, template, 0, kind, "noise", "?", frozenset({"no"}), (1,), attributes)


def test_valid_classes() -> None:
    chosen = question("single-choose", 2, ("static noise", "burst noise"))
    assert CLASSES.options(chosen) == ("burst noise", "static noise")
    assert CLASSES.options(question("single-choose", 2, ("static noise",)), "template") == CLASSES.by_template[2]
    ranges = ("within the normal range of qt interval", "above the normal range of qt interval")
    assert CLASSES.options(question("single-choose", 3, ranges)) == (
        "above the normal range",
        "within the normal range",
    )
    verify = question("single-verify", 1, ("static noise",))
    assert CLASSES.options(verify) == CLASSES.options(verify, "item") == ("no", "not sure", "yes")
    with pytest.raises(InputError, match="template 9"):
        CLASSES.options(question("single-verify", 9, ()))


def test_tables_must_agree(tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text("index,class\n0,no\n1,none\n2,yes\n")
    table = tmp_path / "answers_for_each_template.csv"
    table.write_text("template_id,classes\n1,\"['no', 'none', 'yes']\"\n")
    classes, hashes = load_classes(tmp_path)
    assert classes.by_template == {1: ("no", "yes")}
    assert set(hashes) == {"answers.csv", "answers_for_each_template.csv"}
    table.write_text("template_id,classes\n1,\"['maybe']\"\n")
    with pytest.raises(InputError, match="'maybe' of template 1"):
        load_classes(tmp_path)


def test_the_published_sample() -> None:
    noise = [Question("test", i, 1, 0, "single-verify", "noise", "?", frozenset({"no"}), (1,)) for i in range(26)]
    codes = [
        Question("test", 100 + i, 1, 0, "single-verify", "scp_code", "?", frozenset({"no"}), (1,)) for i in range(10)
    ]
    random.seed(42)  # as published: SCP codes come before noise, whatever the order of the file
    expected = random.sample(range(100, 110), 1) + random.sample(range(26), 3)
    assert [q.sample_id for q in stratified([*noise, *codes])] == expected


def test_ecgs_are_found_by_number(tmp_path: Path) -> None:
    folder = tmp_path / "ptbxl"
    for name in ("records100/00000/00005_lr", "records500/00000/00005_hr", "records100/01000/01006_lr"):
        path = folder / f"{name}.hea"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "ptbxl_database.csv").write_text("ecg_id,patient_id,strat_fold\n5,70.0,3\n9,71.0,9\n")
    signals = find_signals("ptbxl", tmp_path, [5, 9, 1006])
    assert {ecg: path.name for ecg, path in signals.paths.items()} == {5: "00005_hr", 1006: "01006_lr"}
    assert 9 not in signals
    assert signals.patient(9) == "71"
    assert signals.patient(1006) == "ecg 1006"
    assert signals.folds == {5: 3, 9: 9}
    with pytest.raises(InputError, match="ECG 9 is not here"):
        signals.recording(9)


def test_mimic_ecgs_are_found_by_study(tmp_path: Path) -> None:
    folder = tmp_path / "mimic-iv-ecg"
    (folder / "files/p1/s40").mkdir(parents=True)
    (folder / "files/p1/s40/40.hea").touch()
    (folder / "record_list.csv").write_text("subject_id,study_id,path\n1,40,files/p1/s40/40\n1,41,files/p1/s41/41\n")
    signals = find_signals("mimic-iv-ecg", tmp_path, [40, 41, 42])
    assert set(signals.paths) == {40}
    assert signals.patient(41) == "1"


@pytest.mark.parametrize(
    ("name", "number"), [("00123_hr", 123), ("00007_lr", 7), ("ptbxl:21837", 21837), ("A0001", None)]
)
def test_number_of_a_recording(name: str, number: int | None) -> None:
    assert number_of(name, "ptbxl") == number


@pytest.mark.data
def test_the_published_files(data_dir: Path) -> None:
    folder = data_dir / "ecgqa" / "ptbxl"
    classes, _ = load_classes(folder)
    assert (len(classes.every), len(classes.by_template)) == (103, 70)
    template, _ = load_questions(folder)
    paraphrased, _ = load_questions(folder, "paraphrased")
    assert len(template) == 24_348
    same = {q.key: q for q in paraphrased}
    assert all(same[q.key].answer == q.answer and same[q.key].ecgs == q.ecgs for q in template)
    for q in template:
        assert q.answer - {"none"} <= set(classes.options(q))
