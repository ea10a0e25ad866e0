"""The front door for every kind of signal: which kind a recording is, by its channels and length, and what may be asked with it.

A resting ECG passes as it is. A single channel that is said to be an ECG and gives no lead's name is taken for lead I, where
watches and patches lie nearest to, and says so. What is no lead (a pulse, breathing, an electrogram) never passes for one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from precordia.core.errors import UnusableSignalError
from precordia.core.findings import Measurements
from precordia.core.leads import CHEST_LEADS, LEADS, LIMB_LEADS
from precordia.core.recording import Quality, Recording
from precordia.records.channels import is_other_signal
from precordia.records.quality.leads import FLAT_MV
from precordia.signals.kind import KINDS, SignalKind

LONG_S: Final = 120.0
"""Longest recording of few leads that is still measured from end to end, s; longer ones are read beat by beat."""

LONG_WHOLE_S: Final = 600.0
"""The same of a resting ECG, s: what all its leads show for minutes is not given up for the times of its beats."""

WHOLE_CHEST: Final = 3
"""Chest leads, beside two limb leads, from which the walls of the heart are looked at as by a resting ECG."""

LONG: Final = "long"
"""Name of the kind that is read beat by beat."""

STRIDE_S: Final = 300.0
"""From one stretch of a long recording that an archive keeps to the next, s: 288 of a day, a thirtieth of it."""

UNTOLD: Final = "other"
"""Name of the kind of what is neither an ECG nor another signal that is known here."""

TAKEN_FOR_I: Final = "one lead, taken for lead I"

_PULSE: Final = re.compile(r"ppg|pleth|pulse|bvp", re.IGNORECASE)
_COLOUR: Final = re.compile(r"^(?:mean[ _]?)?(?:r|g|b|red|green|blue)(?:[ _]?mean)?$", re.IGNORECASE)
_ELECTROGRAM: Final = re.compile(
    r"^(?:hra|his|hbe|cs|rv[ao]?|lv|la|ra|abl|lasso|halo|crista|map|egm|pentaray|uni|bip)\b"
    r"[ _-]*(?:[dpm]|\d[\d ,/-]*|apex|dist\w*|prox\w*)*$",
    re.IGNORECASE,
)
"""Names of catheters and their poles in an electrophysiology laboratory: high right atrium, His, coronary sinus, ablation."""


@dataclass(frozen=True, eq=False)
class Admitted:
    """A recording that the archive may be asked with.

    Attributes:
        recording: With the names of leads that it is taken for.
        kind: What it is.
        notes: What was assumed of it, for people.
    """

    recording: Recording
    kind: SignalKind
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Admitted({self.kind.name}, {self.recording!r})"

    @property
    def told(self) -> str | None:
        """The one line for a user; None for a resting ECG, of which nothing is out of sight."""
        if self.kind.is_whole:
            return None
        return " ".join((self.kind.limits, *(f"{note[0].upper()}{note[1:]}." for note in self.notes)))

    @property
    def document(self) -> dict[str, Any] | None:
        """The same for JSON."""
        return None if self.kind.is_whole else self.kind.document(self.notes)

    def measured(self, quality: Quality) -> Measurements:
        """What is measured of it, less what its kind does not bear; nothing where no QRS complex is in it.

        Args:
            quality: What :func:`~precordia.records.quality.assess` says of it.
        """
        from precordia.measurements import measure

        smooth = any(problem.kind == "smooth" for problem in quality.problems)
        return Measurements() if smooth else self.kind.masked(measure(self.recording))


def kind_of_channels(names: Sequence[str], duration_s: float = 0.0) -> SignalKind:
    """The kind of a signal.

    Args:
        names: Of its channels, standard leads by their canonical names.
        duration_s: Its length, s.

    >>> kind_of_channels(["PLETH"]).name, kind_of_channels(["II"]).name, kind_of_channels(["II", "V5"], 1800).name
    ('pulse', 'one_lead', 'long')
    """
    leads = {name for name in names if name in LEADS}
    others = [name for name in names if name not in LEADS]
    if not leads:
        for name, pattern in (("pulse", _PULSE), ("electrogram", _ELECTROGRAM), ("video", _COLOUR)):
            if others and all(pattern.search(one.strip()) for one in others):
                return KINDS.get(name)
        if not any(_may_be_ecg(one) for one in others):  # beside a pulse oximeters give its oxygen, monitors breathing
            return KINDS.get("pulse" if any(_PULSE.search(one) for one in others) else UNTOLD)
    whole = len(leads & set(LIMB_LEADS)) >= 2 and len(leads & set(CHEST_LEADS)) >= WHOLE_CHEST
    if duration_s > (LONG_WHOLE_S if whole else LONG_S):
        return KINDS.get(LONG)
    if whole:
        return KINDS.get("ecg")
    return KINDS.get("one_lead" if max(len(leads), 1 if leads else len(others)) == 1 else "few_leads")


def admit(recording: Recording) -> Admitted:
    """A recording with its kind, ready to ask the archive with.

    Raises:
        UnusableSignalError: it is no ECG: a pulse is never taken for a lead.
    """
    own = recording.measured  # drawn leads make no whole ECG of a watch's
    silent = silent_leads(own)
    live = [lead for lead in own.leads if lead not in silent] or own.leads
    kind = kind_of_channels(live, recording.spans_s)
    if not kind.is_ecg:
        raise UnusableSignalError(
            f"{recording.source or recording.recording_id}: no ECG ({', '.join(recording.leads)[:80]}), and none is made of it. "
            f"{kind.limits}"
        )
    if set(recording.leads) & set(LEADS):
        return Admitted(recording, kind, (f"no signal in {', '.join(silent)}",) if silent and not kind.is_whole else ())
    unnamed = [row for row, name in enumerate(recording.leads) if _may_be_ecg(name)]
    if len(unnamed) != 1:
        return Admitted(recording, kind)
    taken = replace(
        recording, signal=recording.signal[unnamed], leads=("I",), notes=(*recording.notes, TAKEN_FOR_I)
    )  # fmt: skip
    return Admitted(taken, kind, (TAKEN_FOR_I,))


def silent_leads(recording: Recording) -> tuple[str, ...]:
    """The leads that never move: of an electrode that is off, or a row of zeros that fills up a file of twelve leads.

    What they would show of the heart was not seen, so that a resting ECG whose chest leads are silent is one of few leads.
    """
    if recording.n_samples < 2:  # of a recording that is read piece by piece there is one missing sample
        return ()
    moved = np.fmax.reduce(recording.signal, axis=1) - np.fmin.reduce(recording.signal, axis=1)
    return tuple(
        lead for lead, mv in zip(recording.leads, moved, strict=True) if not mv > FLAT_MV
    )  # NaN where all is missing


def _may_be_ecg(name: str) -> bool:
    bare = name.strip()
    return not (is_other_signal(bare) or _PULSE.search(bare) or _ELECTROGRAM.search(bare) or _COLOUR.search(bare))
