"""What kinds of heart signals there are, and what each can and cannot show. A new kind is one entry here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from precordia.concepts import vocabulary
from precordia.core.findings import Measurements
from precordia.core.registry import Registry

_BY_LEAD: Final = frozenset(
    {"st_j_mv", "st_j60_mv", "st_j80_mv", "r_mv", "s_mv", "q_mv", "t_mv", "t_width_ms", "criteria"}
)
_AXES: Final = frozenset({"axis_deg", "p_axis_deg", "t_axis_deg"})
_NEED_MANY: Final = frozenset({"hypertrophy", "infarction", "ischaemia", "st_t", "qrs", "overall"})
"""Sections of the vocabulary that are read from the walls of the heart: from chest and limb leads together."""


@dataclass(frozen=True)
class SignalKind:
    """One kind of heart signal.

    Attributes:
        name: How JSON, the command line and docs call it.
        title: What people call it, in the singular.
        shows: What such a signal can show.
        cannot_show: What must never be said from it.
        withheld: Sections of the vocabulary, and findings with all that is more special, that are never said of it.
        unmeasured: Fields of :class:`~precordia.core.findings.Measurements` that are not taken from it.
        is_ecg: Whether its samples are leads of an ECG, so that the archive can be asked with it.
    """

    name: str
    title: str
    shows: tuple[str, ...]
    cannot_show: tuple[str, ...]
    withheld: frozenset[str] = frozenset()
    unmeasured: frozenset[str] = frozenset()
    is_ecg: bool = True

    @property
    def limits(self) -> str:
        """One line that tells a user what the signal can and cannot show."""
        said = f"{self.title}: shows {', '.join(self.shows)}"
        return f"{said}; cannot show {', '.join(self.cannot_show)}." if self.cannot_show else f"{said}."

    @property
    def is_whole(self) -> bool:
        """Whether nothing that an ECG shows is beyond it."""
        return not self.cannot_show

    @property
    def measures_leads(self) -> bool:
        """Whether ST levels and voltages of its leads are what an electrode recorded, so that danger in them is told."""
        return not self.unmeasured

    def may_say(self, concept: str) -> bool:
        """Whether a finding may be said of such a signal; what the vocabulary does not know may not where anything is withheld."""
        if not self.withheld:
            return True
        if concept not in vocabulary():
            return False
        of_it = {vocabulary().concept(concept).section, concept, *vocabulary().ancestors(concept)}
        return not of_it & self.withheld

    def may_say_any(self, concepts: Iterable[str]) -> bool:
        """Whether one of some findings may be said; True of none."""
        asked = tuple(concepts)
        return not asked or any(self.may_say(concept) for concept in asked)

    def masked(self, measurements: Measurements) -> Measurements:
        """The measurements less those that such a signal does not bear."""
        if not self.unmeasured:
            return measurements
        empty = Measurements()
        confidence = {name: value for name, value in measurements.confidence.items() if name not in self.unmeasured}
        gone = {name: getattr(empty, name) for name in self.unmeasured}
        return replace(measurements, **gone, confidence=confidence)

    def document(self, notes: Iterable[str] = ()) -> dict[str, Any]:
        """For JSON: its name, what people call it, its limits, and what was assumed of this very signal."""
        return {"kind": self.name, "title": self.title, "limits": self.limits, "notes": list(notes)}


_RHYTHM: Final = ("beats", "rate", "rhythm", "pauses", "premature beats")

KINDS: Final[Registry[SignalKind]] = Registry(
    "kind of signal",
    {
        "ecg": SignalKind("ecg", "Resting ECG of several leads", ("rhythm", "intervals", "voltages", "ST levels"), ()),
        "few_leads": SignalKind(
            "few_leads",
            "ECG of few leads",
            (*_RHYTHM, "intervals", "ST levels of these leads"),
            ("that other walls are spared", "infarction", "hypertrophy", "that an ECG is normal"),
            withheld=_NEED_MANY,
        ),
        "one_lead": SignalKind(
            "one_lead",
            "ECG of one lead (watch, patch)",
            (*_RHYTHM, "intervals along this lead"),
            ("ST changes", "infarction", "voltages", "the axis", "which bundle branch is blocked", "that an ECG is normal"),
            withheld=_NEED_MANY | {"axis", "p_wave", "BBB", "FASCB", "RSR", "EPSI", "RACD", "DEXTRO", "SIQIII"},
            unmeasured=_BY_LEAD | _AXES,
        ),
        "long": SignalKind(
            "long",
            "Long recording (Holter, monitor)",
            (*_RHYTHM, "episodes of atrial fibrillation, each with start and end"),
            ("ST changes", "infarction", "hypertrophy", "that an ECG is normal"),
            withheld=_NEED_MANY,
            unmeasured=_BY_LEAD,
        ),
        "electrogram": SignalKind(
            "electrogram",
            "Electrogram of a catheter",
            ("local activation where the catheter lies", "cycle length of the atria and how irregular it is"),
            ("anything that the leads of an ECG show", "a rhythm for certain: its model was learned from simulations alone"),
            is_ecg=False,
        ),
        "pulse": SignalKind(
            "pulse",
            "Pulse (PLETH, PPG)",
            ("pulse rate", "intervals between beats and their variability", "an irregular rhythm"),
            ("P waves", "QRS complexes", "intervals", "ST changes", "infarction", "blood pressure without a calibration"),
            is_ecg=False,
        ),
        "video": SignalKind(
            "video",
            "Mean colours of a video's frames",
            ("pulse rate", "intervals between beats and their variability", "an irregular rhythm"),
            ("P waves", "QRS complexes", "intervals", "ST changes", "infarction", "blood pressure without a calibration"),
            is_ecg=False,
        ),
        "other": SignalKind(
            "other", "Signal of another kind", ("nothing of the heart that is read here",), ("an ECG",), is_ecg=False
        ),
    },
)  # fmt: skip
"""Name to kind."""
