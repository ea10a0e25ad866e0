"""Precedents for tests: cases with a report whose findings are marked in its words."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from precordia.core.case import Case
from precordia.core.findings import Finding, Measurements, Status
from precordia.core.leads import LEADS
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit, Why
from precordia.judgement.evidence import Evidence
from precordia.judgement.inputs import N_BESIDE
from precordia.judgement.judge import Judgement, judge
from precordia.judgement.knowledge import DEFAULT_FLOOR, Knowledge
from precordia.judgement.models import FindingModels, Promise
from precordia.judgement.scaling import Scaling
from precordia.judgement.settings import JudgementSettings

WORDS = {
    "SR": "sinus rhythm",
    "SBRAD": "sinus bradycardia",
    "STACH": "sinus tachycardia",
    "AFIB": "atrial fibrillation",
    "CLBBB": "complete left bundle branch block",
    "CRBBB": "complete right bundle branch block",
    "RBBB": "right bundle branch block",
    "LBBB": "left bundle branch block",
    "1AVB": "first degree AV block",
    "IMI": "inferior myocardial infarction",
    "ASMI": "anteroseptal myocardial infarction",
    "MI": "myocardial infarction",
    "LVH": "left ventricular hypertrophy",
    "NORM": "normal ECG",
    "LAD": "left axis deviation",
    "NST_": "ST segment changes",
    "PVC": "ventricular premature complexes",
    "ARTI": "artifact",
    "3AVB": "third degree AV block",
    "VT": "ventricular tachycardia",
}


def query_recording(seconds: float = 10.0, fs: float = 500.0) -> Recording:
    """Noise on twelve leads: nothing here reads the signal but the page."""
    signal = np.random.default_rng(0).normal(0, 0.1, (12, round(seconds * fs))).astype(np.float32)
    return Recording(signal, fs, LEADS, "query", patient_id="q", age=64.0, sex="F")


def finding_in(report: str, concept: str, status: Status = "present") -> Finding:
    """The finding with the place of its words in the report."""
    match = re.search(re.escape(WORDS[concept]), report)
    return Finding(concept, status, span=match.span() if match else (0, 0))


def precedent(
    case_id: int,
    *said: str,
    denied: tuple[str, ...] = (),
    possible: tuple[str, ...] = (),
    patient: str | None = None,
    similarity: float = 0.9,
    report: str | None = None,
    measurements: Measurements | None = None,
) -> Hit:
    """A hit whose report says, denies and suspects the given concepts."""
    if report is None:
        parts = (
            [WORDS[c] for c in said] + [f"no {WORDS[c]}" for c in denied] + [f"possible {WORDS[c]}" for c in possible]
        )
        report = ". ".join(parts) + "."
    findings = (
        *(finding_in(report, c) for c in said),
        *(finding_in(report, c, "absent") for c in denied),
        *(finding_in(report, c, "uncertain") for c in possible),
    )
    case = Case(
        case_id, f"rec{case_id}", patient or f"patient{case_id}", report, findings, measurements or Measurements()
    )
    return Hit(case_id, similarity, case, Why({"signal": similarity}, {"signal": case_id}, ()))


def evidence_of(
    hits: Sequence[Hit] = (),
    measurements: Measurements | None = None,
    *,
    recording: Recording | None = None,
    quality: Quality | None = None,
    vector: np.ndarray | None = None,
    earlier: Sequence[Hit] = (),
    floor: float = DEFAULT_FLOOR,
    models: FindingModels | None = None,
    **settings: float,
) -> Evidence:
    """Evidence of :func:`query_recording`, whose own patient is "q"."""
    return Evidence(
        recording or query_recording(1.0),
        measurements or Measurements(),
        quality,
        vector,
        tuple(hits),
        tuple(earlier),
        Knowledge(floor, models),
        JudgementSettings(**settings),  # type: ignore[arg-type]
    )


def judged(hits: Sequence[Hit] = (), measurements: Measurements | None = None, **more: object) -> Judgement:
    """The judgement of :func:`evidence_of` the same arguments."""
    return judge(evidence_of(hits, measurements, **more))  # type: ignore[arg-type]


VECTOR = np.array([1.0, 0.0], dtype=np.float32)
"""Of every ECG here that has one."""


def models_that_say(promise: Promise | None = None, **chances: float) -> FindingModels:
    """Models that give every ECG the same probability of each finding; they need :data:`VECTOR`."""
    n, concepts = VECTOR.size + N_BESIDE, tuple(sorted(chances))
    bias = np.array([np.log(chances[c] / (1 - chances[c])) for c in concepts])
    plain = Scaling(np.zeros(n), np.zeros(n), np.ones(n), np.zeros(0, dtype=np.int64))
    held = promise or Promise(0.2, 0.5, 0.5, 500, 200)
    return FindingModels("e", concepts, plain, np.zeros((n, len(concepts))), bias, promise=held)
