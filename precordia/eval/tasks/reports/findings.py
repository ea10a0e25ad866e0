"""Reports as sets of findings, and how one stands to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import contradictions, findings_from_codes, vocabulary
from precordia.concepts.terms import SUPERCLASSES
from precordia.core.errors import UnknownNameError
from precordia.core.findings import Finding
from precordia.judgement.reconcile import said_of, sayable
from precordia.judgement.votes import lineage


def coded_of(codes: Iterable[str]) -> frozenset[str]:
    """The same of diagnosis codes; a code that the vocabulary does not know says nothing."""
    findings: list[Finding] = []
    for code in codes:
        try:
            findings += findings_from_codes([code])
        except UnknownNameError:
            continue
    return said_of(findings)


def has_scp_code(concept: str) -> bool:
    """Whether PTB-XL's codes can say this finding."""
    return bool(vocabulary().concept(concept).codes.get("scp"))


def superclasses(said: Iterable[str]) -> frozenset[str]:
    """PTB-XL's diagnostic superclasses of the findings."""
    found = {vocabulary().concept(concept).superclass for concept in said}
    return frozenset(name for name in SUPERCLASSES if name in found)


def certain(findings: Iterable[Finding]) -> list[Finding]:
    """What is stated or denied, not merely suspected, of what can be compared."""
    return [f for f in findings if f.status != "uncertain" and sayable(f.concept)]


def opposed(said: Sequence[Finding], reference: Sequence[Finding]) -> list[Finding]:
    """What is said for certain and cannot be true if the reference is.

    It is denied there (itself, or something that it implies), it excludes something stated there, or it denies what is
    stated there. Contradictions within the reference are its own.

    >>> [f.concept for f in opposed([Finding("AFIB"), Finding("LVH")], [Finding("SR"), Finding("LVH", "absent")])]
    ['AFIB', 'LVH']
    """
    own = {frozenset(pair) for pair in contradictions(reference)}
    stated = {f.concept for f in reference if f.status == "present"}
    denied = {f.concept for f in reference if f.status == "absent"}
    found = []
    for finding in certain(said):
        if finding.status == "absent":
            against = finding.concept not in denied and any(finding.concept in lineage(c) for c in stated)
        else:
            pairs = [pair for pair in contradictions([finding, *reference]) if finding.concept in pair]
            against = finding.concept not in stated and any(frozenset(pair) not in own for pair in pairs)
        if against:
            found.append(finding)
    return found


def overlap(said: frozenset[str], truth: frozenset[str]) -> float:
    """F1 of two sets of findings; 1 when both are empty."""
    return 2 * len(said & truth) / (len(said) + len(truth)) if said or truth else 1.0


def tallies(
    said: Sequence[frozenset[str]], truth: Sequence[frozenset[str]], names: Sequence[str]
) -> NDArray[np.float64]:
    """``(n, 3 * len(names))`` for each sample whether each name is rightly said, said, and true.

    Args:
        said: ``(n,)`` what each report says.
        truth: ``(n,)`` what its reference says.
        names: Findings or superclasses to count.
    """

    def column(sets: Sequence[frozenset[str]]) -> NDArray[np.float64]:
        return np.array([[name in some for name in names] for some in sets], dtype=float).reshape(len(sets), len(names))

    claimed, wanted = column(said), column(truth)
    return np.hstack([claimed * wanted, claimed, wanted])


def macro_f1(summed: NDArray[np.float64]) -> float:
    """Mean over names of F1, from the sum of :func:`tallies`; a name neither said nor true is left out."""
    right, claimed, wanted = np.split(summed, 3)
    counted = claimed + wanted > 0
    return float(np.mean(2 * right[counted] / (claimed + wanted)[counted])) if counted.any() else float("nan")
