"""Ways of conduction: bundle branches, fascicles, an accessory pathway, a pacing lead in the right ventricle.

Criteria: Surawicz et al., AHA/ACCF/HRS recommendations part III: intraventricular conduction disturbances, Circulation
2009;119:e235-e240.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from precordia.core.findings import Finding
from precordia.simulation.diagnoses.diagnosis import Diagnosis, Reader
from precordia.simulation.examine import Exam
from precordia.simulation.heart import Heart, jittered
from precordia.simulation.waves import Wave, bump, plateau, times


def secondary_st_t(qrs: tuple[Wave, ...], share: float) -> tuple[Wave, ...]:
    """ST and T turned against the QRS, as follows from an abnormal activation (Rautaharju et al. 2009, part IV).

    Args:
        qrs: The activation.
        share: Size of T against the mean QRS dipole.
    """
    mean = sum((w.area * np.asarray(w.vector) for w in qrs), np.zeros(3)) / 0.45
    x, y, z = (float(v) for v in -share * mean)
    return (
        plateau("st secondary", 0.04, 0.22, (0.18 * x, 0.18 * y, 0.18 * z), rise=0.06, fall=0.28),
        bump("t secondary", 0.66, 0.17, (x, y, z), fall=0.10),
    )


def _size(heart: Heart) -> float:
    """The person's QRS size against the mean, so that a block keeps large hearts large."""
    reach = max(float(np.linalg.norm(w.vector)) for w in heart.beat.qrs)
    return float(np.clip(reach / 1.1, 0.7, 1.2))


def left_bundle_branch_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """QRS from 120 ms, no septal Q, a broad notched R in I, aVL, V5, V6, discordant ST-T."""
    k = _size(heart) * float(rng.uniform(0.92, 1.15))
    down = float(rng.uniform(-0.25, 0.40))
    notch = float(rng.uniform(0.85, 1.1))
    qrs = jittered(
        (
            bump("lbbb right", 0.16, 0.09, (0.20 * k, 0.12 * k, -0.10 * k)),
            bump("lbbb septum", 0.38, 0.115, (0.72 * k, (0.12 + 0.4 * down) * k, 0.56 * k)),
            bump("lbbb wall", 0.67, 0.115, (0.74 * notch * k, 0.4 * down * k, 0.74 * k)),
            bump("lbbb base", 0.86, 0.075, (0.25 * k, -0.05 * k, 0.25 * k)),
        ),
        rng,
        0.07,
    )
    return replace(
        heart.with_beat(qrs=qrs, st_t=secondary_st_t(qrs, 0.36), qrs_ms=float(rng.uniform(126, 164))),
        qtf_ms=heart.qtf_ms + 32.0,
    )


def broad_left(exam: Exam, reader: Reader) -> bool:
    """No Q in I, V5 and V6; R there, S in V1."""
    lateral = all(exam.r_mv[lead] > 0.35 and exam.q_mv[lead] < 0.05 for lead in ("I", "V6"))
    return lateral and exam.s_mv["V1"] > 0.5 and exam.s_mv["V6"] < 0.3 * exam.r_mv["V6"] and exam.t_mv["V6"] < 0.05


def right_bundle_branch_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """QRS from 120 ms: the left ventricle as before, then a slow terminal force to the right and front."""
    return _with_terminal_force(
        heart, rng, qrs_ms=float(rng.uniform(124, 150)), size=float(rng.uniform(0.75, 1.15)), at=0.78
    )


def incomplete_right_bundle_branch_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """The same, smaller, with a QRS of 110 to 120 ms."""
    return _with_terminal_force(
        heart, rng, qrs_ms=float(rng.uniform(110, 118)), size=float(rng.uniform(0.45, 0.6)), at=0.83
    )


def _with_terminal_force(heart: Heart, rng: np.random.Generator, *, qrs_ms: float, size: float, at: float) -> Heart:
    share = float(np.clip(heart.beat.qrs_ms / qrs_ms, 0.5, 0.92))
    early = tuple(
        w.squeezed(0.0, share).scaled(0.8 if w.name == "lateral" else 1.0) for w in heart.beat.qrs if w.name != "basal"
    )
    force = (-0.44 * size, 0.02 * size, -0.64 * size)
    late = (
        bump("rbbb force", at, 0.095, force, fall=0.085),
        bump("rbbb start", at - 0.14, 0.07, times(0.25, force)),
    )
    x, y, z = times(-0.26, force)
    st_t = (*heart.beat.st_t, bump("t secondary", 0.62, 0.15, (0.4 * x, y, z), fall=0.1))
    return replace(
        heart.with_beat(qrs=(*early, *late), st_t=st_t, qrs_ms=qrs_ms),
        qtf_ms=heart.qtf_ms + 0.5 * (qrs_ms - heart.beat.qrs_ms),
    )


def late_right(exam: Exam, reader: Reader) -> bool:
    """R' in V1 larger than the first r (or qR, where a scar took the r), S in I and V6."""
    late = exam.r_end_mv["V1"] >= 0.99 * exam.r_mv["V1"] or exam.q_mv["V1"] > 0.03
    return late and exam.r_mv["V1"] > 0.15 and exam.s_mv["I"] > 0.08 and exam.s_mv["V6"] > 0.08


def late_right_small(exam: Exam, reader: Reader) -> bool:
    """rSr' in V1 or V2 (or Qr, where a scar took the r)."""
    ends = [
        exam.r_end_mv[lead] if exam.r_end_mv[lead] > 0 or exam.q_mv[lead] < 0.03 else exam.r_mv[lead]
        for lead in ("V1", "V2")
    ]
    return max(ends) > 0.12


def _larger_terminal_force(heart: Heart) -> Heart:
    return heart.scaled("qrs", 1.15, "rbbb").scaled("qrs", 0.92, "septal", "apical", "lateral")


def left_anterior_fascicular_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """Axis -45 to -90 degrees, qR in aVL: first down and right, then up and left."""
    others = tuple(w for w in heart.beat.qrs if not w.name.startswith(("septal", "apical", "lateral", "basal")))
    k = _size(heart)
    qrs = jittered(
        (
            bump("fixed initial", 0.20, 0.08, (-0.13 * k, 0.30 * k, -0.20 * k)),
            bump("fascicle main", 0.46, 0.11, (0.85 * k, -0.55 * k, 0.05 * k)),
            bump("fascicle late", 0.64, 0.11, (0.45 * k, -0.75 * k, 0.60 * k)),
            bump("fascicle base", 0.80, 0.09, (-0.05 * k, -0.30 * k, 0.25 * k)),
        ),
        rng,
        0.08,
    )
    wider = min(118.0, heart.beat.qrs_ms + 10.0)
    return replace(
        heart.with_beat(qrs=(*qrs, *others), qrs_ms=max(wider, heart.beat.qrs_ms)),
        axis_deg=float(rng.uniform(-66, -48)),
    )


def q_in_avl(exam: Exam, reader: Reader) -> bool:
    """qR in aVL and an axis of -45 or beyond."""
    return -90.0 <= exam.axis_deg <= -45.0 and exam.q_mv["aVL"] > 0.02 and exam.r_mv["aVL"] > 0.2


def left_posterior_fascicular_block(heart: Heart, rng: np.random.Generator) -> Heart:
    """Axis 90 to 180 degrees, rS in I and aVL, qR in III and aVF."""
    others = tuple(w for w in heart.beat.qrs if not w.name.startswith(("septal", "apical", "lateral", "basal")))
    k = _size(heart)
    qrs = jittered(
        (
            bump("fixed initial", 0.20, 0.08, (0.30 * k, -0.26 * k, -0.16 * k)),
            bump("fascicle main", 0.46, 0.11, (0.30 * k, 1.00 * k, 0.10 * k)),
            bump("fascicle late", 0.64, 0.11, (-0.30 * k, 0.80 * k, 0.50 * k)),
            bump("fascicle base", 0.80, 0.09, (-0.30 * k, 0.10 * k, 0.22 * k)),
        ),
        rng,
        0.08,
    )
    wider = min(118.0, heart.beat.qrs_ms + 8.0)
    return replace(
        heart.with_beat(qrs=(*qrs, *others), qrs_ms=max(wider, heart.beat.qrs_ms)),
        axis_deg=float(rng.uniform(102, 128)),
    )


def q_in_iii(exam: Exam, reader: Reader) -> bool:
    """rS in I, qR in III, axis of 90 or beyond."""
    return exam.axis_deg >= 90.0 and exam.s_mv["I"] > exam.r_mv["I"] > 0.04 and exam.q_mv["III"] > 0.02


def preexcitation(heart: Heart, rng: np.random.Generator) -> Heart:
    """PR below 120 ms, a slurred delta wave, QRS from 110 ms, secondary ST-T (Surawicz et al. 2009)."""
    left_sided = bool(rng.random() < 0.6)
    delta = (0.20, 0.20, -0.32) if left_sided else (0.48, -0.14, 0.10)
    wide = float(rng.uniform(118, 145))
    share = float(np.clip(heart.beat.qrs_ms / wide, 0.62, 0.75))
    qrs = (
        bump("fixed delta", 0.47, 0.18, delta, fall=0.10),
        *(w.squeezed(1.0 - share, share) for w in heart.beat.qrs if w.name != "septal"),
    )
    st_t = (*heart.beat.st_t, bump("t secondary", 0.66, 0.15, times(-0.30, delta), fall=0.1))
    return heart.with_beat(
        qrs=qrs, st_t=st_t, qrs_ms=wide, pr_ms=float(rng.uniform(88, 114)), p_ms=min(heart.beat.p_ms, 84.0)
    )


def ventricular_pacing(heart: Heart, rng: np.random.Generator) -> Heart:
    """A lead in the right ventricular apex: spike, wide QRS to the left and up, discordant ST-T; atria sensed."""
    k = 0.82 * _size(heart) * float(rng.uniform(0.9, 1.2))
    qrs = jittered(
        (
            bump("paced start", 0.22, 0.11, (0.25 * k, -0.40 * k, 0.05 * k)),
            bump("paced main", 0.45, 0.13, (0.75 * k, -0.95 * k, 0.50 * k)),
            bump("paced late", 0.70, 0.12, (0.50 * k, -0.65 * k, 0.70 * k)),
        ),
        rng,
        0.08,
    )
    shape = replace(
        heart.beat,
        qrs=qrs,
        st_t=secondary_st_t(qrs, 0.36),
        qrs_ms=float(rng.uniform(146, 180)),
        pr_ms=float(rng.uniform(150, 190)),
        spike=True,
    )
    rhythm = replace(heart.rhythm, kind="paced", rate_bpm=float(rng.choice([60, 65, 70, 75])))
    return replace(
        heart, beat=shape, ectopic={**heart.ectopic, "paced": shape}, rhythm=rhythm, qtf_ms=heart.qtf_ms + 45.0
    )


_ONLY_WAY = frozenset({"fascicle", "hypertrophy", "infarction", "repolarisation"})

CONDUCTION = (
    Diagnosis(
        "CLBBB",
        (Finding("CLBBB"),),
        "conduction",
        left_bundle_branch_block,
        broad_left,
        lambda h: h.scaled("qrs", 1.12, "lbbb septum", "lbbb wall"),
        _ONLY_WAY | {"LVOLT"},
    ),
    Diagnosis(
        "CRBBB",
        (Finding("CRBBB"),),
        "conduction",
        right_bundle_branch_block,
        late_right,
        _larger_terminal_force,
        frozenset({"RVH", "LVOLT"}),
    ),
    Diagnosis(
        "IRBBB",
        (Finding("IRBBB"),),
        "conduction",
        incomplete_right_bundle_branch_block,
        late_right_small,
        _larger_terminal_force,
        frozenset({"RVH", "LVOLT"}),
    ),
    Diagnosis("WPW", (Finding("WPW"),), "conduction", preexcitation, excludes=_ONLY_WAY | {"LVOLT"}),
    Diagnosis(
        "PACE",
        (Finding("PACE"),),
        "conduction",
        ventricular_pacing,
        excludes=_ONLY_WAY | {"LVOLT", "rhythm", "av", "ectopy", "LNGQT"},
    ),
    Diagnosis(
        "LAFB",
        (Finding("LAFB"),),
        "fascicle",
        left_anterior_fascicular_block,
        q_in_avl,
        lambda h: replace(h.scaled("qrs", 1.2, "fixed"), axis_deg=max(-70.0, (h.axis_deg or -55.0) - 2.0)),
        frozenset({"hypertrophy", "infarction"}),
    ),
    Diagnosis(
        "LPFB",
        (Finding("LPFB"),),
        "fascicle",
        left_posterior_fascicular_block,
        q_in_iii,
        lambda h: h.scaled("qrs", 1.2, "fixed"),
        frozenset({"hypertrophy", "infarction"}),
    ),
)
