"""Ages and sexes in every spelling that files and tables of many countries have."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from ecg_files import write_wfdb

from precordia.records.people import age_at, parse_age, parse_sex
from precordia.records.read import read_recording
from precordia.records.tables import ReportTable

AT = datetime(2021, 5, 10, 13, 15)


@pytest.mark.parametrize(("wanted", "words"), [
    ("M", "M m Male MAN Männlich maennlich Mann Herr Homme Masculin H Hombre Varón masculino Homem Maschio uomo maschile"),
    ("M", "Mand kille 男 男性 남"),
    ("F", "F Female Woman Weiblich w Frau Femme Féminin féminin Mujer femenino Mulher feminino Femmina donna"),
    ("F", "Kvinne kvinna K 女 女性 여성 vrouw"),
    (None, "U unknown O UN X 0 1 - divers nan None"),
])  # fmt: skip
def test_sex_words(wanted: str | None, words: str) -> None:
    assert {word: parse_sex(word) for word in words.split()} == dict.fromkeys(words.split(), wanted)


@pytest.mark.parametrize(("field", "text", "wanted"), [
    ("is_male", True, "M"), ("is_male", "False", "F"), ("is_male", "1", "M"), ("is_male", 0.0, "F"), ("is_male", "", None),
    ("Is_Female", "true", "F"), ("sex", "1", None), ("male", "no", "F"),
])  # fmt: skip
def test_columns_that_ask_for_one_sex(field: str, text: object, wanted: str | None) -> None:
    assert parse_sex(text, field) == wanted


@pytest.mark.parametrize(("text", "years"), [
    ("61", 61.0), ("61.0", 61.0), ("61,5", 61.5), (61, 61.0), ("061Y", 61.0), ("61 YEARS", 61.0), ("61 ans", 61.0),
    ("61 años", 61.0),
    ("61 Jahre", 61.0), ("61 anni", 61.0), ("61 anos", 61.0), ("61 år", 61.0), ("61岁", 61.0), ("006M", 0.5), ("6 mois", 0.5),
    ("6 Monate", 0.5), ("6 meses", 0.5), ("6个月", 0.5), ("3 Wochen", 3 * 7 / 365.25), ("3 semaines", 3 * 7 / 365.25),
    ("10 Tage", 10 / 365.25), ("10 jours", 10 / 365.25), ("300", 90.0), ("305.2", 90.0), (">89", 90.0), ("90+", 90.0),
    ("000Y", None), ("999", None), ("0 YEARS", None), ("0", 0.0), ("-1", None), ("-9", None), ("121Y", None), ("1951", None),
    ("", None), ("NaN", None), ("unknown", None), ("12 j", None),
])  # fmt: skip
def test_ages(text: object, years: float | None) -> None:
    assert parse_age(text) == (years if years is None else pytest.approx(years))


@pytest.mark.parametrize(("stated", "born", "years"), [
    ("60", datetime(1950, 1, 31), 60.0),  # what is stated wins
    ("000Y", datetime(1950, 1, 31), 71.0), ("", datetime(1950, 5, 10), 71.0), (None, datetime(1950, 5, 11), 70.0),
    ("1951", None, 70.0), ("1951.0", None, 70.0), (1951.0, None, 70.0), ("2050", None, None),
    (None, datetime(2021, 2, 9), 0.25), (None, datetime(1900, 1, 1), None), (None, datetime(1899, 12, 30), None),
    (None, datetime(2030, 1, 1), None), (None, None, None),
])  # fmt: skip
def test_age_from_birth_date_or_year(stated: object, born: datetime | None, years: float | None) -> None:
    assert age_at(AT, stated, born) == (years if years is None else pytest.approx(years, abs=0.005))


def test_without_a_time_only_a_stated_age_counts() -> None:
    assert age_at(None, "61", datetime(1950, 1, 31)) == 61.0
    assert age_at(None, "1951", datetime(1950, 1, 31)) is None


@pytest.mark.parametrize(("columns", "cells", "sex", "age"), [
    ("sex,age", "Homme,61 ans", "M", 61.0), ("sex,age", "Mujer,45", "F", 45.0), ("gender,age", "Weiblich,1951", "F", 69.0),
    ("is_male,age", "True,300", "M", 90.0), ("is_male,age", "False,999", "F", None),
])  # fmt: skip
def test_report_tables_use_the_same_table(
    columns: str, cells: str, sex: str, age: float | None, tmp_path: Path
) -> None:
    header = write_wfdb(tmp_path)
    (tmp_path / "reports.csv").write_text(f"recording_id,report,{columns}\nrec,Sinus rhythm,{cells}\nother,x,,\n")
    joined = ReportTable.load(tmp_path / "reports.csv").join(read_recording(header))
    assert (joined.sex, joined.age) == (sex, age)


def test_who_somebody_is_becomes_no_metadata_whatever_it_is_read_from(tmp_path: Path) -> None:
    header = write_wfdb(tmp_path, comments="#Patient Name: Zzyzx\n#<Vorname>: Zzyzx\n#Ward: B2\n")
    (tmp_path / "reports.csv").write_text(
        "recording_id,report,Nachname,patient_address,Phone,file_name\nrec,Sinus rhythm,Zzyzx,Zzyzx 1,555,rec.dat\n"
    )
    joined = ReportTable.load(tmp_path / "reports.csv").join(read_recording(header))
    assert joined.metadata == {"ward": "B2", "file_name": "rec.dat", "recording_id": "rec"}
    np.save(tmp_path / "a.npy", np.zeros((12, 5000), np.float32))
    beside = {"fs": 500, "metadata": {"PatientLastName": "Zzyzx", "ward": "B2"}}
    (tmp_path / "a.json").write_text(json.dumps(beside))
    assert read_recording(tmp_path / "a.npy").metadata == {"ward": "B2"}
