"""Everything that is measured on a recording, in one value."""

from __future__ import annotations

from typing import Final

from precordia.core.findings import Measurements
from precordia.core.given import expect_recording
from precordia.core.recording import Recording
from precordia.measurements.analysis import Analysis, analyse
from precordia.measurements.atrial_rhythm import atrial_rhythm
from precordia.measurements.axis import qrs_axis_deg, wave_axis_deg
from precordia.measurements.intervals import QRS_WIDE_MS, bazett, bazett_wide, fridericia, intervals, spread_ms
from precordia.measurements.lone_p_waves import lone_p_waves
from precordia.measurements.p_wave_shape import p_terminal_mv_ms
from precordia.measurements.pacing import LOWEST_FS, captured
from precordia.measurements.qrs_widths import qrs_active_ms, qrs_sd_ms
from precordia.measurements.raw_beat import raw_beat
from precordia.measurements.rhythm import rhythm, rr_extremes_ms
from precordia.measurements.strips import measure_strips
from precordia.measurements.t_wave_shape import t_widths
from precordia.measurements.voltages import AT_J_S, criteria, st_level, t_amplitudes, voltages
from precordia.measurements.working_rate import BEFORE, FS
from precordia.records.order import median

FLUTTER_RR_S: Final = (0.36, 0.50)
"""RR intervals at which flutter of 240-330 a minute conducted 2:1 is likely, s."""

USUAL_SHARE: Final = 0.15
"""Share of a P wave, PR interval or QRS complex by which leads may differ before half of the confidence in it is lost, where
that is more than 15 ms: the end of a wide complex is not as sharp as that of a narrow one."""


def measure(recording: Recording) -> Measurements:
    """What can be measured on a recording; None, or an empty mapping, where something cannot.

    Leads that a model drew are not measured: their voltages and ST levels are nobody's.

    Any leads (also one), any rate from 100 Hz. A signal without beats (flat, noise) gives all None and ``n_beats`` 0. Leads
    that were recorded one after another are measured strip by strip (see ``strips``).
    """
    expect_recording(recording)
    recording = recording.measured
    return measure_strips(recording, _measure_together) or _measure_together(recording)


def _measure_together(recording: Recording) -> Measurements:
    """What can be measured on leads that were recorded at the same time."""
    analyses = analyse(recording)
    if not analyses:
        return Measurements(n_beats=0)
    best = max(analyses, key=lambda one: one.families[0].members.size)
    bounds, average = best.bounds[0], best.families[0].average
    rate = rhythm(analyses)
    found = intervals(bounds)
    qt, qrs = found["qt_ms"], found["qrs_ms"]
    mean_rr = 60_000 / rate.heart_rate_bpm if rate.heart_rate_bpm else None
    leads = best.stretch.leads
    beat = raw_beat(recording, best)
    volts = voltages(beat, bounds) if beat else None
    axes = {
        "axis_deg": qrs_axis_deg(volts) if volts else None,
        "p_axis_deg": wave_axis_deg(average, leads, bounds.p_on + BEFORE, bounds.p_off + BEFORE),
        "t_axis_deg": wave_axis_deg(average, leads, bounds.t_on + BEFORE, bounds.t_off + BEFORE),
    }
    atria = atrial_rhythm(best)
    shortest, longest = rr_extremes_ms(analyses) or (None, None)
    spikes = [captured(one.stretch.spikes_s * FS, one.beats) for one in analyses]
    n_spikes = sum(one.size for one in spikes)
    # At a low rate a spike that is seen is one, but not seeing one means little.
    sure = recording.fs >= LOWEST_FS or n_spikes > 0
    confidence = _confidence(best, found)
    confidence |= {name: round(axis[1] * confidence["rr_ms"], 3) for name, axis in axes.items() if axis}
    return Measurements(
        heart_rate_bpm=_rounded(rate.heart_rate_bpm),
        rr_ms=_rounded(rate.rr_ms),
        rr_sd_ms=_rounded(rate.rr_sd_ms),
        p_ms=_rounded(found["p_ms"]),
        pr_ms=_rounded(found["pr_ms"]),
        qrs_ms=_rounded(qrs),
        qt_ms=_rounded(qt),
        qtc_ms=_rounded(bazett(qt, mean_rr)) if qt and mean_rr else None,
        qtc_fridericia_ms=_rounded(fridericia(qt, mean_rr)) if qt and mean_rr else None,
        n_beats=sum(one.beats.size for one in analyses),
        rhythm_regularity=rate.regularity,
        st_j60_mv=st_level(beat, bounds) if beat else {},
        r_mv=volts.r if volts else {},
        s_mv=volts.s if volts else {},
        q_mv=volts.q if volts else {},
        t_mv=t_amplitudes(average, leads, bounds),
        paced=bounds.paced if recording.fs >= LOWEST_FS or bounds.paced else None,
        # The voltages of a paced complex say where the electrode lies, not how thick the wall is.
        criteria=criteria(volts, recording.sex, qrs) if volts and not bounds.paced else {},
        rr_min_ms=_rounded(shortest),
        rr_max_ms=_rounded(longest),
        n_lone_p=lone_p_waves(best),
        qrs_sd_ms=_rounded(qrs_sd_ms(best)),
        qrs_active_ms=_rounded(qrs_active_ms(best)),
        st_j80_mv=st_level(beat, bounds, 0.080) if beat else {},
        t_width_ms=t_widths(average, leads, bounds),
        p_terminal_v1_mv_ms=_rounded(p_terminal_mv_ms(average, leads, bounds)),
        confidence=confidence,
        rr_usual_sd_ms=_rounded(rate.rr_usual_sd_ms),
        qtc_wide_ms=_rounded(bazett_wide(qt, qrs, mean_rr)) if qt and qrs and mean_rr else None,
        st_j_mv=st_level(beat, bounds, AT_J_S) if beat else {},
        p_rate_bpm=_rounded(atria.rate_bpm),
        av_dissociation=atria.dissociated,
        n_spikes=n_spikes if sure else None,
        n_captured=sum(int(one.sum()) for one in spikes) if sure else None,
        **{name: _rounded(axis[0]) if axis else None for name, axis in axes.items()},
    )


def _confidence(one: Analysis, found: dict[str, float | None]) -> dict[str, float]:
    """0 to 1 for each measurement: how alike the beats are, how many there are, how far the leads agree."""
    family, bounds = one.families[0], one.bounds[0]
    alike = min(max((family.likeness - 0.5) / 0.45, 0.0), 1.0)
    enough = min(1.0, family.members.size / 3)
    base = alike * enough
    # Flutter conducted 2:1 has waves locked to a regular, fast QRS: they cannot be told from P waves.
    fast = bool(one.rr.size) and FLUTTER_RR_S[0] * FS <= float(median(one.rr)) <= FLUTTER_RR_S[1] * FS
    waves_alone = 0.5 if fast else 1.0
    pairs = {
        "p_ms": (bounds.p_on, bounds.p_off, 15.0, USUAL_SHARE),
        "pr_ms": (bounds.p_on, bounds.qrs_on, 15.0, USUAL_SHARE),
        "qrs_ms": (bounds.qrs_on, bounds.qrs_off, 15.0, USUAL_SHARE),
        "qt_ms": (bounds.qrs_on, bounds.t_off, 25.0, 0.0),
    }
    out = {"heart_rate_bpm": alike, "rr_ms": alike}
    for name, (start, stop, usual, share) in pairs.items():
        length = found[name]
        if length is None:
            continue
        agree = 1 / (1 + (spread_ms(start, stop) / max(usual, share * length)) ** 2)
        certain = min(1.0, bounds.p_consistency / 0.7) * waves_alone if name.startswith("p") else 1.0
        out[name] = base * agree * certain
    if "p_ms" in out:
        out["p_terminal_v1_mv_ms"] = out["p_ms"]
    if "qt_ms" in out and one.rr.size:
        out["qtc_ms"] = out["qtc_fridericia_ms"] = out["qt_ms"]
        if (found["qrs_ms"] or 0.0) >= QRS_WIDE_MS:
            out["qtc_wide_ms"] = min(out["qt_ms"], out["qrs_ms"])
    return {name: round(value, 3) for name, value in out.items()}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 1)
