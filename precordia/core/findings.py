"""What is said of an ECG (findings) and what is measured on it (measurements)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["present", "absent", "uncertain"]


@dataclass(frozen=True, order=True)
class Finding:
    """One finding that a report states, or that a rule derives from measurements.

    Attributes:
        concept: Identifier in the vocabulary ("LBBB", "AFIB", "IMI"); see ``precordia.concepts``.
        status: "present", "absent" (negated) or "uncertain" (possible, suspected).
        territory: "anterior", "inferior", ... where the text gives one beyond the concept, or None.
        severity: "mild", "moderate", "severe", "acute", "old", ... as the text qualifies it, or None.
        comparison: "new", "unchanged", "resolved" against an earlier ECG, or None.
        span: Start and end of the words in the text it was read from; (0, 0) when it comes from no text.
    """

    concept: str
    status: Status = "present"
    territory: str | None = None
    severity: str | None = None
    comparison: str | None = None
    span: tuple[int, int] = (0, 0)

    @property
    def in_words(self) -> bool:
        """Whether it was read from a text, and not from a code or a measurement."""
        return self.span != (0, 0)


@dataclass(frozen=True)
class Measurements:
    """What was measured on a recording. None means: it cannot be measured here.

    Global values are medians over beats and leads.

    Attributes:
        heart_rate_bpm: Ventricular rate, beats a minute.
        rr_ms: Median RR interval, ms.
        rr_sd_ms: Standard deviation of RR intervals, ms.
        p_ms: P wave duration, ms; None without P waves, as in atrial fibrillation.
        pr_ms: PR interval, ms.
        qrs_ms: QRS duration, ms.
        qt_ms: QT interval, ms.
        qtc_ms: QT corrected by Bazett, ms (the definition that reports and ECG-QA use).
        qtc_fridericia_ms: QT corrected by Fridericia, ms.
        axis_deg: Frontal QRS axis, degrees, (-180, 180].
        p_axis_deg: Frontal P axis, degrees.
        t_axis_deg: Frontal T axis, degrees.
        n_beats: Number of QRS complexes found.
        rhythm_regularity: "regular", "irregular", "regularly irregular", or None.
        st_j60_mv: Lead to ST level 60 ms after the J point against the PR segment, mV.
        r_mv: Lead to R amplitude, mV.
        s_mv: Lead to S (or Q S) depth as a positive number, mV.
        q_mv: Lead to Q (or Q S) depth as a positive number, mV; 0 without one.
        t_mv: Lead to signed T amplitude, mV.
        paced: Whether the commonest beats follow a pacemaker spike; None where the rate is too low to be sure that none does.
        criteria: Name of a voltage criterion to whether it is met ("sokolow_lyon_lvh": True); empty behind pacing.
        confidence: Name of a field to 0..1.
        rr_usual_sd_ms: Standard deviation of the RR intervals between beats of the commonest shape, ms: ectopic beats and the
            pauses after them are left out.
        qtc_wide_ms: QT less 48.5 % of the QRS duration, corrected by Bazett, ms (Bogossian et al. 2014); only for a QRS of
            120 ms and more, whose width alone lengthens QT.
        st_j_mv: Lead to ST level at the J point against the PR segment, mV.
        p_rate_bpm: Atrial waves a minute, found apart from the QRS complexes; None where none repeats.
        av_dissociation: Whether P waves go their own way beside regular QRS complexes; None where that cannot be told.
        n_spikes: Number of pacemaker spikes found; None where the rate is too low to be sure that there is none.
        n_captured: How many of them a QRS complex answers.
        n_lone_p: P waves that no QRS complex answers, in even time with the conducted ones; None where none is conducted.
        rr_min_ms: Shortest RR interval, ms.
        rr_max_ms: Longest RR interval, ms.
        qrs_sd_ms: Standard deviation of QRS duration from beat to beat, by the shapes of beats, ms.
        qrs_active_ms: Time in one cycle during which the leads change fast, ms: a width of QRS that needs no onset.
        st_j80_mv: Lead to ST level 80 ms after the J point, mV.
        t_width_ms: Lead to the width of the T wave at half its height, ms.
        p_terminal_v1_mv_ms: Depth times duration of the P wave's negative part in V1, mV ms (Morris et al. 1964); 0 without one.
    """

    heart_rate_bpm: float | None = None
    rr_ms: float | None = None
    rr_sd_ms: float | None = None
    p_ms: float | None = None
    pr_ms: float | None = None
    qrs_ms: float | None = None
    qt_ms: float | None = None
    qtc_ms: float | None = None
    qtc_fridericia_ms: float | None = None
    axis_deg: float | None = None
    p_axis_deg: float | None = None
    t_axis_deg: float | None = None
    n_beats: int | None = None
    rhythm_regularity: str | None = None
    st_j60_mv: Mapping[str, float] = field(default_factory=dict)
    r_mv: Mapping[str, float] = field(default_factory=dict)
    s_mv: Mapping[str, float] = field(default_factory=dict)
    q_mv: Mapping[str, float] = field(default_factory=dict)
    t_mv: Mapping[str, float] = field(default_factory=dict)
    paced: bool | None = None
    criteria: Mapping[str, bool] = field(default_factory=dict)
    confidence: Mapping[str, float] = field(default_factory=dict)
    rr_usual_sd_ms: float | None = None
    qtc_wide_ms: float | None = None
    st_j_mv: Mapping[str, float] = field(default_factory=dict)
    p_rate_bpm: float | None = None
    av_dissociation: bool | None = None
    n_spikes: int | None = None
    n_captured: int | None = None
    n_lone_p: int | None = None
    rr_min_ms: float | None = None
    rr_max_ms: float | None = None
    qrs_sd_ms: float | None = None
    qrs_active_ms: float | None = None
    st_j80_mv: Mapping[str, float] = field(default_factory=dict)
    t_width_ms: Mapping[str, float] = field(default_factory=dict)
    p_terminal_v1_mv_ms: float | None = None

    @property
    def wide_v1_balance(self) -> float | None:
        """R less S as a share of both in V1, -1 to 1, of a QRS complex of 132 ms and more, wide beyond doubt; else None."""
        r, s = self.r_mv.get("V1"), self.s_mv.get("V1")
        if r is None or s is None or r + s == 0 or self.qrs_ms is None or self.qrs_ms < 132:
            return None
        return (r - s) / (r + s)

    def __repr__(self) -> str:
        measured = ", ".join(f"{name}={value:.4g}" for name, value in self.scalars().items() if value is not None)
        return f"Measurements({measured})"

    def scalars(self) -> dict[str, float | None]:
        """The numeric fields that a case table has columns for, by name, None kept.

        What was added later stands with the rest in a case's details: another column would be another table.
        """
        return {name: getattr(self, name) for name in _COLUMNS}


_COLUMNS = (
    "heart_rate_bpm",
    "rr_ms",
    "rr_sd_ms",
    "p_ms",
    "pr_ms",
    "qrs_ms",
    "qt_ms",
    "qtc_ms",
    "qtc_fridericia_ms",
    "axis_deg",
    "p_axis_deg",
    "t_axis_deg",
    "n_beats",
)
