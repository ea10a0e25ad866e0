"""Text exports that begin "Rhythm signal: 5000 X 12": samples in µV, a line an instant, a column a lead.

Written by the 12-lead ECG viewer of the Tereshchenko laboratory (https://github.com/Tereshchenkolab/12-lead-ECG-viewer)
from carts at 500 Hz; the file itself gives neither rate nor unit, so both can be overruled by a JSON beside it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from precordia.core.errors import UnreadableRecordingError
from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.records.limits import MAX_TEXT_BYTES, check_shape, read_bytes
from precordia.records.readers.reader import Head, Reader
from precordia.records.readers.sidecar import read_sidecar, recording_from_array
from precordia.records.readers.xml_tree import numbers

_HEADER: Final = re.compile(r"\s*Rhythm signal:\s*(\d{1,9})\s*X\s*(\d{1,4})[ \t\r]*\n", re.IGNORECASE)
_FS: Final = 500.0


def sniff(head: Head) -> int:
    """2 for the header line."""
    return 2 if head.may_begin(b"rhythm signal:") and _HEADER.match(head.text) else 0


def read(path: Path) -> Recording:
    """The rhythm strip.

    Raises:
        UnreadableRecordingError: not as many samples as the header says.
    """
    text = read_bytes(path, MAX_TEXT_BYTES).decode("utf-8-sig", errors="replace")
    header = _HEADER.match(text)
    if not header:
        raise UnreadableRecordingError(
            f"{path}: does not begin with 'Rhythm signal: samples X leads'; the file is damaged"
        )
    n_samples, n_leads = int(header.group(1)), int(header.group(2))
    check_shape(path, n_leads, n_samples)
    section = re.split(r"\n\s*[A-Za-z]", text[header.end() :], maxsplit=1)[0]
    values = numbers(section, str(path))
    if values.size != n_samples * n_leads:
        raise UnreadableRecordingError(
            f"{path}: holds {values.size} of {n_samples * n_leads} samples; it is truncated or damaged"
        )
    facts = read_sidecar(path)
    notes = [f"{what} not given in the file: {taken} taken" for what, key, taken in
             (("rate", "fs", "500 Hz"), ("unit", "units", "µV")) if key not in facts]  # fmt: skip
    facts = {"fs": _FS, "units": "uV", **facts}
    columns = LEADS if n_leads == len(LEADS) else None
    return recording_from_array(
        path, values.reshape(n_samples, n_leads).T, facts, format="rhythm-text", columns=columns, notes=notes
    )


READER = Reader("rhythm-text", sniff, read)
