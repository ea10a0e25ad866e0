"""Where a recording is: a file, or one of several ECGs within a file, written ``file#name``.

``exams_part0.hdf5#590673`` is an exam in an HDF5 file, ``raw100.npy#17`` the eighteenth ECG of an array, and
``export.zip#ward/ecg1.xml`` a file in an archive. A file whose own name has a ``#`` is that file: what exists comes first.
"""

# os.path is several times faster than pathlib, and archives have a million files.
# ruff: noqa: PTH113, PTH110
from __future__ import annotations

import os

MARK = "#"


def split_place(place: str) -> tuple[str, str | None]:
    """The file, and the name of the ECG within it, or None when the place is the file.

    >>> split_place("ward/ecg1.xml")
    ('ward/ecg1.xml', None)
    """
    if MARK not in place or os.path.exists(place):
        return place, None
    at = place.find(MARK)
    while at > 0:
        if os.path.isfile(place[:at]):
            return place[:at], place[at + 1 :]
        at = place.find(MARK, at + 1)
    return place, None


def join_place(file: str, member: str) -> str:
    """The place of an ECG within a file."""
    return f"{file}{MARK}{member}"


def steps_of(place: str) -> list[str]:
    """Folders, file and, where there is one, the name within the file."""
    file, member = split_place(place.replace("\\", "/"))
    within = [] if member is None else member.replace(MARK, "/").split("/")
    return [*file.split("/"), *within]


def stem_of(name: str) -> str:
    """A file's name without folder and without one of the extensions that recordings have.

    >>> stem_of("records500/00000/00001_hr.hea"), stem_of("1.2.840.10008"), stem_of("s40689238")
    ('00001_hr', '1.2.840.10008', 's40689238')
    """
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and len(suffix) <= 5 and not suffix.isdigit() else name


def name_of(place: str) -> str:
    """What the recording at a place is called: its file's name without extension, or its name within the file."""
    return stem_of(steps_of(place)[-1])
