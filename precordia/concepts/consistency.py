"""Findings that cannot both be true of one ECG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from precordia.concepts.terms import read_table, vocabulary
from precordia.core.findings import Finding


def contradictions(findings: Sequence[Finding]) -> list[tuple[str, str]]:
    """Pairs of findings that exclude each other, as identifiers, each pair once, in the order of the findings.

    Only findings that are stated as present count, and a finding that is present as well as absent (its own kind, or a
    more general one) contradicts itself. Exclusions are in ``data/exclusions.tsv`` and hold for every more special
    finding: sinus rhythm excludes atrial fibrillation, hence sinus bradycardia does.

    >>> contradictions([Finding("SBRAD"), Finding("RAF"), Finding("LVH")])
    [('SBRAD', 'RAF')]
    """
    present = list(dict.fromkeys(f.concept for f in findings if f.status == "present"))
    absent = {f.concept for f in findings if f.status == "absent" and f.territory is None}
    vocab = vocabulary()
    lineage = {concept: (concept, *vocab.ancestors(concept)) for concept in present}
    pairs: list[tuple[str, str]] = []
    for i, one in enumerate(present):
        for other in present[i + 1 :]:
            if any((a, b) in _exclusions() for a in lineage[one] for b in lineage[other]):
                pairs.append((one, other))
        pairs.extend((one, denied) for denied in lineage[one] if denied in absent)
    return pairs


@lru_cache(maxsize=1)
def _exclusions() -> frozenset[tuple[str, str]]:
    rows = [(row["one"], row["other"]) for row in read_table("exclusions.tsv")]
    return frozenset(rows) | frozenset((other, one) for one, other in rows)
