"""What is gained by saying only what is more sure: risk against coverage, and thresholds chosen on a training fold.

A statement's calibrated probability is the score, or its support where there is none. The threshold is conformal risk
control's (Angelopoulos et al., ICLR 2024, arXiv:2208.02814): the lowest support such that, of ECGs drawn like those it
was chosen on, a report holds a voted statement that the reference does not with at most the given probability. It
promises that for exchangeable ECGs, on average over choices of the threshold; patients with several ECGs and another
archive weaken it. That is a promise about whole reports; :mod:`precordia.judgement.promise` makes one about single
statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from precordia.core.drafts import Draft, Statement
from precordia.eval.harness.task import Row
from precordia.eval.tasks.reports.figures import Measure, mean, ratio
from precordia.eval.tasks.reports.systems import CONSENSUS
from precordia.judgement.reconcile import said_of

SUPPORTS: Final = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
RISKS: Final = (0.3, 0.2, 0.1)
SHARES: Final = (1.0, 0.8, 0.6, 0.4, 0.2)
NEVER: Final = 1.01
"""A threshold that no vote reaches."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A draft beside the truth.

    Attributes:
        draft: The consensus.
        truth: The reference as a set of findings.
        patient: Whose ECG it is.
    """

    draft: Draft
    truth: frozenset[str]
    patient: str

    def voted(self) -> list[tuple[float, bool]]:
        """Score and truth of each statement that rests on models and votes alone."""
        return [(_score(s), _is_true(s, self.truth)) for s in self.draft.statements if _is_voted(s)]

    def kept(self, least: float) -> frozenset[str]:
        """What the draft says when votes below ``least`` are left out; what was measured stays."""
        kept = [s for s in self.draft.statements if not _is_voted(s) or _score(s) >= least]
        return said_of(finding for statement in kept for finding in statement.findings)


def conformal_threshold(drafts: Sequence[Judged], risk: float) -> float:
    """The lowest support from which votes may be said.

    Args:
        drafts: Of held-back ECGs.
        risk: Share of reports that may hold a voted statement that the reference does not.

    Returns:
        A threshold for ``support >= threshold``; :data:`NEVER` where none keeps to the risk.
    """
    worst = [max((support for support, true in draft.voted() if not true), default=-1.0) for draft in drafts]
    n = len(worst)
    for threshold in [0.0, *sorted({float(np.nextafter(support, 2.0)) for support in worst if support >= 0.0})]:
        wrong = sum(support >= threshold for support in worst)
        if (wrong + 1) / (n + 1) <= risk:
            return threshold
    return NEVER


def rows(drafts: Sequence[Judged], chosen: Sequence[Judged], group: str, seed: int) -> list[Row]:
    """The curve over supports, that over shares of reports, and what the conformal thresholds do.

    Args:
        drafts: Of the ECGs asked.
        chosen: Of the ECGs that thresholds are chosen on; none gives no thresholds.
        group: Part of the data.
        seed: Of the intervals.
    """
    found = []
    for least in SUPPORTS:
        found += [m.row(CONSENSUS, seed) for m in _at(drafts, least, f"{group}, support at least {least:.1f}")]
    for share in SHARES:
        found.append(_surest(drafts, share, f"{group}, surest {share:.0%} of reports").row(CONSENSUS, seed))
    for risk in RISKS if chosen else ():
        least = conformal_threshold(chosen, risk)
        name = f"{group}, conformal, risk {risk:.1f}"
        found.append(Row(CONSENSUS, "threshold of support", round(least, 4), n=len(chosen), group=name))
        found += [m.row(CONSENSUS, seed) for m in _at(drafts, least, name)]
    return found


def _at(drafts: Sequence[Judged], least: float, group: str) -> list[Measure]:
    patients = [d.patient for d in drafts]
    votes = [d.voted() for d in drafts]
    kept = [[true for support, true in some if support >= least] for some in votes]
    said = [d.kept(least) for d in drafts]
    right = [len(s & d.truth) for s, d in zip(said, drafts, strict=True)]
    wrong = [sum(not true for true in some) for some in kept]
    sizes = [len(some) for some in kept]
    total = [len(s) + len(d.truth) for s, d in zip(said, drafts, strict=True)]
    found = [
        ratio("voted statements kept", sizes, [len(some) for some in votes], patients, group),
        ratio("micro F1 of findings", [2 * r for r in right], total, patients, group),
        ratio("micro precision of findings", right, [len(s) for s in said], patients, group),
        mean("reports with a voted statement that the reference lacks", [w > 0 for w in wrong], patients, group,
             at_least=False, share=True),
    ]  # fmt: skip
    if any(sizes):
        metric = "risk: kept votes that the reference lacks"
        found.insert(1, ratio(metric, wrong, sizes, patients, group, at_least=False))
    return found


def _surest(drafts: Sequence[Judged], share: float, group: str) -> Measure:
    """F1 over the reports whose votes are strongest on average; reports without votes come last."""
    sure = [float(np.mean([support for support, _ in d.voted()])) if d.voted() else -1.0 for d in drafts]
    order = np.argsort(-np.array(sure), kind="stable")[: max(1, round(share * len(drafts)))]
    chosen = [drafts[i] for i in order.tolist()]
    said = [d.kept(0.0) for d in chosen]
    right = [2 * len(s & d.truth) for s, d in zip(said, chosen, strict=True)]
    total = [len(s) + len(d.truth) for s, d in zip(said, chosen, strict=True)]
    return ratio("micro F1 of findings", right, total, [d.patient for d in chosen], group)


def _score(statement: Statement) -> float:
    """How sure a statement is: its calibrated probability, or its support where there is none."""
    return statement.support if statement.confidence is None else statement.confidence


def _is_voted(statement: Statement) -> bool:
    """Whether a statement makes a finding for which precedents voted; one that a measurement shows has support 1."""
    return bool(statement.findings) and bool(statement.citations) and not (
        statement.measurements and statement.support == 1.0
    )  # fmt: skip


def _is_true(statement: Statement, truth: frozenset[str]) -> bool:
    return all(f.concept in truth for f in statement.findings if f.status != "absent")
