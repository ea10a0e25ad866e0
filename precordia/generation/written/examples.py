"""An example of a reply, as turns of its own before the task.

A small model copies what it is shown. So the example names findings that have nothing to do with the ECG, its precedents or
the question, and has placeholders where numbers stand: a copy of it is not borne out, and is left out like any invention.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from precordia.concepts import label_report, statement_of
from precordia.core.drafts import Message, Statement
from precordia.core.findings import Finding
from precordia.core.retrieval import Hit
from precordia.judgement.reconcile import exclusions
from precordia.judgement.votes import lineage

POOL: Final = (
    "PACE",
    "LPFB",
    "RVH",
    "WPW",
    "LNGQT",
    "AFLT",
    "3AVB",
    "LAO/LAE",
    "IMI",
    "CRBBB",
    "AFIB",
    "LVH",
    "1AVB",
    "CLBBB",
)
"""Findings that an example may name, the rarer first."""
SHOWN: Final = 3


def example_turns(
    hits: Sequence[Hit], to_phrase: Sequence[Statement], question: str | None, *, phrased: bool = True
) -> tuple[Message, ...]:
    """What a user asks and how it is answered; nothing where every finding of the pool is concerned.

    Args:
        hits: The precedents.
        to_phrase: What is said of the ECG.
        question: What is asked.
        phrased: What is said of the ECG is shown, to be phrased; else the example draws on precedents.
    """
    near = {f.concept for hit in hits for f in hit.case.findings}
    near |= {f.concept for statement in to_phrase for f in statement.findings}
    near |= {f.concept for f in label_report(question or "")}
    chosen: list[str] = []
    for concept in POOL:
        related = any(concept in lineage(other) or other in lineage(concept) for other in near)
        if not related and not exclusions([*chosen, concept]):
            chosen.append(concept)
        if len(chosen) == SHOWN:
            break
    if not chosen:
        return ()
    names = [statement_of(Finding(concept)) for concept in chosen]
    if not phrased:
        cases = "".join(f"Precedent [{n}]: {', '.join(names[: SHOWN - n + 1])}.\n" for n in (1, 2))
        asked = f"Example of another ECG. Measurements: Ventricular rate <rate> bpm.\n{cases}"
        asked += f"The question: Is there {names[0]}?" if question else "Write the report."
        said = [f"There is {name}." for name in names[:1] if question] or [f"{n[0].upper()}{n[1:]}." for n in names[:2]]
        said[0] = said[0].replace(".", " with a rate of <rate> bpm.")
    elif question:
        asked = f"Example of another ECG. To phrase:\n- Yes: {names[0]}.\nThe question: Is there {names[0]}?"
        said = [f"There is {names[0]}, with a rate of <rate> bpm."]
    else:
        listed = "".join(f"- {name[0].upper()}{name[1:]}.\n" for name in names)
        asked = f"Example of another ECG. To phrase, one statement each:\n{listed}- Ventricular rate <rate> bpm."
        said = [
            f"{names[0][0].upper()}{names[0][1:]} with a rate of <rate> bpm.",
            *(f"There is {n}." for n in names[1:]),
        ]
    items = [{"text": text, "precedents": [], "measurements": []} for text in said]
    return Message("user", asked), Message("assistant", json.dumps({"statements": items, "abstain": False}))
