"""Which column of a report table is what."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Final

from precordia.core.errors import UsageError
from precordia.core.recording import Sex
from precordia.records.sheets.cells import fold

BUILT_IN: Final = ("ptbxl", "ludb", "mimic-iv-ecg", "sph", "code15", "chapman", "echonext")

WAY: Final = "--dry-run --suggest-mapping FILE writes one to start from, --mapping FILE uses it"
"""How a user comes to a mapping, for messages."""

_GUESSES: Final[dict[str, str]] = {
    "ids": "recording_id ecg_id record_id record study_id exam_id ecg_key accession_number accession uid id",
    "files": "filename file_name file path filepath file_path waveform_path dateiname fichier archivo",
    "patient_id": "patient_id patient subject_id patient_key mrn pid patienten_id id_paciente",
    "time": "recording_date time ecg_time acquisition_time acquisition_date date recorded ecg_date datum fecha",
    "age": "age age_years patient_age age_at_ecg age_at_exam alter edad idade eta leeftijd year_of_birth birth_year geburtsjahr",
    "birth_date": "birth_date date_of_birth dob birthdate geburtsdatum fecha_nacimiento date_naissance",
    "sex": "sex gender patient_sex geschlecht sexe sexo sesso geslacht kon kjonn is_male male is_female female",
    "device": "device cart machine",
    "report": "report report_text full_report ecg_report text interpretation diagnosis diagnoses diagnostics befund "
    "befundtext diagnose beurteilung conclusion conclusions impression finding findings statement statements "
    "ecg_diagnosis informe diagnostico conclusao laudo compte_rendu diagnostic referto conclusie",
    "codes": "codes snomed snomed_ct dx scp_codes aha_code labels",
}
"""Usual column names, the best first; compared without case, accents, blanks and punctuation."""

_ASKED: Final = ("ids", "files", "patient_id", "time", "age", "sex", "report", "codes")
_SCHEMES: Final = {"snomed": "snomed", "snomedct": "snomed", "dx": "snomed", "scpcodes": "scp", "ahacode": "aha"}


@dataclass(frozen=True)
class TableMapping:
    """Names of a table's columns.

    Attributes:
        name: Of the mapping, for messages.
        files: Columns that hold file names or paths of recordings, with or without extension, the best first.
        ids: Columns that hold recording ids: a file's name without extension, or an id that stands in the file.
        match: Where an id stands in a recording: "recording_id" or a key of its metadata ("accession_number").
        patient_id, time, age, birth_date, sex, device, codes: The column of each, or None. A year of birth may stand for
            an age.
        report: The columns whose texts, a sentence or more each, make up the report.
        words: What abbreviations in those columns stand for; a cell that consists of them becomes sentences.
        flags: Columns that are true where a code holds, with that code ("snomed:59118001").
        sex_values: The column's spellings of "F" and "M"; usual words are known.
        code_scheme: What is put before each code ("snomed" gives "snomed:164889003").
        metadata: Columns kept as metadata, or None for all the others.
        requires: Columns by which a table of this kind is recognised.
        beside: Names under which the archive's own table stands in or above the folder of its recordings.
        levels: How many folders above a recording it is looked for.
        signals: What is known of arrays beside such a table: the keys of the JSON beside an array.
    """

    name: str = "own"
    files: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    match: str = "recording_id"
    patient_id: str | None = None
    time: str | None = None
    age: str | None = None
    birth_date: str | None = None
    sex: str | None = None
    sex_values: Mapping[str, Sex] = field(default_factory=dict)
    device: str | None = None
    report: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    codes: str | None = None
    code_scheme: str = "code"
    metadata: tuple[str, ...] | None = None
    requires: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    levels: int = 0
    signals: Mapping[str, Any] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[str]:
        """Columns that become fields of a recording, and so are not metadata."""
        single = (self.patient_id, self.time, self.age, self.birth_date, self.sex, self.device)
        return frozenset(filter(None, (*single, *self.report)))

    def document(self) -> dict[str, Any]:
        """As the JSON object that :meth:`from_dict` reads; the keys that most tables have stand there to be filled in."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        shown = {
            k: list(v) if isinstance(v, tuple) else dict(v) if isinstance(v, Mapping) else v for k, v in values.items()
        }
        return {k: v for k, v in shown.items() if v or k in _ASKED}

    @staticmethod
    def from_json(path: str | Path) -> TableMapping:
        """The mapping in a JSON file: an object with this class's attributes as keys.

        Raises:
            UsageError: the file is no such object.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
            return TableMapping.from_dict(json.loads(text), str(path))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
            raise UsageError(
                f"{path}: not a JSON mapping ({type(error).__name__}); see the documentation of formats"
            ) from None

    @staticmethod
    def from_dict(values: Any, where: str) -> TableMapping:
        """The mapping in a parsed JSON object.

        Raises:
            UsageError: an unknown key, or a value of the wrong kind.
        """
        known = {f.name for f in fields(TableMapping)}
        if not isinstance(values, dict) or set(values) - known:
            extra = ", ".join(sorted(set(values) - known)) if isinstance(values, dict) else "no object"
            raise UsageError(f"{where}: not a table mapping ({extra}); keys: {', '.join(sorted(known))}")
        kept: dict[str, Any] = {}
        for key, value in values.items():
            if value is None:
                continue
            if key == "sex_values":
                good = isinstance(value, dict) and all(v in ("F", "M") for v in value.values())
            elif key in ("words", "flags"):
                good = isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
            elif key == "signals":
                good = isinstance(value, dict)
            elif key == "levels":
                good = isinstance(value, int)
            elif key in ("files", "ids", "metadata", "requires", "report", "beside"):
                value = [value] if isinstance(value, str) else value
                good = isinstance(value, list) and all(isinstance(item, str) for item in value)
                value = tuple(value) if good else value
            else:
                good = isinstance(value, str)
            if not good:
                raise UsageError(
                    f"{where}: the value of {key!r} is of the wrong kind; see the documentation of formats"
                )
            kept[key] = value
        return TableMapping(**kept)

    def check(self, columns: Sequence[str], where: str) -> None:
        """Refuse a mapping that names columns the table does not have, or no column that identifies a recording.

        Raises:
            UsageError: with the columns there are.
        """
        named = {*self.files, *self.ids, *self.used, *self.flags, *filter(None, [self.codes]), *(self.metadata or ())}
        missing = sorted(named - set(columns))
        listing = ", ".join(columns[:40])
        if missing:
            raise UsageError(
                f"{where}: the mapping names columns that are not there: {', '.join(missing)} (columns: {listing})"
            )
        if not self.files and not self.ids:
            raise UsageError(
                f"{where}: no column that identifies recordings; columns: {listing}; name one in a mapping, as ids or files: {WAY}"
            )


@cache
def built_in(name: str) -> TableMapping:
    """A mapping that comes with the package."""
    return TableMapping.from_json(Path(__file__).with_name(f"{name}.json"))


def mapping_for(columns: Sequence[str]) -> TableMapping:
    """The built-in mapping that fits a table's columns, else one guessed from usual column names."""
    for name in BUILT_IN:
        mapping = built_in(name)
        if set(mapping.requires) <= set(columns):
            return mapping
    return guess(columns)


def guess(columns: Sequence[str]) -> TableMapping:
    """A mapping by usual column names."""
    there = {fold(column): column for column in reversed(columns)}
    found: dict[str, Any] = {}
    for key, names in _GUESSES.items():
        hits = tuple(dict.fromkeys(there[name] for name in map(fold, names.split()) if name in there))
        if key in ("ids", "files"):
            found[key] = hits
        elif hits:
            found[key] = hits[:1] if key == "report" else hits[0]
    if found.get("age") == found.get("birth_date"):
        found.pop("birth_date", None)
    return TableMapping(
        name="guessed from column names",
        code_scheme=_SCHEMES.get(fold(found.get("codes", "")), "code"),
        **found,
    )
