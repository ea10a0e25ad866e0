"""ECG-QA's six numeric features: their normal ranges, and three ways to measure them.

The ranges and the extraction are those of ECG-QA's question generator (github.com/Jwoo5/fairseq-signals, commit 1865c0c,
``ptbxl_qa_pipelines/encode_ptbxl.py``), except for QTc and for the QRS duration, where the released answers follow
350-450 ms and the distance from Q to S peak.
"""

from __future__ import annotations

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from precordia.core.recording import Recording
from precordia.datasets.ecgqa.builder.numeric import NORMAL_MS, features_of
from precordia.eval.baselines.neurokit import require_neurokit
from precordia.measurements import delineate, measure

FEATURES: Final = tuple(NORMAL_MS)

_NEUROKIT_FS: Final = 500
_FEWEST_BEATS: Final = 7
"""ECG-QA gives no features with fewer beats in lead II."""


def clinical_ms(recording: Recording) -> dict[str, float | None]:
    """The features as a clinician means them: :func:`precordia.measurements.measure` on all leads."""
    return features_of(measure(recording))


def as_ecgqa_ms(recording: Recording) -> dict[str, float | None]:
    """The quantities that ECG-QA's questions use, in lead II: QRS from Q to S peak, QT from the Q peak."""
    lead = _lead_ii(recording)
    found = delineate(lead)
    if found.beats.size < _FEWEST_BEATS:
        return dict.fromkeys(FEATURES)
    row, fs = lead.signal[0].astype(np.float64), lead.fs
    q = _troughs(row, fs, found.point("qrs_on"), found.point("r_peak"))
    s = _troughs(row, fs, found.point("r_peak"), found.point("qrs_off"))
    qt = found.point("t_off") - q
    rr = np.diff(found.beats)
    return {
        "rr interval": _median_ms(rr),
        "p duration": _median_ms(found.point("p_off") - found.point("p_on")),
        "pr interval": _median_ms(found.point("qrs_on") - found.point("p_on")),
        "qrs duration": _median_ms(s - q),
        "qt interval": _median_ms(qt),
        "qt corrected": _median_ms(qt[1:] / np.sqrt(rr)),
    }


def as_neurokit_ms(recording: Recording) -> dict[str, float | None]:
    """The features by NeuroKit2 on lead II, as the questions were made; None where NeuroKit2 fails."""
    nk = require_neurokit()
    lead = _lead_ii(recording)
    row = lead.signal[0].astype(np.float64)
    if lead.fs != _NEUROKIT_FS:
        row = resample_poly(row, _NEUROKIT_FS, round(lead.fs))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            clean = nk.ecg_clean(row, sampling_rate=_NEUROKIT_FS)
            r = np.asarray(nk.ecg_peaks(clean, sampling_rate=_NEUROKIT_FS)[1]["ECG_R_Peaks"], dtype=np.int64)
            if r.size < _FEWEST_BEATS:
                return dict.fromkeys(FEATURES)
            waves = nk.ecg_delineate(clean, r, sampling_rate=_NEUROKIT_FS)[1]
        except Exception:  # its failures are of many types; each means that it has no answer
            return dict.fromkeys(FEATURES)
    at = {key: np.asarray(value, dtype=np.float64) / _NEUROKIT_FS for key, value in waves.items()}
    rr = np.diff(r) / _NEUROKIT_FS
    qt = at["ECG_T_Offsets"] - at["ECG_Q_Peaks"]
    return {
        "rr interval": _median_ms(rr[rr < 2.0]),
        "p duration": _median_ms(at["ECG_P_Offsets"] - at["ECG_P_Onsets"]),
        "pr interval": _median_ms(at["ECG_R_Onsets"] - at["ECG_P_Onsets"]),
        "qrs duration": _median_ms(at["ECG_S_Peaks"] - at["ECG_Q_Peaks"]),
        "qt interval": _median_ms(qt),
        "qt corrected": _median_ms(qt[1:] / np.sqrt(rr)),
    }


def _lead_ii(recording: Recording) -> Recording:
    return Recording(recording.lead("II")[None, :], recording.fs, ("II",), recording.recording_id)


def _troughs(
    row: NDArray[np.float64], fs: float, start_s: NDArray[np.float64], stop_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Time of the lowest sample between two times of each beat, s; NaN where either is missing."""
    out = np.full(start_s.size, np.nan)
    for k, (a, b) in enumerate(zip(start_s, stop_s, strict=True)):
        if np.isfinite(a) and np.isfinite(b):
            piece = row[round(a * fs) : round(b * fs) + 1]
            if piece.size:
                out[k] = (round(a * fs) + int(np.argmin(piece))) / fs
    return out


def _median_ms(seconds: NDArray[np.float64]) -> float | None:
    finite = seconds[np.isfinite(seconds)]
    return float(np.median(finite)) * 1000 if finite.size else None
