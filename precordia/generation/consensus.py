"""A report without any language model: what the precedents agree on and the measurements show, in canonical words.

1. Precedents near enough vote, one vote a patient, weighted by similarity (:mod:`precordia.generation.evidence`).
2. What enough of them state is a candidate; of a finding and what it implies, the most specific is kept.
3. Findings that follow from the query's own measurements join where the measurement is plain or some precedents bear it
   out; a measurement that defines a finding (rate, PR, QTc, axis) overrules the vote, one that merely speaks against it
   gives a warning.
4. Of two findings that exclude each other the weaker is left out, and the draft says so.
5. What remains is said in reading order, each statement with its citations, its measurements and its support.

Nothing is said without evidence. Where there is none, the draft abstains and gives the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import findings_from_measurements, statement_of
from precordia.core.case import patient_key_of
from precordia.core.drafts import Draft, Statement
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit
from precordia.generation import evidence, measured
from precordia.generation.calibration import Calibration, shipped
from precordia.generation.evidence import Vote, Voter, lineage
from precordia.generation.reconcile import exclusions, most_specific, sayable, section_of

CALIBRATED_VOTERS = 10
"""With fewer voters support comes in steps too coarse for the curve."""

WITHIN_NORMAL = frozenset({"NAXIS", "REGRH"})
"""What measurements show of most recordings: not said unless precedents say it too."""


@dataclass(frozen=True)
class ConsensusSettings:
    """How much evidence a statement needs.

    The defaults of ``k``, ``min_support`` and ``temperature`` were chosen on PTB-XL folds 1-8, each recording against the
    other patients' reports: a vote of some 0.3 maximises the F1 of findings, above 0.5 it is right more often than not.

    Attributes:
        k: Most voters (patients) considered.
        min_similarity: Cases further than this do not vote; see :func:`calibrate_similarity`. Depends on the encoder.
        min_precedents: Fewer voters than this: abstain.
        min_support: Least weighted share of the voters for a finding to be said, 0 to 1.
        certain_support: With less than this a finding is said as possible.
        min_agreeing: Least number of voters for a finding to be said.
        temperature: Of the vote's weights; large makes all voters equal.
        uncertain_weight: What a "possible" finding counts beside a certain one.
        max_citations: Cases cited for one statement.
        warn_share: Dissent from at least this weighted share of the voters is told.
        corroboration: Share of the voters that must state what a rule finds in the measurements, where it is not so plain
            that it speaks alone (:func:`precordia.generation.measured.speaks_alone`).
        rule_strength: Strength, against a vote's support, of a finding that a rule derives from measurements without
            being defined by them (a voltage criterion, an irregular rhythm).
        calibration: From support to confidence, for votes of at least ``CALIBRATED_VOTERS``; None leaves it empty.
    """

    k: int = 20
    min_similarity: float = 0.5
    min_precedents: int = 3
    min_support: float = 0.3
    certain_support: float = 0.5
    min_agreeing: int = 2
    temperature: float = 0.1
    uncertain_weight: float = 0.5
    max_citations: int = 3
    warn_share: float = 0.1
    corroboration: float = 0.15
    rule_strength: float = 0.6
    calibration: Calibration | None = field(default_factory=shipped)


@dataclass(frozen=True)
class _Claim:
    """A finding on its way into the draft: who states it, what was measured, how strong it is, whether it is to be said,
    and whether a measurement shows it directly rather than something that it implies."""

    finding: Finding
    vote: Vote | None = None
    measurements: tuple[str, ...] = ()
    strength: float = 0.0
    warnings: tuple[str, ...] = ()
    spoken: bool = True
    direct: bool = False

    @property
    def concept(self) -> str:
        return self.finding.concept


@dataclass
class _Notes:
    """What the draft as a whole has to tell."""

    warnings: list[str] = field(default_factory=list)


def compose(
    recording: Recording,
    hits: Sequence[Hit],
    measurements: Measurements,
    *,
    settings: ConsensusSettings | None = None,
    query_findings: Sequence[Finding] | None = None,
    quality: Quality | None = None,
) -> Draft:
    """The consensus of the precedents about a recording, in which every statement has its evidence.

    Args:
        recording: The query.
        hits: Its precedents, with their cases; those of the query's own patient have no vote.
        measurements: Of the query.
        settings: How much evidence is needed.
        query_findings: What the measurements show; derived from them when None.
        quality: Of the query; an unacceptable recording gets no report.
    """
    settings = settings or ConsensusSettings()
    shown = findings_from_measurements(measurements) if query_findings is None else query_findings
    own = patient_key_of(recording)
    hits = [hit for hit in hits if hit.case.patient_key != own]
    jury = evidence.voters(hits, min_similarity=settings.min_similarity, temperature=settings.temperature, k=settings.k)
    notes = _Notes(_quality_warnings(quality))
    reason = _why_not(hits, jury, quality, settings)
    if reason is not None:
        return _draft((), hits, measurements, jury, notes, reason)
    claims = _measured_claims(shown, measurements, jury, settings)
    claims += _voted_claims(jury, measurements, [c.concept for c in claims], settings, notes)
    claims = [claim for claim in _merge(claims) if claim.spoken]
    claims = _without_redundant(_without_excluded(claims, notes))
    if not claims:
        best = max(
            (_vote(c, jury, settings).support for c in evidence.stated_concepts(jury) if sayable(c)), default=0.0
        )
        reason = (
            f"the precedents agree on no finding: the best has {best:.0%} of them, {settings.min_support:.0%} is needed"
        )
        return _draft((), hits, measurements, jury, notes, reason)
    said = [_statement(claim, jury, measurements, settings) for claim in claims]
    numbers = _numbers(measurements)
    ordered = sorted(
        [(section_of(claim.concept), -statement.support, claim.concept, statement)
         for claim, statement in zip(claims, said, strict=True)]
        + ([(section_of("rate"), 0.0, "", numbers)] if numbers else []),
        key=lambda item: item[:3],
    )  # fmt: skip
    return _draft(tuple(item[3] for item in ordered), hits, measurements, jury, notes, None)


def calibrate_similarity(nearest: NDArray[np.float64] | Sequence[float], share: float = 0.02) -> float:
    """The similarity below which a recording counts as having no near precedent.

    Conformal: of recordings drawn like those given, at most ``share`` fall below (Vovk, Gammerman & Shafer, Algorithmic
    Learning in a Random World, 2005, ch. 2).

    Args:
        nearest: Similarity of each calibration recording to its nearest case of another patient.
        share: Share of ordinary recordings that may be refused, 0 to 1.

    >>> calibrate_similarity([0.9, 0.8, 0.7, 0.6], share=0.25)
    0.6
    """
    ordered = np.sort(np.asarray(nearest, dtype=np.float64))
    rank = int(np.floor(share * (ordered.size + 1)))
    return float(ordered[rank - 1]) if 1 <= rank <= ordered.size else -1.0


def _why_not(hits: Sequence[Hit], jury: Sequence[Voter], quality: Quality | None, s: ConsensusSettings) -> str | None:
    if quality is not None and not quality.acceptable:
        worst = f": {quality.problems[0].message}" if quality.problems else ""
        return f"the signal is not good enough (quality {quality.score:.2f}){worst}"
    if not hits:
        return "no precedent was found"
    nearest = max(evidence.similarity_of(hit) for hit in hits)
    if nearest < s.min_similarity:
        return (
            f"no close precedent: the nearest has similarity {nearest:.2f}, at least {s.min_similarity:.2f} is needed"
        )
    if len(jury) < s.min_precedents:
        return f"too few close precedents with a report: {len(jury)} patients, at least {s.min_precedents} are needed"
    return None


def _vote(concept: str, jury: Sequence[Voter], settings: ConsensusSettings) -> Vote:
    return evidence.vote(concept, jury, uncertain_weight=settings.uncertain_weight)


def _measured_claims(
    shown: Sequence[Finding], measurements: Measurements, jury: Sequence[Voter], settings: ConsensusSettings
) -> list[_Claim]:
    claims = []
    defined = {check.concept for check in measured.checks() if check.decides}
    for finding in shown:
        if finding.status == "absent" or not sayable(finding.concept):
            continue
        names = measured.supporting(finding, measurements, findings_from_measurements)
        if not names:
            continue
        vote = _vote(finding.concept, jury, settings)
        strength = 1.0 if lineage(finding.concept) & defined else max(settings.rule_strength, vote.support)
        needed = settings.min_support if finding.concept in WITHIN_NORMAL else settings.corroboration
        spoken = vote.support >= needed or measured.speaks_alone(finding.concept, measurements)
        claims.append(_Claim(finding, vote, names, strength, spoken=spoken, direct=True))
    return claims


def _voted_claims(
    jury: Sequence[Voter], measurements: Measurements, shown: Sequence[str], settings: ConsensusSettings, notes: _Notes
) -> list[_Claim]:
    claims = []
    for concept in evidence.stated_concepts(jury):
        if not sayable(concept) or concept in shown:
            continue
        vote = _vote(concept, jury, settings)
        if vote.support < settings.min_support or len(vote.agreeing) < settings.min_agreeing:
            continue
        against = measured.conflicts(sorted(lineage(concept)), measurements)
        finding = _as_said(vote, settings)
        if any(conflict.check.decides for conflict in against):
            notes.warnings.append(
                f"{_plain(finding)} is left out although {_count(vote.agreeing, jury)} state it: {against[0]}"
            )
            continue
        claims.append(_Claim(finding, vote, (), vote.support, _tightest(against)))
    return claims


def _tightest(against: Sequence[measured.Conflict]) -> tuple[str, ...]:
    """One warning a measurement: that of the finding's own rule rather than those it inherits."""
    by_name: dict[str, measured.Conflict] = {}
    for conflict in sorted(against, key=lambda c: len(lineage(c.check.concept))):
        by_name[conflict.check.name] = conflict
    return tuple(str(by_name[name]) for name in sorted(by_name))


def _as_said(vote: Vote, settings: ConsensusSettings) -> Finding:
    """The finding as most of the voters qualify it: territory and severity only where more than half of them agree."""
    stated = [(voter.weight, finding) for voter in vote.agreeing if (finding := voter.says(vote.concept))]
    total = sum(weight for weight, _ in stated)

    def majority(attribute: str) -> str | None:
        weights: Counter[str | None] = Counter()
        for weight, finding in stated:
            # A more specific finding's qualifiers belong to that finding.
            weights[getattr(finding, attribute) if finding.concept == vote.concept else None] += weight  # type: ignore[assignment]
        value, weight = max(weights.items(), key=lambda item: (item[1], item[0] or ""))
        return value if weight > total / 2 else None

    status = vote.status if vote.support >= settings.certain_support else "uncertain"
    return Finding(vote.concept, status, territory=majority("territory"), severity=majority("severity"))


def _merge(claims: Sequence[_Claim]) -> list[_Claim]:
    """Only the most specific of claims that imply one another; what was measured for the others supports it."""
    kept = most_specific([claim.concept for claim in claims if claim.spoken])
    merged = []
    for claim in claims:
        if claim.concept not in kept:
            continue
        implied = [other for other in claims if other is not claim and other.concept in lineage(claim.concept)]
        names = dict.fromkeys([*claim.measurements, *(name for other in implied for name in other.measurements)])
        merged.append(replace(claim, measurements=tuple(names)))
    return merged


def _without_excluded(claims: Sequence[_Claim], notes: _Notes) -> list[_Claim]:
    """The claims less those that a stronger one excludes."""
    kept: list[_Claim] = []
    for claim in sorted(claims, key=lambda c: (-c.strength, c.concept)):
        pairs = exclusions([claim.concept, *(other.concept for other in kept)])
        stronger = next((other for other in kept if frozenset((claim.concept, other.concept)) in pairs), None)
        if stronger is None:
            kept.append(claim)
        else:
            support = claim.vote.support if claim.vote else 0.0
            notes.warnings.append(
                f"{_plain(claim.finding)} (support {support:.0%}) is left out: it contradicts {_plain(stronger.finding)}"
            )
    return kept


def _without_redundant(claims: Sequence[_Claim]) -> list[_Claim]:
    """The claims less the bare regularity of the rhythm where its kind is said."""
    rhythms = [
        c for c in claims if section_of(c.concept) == section_of("rhythm") and c.concept not in ("REGRH", "IRREG")
    ]
    irregular = any(lineage(claim.concept) & {"AFIB", "SARRH", "IRREG"} for claim in rhythms)
    redundant = {"REGRH"} if rhythms else set()
    return [c for c in claims if c.concept not in (redundant | {"IRREG"} if irregular else redundant)]


def _statement(
    claim: _Claim, jury: Sequence[Voter], measurements: Measurements, settings: ConsensusSettings
) -> Statement:
    vote = claim.vote
    citations = evidence.cite(claim.concept, vote.agreeing, settings.max_citations) if vote else ()
    return Statement(
        text=_sentence(statement_of(claim.finding)),
        findings=(claim.finding,),
        citations=citations,
        measurements=claim.measurements,
        support=1.0 if claim.direct or vote is None else round(vote.support, 4),
        confidence=None if claim.direct or vote is None else _confidence(vote, jury, settings),
        warnings=(*claim.warnings, *_dissent(claim, jury, settings)),
    )


def _confidence(vote: Vote, jury: Sequence[Voter], settings: ConsensusSettings) -> float | None:
    if settings.calibration is None or len(jury) < CALIBRATED_VOTERS:
        return None
    return settings.calibration.confidence(vote.support)


def _dissent(claim: _Claim, jury: Sequence[Voter], settings: ConsensusSettings) -> list[str]:
    """What precedents say against a claim."""
    warnings = []
    denying = [voter for voter in jury if voter.denies(claim.concept)]
    if denying and sum(voter.weight for voter in denying) >= settings.warn_share:
        warnings.append(f"Denied by {_count(denying, jury)}")
    agreeing = set() if claim.vote is None else {voter.case.case_id for voter in claim.vote.agreeing}
    others: dict[str, list[Voter]] = {}
    for voter in jury:
        if voter.case.case_id in agreeing:
            continue
        stated = [f.concept for f in voter.case.findings if f.status == "present" and sayable(f.concept)]
        pairs = exclusions([claim.concept, *stated])
        for concept in sorted(set(stated)):
            if frozenset((claim.concept, concept)) in pairs:
                others.setdefault(concept, []).append(voter)
    for concept in most_specific(sorted(others)):
        if sum(voter.weight for voter in others[concept]) >= settings.warn_share:
            warnings.append(f"{_count(others[concept], jury).capitalize()} state {_plain(Finding(concept))} instead")
    defined = {check.concept for check in measured.checks() if check.decides}
    if claim.measurements and claim.vote and not claim.vote.agreeing and not lineage(claim.concept) & defined:
        warnings.append("Measured here; none of the precedents states it")
    return warnings


def _numbers(measurements: Measurements) -> Statement | None:
    """One statement that gives the main measurements, or None when there are none."""
    names = [
        name
        for name in ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms", "qtc_ms", "axis_deg")
        if getattr(measurements, name) is not None
    ]
    if not names:
        return None
    text = ", ".join(measured.in_words(name, measurements) for name in names)
    return Statement(_sentence(text), measurements=tuple(names), support=1.0)


def _quality_warnings(quality: Quality | None) -> list[str]:
    return [] if quality is None else [f"Signal: {p.message}" for p in quality.problems if p.severity >= 0.5]


def _draft(
    statements: tuple[Statement, ...],
    hits: Sequence[Hit],
    measurements: Measurements,
    jury: Sequence[Voter],
    notes: _Notes,
    reason: str | None,
) -> Draft:
    nearest = max((evidence.similarity_of(hit) for hit in hits), default=float("nan"))
    return Draft(
        statements,
        abstained=reason is not None,
        reason=reason,
        measurements=measurements,
        hits=tuple(hits),
        warnings=tuple(notes.warnings),
        details={"voters": str(len(jury)), "nearest_similarity": f"{nearest:.4f}"},
    )


def _count(some: Sequence[Voter], jury: Sequence[Voter]) -> str:
    return f"{len(some)} of {len(jury)} precedents"


def _plain(finding: Finding) -> str:
    return statement_of(finding).rstrip(".").strip()


def _sentence(text: str) -> str:
    text = text.strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
