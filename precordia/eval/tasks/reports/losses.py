"""Where the consensus loses what the reference states, and what it adds: the reasons, finding by finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from precordia.core.case import Case
from precordia.eval.harness.task import Row
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.systems import CONSENSUS, Written
from precordia.judgement.judge import judge
from precordia.judgement.reconcile import most_specific, said_of

Reason = Literal["abstained", "unknown to the archive", "no voter states it", "outvoted", "overruled"]
REASONS: Final[tuple[Reason, ...]] = (
    "abstained",
    "unknown to the archive",
    "no voter states it",
    "outvoted",
    "overruled",
)
"""In the order they are asked: the draft says nothing; no report of the archive states it; none of the precedents that
vote does; too few of them do; enough do, and a measurement or a stronger finding speaks against it, or it goes without
saying beside another."""
SHOWN: Final = 12
"""Findings with a row of their own: those stated most often."""
ADDED: Final = 6
"""Findings said most often where the reference does not state them."""


def reason_of(concept: str, sample: Sample, report: Written, known: frozenset[str]) -> Reason:
    """Why a finding of the reference is not in the report.

    Args:
        concept: The finding.
        sample: The ECG.
        report: What the consensus wrote.
        known: What any report of the archive states.
    """
    if report.abstained:
        return "abstained"
    if concept not in known:
        return "unknown to the archive"
    standing = judge(sample.evidence).standing(concept)
    if not standing.vote.stating:
        return "no voter states it"
    return "overruled" if standing.probability >= sample.evidence.least(standing.concept) else "outvoted"


def rows(
    samples: Sequence[Sample],
    reports: Sequence[Written],
    cases: Sequence[Case],
    group: str,
) -> list[Row]:
    """For all findings together and for the commonest: how often stated, how often said, why not; and what is added.

    Only the most specific findings of a reference count, so that one loss counts once.
    """
    known = frozenset(concept for case in cases for concept in said_of(case.findings))
    stated: Counter[str] = Counter()
    lost: Counter[tuple[str, Reason]] = Counter()
    added: Counter[str] = Counter()
    for sample, report in zip(samples, reports, strict=True):
        for concept in most_specific(sorted(sample.truth)):
            stated[concept] += 1
            if concept not in report.said:
                lost[concept, reason_of(concept, sample, report, known)] += 1
        added.update(c for c in most_specific(sorted(report.said)) if c not in sample.truth)
    commonest = sorted(stated, key=lambda concept: (-stated[concept], concept))[:SHOWN]
    found = _rows(f"{group}, all findings", list(stated), stated, lost)
    for concept in commonest:
        found += _rows(f"{group}, {concept}", [concept], stated, lost)
    for concept in sorted(added, key=lambda concept: (-added[concept], concept))[:ADDED]:
        share = added[concept] / len(samples)
        metric = "reports that say it where the reference does not"
        found.append(Row(CONSENSUS, metric, share, n=len(samples), group=f"{group}, {concept}", at_least=False))
    return found


def _rows(group: str, concepts: Sequence[str], stated: Counter[str], lost: Counter[tuple[str, Reason]]) -> list[Row]:
    n = sum(stated[concept] for concept in concepts)
    missed = {reason: sum(lost[concept, reason] for concept in concepts) for reason in REASONS}
    if not n:
        return []
    return [
        Row(CONSENSUS, "stated findings that are said", 1 - sum(missed.values()) / n, n=n, group=group),
        *(
            Row(CONSENSUS, f"missed: {reason}", count / n, n=n, group=group, at_least=False)
            for reason, count in missed.items()
            if count
        ),
    ]
