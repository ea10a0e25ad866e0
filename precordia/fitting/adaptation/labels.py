"""Labels to adapt by: a small CSV file of findings, or what the archive's own reports say.

The file has a column ``case_id`` or ``recording_id``, and a column ``findings``: identifiers ("AFIB"), names ("atrial
fibrillation") or codes ("snomed:164889003"), separated by ``;`` or ``|``; nothing for an ECG without findings. What is not named is
taken for absent, and what a finding implies for present.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Final

from precordia.concepts import findings_from_codes, vocabulary
from precordia.core.case import Case
from precordia.core.errors import InputError, UnknownNameError

_IDS: Final = ("case_id", "recording_id")
_FINDINGS: Final = "findings"


@dataclass(frozen=True)
class Labels:
    """What is true of some cases.

    Attributes:
        stated: Case id to the findings present, with all that they imply.
        source: "file" or "reports".
    """

    stated: Mapping[int, frozenset[str]]
    source: str

    def __repr__(self) -> str:
        return f"Labels({len(self.stated)} cases, from {self.source})"

    @property
    def hash(self) -> str:
        """Of which findings which cases have; says nothing of either."""
        rows = sorted((case_id, sorted(said)) for case_id, said in self.stated.items())
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def labels_of_reports(cases: Sequence[Case]) -> Labels:
    """What the reports and codes of an archive say; cases of which nothing is said have no label."""
    known = vocabulary()
    return Labels(
        {
            case.case_id: known.implied(f.concept for f in case.findings if f.status == "present")
            for case in cases
            if case.findings
        },
        "reports",
    )


def read_labels(path: Path | str, cases: Sequence[Case]) -> Labels:
    """The labels of a file.

    Args:
        path: The CSV file, UTF-8.
        cases: Of the knowledge base.

    Raises:
        InputError: it cannot be read, a column is missing, or a line names no case or no finding; says which line.
    """
    path = Path(path)
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: cannot be read ({type(error).__name__}): give a CSV file in UTF-8") from None
    first = content.split("\n", 1)[0]
    reader = csv.DictReader(StringIO(content), delimiter=max(",\t;", key=first.count))
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    key = next((name for name in _IDS if name in names), None)
    if key is None or _FINDINGS not in names:
        raise InputError(f"{path}, line 1: needs a column case_id or recording_id, and a column findings")
    by_name: dict[str, list[int]] = {}
    for case in cases:
        by_name.setdefault(str(case.case_id) if key == "case_id" else case.recording_id, []).append(case.case_id)
    stated: dict[int, frozenset[str]] = {}
    try:
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            cells = {(k or "").strip().lower(): v for k, v in row.items() if isinstance(v, str)}
            if None in row or len(cells) < len(names):
                raise InputError(f'{where}: has not as many cells as line 1: put findings into quotes ("a;b")')
            found = by_name.get(cells[key].strip(), [])
            if len(found) != 1:
                many = "several cases of that recording_id: give their case_id" if found else f"no case of that {key}"
                raise InputError(f"{where}: the knowledge base has {many}; precordia search --json lists ids")
            if found[0] in stated:
                raise InputError(f"{where}: this case has a label already: keep one line of them")
            stated[found[0]] = _findings(cells[_FINDINGS], where)
    except csv.Error as error:
        raise InputError(f"{path}, line {reader.line_num}: is no CSV ({error})") from None
    if not stated:
        raise InputError(f"{path}: has no labels: give a line for each ECG that you know the findings of")
    return Labels(stated, "file")


def _findings(cell: str, where: str) -> frozenset[str]:
    """What is named in a cell. What cannot be read is not repeated: it may be words of a report."""
    found: list[str] = []
    for number, name in enumerate(filter(None, (part.strip() for part in cell.replace("|", ";").split(";"))), 1):
        if name in vocabulary():
            found.append(name)
        elif name.lower() in _by_name():
            found.append(_by_name()[name.lower()])
        elif ":" in name:
            try:
                found += [finding.concept for finding in findings_from_codes([name])]
            except UnknownNameError:
                raise InputError(
                    f"{where}: finding {number} is no code of the vocabulary: give scp:, snomed: or aha: with a code of theirs"
                ) from None
        else:
            close = difflib.get_close_matches(name.lower(), _by_name(), n=1)
            hint = f"; did you mean {close[0]!r} ({_by_name()[close[0]]})?" if close else ""
            raise InputError(
                f"{where}: finding {number} is not in the vocabulary{hint} docs/concepts.md lists names and identifiers"
                if hint
                else f"{where}: finding {number} is not in the vocabulary: docs/concepts.md lists names and identifiers"
            )
    return vocabulary().implied(found)


@lru_cache(maxsize=1)
def _by_name() -> Mapping[str, str]:
    """Name, and identifier, in lower case, to identifier."""
    concepts = list(vocabulary())
    return {concept.name.lower(): concept.id for concept in concepts} | {c.id.lower(): c.id for c in concepts}
