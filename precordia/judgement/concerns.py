"""What must not be missed: measured signs (:mod:`precordia.judgement.urgent`), and what models or precedents suspect."""

from __future__ import annotations

from collections.abc import Callable, Collection

from precordia.judgement.evidence import Evidence
from precordia.judgement.standing import Standing
from precordia.judgement.urgent import Concern, concerns, urgent
from precordia.judgement.votes import lineage


def concerns_of(evidence: Evidence, said: Collection[str], standing: Callable[[str], Standing]) -> tuple[Concern, ...]:
    """What has to be considered of an ECG, measured signs first.

    Args:
        evidence: Of the ECG.
        said: The findings that are said for certain: what is said need not be considered as well, but for measured signs.
        standing: How far a finding is borne out.
    """
    ecg = evidence.recording
    earlier = [hit.case for hit in evidence.earlier]
    measured = urgent(evidence.measurements, age=ecg.age, sex=ecg.sex, earlier=earlier)
    kind = evidence.kind
    found = [concern for concern in measured if kind.measures_leads or kind.may_say(concern.concept)]
    raised = {ancestor for concern in found for ancestor in lineage(concern.concept)}
    stated = {ancestor for concept in said for ancestor in lineage(concept)}
    for row in concerns():
        if row.concept in raised or row.concept in stated:
            continue
        how = standing(row.concept)
        if how.ruled_out or not how.vote.agreeing or how.probability < evidence.settings.concern:
            continue
        text = (
            f"Suspected with a probability of {how.probability:.0%}, stated by "
            f"{len(how.vote.agreeing)} of {len(evidence.jury)} precedents, not seen in the measurements: {row.settles}."
        )
        found.append(Concern(row.concept, row.name, text, (), "possible", row.source, row.mimics, row.false_alarms))
        raised |= lineage(row.concept)
    return tuple(found)
