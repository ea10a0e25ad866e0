"""Welltory's fingertip videos: mean colours of each frame, beside the RR intervals of a chest strap."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError, UnreadableRecordingError
from precordia.datasets.card import DatasetCard

CARD: Final = DatasetCard(
    name="welltory",
    place="modalities/welltory",
    title="Welltory PPG",
    version="2021",
    licence="free for research",
    citation="Neshitov et al., Sensors 2021;21:6798",
    url="https://github.com/Welltory/welltory-ppg-dataset",
    note="RR intervals of a chest strap; the two clocks are not aligned",
)


@dataclass(frozen=True, eq=False)
class Filmed:
    """One person's video and strap.

    Attributes:
        number: Of the person, from 1.
        video: File of the frame table.
        rr_ms: ``(n,)`` RR intervals of the strap, ms.
    """

    number: int
    video: Path
    rr_ms: NDArray[np.float64]


def read_filmed(folder: Path) -> list[Filmed]:
    """Everybody there is, by number.

    Raises:
        InputError: nobody is there.
        UnreadableRecordingError: intervals are no numbers.
    """
    found = [_filmed(place) for place in sorted(folder.glob("subject_*")) if (place / "RR.txt").is_file()]
    if not found:
        raise InputError(f"{folder}: no subject_NN with PPG.csv and RR.txt; get them from {CARD.url}")
    return found


def _filmed(place: Path) -> Filmed:
    try:
        rr = np.array((place / "RR.txt").read_text(encoding="utf-8").split(), dtype=np.float64)
    except ValueError:
        raise UnreadableRecordingError(f"{place / 'RR.txt'}: something else than intervals in ms") from None
    return Filmed(int(place.name.removeprefix("subject_")), place / "PPG.csv", rr)
