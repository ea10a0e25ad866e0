"""The figures of ``precordia eval ecgqa-built``: scores of systems, and agreement with the released answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from precordia.eval import bootstrap
from precordia.eval.ecgqa.questions import QUESTION_TYPES, Question
from precordia.eval.ecgqa_builder.check import AGREES, NOT_KNOWN, REASONS, Checked
from precordia.eval.ecgqa_builder.numeric import NORMAL_MS
from precordia.eval.ecgqa_builder.ptbxl import Row as TableRow
from precordia.eval.task import Row

SINGLE: Final = ("single-verify", "single-choose", "single-query")


def scores(samples: Sequence[Mapping[str, object]], systems: Sequence[str], seed: int) -> list[Row]:
    """Exact match of each system by question type, by answer to yes or no, and by attribute type."""
    out = []
    for system in systems:
        own = [s for s in samples if s["system"] == system]
        groups = [(kind, [s for s in own if s["type"] == kind]) for kind in SINGLE]
        groups += [(a, [s for s in own if s["attribute"] == a]) for a in sorted({str(s["attribute"]) for s in own})]
        for group, members in groups:
            for metric, key in (("exact match", "right"), ("exact match, as published", "right_as_published")):
                if members and (key == "right" or group in SINGLE):
                    e = bootstrap.rate([bool(s[key]) for s in members], [s["patient"] for s in members], seed=seed)
                    out.append(Row(system, metric, e.value, e.low, e.high, e.n, group))
        verify = [s for s in own if s["type"] == SINGLE[0]]
        recalls = []
        for answer in ("yes", "no", "not sure"):
            members = [s for s in verify if s["answer"] == answer]
            if members:
                e = bootstrap.rate([bool(s["right"]) for s in members], [s["patient"] for s in members], seed=seed)
                out.append(Row(system, "exact match", e.value, e.low, e.high, e.n, f"{SINGLE[0]}, answer {answer}"))
                recalls += [e.value] if answer != "not sure" else []
        if recalls:
            mean = float(np.mean(recalls))
            out.append(Row(system, "exact match, mean of yes and no", mean, n=len(verify), group=SINGLE[0]))
        means = [
            np.mean([bool(s["right"]) for s in members]) for group, members in groups if group in SINGLE and members
        ]
        out.append(Row(system, "exact match, mean of types", float(np.mean(means)), n=len(own)))
        out.append(Row(system, "abstains, share", float(np.mean([bool(s["abstained"]) for s in own])), n=len(own)))
    return out


def counts(built: Sequence[Question]) -> list[Row]:
    """How many questions there are of each type."""
    types = Counter(q.type for q in built)
    return [Row("built, fold 9", "questions", types[kind], n=types[kind], group=kind) for kind in QUESTION_TYPES]


def agreement(found: Sequence[Checked], rows: Mapping[int, TableRow], seed: int) -> list[Row]:
    """The share of rebuilt answers that are the released ones, by attribute, template and feature; reasons for the rest."""
    out = []
    for attribute in sorted({c.question.attribute for c in found}):
        of = [c for c in found if c.question.attribute == attribute]
        out.append(_agrees(of, rows, seed, attribute, 0.99 if attribute == "noise" else None))
        for template in sorted({c.question.template for c in of}):
            members = [c for c in of if c.question.template == template]
            out.append(_agrees(members, rows, seed, f"template {template}, {members[0].question.type}", None))
        if attribute == "numeric_feature":
            out += _by_feature([c for c in of if c.answer is not None], rows, seed)
        reasons = Counter(c.outcome for c in of)
        out += [
            Row("rebuilt", r, reasons[r], n=len(of), group=attribute) for r in REASONS if r != AGREES and reasons[r]
        ]
    return out


def _by_feature(rebuilt: Sequence[Checked], rows: Mapping[int, TableRow], seed: int) -> list[Row]:
    out = []
    patients = [rows[c.question.ecgs[0]]["patient_id"] for c in rebuilt]
    for feature in NORMAL_MS:
        same = [(feature in c.question.answer) == (feature in (c.answer or ())) for c in rebuilt]
        e = bootstrap.rate(same, patients, seed=seed)
        out.append(Row("rebuilt", "same verdict on the feature", e.value, e.low, e.high, e.n, feature))
    return out


def _agrees(found: Sequence[Checked], rows: Mapping[int, TableRow], seed: int, group: str, goal: float | None) -> Row:
    rebuilt = [c for c in found if c.outcome != NOT_KNOWN]
    e = bootstrap.rate(
        [c.outcome == AGREES for c in rebuilt], [rows[c.question.ecgs[0]]["patient_id"] for c in rebuilt], seed=seed
    )
    return Row("rebuilt", "same answer as released", e.value, e.low, e.high, e.n, group, goal)


def compared(c: Checked, rows: Mapping[int, TableRow]) -> dict[str, object]:
    """One released question as a sample of the result."""
    return {
        "sample": c.question.key,
        "system": "rebuilt",
        "patient": rows[c.question.ecgs[0]]["patient_id"],
        "template": c.question.template,
        "answer": ", ".join(sorted(c.question.answer)),
        "rebuilt": ", ".join(c.answer or ()),
        "outcome": c.outcome,
        "right": c.outcome == AGREES,
    }
