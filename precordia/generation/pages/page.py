"""A draft as one self-contained HTML page: the ECG on paper, what is said of it, and the precedents beside it.

The page needs no script, no network and no other file. Reports, names and model text are untrusted: everything is
escaped by the template engine, and a content security policy forbids scripts besides. The ECG is drawn in millimetres,
so that it is true to scale when printed at 100 %. Of other patients' reports it shows what they say of the heart: the rest is
masked (:mod:`precordia.concepts.redaction`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from precordia import __version__
from precordia.concepts import statement_of, vocabulary
from precordia.concepts.redaction import redact
from precordia.core.display import shown
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.leads import LEADS
from precordia.core.recording import Quality, Recording, Sex
from precordia.core.retrieval import Hit
from precordia.generation.pages.ecg_paper import STRIP, PaperSettings, describe, draw
from precordia.judgement.measured import MEASURES, in_words
from precordia.judgement.votes import similarity_of

TEMPLATES = Path(__file__).parent / "templates"
ST = {"st_j_mv": "ST at J", "st_j60_mv": "ST at J+60 ms"}
"""Levels by lead that are always in sight."""
AMPLITUDES = {"q_mv": "Q", "r_mv": "R", "s_mv": "S", "t_mv": "T"}
"""Levels by lead that are folded away."""


def render(
    draft: Draft,
    recording: Recording,
    hits: Sequence[Hit] | None = None,
    *,
    quality: Quality | None = None,
    precedents: Mapping[int, Recording] | None = None,
    question: str | None = None,
    paper: PaperSettings | None = None,
    strips: Sequence[Recording] = (),
) -> str:
    """The page as text.

    Args:
        draft: A report or an answer.
        recording: What it is about.
        hits: The precedents, nearest first; the draft's own when None.
        quality: The recording's, to show.
        precedents: Case id to its recording, for those precedents that are to be drawn.
        question: The question that the draft answers, or None for a report.
        paper: How the ECG is drawn.
        strips: Further stretches of a long recording, drawn below ``recording``, the first of them.
    """
    hits = draft.hits if hits is None else tuple(hits)
    numbers = {hit.case.case_id: number for number, hit in enumerate((*hits, *draft.earlier), start=1)}
    measurements, own = draft.measurements, {hit.case.case_id for hit in draft.earlier}
    measures, st_rows = _measures(measurements, recording.sex), _lead_rows(measurements, ST)
    lead_rows = _lead_rows(measurements, AMPLITUDES)
    linked = {row["name"] for rows in (measures, st_rows, lead_rows) for row in rows}

    def said(statements: Sequence[Statement], prefix: str) -> list[dict[str, Any]]:
        return [
            {"anchor": f"{prefix}{n}", **_statement(s, numbers, measurements, own, linked)}
            for n, s in enumerate(statements, start=1)
        ]

    return _environment().get_template("page.html.j2").render(
        title=f"ECG {recording.recording_id}",
        style=Markup((TEMPLATES / "page.css").read_text(encoding="utf-8")),
        facts=_facts(recording, draft),
        author="the consensus of precedents" if draft.author == "consensus" else draft.author,
        paper=Markup(draw(recording, paper, title=_place_of(recording, draft))),
        strips=[Markup(draw(strip, paper, title=strip.title)) for strip in strips],
        strip_names=[strip.title for strip in (recording, *strips)],
        caption=describe(recording, paper),
        notes=recording.notes,
        heading="Answer" if question else "Draft report",
        question=question,
        abstained=draft.abstained,
        reason=(draft.reason or "")[:1].upper() + (draft.reason or "")[1:],
        warnings=draft.warnings,
        consider=said(draft.consider, "c"),
        statements=said(draft.statements, "s"),
        measures=measures,
        lead_names=LEADS,
        st_rows=st_rows,
        lead_rows=lead_rows,
        quality=_quality(quality),
        earlier=[_precedent(hit, numbers[hit.case.case_id], draft, precedents or {}) for hit in draft.earlier],
        precedents=[_precedent(hit, numbers[hit.case.case_id], draft, precedents or {}) for hit in hits],
        footer=f"Made by Precordia {__version__}. Similarity and agreement describe the archive's cases, not this patient.",
    )  # fmt: skip


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=_visible,
    )


def _visible(value: Any) -> Any:
    """What a template writes: text of others with nothing hidden in it, our own markup as it is."""
    return shown(value, keep="\n\t") if isinstance(value, str) and not isinstance(value, Markup) else value


def _place_of(recording: Recording, draft: Draft) -> str | None:
    """The name of a stretch of a long recording, for who cannot see it; None for a whole one."""
    return recording.title if "duration_s" in draft.signal else None


def _facts(recording: Recording, draft: Draft) -> list[tuple[str, str]]:
    facts = []
    if recording.age is not None and isfinite(recording.age):
        facts.append(("Age", _age(recording.age)))
    if recording.sex is not None:
        facts.append(("Sex", {"F": "female", "M": "male"}[recording.sex]))
    if recording.time is not None:
        facts.append(("Recorded", recording.time.strftime("%Y-%m-%d %H:%M")))
    if recording.device:
        facts.append(("Device", recording.device))
    facts.append(
        (
            "Signal",
            f"{recording.n_leads} leads, {draft.signal.get('duration_s', recording.duration_s):.3g} s, {recording.fs:g} Hz",
        )
    )
    return facts


def _age(age: float) -> str:
    return "90 or older" if age >= 90 else f"{age:.0f}"


def _statement(
    statement: Statement, numbers: Mapping[int, int], measurements: Measurements, own: set[int], linked: set[str]
) -> dict[str, Any]:
    return {
        "text": statement.text,
        "serial": any(citation.case_id in own for citation in statement.citations),
        # Support 1 with a measurement is the measurement's, not the precedents'.
        "direct": bool(statement.measurements and statement.findings) and statement.support >= 1,
        "numeric": not statement.findings and not statement.citations,
        "percent": round(statement.support * 100),
        "confidence": None if statement.confidence is None else round(statement.confidence * 100),
        "citations": [
            {
                "case_id": c.case_id,
                "number": numbers.get(c.case_id, "?"),
                "quote": redact(c.quote) if c.case_id not in own else c.quote,
                "recording_id": c.recording_id,
            }
            for c in statement.citations
        ],
        "measurements": [
            {"name": name, "words": in_words(name, measurements), "shown": name in linked}
            for name in statement.measurements
        ],
        "warnings": statement.warnings,
    }


def _measures(measurements: Measurements, sex: Sex | None) -> list[dict[str, str]]:
    rows = []
    for name, measure in MEASURES.items():
        value = getattr(measurements, name)
        if value is None:
            continue
        high = measure.high_for(sex)
        if measure.low is not None and high is not None:
            reference = f"{measure.low:g} to {high:g}"
        else:
            reference = "" if high is None else f"up to {high:g}"
        low_flag = measure.low is not None and value < measure.low
        flag = ("low" if low_flag else "high") if measure.is_outside(value, sex) else ""
        if flag and name.endswith("axis_deg"):
            flag = "left of reference" if low_flag else "right of reference"
        shown = measure.format(float(value))
        rows.append({"name": name, "label": measure.label, "value": shown, "reference": reference, "flag": flag})
    if measurements.rhythm_regularity is not None:
        rows.append({"name": "rhythm_regularity", "label": "Rhythm", "value": measurements.rhythm_regularity,
                     "reference": "regular", "flag": ""})  # fmt: skip
    if measurements.criteria:
        met = [name.replace("_", " ") for name, value in measurements.criteria.items() if value]
        rows.append({"name": "criteria", "label": "Voltage criteria met", "value": ", ".join(met) or "none",
                     "reference": "none", "flag": ""})  # fmt: skip
    return rows


def _lead_rows(measurements: Measurements, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for name, label in wanted.items():
        by_lead = getattr(measurements, name)
        if by_lead:
            values = [f"{by_lead[lead]:.2f}" if lead in by_lead else "" for lead in LEADS]
            rows.append({"name": name, "label": label, "cells": values})
    return rows


def _quality(quality: Quality | None) -> dict[str, Any] | None:
    if quality is None:
        return None
    problems = [problem.message for problem in quality.problems]
    return {"score": round(quality.score * 100), "acceptable": quality.acceptable, "problems": problems}


def _precedent(hit: Hit, number: int, draft: Draft, recordings: Mapping[int, Recording]) -> dict[str, Any]:
    case = hit.case
    facts = []
    if hit in draft.earlier and case.time is not None:
        facts.append(case.time.strftime("%Y-%m-%d"))
    if case.age is not None and isfinite(case.age):
        facts.append(f"age {_age(case.age)}")
    if case.sex is not None:
        facts.append({"F": "female", "M": "male"}[case.sex])
    for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms"):
        value = getattr(case.measurements, name)
        if value is not None:
            short = {"heart_rate_bpm": "rate", "pr_ms": "PR", "qrs_ms": "QRS", "qtc_ms": "QTc"}[name]
            facts.append(f"{short} {MEASURES[name].format(float(value))}")
    told = [(f"s{n}", f"statement {n}", s) for n, s in enumerate(draft.statements, start=1)]
    told += [(f"c{n}", f"to consider {n}", s) for n, s in enumerate(draft.consider, start=1)]
    cited = [(anchor, name) for anchor, name, s in told if any(c.case_id == case.case_id for c in s.citations)]
    quotes = [c.quote for _, _, s in told for c in s.citations if c.case_id == case.case_id and c.quote]
    strip = recordings.get(case.case_id)
    # Another patient's report is shown for what it says of the heart; the patient's own stands as it was written.
    report = (case.report or "") if hit in draft.earlier else redact(case.report or "")
    kinds = {"signal": "Similarity of the signals", "meaning": "Similarity in meaning", "words": "Score by words"}
    return {
        "case_id": case.case_id,
        "number": number,
        "recording_id": case.recording_id,
        "similarity": f"{similarity_of(hit):.3f}",
        "score_kind": next((kinds[m] for m in ("signal", "meaning", "words") if m in hit.why.scores), "Score"),
        "facts": facts,
        "report": _marked(report, quotes),
        "shared": [_name(concept) for concept in hit.why.shared_findings],
        "strip": Markup(draw(strip, STRIP)) if strip is not None else None,
        "backlinks": cited,
    }


def _name(concept: str) -> str:
    name = statement_of(Finding(concept)).rstrip(".") if concept in vocabulary() else concept
    return name[:1].upper() + name[1:]


def _marked(report: str, quotes: Sequence[str]) -> list[tuple[bool, str]]:
    """The report cut into stretches, those that are quoted marked."""
    marked = [False] * len(report)
    for quote in quotes:
        at = report.find(quote)
        if at >= 0:
            marked[at : at + len(quote)] = [True] * len(quote)
    pieces: list[tuple[bool, str]] = []
    for character, flag in zip(report, marked, strict=True):
        if pieces and pieces[-1][0] == flag:
            pieces[-1] = (flag, pieces[-1][1] + character)
        else:
            pieces.append((flag, character))
    return pieces
