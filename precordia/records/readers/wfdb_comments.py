"""What the comment lines of a WFDB header say: "Age: 74", "<sex>: F", "Dx: 164865005", LUDB's diagnoses, MIT-BIH's line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from precordia.core.recording import Sex
from precordia.records.channels import one_line, parse_time
from precordia.records.people import age_at, parse_age, parse_sex, tells_who

_PAIR: Final = re.compile(r"^<?([A-Za-z][^:<>,.]{0,60}?)>?\s*:\s*(.*)$")
_INLINE: Final = re.compile(r"<(\w+)>:\s*([^<]*)")
_MIT: Final = re.compile(r"^(\d{1,3}|-1)\s+([MF])\b")
_MAX_COMMENTS: Final = 500
_UNKNOWN: Final = {"", "unknown", "nan", "n/a", "none"}
_PLAIN: Final = {"patient": "patient", "patient id": "patient", "patient_id": "patient", "subject_id": "patient",
                 "subject id": "patient", "device": "device", "report": "report"}  # fmt: skip
_PTB_REPORT: Final = ("reason for admission", "acute infarction (localization)", "former infarction (localization)",
                      "additional diagnoses")  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the comments say; fields as in ``Recording``."""

    age: float | None = None
    sex: Sex | None = None
    patient_id: str | None = None
    device: str | None = None
    report: str | None = None
    codes: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def is_ludb(comments: Sequence[str], channel_names: Sequence[str]) -> bool:
    """Whether a header is of the Lobachevsky University database (LUDB).

    Its headers scale each lead to 1 mV peak to peak, which breaks Einthoven's law; they are known by their comments
    (``#<diagnoses>:``) together with lower-case lead names.
    """
    return any(line.startswith("<diagnoses>:") for line in comments) and channel_names[:2] == ["i", "ii"]


def facts_from_comments(comments: Sequence[str], *, ludb: bool = False, time: datetime | None = None) -> Facts:
    """Age, sex, report, codes and other fields in a header's comments.

    Args:
        comments: Lines without "#".
        ludb: Whether they are LUDB's.
        time: When it was recorded, for an age from the year or date of birth.

    >>> facts_from_comments(["Age: 74", "Sex: Male", "Dx: 164865005,426177001", "Rx: Unknown"]).codes
    ('snomed:164865005', 'snomed:426177001')
    """
    if ludb:
        return _ludb_facts(comments)
    age: str | None = None
    sex, born = None, None
    codes: list[str] = []
    metadata: dict[str, str] = {}
    pieces: list[str] = []
    plain: dict[str, str] = {}
    for line in comments[:_MAX_COMMENTS]:
        if match := _MIT.match(line):
            age, sex = match.group(1), parse_sex(match.group(2))
            continue
        pairs = _INLINE.findall(line) or ([match.groups()] if (match := _PAIR.match(line)) else [])
        for key, raw in pairs:
            name, value = one_line(key).lower(), one_line(raw)
            if name == "age":
                age = value
            elif name in ("date of birth", "birth date", "birthdate", "dob"):
                born = parse_time(value)
            elif name in ("sex", "gender"):
                sex = parse_sex(value)
            elif name in ("dx", "diagnosis codes") and re.fullmatch(r"[\d,;\s]+", value):
                codes += [f"snomed:{code}" for code in re.findall(r"\d+", value)]
            elif value.lower() in _UNKNOWN or tells_who(name):
                continue
            elif name in _PLAIN:
                plain.setdefault(_PLAIN[name], value)
            else:
                if name in _PTB_REPORT and value.lower() not in ("no", "n/a"):
                    pieces.append(f"{one_line(key)}: {value}.")
                metadata[name.replace(" ", "_")] = value
    report = plain.get("report") or " ".join(pieces) or None
    return Facts(
        age_at(time, age, born),
        sex,
        plain.get("patient"),
        plain.get("device"),
        report,
        tuple(dict.fromkeys(codes)),
        metadata,
    )


def _ludb_facts(comments: Sequence[str]) -> Facts:
    fields: dict[str, str] = {}
    sentences: list[str] = []
    in_diagnoses = False
    for line in comments[:_MAX_COMMENTS]:
        if match := re.match(r"^<(\w+)>:\s*(.*)$", line):
            fields[match.group(1).lower()] = one_line(match.group(2))
            in_diagnoses = match.group(1).lower() == "diagnoses"
        elif in_diagnoses and one_line(line):
            sentences.append(one_line(line))
    return Facts(
        parse_age(fields.pop("age", "")),
        parse_sex(fields.pop("sex", "")),
        None,
        None,
        " ".join(sentences) or None,
        (),
        {"database": "ludb", **{key: value for key, value in fields.items() if value and not tells_who(key)}},
    )
