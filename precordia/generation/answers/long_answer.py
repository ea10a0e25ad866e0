"""Answers about a long recording: what was asked for, from when to when, in which leads."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from precordia.core.drafts import Draft, Statement
from precordia.generation.questions import read_question
from precordia.generation.reports.composer import sentence
from precordia.judgement.votes import lineage
from precordia.signals.kind import KINDS
from precordia.signals.long.rhythm import AF_SHORTEST_S, PAUSE_S
from precordia.signals.long.strips import CONCEPTS, NAMES

_PAUSE: Final = re.compile(r"\bpauses?\b|\bpausen?\b", re.IGNORECASE)
_RATE: Final = re.compile(r"\b(?:heart )?rates?\b|\bfast\b|\bslow\b|\bhr\b|\bfrequenz\b", re.IGNORECASE)
_FROM: Final = {"AF": f"of {AF_SHORTEST_S:.0f} s or more", "pause": f"of {PAUSE_S:.0f} s or more"}


def long_answer(question: str, report: Draft) -> Draft:
    """The statements of a long recording's report that answer a question; "none found" where there is none.

    Args:
        question: In free words.
        report: Of the recording.
    """
    asked, kind = read_question(question), KINDS.get("long")
    if not kind.may_say_any(asked.concepts) or (asked.sections and set(asked.sections) <= kind.withheld):
        reason = f"what is asked cannot be told from this signal ({kind.title})"
        return replace(report, statements=(), abstained=True, reason=reason)
    wanted = [
        name
        for name, concept in CONCEPTS.items()
        if any(one in lineage(concept) or concept in lineage(one) for one in asked.concepts)
    ]
    wanted += ["pause"] if _PAUSE.search(asked.text) else []
    said = [_about(name, report) for name in dict.fromkeys(wanted)]
    if not said and (_RATE.search(asked.text) or "heart_rate_bpm" in asked.measures):
        said = [statement for statement in report.statements if "heart_rate_bpm" in statement.measurements]
    if not said:
        if asked.concepts or asked.measures:
            reason = "the question asks for nothing that is read from a long recording"
            return replace(report, statements=(), abstained=True, reason=reason)
        return report
    return replace(report, statements=tuple(said))


def _about(name: str, report: Draft) -> Statement:
    """What the report says of one kind of event, each place in words; or that there is none."""
    lead_in = NAMES[name].lower()
    found = next((s for s in report.statements if lead_in in s.text.lower()), None)
    if found is None:
        size = f" {_FROM[name]}" if name in _FROM else ""
        return Statement(f"No {NAMES[name]}{size} was found.", measurements=("n_beats",), support=1.0)
    places = "; ".join(str(place) for place in found.places)
    return replace(found, text=sentence(f"{found.text.rstrip('.')} (seen in {places})")) if places else found
