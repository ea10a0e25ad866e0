"""The figures of ``precordia eval ecgqa-built``: scores of systems, and agreement with the released answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from precordia.core import bootstrap
from precordia.datasets.ecgqa.builder.check import AGREES, NOT_KNOWN, REASONS, Checked
from precordia.datasets.ecgqa.builder.numeric import NORMAL_MS
from precordia.datasets.ecgqa.builder.templates import BY_ID
from precordia.datasets.ecgqa.questions import QUESTION_TYPES, Question
from precordia.datasets.ptbxl import Row as TableRow
from precordia.eval.harness.task import Row

ANSWERED: Final = "answered, share (coverage)"
WRONG: Final = "wrong, share of those answered (risk)"
ANSWERED_BESIDE: Final = "answered without the promise, share"
WRONG_BESIDE: Final = "wrong, share of those answered without the promise"
SINGLE: Final = ("single-verify", "single-choose", "single-query")
COMPARED: Final = tuple(kind for kind in QUESTION_TYPES if kind not in SINGLE)
"""Types of questions about two ECGs; of these only such as are spread evenly over templates are asked."""


def scores(samples: Sequence[Mapping[str, object]], systems: Sequence[str], seed: int) -> list[Row]:
    """Exact match of each system by question type, answer, attribute type and template.

    By type: of the questions spread evenly over templates, and of every question. By attribute and template: of every.
    """
    out = []
    for system in systems:
        own = [s for s in samples if s["system"] == system]
        spread = [s for s in own if s["spread"]]
        for kind in (*SINGLE, *COMPARED):
            out.append(_rate(system, "exact match", [s for s in spread if s["type"] == kind], "right", kind, seed))
        for kind in SINGLE:
            members = [s for s in own if s["type"] == kind]
            out.append(_rate(system, "exact match, every question", members, "right", kind, seed))
        for kind in SINGLE:
            members = [s for s in spread if s["type"] == kind]
            out.append(_rate(system, "exact match, as published", members, "right_as_published", kind, seed))
        verify = [s for s in spread if s["type"] == SINGLE[0]]
        for answer in ("yes", "no", "not sure"):
            members = [s for s in verify if s["answer"] == answer]
            out.append(_rate(system, "exact match", members, "right", f"{SINGLE[0]}, answer {answer}", seed))
        single = [s for s in own if s["type"] in SINGLE]
        for attribute in sorted({str(s["attribute"]) for s in single}):
            for kind in SINGLE:
                members = [s for s in single if s["attribute"] == attribute and s["type"] == kind]
                group = f"{attribute}, {kind.removeprefix('single-')}"
                out.append(_rate(system, "exact match, every question", members, "right", group, seed))
        for template in sorted({int(str(s["template"])) for s in own}):
            members = [s for s in own if s["template"] == template]
            group = f"template {template}, {BY_ID[template].kind}: {BY_ID[template].subject}"
            out.append(_rate(system, "exact match, every question", members, "right", group, seed))
        means = [r.value for r in out if r.system == system and r.metric == "exact match" and r.group in SINGLE]
        out.append(
            Row(system, "exact match, mean of types", float(np.mean([m for m in means if m == m])), n=len(spread))
        )
    return [row for row in out if row.n]


def _rate(system: str, metric: str, members: Sequence[Mapping[str, object]], key: str, group: str, seed: int) -> Row:
    if not members:
        return Row(system, metric, float("nan"), group=group)
    e = bootstrap.rate([bool(s[key]) for s in members], [s["patient"] for s in members], seed=seed)
    return Row(system, metric, e.value, e.low, e.high, e.n, group)


def gaps(samples: Sequence[Mapping[str, object]], system: str, guesses: Sequence[str], seed: int) -> list[Row]:
    """How far a system's exact match lies above that of guesses, question by question, with intervals by patient."""
    out = []
    for scope, metric in ((True, "exact match"), (False, "exact match, every question")):
        for kind in (*SINGLE, *COMPARED) if scope else SINGLE:
            found = [s for s in samples if s["type"] == kind and (s["spread"] or not scope)]
            own = {s["sample"]: s for s in found if s["system"] == system}
            for guess in guesses:
                others = {s["sample"]: s for s in found if s["system"] == guess}
                keys = [key for key in own if key in others]
                if keys:
                    e = bootstrap.difference(
                        [float(bool(own[k]["right"])) for k in keys], [float(bool(others[k]["right"])) for k in keys],
                        [own[k]["patient"] for k in keys], seed=seed,
                    )  # fmt: skip
                    out.append(Row(system, f"{metric}, less {guess}", e.value, e.low, e.high, e.n, kind, 0.0))
    return out


def beaten(rows: Sequence[Row]) -> str:
    """Which gaps lie above zero with their whole interval, and which do not, in words."""
    lines = []
    for metric in dict.fromkeys(row.metric for row in rows):
        above = [row.group for row in rows if row.metric == metric and row.low is not None and row.low > 0]
        not_above = [row.group for row in rows if row.metric == metric and row.group not in above]
        lines.append(
            f"{metric}: above zero in {', '.join(above) or 'none'}; not shown in {', '.join(not_above) or 'none'}"
        )
    return "95% intervals of the differences: " + ". ".join(lines)


def withheld(samples: Sequence[Mapping[str, object]], system: str, risk: Mapping[str, float], seed: int) -> list[Row]:
    """Of a system that may abstain: the share of questions answered, and of the answers that are wrong.

    Answers that its promise does not cover are counted apart.
    """
    out = []
    for kind in (*SINGLE, *COMPARED):
        own = [s for s in samples if s["system"] == system and s["type"] == kind and s["spread"]]
        for promised, metrics, goal in (
            (True, (ANSWERED, WRONG), risk.get(kind.removeprefix("single-"))),
            (False, (ANSWERED_BESIDE, WRONG_BESIDE), None),
        ):
            given = [s for s in own if not s["abstained"] and s["promised"] == promised]
            if own and (given or (promised and kind in SINGLE)):
                inside = [not s["abstained"] and s["promised"] == promised for s in own]
                e = bootstrap.rate(inside, [s["patient"] for s in own], seed=seed)
                out.append(Row(system, metrics[0], e.value, e.low, e.high, e.n, kind))
            if given:
                e = bootstrap.rate([not s["right"] for s in given], [s["patient"] for s in given], seed=seed)
                out.append(Row(system, metrics[1], e.value, e.low, e.high, e.n, kind, goal, False))
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
