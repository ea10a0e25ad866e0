"""The evidence of an ECG with its judgement, finding by finding; and two ECGs compared."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from precordia.core.documents import hit_document, measurements_document, quality_document
from precordia.core.recording import Recording
from precordia.core.retrieval import PRECEDENTS
from precordia.judgement.changes import change_in_words, move_of
from precordia.judgement.judge import Judgement, judge
from precordia.judgement.measured import MEASURES
from precordia.judgement.standing import Standing
from precordia.measurements.analysis import analyse
from precordia.measurements.working_rate import BEFORE, FS
from precordia.serve.answers import Answer, Shown
from precordia.serve.work.census import name_of
from precordia.serve.work.finding import case_document
from precordia.serve.work.room import Ecg, Room
from precordia.serve.work.tracing import main_analysis, samples, shown_of

LIKELIHOODS_SHOWN: Final = 0.05
"""Findings less probable than this, that nothing speaks for, are not told."""

DIFFERS: Final = 0.35
"""Leads whose average beats differ by more than this share of the larger one's range are marked."""

DIFFERS_MV: Final = 0.1
"""... and by more than this, mV: a millimetre on paper."""

CHANGED: Final = "What has changed?"


def evidence(room: Room, ecg: Ecg, k: int = PRECEDENTS, where: str | None = None) -> Answer:
    """All that is known of an ECG, and how far each finding is borne out by it."""
    recording = room.recording(ecg)
    shown = shown_of(room, ecg, recording)
    known = room.kb.evidence(recording, k=k, where=where)
    judged = judge(known)
    shown.add(*(hit.case for hit in (*known.hits, *known.earlier)))
    models = known.knowledge.models
    return shown.json(
        {
            "measurements": measurements_document(known.measurements),
            "quality": None if known.quality is None else quality_document(known.quality),
            "hits": [hit_document(hit) for hit in known.hits],
            "earlier": [hit_document(hit) for hit in known.earlier],
            "judgement": _standings(judged),
            "reason": judged.reason,
            "notes": list(judged.notes),
            "concerns": list(judged.concerns),
            "promise": promise_document(models),
        }
    )


def promise_document(models: Any) -> dict[str, Any]:
    """What is promised of statements, and whether it holds."""
    if models is None:
        return {"holds": False, "text": "none: too few cases, the precedents' vote decides"}
    promise = models.promise
    return {
        "holds": not promise.withdrawn,
        "text": str(promise),
        "risk": promise.risk,
        "sure_from": promise.sure_from,
        "kept": promise.kept,
        "n_statements": promise.n_statements,
        "n_patients": promise.n_patients,
    }


def _standings(judged: Judgement) -> list[dict[str, Any]]:
    """What is said first, then the rest by probability."""
    said = {s.concept: s for s in judged.said}
    rest = [s for c in judged.candidates() if c not in said and _worth_telling(s := judged.standing(c))]
    rest.sort(key=lambda s: (-s.probability, s.concept))
    return [_standing(s, s.concept in said) for s in (*said.values(), *rest)]


def _worth_telling(s: Standing) -> bool:
    return s.probability >= LIKELIHOODS_SHOWN or s.ruled_out or s.shown


def _standing(s: Standing, said: bool) -> dict[str, Any]:
    return {
        "finding": s.concept,
        "name": name_of(s.concept),
        "status": s.finding.status,
        "said": said,
        "probability": s.probability,
        "calibrated": s.calibrated,
        "source": s.source,
        "ruled_out": s.ruled_out,
        "supports": {
            "cases": [str(voter.case.case_id) for voter in s.vote.agreeing],
            "measurements": [] if s.ruled_out else list(s.measurements),
        },
        "opposes": {
            "cases": [str(voter.case.case_id) for voter in s.vote.denying],
            "measurements": list(s.measurements) if s.ruled_out else [],
            "because": list(s.against),
        },
    }


def compare(room: Room, a: str, b: str) -> Answer:
    """Two ECGs of the archive: what has changed from the first to the second, and their average beats over each other."""
    ids = [room.case_id(a), room.case_id(b)]
    first, second = room.kb.cases(ids)
    shown = Shown()
    shown.add(first, second)
    recordings = [room.kb.recording(case_id) for case_id in ids]
    draft = room.kb.ask(CHANGED, *recordings)
    shown.add(*(hit.case for hit in draft.hits))
    changes = []
    for name in MEASURES:
        before, after = (getattr(case.measurements, name) for case in (first, second))
        if before is not None and after is not None:
            changes.append(
                {
                    "measurement": name,
                    "label": MEASURES[name].label,
                    "unit": MEASURES[name].unit,
                    "before": before,
                    "after": after,
                    "move": move_of(name, float(before), float(after)),
                    "text": change_in_words(name, float(before), float(after)),
                }
            )
    return shown.json(
        {
            "a": case_document(first),
            "b": case_document(second),
            "changes": changes,
            "verdict": draft.statements[0].text if draft.statements else None,
            "statements": [s.text for s in draft.statements],
            "reason": draft.reason,
            "aligned": aligned(*recordings),
        }
    )


def aligned(first: Recording, second: Recording) -> dict[str, Any]:
    """The average beats of two ECGs over each other, aligned at R; ``differs`` marks the leads that do."""
    found = [main_analysis(analyse(recording)) for recording in (first, second)]
    a, b = found
    leads: dict[str, Any] = {}
    if a is not None and b is not None:
        for lead in (name for name in a.stretch.leads if name in b.stretch.leads):
            one, other = (x.families[0].average[x.stretch.leads.index(lead)] for x in (a, b))
            apart = float(np.max(np.abs(one - other)))
            span = float(max(np.ptp(one), np.ptp(other)))
            differs = apart > max(DIFFERS * span, DIFFERS_MV)
            leads[lead] = {"a": samples(one), "b": samples(other), "differs": differs, "apart_mv": round(apart, 3)}
    return {"fs": FS, "r_s": BEFORE / FS, "leads": leads}
