"""Several ECGs of one patient, as many as there are: what changed from each to the next, and from the first to the last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from precordia.core.drafts import Draft, Statement
from precordia.generation.answers.certainty import View
from precordia.generation.answers.comparison import SECOND, compare
from precordia.generation.questions import Question, read_question
from precordia.judgement.judge import Judgement

VERDICTS: Final = ("Worse: ", "Better: ", "Changed: ", "Unchanged: ")
"""How :func:`compare` begins what it makes of all changes together."""


def compare_series(question: Question, views: Sequence[View]) -> Draft:
    """Statements of every step and of the whole way, each led in by which ECGs it compares; abstains where every step does.

    Measurements of the first ECG have their own names, as the draft has, those of the n-th ``ecgN.`` before them.

    Args:
        question: What is asked of the series.
        views: Of two ECGs or more, the earliest first.
    """
    steps = [(n, n + 1) for n in range(1, len(views))]
    steps += [(1, len(views))] if len(views) > 2 else []
    drafts = [compare(question, (views[first - 1], views[second - 1])) for first, second in steps]
    said = [
        replace(statement, text=_led_in(step, len(views), statement.text), measurements=_named(step, statement, own=1))
        for step, draft in zip(steps, drafts, strict=True)
        for statement in draft.statements
    ]
    warnings = tuple(dict.fromkeys(warning for draft in drafts for warning in draft.warnings))
    hits = tuple({hit.case.case_id: hit for draft in drafts for hit in draft.hits}.values())
    if not said:
        return replace(drafts[-1], hits=hits, warnings=warnings)
    return Draft(tuple(said), measurements=drafts[-1].measurements, hits=hits, warnings=warnings)


def with_series(draft: Draft, judgements: Sequence[Judgement]) -> Draft:
    """A report of the last of several ECGs with what changed on the way to it, after its own statements.

    Args:
        draft: The report.
        judgements: Of all, the earliest first, the report's own last.
    """
    asked, last = read_question("What has changed?"), len(judgements)
    changes: list[Statement] = []
    for step in pairwise(range(1, last + 1)):
        pair = [View(judgements[n - 1]) for n in step]
        changes += [
            replace(s, text=_led_in(step, last, s.text), measurements=_named(step, s, own=last))
            for s in compare(asked, pair).statements
            if not s.text.startswith(VERDICTS) and " unchanged: " not in s.text
        ]
    return replace(draft, statements=(*draft.statements, *changes))


def _led_in(step: tuple[int, int], last: int, text: str) -> str:
    way = "First to last" if step == (1, last) and last > 2 else f"ECG {step[0]} to {step[1]}"
    return f"{way}: {text if text[1:2].isupper() else text[:1].lower() + text[1:]}"


def _named(step: tuple[int, int], statement: Statement, own: int) -> tuple[str, ...]:
    """The names of a comparison's measurements as those of the ECGs that they are of."""
    of = [(step[name.startswith(SECOND)], name.removeprefix(SECOND)) for name in statement.measurements]
    return tuple(name if number == own else f"ecg{number}.{name}" for number, name in of)
