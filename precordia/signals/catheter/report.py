"""What a user is told of a file of electrograms: measured cycles, and what a model that was learned from simulations says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np

from precordia.core.errors import InputError, UnusableSignalError
from precordia.core.recording import Recording
from precordia.records.read import read_recording
from precordia.signals.catheter.cycles import measure_cycles
from precordia.signals.catheter.model import CatheterModel, load_catheter_model
from precordia.signals.catheter.tokens import RHYTHMS, prepare, site_of

LEARNED: Final = "the model's words were learned from SIMULATED electrograms alone, and were never tried on a patient's"
LONGEST_S: Final = 60.0
"""Of a recording, from its beginning."""

_VENTRICLES: Final = re.compile(r"^(?:rv|lv|his|hbe)", re.IGNORECASE)
"""Channels that lie in the ventricles or across to them."""


def report(path: Path | str) -> dict[str, Any]:
    """Of each channel of a file: JSON values; a file whose samples cannot be read says so."""
    try:
        recording = read_recording(path)
    except InputError as error:
        return {"not_measured": str(error)}
    return analyse(recording, load_catheter_model())


def analyse(recording: Recording, model: CatheterModel) -> dict[str, Any]:
    """Of each channel of a recording, the median over windows of two seconds; of a minute at most."""
    channels: dict[str, dict[str, Any]] = {}
    for name, row in zip(recording.leads, recording.signal, strict=True):
        if _VENTRICLES.search(name):
            channels[name] = {"not_measured": "not in the atria, whose electrograms alone are read"}
            continue
        try:
            windows = prepare(row[: round(LONGEST_S * recording.fs)].astype(np.float64), recording.fs)
        except UnusableSignalError as error:
            channels[name] = {"not_measured": str(error)}
            continue
        site = site_of(name)
        found = [measure_cycles(window) for window in windows]
        said = model.rhythms(windows, [site] * len(windows)).mean(axis=0)
        middle = sorted(found, key=lambda one: one.cycle_ms or np.inf)[len(found) // 2]
        channels[name] = {
            "site": site,
            **middle.document(),
            "model": {rhythm: round(float(chance), 2) for rhythm, chance in zip(RHYTHMS, said, strict=True)},
        }
    return {"channels": channels, "model_learned_from": "simulated electrograms", "note": LEARNED}
