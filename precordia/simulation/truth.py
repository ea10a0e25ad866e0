"""What is known of a simulated ECG because it was made so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Sex
from precordia.simulation.heart import BeatKind


@dataclass(frozen=True)
class BeatTruth:
    """One beat whose R peak lies in the recording. Times in s from its first sample; None: there is no such wave, or
    it lies outside the recording.

    A wave begins and ends where any of the twelve leads leaves the baseline (``precordia.simulation.waves``); ``r_s``
    and ``t_s`` are the moments of the largest deflection over the independent leads.
    """

    kind: BeatKind
    p_on_s: float | None
    p_off_s: float | None
    qrs_on_s: float
    r_s: float
    qrs_off_s: float
    t_on_s: float | None
    t_s: float | None
    t_off_s: float | None


@dataclass(frozen=True)
class Truth:
    """What a perfect reader would say.

    Attributes:
        diagnoses: The names asked for, rhythm included ("SR", "IMI:acute").
        findings: What they mean on the ECG, and the axis.
        beats: In order.
        measurements: Of the recording, before noise.
        age: Years.
        sex: "F" or "M".
        t_mv: Lead to T amplitude, signed, mV.
        q_leads: Leads with a Q of 30 ms and 0.1 mV or more.
        p_waves_s: Beginnings of all P waves in the recording, with or without a QRS after them, s.
        spikes_s: Pacing stimuli in the recording, with or without capture, s.
        noise: Name or description of the noise added.
        defects: What is wrong with the recording on purpose ("V3 flat"); empty when nothing.
    """

    diagnoses: tuple[str, ...]
    findings: tuple[Finding, ...]
    beats: tuple[BeatTruth, ...]
    measurements: Measurements
    age: float
    sex: Sex
    t_mv: Mapping[str, float] = field(default_factory=dict)
    q_leads: tuple[str, ...] = ()
    p_waves_s: tuple[float, ...] = ()
    spikes_s: tuple[float, ...] = ()
    noise: str = "none"
    defects: tuple[str, ...] = ()

    @property
    def concepts(self) -> tuple[str, ...]:
        """Identifiers of the findings that are present."""
        return tuple(f.concept for f in self.findings if f.status == "present")

    @property
    def r_peaks_s(self) -> tuple[float, ...]:
        """Times of the R peaks, s."""
        return tuple(b.r_s for b in self.beats)
