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

BUILT_IN: Final = ("ptbxl", "ludb", "mimic-iv-ecg", "sph")

_GUESSES: Final[dict[str, tuple[str, ...]]] = {
    "ids": ("recording_id", "ecg_id", "record_id", "record", "study_id", "exam_id", "uid", "id"),
    "files": ("filename", "file_name", "file", "path", "waveform_path"),
    "patient_id": ("patient_id", "patient", "subject_id", "patient_key", "mrn"),
    "time": ("recording_date", "time", "ecg_time", "acquisition_time", "date", "recorded"),
    "age": ("age", "age_years", "patient_age"),
    "sex": ("sex", "gender", "patient_sex", "is_male", "is_female"),
    "device": ("device", "cart", "machine"),
    "report": ("report", "report_text", "text", "interpretation", "conclusion"),
    "codes": ("codes", "snomed", "scp_codes", "aha_code", "labels", "dx"),
}


@dataclass(frozen=True)
class TableMapping:
    """Names of a table's columns.

    Attributes:
        name: Of the mapping, for messages.
        files: Columns that hold file names or paths of recordings, with or without extension, the best first.
        ids: Columns that hold recording ids: a file's name without extension, or an id that stands in the file.
        match: Where an id stands in a recording: "recording_id" or a key of its metadata ("accession_number").
        patient_id, time, age, sex, device, codes: The column of each, or None.
        report: The columns whose texts, a sentence or more each, make up the report.
        sex_values: The column's spellings of "F" and "M"; usual words are known.
        code_scheme: What is put before each code ("snomed" gives "snomed:164889003").
        metadata: Columns kept as metadata, or None for all the others.
        requires: Columns by which a table of this kind is recognised.
    """

    name: str = "own"
    files: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    match: str = "recording_id"
    patient_id: str | None = None
    time: str | None = None
    age: str | None = None
    sex: str | None = None
    sex_values: Mapping[str, Sex] = field(default_factory=dict)
    device: str | None = None
    report: tuple[str, ...] = ()
    codes: str | None = None
    code_scheme: str = "code"
    metadata: tuple[str, ...] | None = None
    requires: tuple[str, ...] = ()

    @property
    def used(self) -> frozenset[str]:
        """Columns that become fields of a recording, and so are not metadata."""
        return frozenset(filter(None, (self.patient_id, self.time, self.age, self.sex, self.device, *self.report)))

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
            elif key in ("files", "ids", "metadata", "requires", "report"):
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
        named = {*self.files, *self.ids, *self.used, *filter(None, [self.codes]), *(self.metadata or ())}
        missing = sorted(named - set(columns))
        listing = ", ".join(columns[:40])
        if missing:
            raise UsageError(
                f"{where}: the mapping names columns that are not there: {', '.join(missing)} (columns: {listing})"
            )
        if not self.files and not self.ids:
            raise UsageError(
                f"{where}: no column that identifies recordings; name one in a mapping, as ids or files (columns: {listing})"
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
    lower = {column.lower(): column for column in reversed(columns)}
    found: dict[str, Any] = {}
    for key, names in _GUESSES.items():
        hits = tuple(lower[name] for name in names if name in lower)
        if key in ("ids", "files"):
            found[key] = hits
        elif hits:
            found[key] = hits[:1] if key == "report" else hits[0]
            if key == "codes":
                found["code_scheme"] = {"snomed": "snomed", "dx": "snomed", "scp_codes": "scp", "aha_code": "aha"}.get(
                    hits[0].lower(), "code"
                )
    return TableMapping(name="guessed from column names", **found)
