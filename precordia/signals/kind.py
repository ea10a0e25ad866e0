"""What kinds of heart signals there are, and what each can and cannot show. A new kind is one entry here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from precordia.core.registry import Registry


@dataclass(frozen=True)
class SignalKind:
    """One kind of heart signal.

    Attributes:
        name: How JSON, the command line and docs call it.
        title: What people call it, in the singular.
        shows: What such a signal can show.
        cannot_show: What must never be said from it.
    """

    name: str
    title: str
    shows: tuple[str, ...]
    cannot_show: tuple[str, ...]

    @property
    def limits(self) -> str:
        """One line that tells a user what the signal can and cannot show."""
        said = f"{self.title}: shows {', '.join(self.shows)}"
        return f"{said}; cannot show {', '.join(self.cannot_show)}." if self.cannot_show else f"{said}."


KINDS: Final[Registry[SignalKind]] = Registry(
    "kind of signal",
    {
        "ecg": SignalKind("ecg", "Resting ECG of several leads", ("rhythm", "intervals", "voltages", "ST levels"), ()),
        "pulse": SignalKind(
            "pulse",
            "Pulse (video, oximeter or watch)",
            ("pulse rate", "intervals between beats and their variability", "an irregular rhythm"),
            ("P waves, PR, QRS or QT", "ST levels", "an infarction", "blood pressure without a calibration"),
        ),
    },
)
"""Name to kind."""
