"""The judgement of an ECG: from its evidence to one standing for each finding, and to what is said.

1. Every finding that the archive's models know, a precedent states, or a rule finds in the measurements gets a standing.
   What a measurement defines is decided by it; else the archive's model gives the probability, and where a finding is too
   rare for a model, the precedents' vote does.
2. Said is what is probable enough, has a precedent or a measurement to point at, and is not ruled out: by a measurement
   that defines it, by a QRS complex that makes it meaningless, or because leads were drawn by a model.
3. Of findings that imply one another the most special is said; of those that exclude each other the more probable.
   "Normal" comes last: it is said beside nothing abnormal, no number out of range and nothing that must not be missed,
   and pushes out no infarction and no block.
4. What must not be missed has a place of its own ("to consider"), from a lower probability on.

Where the evidence is too thin nothing is claimed; what must not be missed, the measurements and the precedents are told.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from precordia.concepts import findings_from_measurements, vocabulary
from precordia.core.findings import Finding, Measurements
from precordia.judgement import measured, votes
from precordia.judgement.concerns import concerns_of
from precordia.judgement.evidence import Evidence
from precordia.judgement.made_up import made_up
from precordia.judgement.reconcile import exclusions, in_words, most_specific, sayable, section_of
from precordia.judgement.settings import CORROBORATION
from precordia.judgement.standing import Source, Standing
from precordia.judgement.urgent import Concern
from precordia.judgement.votes import Vote, lineage

WITHIN_NORMAL: Final = frozenset({"NAXIS", "REGRH"})
"""What measurements show of most recordings: not said unless precedents or models say it too."""
HARMLESS: Final = frozenset({"NORM", "ONORM", "SINUS", "REGRH", "NAXIS", "LTYPE", "VAX", "INDAX"})
"""Findings that stand beside a normal ECG, with all that is more special: rates are held to their range besides."""
NORMAL: Final = "NORM"
SINUS: Final = "SINUS"
KEPT_BESIDE_NORMAL: Final = ("MI", "CDIST", "VARR", "SVARR", "PACE", "INJ", "HYP", "ISC_")
"""Findings (with all that is more special) that "normal" never pushes out, however probable it is."""
TOLD: Final = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qtc_ms", "axis_deg", "p_ms")
"""Numbers of which none may be out of range beside a normal ECG."""
BORDERLINE: Final = {"p_ms": measured.TOLERANCE["p_ms"]}
"""How far one of them may lie out of range all the same: a P wave, whose length no report tells, by the error of measuring it."""
UNSURE_NUMBER: Final = 0.5
"""Confidence below which a number is left out, and decides nothing against a finding."""


@dataclass(frozen=True, eq=False)
class Judgement:
    """What the evidence of an ECG comes to.

    Attributes:
        evidence: What it rests on.
        said: The findings that are said, in reading order.
        reason: Why nothing is claimed, for people; None where findings may be.
        notes: What was left out and why, for people.
        concerns: What must not be missed, whether it is said or not.
        sure_from: Probability from which a finding is said without "possible".
        bench: What weighed the evidence.
    """

    evidence: Evidence
    said: tuple[Standing, ...]
    reason: str | None
    notes: tuple[str, ...]
    concerns: tuple[Concern, ...]
    sure_from: float
    bench: Bench

    def __repr__(self) -> str:
        said = ", ".join(f"{s.concept} {s.probability:.2f}" for s in self.said)
        return f"Judgement({said or self.reason})"

    def standing(self, concept: str) -> Standing:
        """How far one finding is borne out, whether it is said or not: what is said stands as it is said."""
        return next((s for s in self.said if s.concept == concept), None) or self.bench.standing(concept)

    def asked(self, concept: str) -> Standing:
        """How far a finding is borne out that is asked for by name: also by one that is said and a number that make it up."""
        own = self.standing(concept)
        made = made_up(concept, self.evidence.measurements, self.standing)
        if made is None or own.ruled_out or own.probability >= made.probability or not self.says(made):
            return own
        return made

    def says(self, standing: Standing) -> bool:
        """Whether what is said implies a finding, or what makes it up."""
        return any(s.implies(standing.made_of or standing.concept) for s in self.said)

    def candidates(self) -> list[str]:
        """Every finding that was weighed: a model knows it, a precedent states it or a rule shows it."""
        return self.bench.candidates()


def judge(evidence: Evidence) -> Judgement:
    """The judgement of an ECG."""
    bench = Bench(evidence)
    sure_from = bench.sure_from
    reason = evidence.too_thin
    if reason is not None:
        return Judgement(evidence, (), reason, (), concerns_of(evidence, (), bench.standing), sure_from, bench)
    notes: list[str] = []
    candidates = [bench.standing(concept) for concept in bench.candidates()]
    said = [s for s in candidates if bench.is_probable(s) and s.borne_out]
    for s in said:
        if s.ruled_out and s.vote.agreeing and s.concept in most_specific([one.concept for one in said]):
            why = s.against[0] if s.against else "the shape of the QRS complex makes it meaningless"
            notes.append(f"{in_words(s.finding)} is left out although {bench.count(s.vote)} state it: {why}")
    gone = {s.concept for s in candidates if s.ruled_out}
    said = [s for s in said if not s.ruled_out and not _rests_on(s, gone)]
    said = _one_of_each_lineage(said)
    said = _without_excluded(said, evidence.measurements, notes)
    said = _with_normal_last(said, bench, notes)
    said = _rhythms(said, bench)
    if bench.is_foreign:
        notes.append(
            "Nothing is promised of this ECG: its recorder is not one of those that the archive has learned from"
        )
    if not said:
        best = max((s.probability for s in candidates if not s.ruled_out), default=0.0)
        least = evidence.settings.least
        reason = f"no finding is probable enough: the likeliest has {best:.0%}, {least:.0%} is needed"
    ordered = sorted(said, key=lambda s: (section_of(s.concept), -s.probability, s.concept))
    concerns = concerns_of(evidence, [s.concept for s in said if s.finding.status == "present"], bench.standing)
    return Judgement(evidence, tuple(ordered), reason, tuple(dict.fromkeys(notes)), concerns, sure_from, bench)


class Bench:
    """Weighs the evidence finding by finding."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.settings = evidence.settings
        self.models = models = evidence.knowledge.models
        self.covered = models is not None and models.covers(evidence.recording)
        """Whether what the archive promises is promised of an ECG of this recorder."""
        self.is_foreign = models is not None and not models.promise.withdrawn and not self.covered
        """Whether the archive promises something, but not of this ECG."""
        self._shown: dict[str, Finding] = {}
        for found in self._rule(evidence.measurements):
            if found.status == "present" and sayable(found.concept):
                self._shown.setdefault(found.concept, found)
        self._chances: dict[str, float] = {}
        if models is not None and evidence.vector is not None:
            self._chances = models.chances(evidence.recording, evidence.measurements, evidence.vector)

    @property
    def sure_from(self) -> float:
        """Probability from which a finding is said without "possible"."""
        if self.models is None or self.models.promise.withdrawn:
            return self.settings.certain
        return max(self.models.promise.sure_from, self.settings.certain)

    def candidates(self) -> list[str]:
        """Every finding that a model knows, a precedent states or a rule shows, and that can be said of an ECG."""
        found = {*self._chances, *votes.stated_concepts(self.evidence.jury), *self._shown}
        return sorted(concept for concept in found if sayable(concept))

    def standing(self, concept: str) -> Standing:
        """See :class:`Standing`."""
        vote = self.evidence.vote(concept)
        measurements = self.evidence.measurements
        rule = next((f for name, f in self._shown.items() if concept in lineage(name)), None)
        against = measured.conflicts(sorted(lineage(concept)), measurements)
        against = [c for c in against if measurements.confidence.get(c.check.name, 1.0) >= UNSURE_NUMBER]
        decided = tuple(dict.fromkeys(c.check.name for c in against if c.check.decides))
        objections, meaningless = _tightest(against), self._is_meaningless(concept)
        drawn = self.evidence.recording.inferred_leads
        if meaningless and drawn:
            objections = (f"leads {', '.join(drawn)} were drawn by a model and show nothing of this heart",)
        unseen = not self.evidence.kind.may_say(concept)
        if unseen:
            objections = (f"{self.evidence.kind.title} cannot show it",)
        chance = self._chances.get(concept, vote.support)
        source: Source = "model" if concept in self._chances else "vote"
        names: tuple[str, ...] = ()
        if rule is not None:
            names = measured.supporting(rule, measurements, self._rule)
            if measured.is_defined(concept) or measured.speaks_alone(concept, measurements):
                chance, source = 1.0, "measurement"
        elif decided:
            chance, source, names = 0.0, "measurement", decided
        finding = self._as_said(vote, chance)
        if rule is not None and source == "measurement":
            finding = replace(finding, status="present")
        if rule is not None and rule.concept == concept and rule.territory and finding.territory is None:
            finding = replace(finding, territory=rule.territory)
        return Standing(
            finding,
            min(chance, 1.0),
            source,
            vote,
            names,
            objections,
            ruled_out=(rule is None and bool(decided)) or unseen or meaningless,
            shown=rule is not None,
            calibrated=source == "model" and self.covered,
        )

    def is_probable(self, s: Standing) -> bool:
        """Whether a finding is probable enough to be said."""
        least, few = self.evidence.least(s.concept), len(s.vote.agreeing) < self.settings.min_agreeing
        chance = self._chances.get(s.concept, s.vote.support)
        if s.shown:
            if s.concept in WITHIN_NORMAL:
                return chance >= least
            return (
                measured.speaks_alone(s.concept, self.evidence.measurements, unknown=self.is_foreign)
                or s.vote.support >= CORROBORATION
                or chance >= least
            )
        if s.ruled_out:
            return chance >= least and not few
        return chance >= least and not (s.source == "vote" and few)

    def count(self, vote: Vote) -> str:
        """How many precedents agree, in words."""
        return f"{len(vote.agreeing)} of {len(self.evidence.jury)} precedents"

    def _rule(self, measurements: Measurements) -> list[Finding]:
        """What the rules find in measurements, numbers measured with little confidence left aside."""
        ecg = self.evidence.recording
        found = findings_from_measurements(measurements, age=ecg.age, sex=ecg.sex)
        return [*found, *measured.findings_where_unknown(measurements)] if self.is_foreign else found

    def _is_meaningless(self, concept: str) -> bool:
        """Whether the QRS complex, or that leads were drawn, forbids reading a finding from this ECG."""
        shapes = set()
        if self.evidence.recording.inferred_leads:
            shapes.add("drawn")
        if self.evidence.measurements.paced:
            shapes.add("paced")
        if (
            concept != "CLBBB"
            and "CLBBB" not in lineage(concept)
            and self._chances_of("CLBBB") >= self.settings.certain
        ):
            shapes.add("CLBBB")
        section = vocabulary().concept(concept).section
        return any(
            row["when"] in shapes and (row["section"] == section or row["concept"] in lineage(concept))
            for row in _meaningless()
        )

    def _chances_of(self, concept: str) -> float:
        return self._chances.get(concept, self.evidence.vote(concept).support)

    def _as_said(self, vote: Vote, chance: float) -> Finding:
        """The finding as most of the voters qualify it: territory and severity only where more than half agree."""
        stated = [(voter.weight, f) for voter in vote.agreeing if (f := voter.says(vote.concept))]
        total = sum(weight for weight, _ in stated)

        def majority(attribute: str) -> str | None:
            weights: Counter[str | None] = Counter()
            for weight, finding in stated:
                # A more special finding's qualifiers belong to that finding.
                own = getattr(finding, attribute) if finding.concept == vote.concept else None
                weights[own] += weight  # type: ignore[assignment]
            value, weight = max(weights.items(), key=lambda item: (item[1], item[0] or ""), default=(None, 0.0))
            return value if weight > total / 2 else None

        sure = chance >= self.sure_from and not (stated and vote.status == "uncertain")
        status = "present" if sure else "uncertain"
        return Finding(vote.concept, status, territory=majority("territory"), severity=majority("severity"))  # type: ignore[arg-type]


def _rests_on(s: Standing, gone: Collection[str]) -> bool:
    """Whether all that precedents state of a finding is something more special that is ruled out."""
    stated = [finding.concept for voter in s.vote.agreeing if (finding := voter.says(s.concept)) is not None]
    return not s.shown and bool(stated) and all(concept in gone for concept in stated)


def _tightest(against: Sequence[measured.Conflict]) -> tuple[str, ...]:
    """One warning a measurement: that of the finding's own rule rather than those it inherits."""
    by_name: dict[str, measured.Conflict] = {}
    for conflict in sorted(against, key=lambda c: len(lineage(c.check.concept))):
        by_name[conflict.check.name] = conflict
    return tuple(str(by_name[name]) for name in sorted(by_name))


def _one_of_each_lineage(said: Sequence[Standing]) -> list[Standing]:
    """Only the most special of findings that imply one another; what was measured for the others supports it."""
    kept = most_specific([s.concept for s in said])
    merged = []
    for s in said:
        if s.concept in kept:
            implied = [other for other in said if other is not s and s.implies(other.concept)]
            names = dict.fromkeys(
                [*s.measurements, *(n for other in implied if other.shown for n in other.measurements)]
            )
            merged.append(replace(s, measurements=tuple(names)))
    return merged


def _without_excluded(said: Sequence[Standing], measurements: Measurements, notes: list[str]) -> list[Standing]:
    """The findings less those that a more probable one excludes; "normal" has no say here.

    Where RR intervals are irregular and no P wave can be measured, a rhythm of the sinus node gives way to whatever else
    is probable: these two are the signs of fibrillation (Joglar et al., 2023 ACC/AHA/ACCP/HRS guideline, Circulation
    2024;149:e1).
    """
    no_p = measurements.p_ms is None and measurements.rhythm_regularity == "irregular" and not measurements.paced
    kept: list[Standing] = []
    for s in sorted(said, key=lambda s: (no_p and SINUS in lineage(s.concept), -s.probability, s.concept)):
        pairs = exclusions([s.concept, *(other.concept for other in kept)])
        stronger = next((o for o in kept if o.concept != NORMAL and frozenset((s.concept, o.concept)) in pairs), None)
        if s.concept == NORMAL or stronger is None:
            kept.append(s)
        else:
            notes.append(
                f"{in_words(s.finding)} (probability {s.probability:.0%}) is left out: "
                f"it contradicts {in_words(stronger.finding)}"
            )
    return kept


def _with_normal_last(said: Sequence[Standing], bench: Bench, notes: list[str]) -> list[Standing]:
    """Either "normal" or what speaks against it: never both."""
    normal = next((s for s in said if s.concept == NORMAL), None)
    if normal is None:
        return list(said)
    abnormal = [s for s in said if not lineage(s.concept) & HARMLESS]
    weaker = [s for s in abnormal if s.probability < normal.probability and not _outlasts_normal(s)]
    odd = _out_of_range(bench.evidence)
    urgent = [concern.name for concern in concerns_of(bench.evidence, (), bench.standing)]
    if len(weaker) < len(abnormal) or odd or urgent:
        stronger = [
            *(in_words(s.finding) for s in abnormal if s not in weaker),
            *(f"{name} to consider" for name in urgent),
        ]
        because = f"{', '.join(stronger)} speaks against it" if stronger else f"{', '.join(odd)} out of range"
        notes.append(f"Normal ECG (probability {normal.probability:.0%}) is left out: {because}")
        return [s for s in said if s is not normal]
    for s in weaker:
        notes.append(
            f"{in_words(s.finding)} (probability {s.probability:.0%}) is left out: a normal ECG is more probable "
            f"({normal.probability:.0%})"
        )
    return [s for s in said if s not in weaker]


def _outlasts_normal(s: Standing) -> bool:
    return s.source == "measurement" or any(c in lineage(s.concept) for c in KEPT_BESIDE_NORMAL)


def _out_of_range(evidence: Evidence) -> list[str]:
    """The main numbers that lie outside their reference range, those that are unsure or borderline left out."""
    m, found = evidence.measurements, []
    for name in TOLD:
        value = getattr(m, name)
        if value is None or m.confidence.get(name, 1.0) < UNSURE_NUMBER:
            continue
        if measured.MEASURES[name].is_outside(float(value), evidence.recording.sex, BORDERLINE.get(name, 0.0)):
            found.append(measured.in_words(name, m))
    return found


def _rhythms(said: Sequence[Standing], bench: Bench) -> list[Standing]:
    """One rhythm at a time: a slow or fast rate beside a sinus rhythm is one finding; its regularity goes without saying."""
    concepts = {s.concept for s in said}
    by_concept = {s.concept: s for s in said}
    out = list(said)
    for rate, together in (("BRADY", "SBRAD"), ("TACHY", "STACH")):
        sinus = next((c for c in ("SR", "SINUS") if c in concepts), None)
        if rate in concepts and sinus is not None:
            whole, part = bench.standing(together), by_concept[sinus]
            joined = replace(
                whole,
                finding=Finding(together, part.finding.status),
                probability=part.probability,
                vote=whole.vote if whole.vote.agreeing else part.vote,
                measurements=by_concept[rate].measurements,
                source=part.source,
                calibrated=part.calibrated,
                ruled_out=False,
            )
            out = [s for s in out if s.concept not in (rate, "SR", "SINUS")] + [joined]
    rhythms = [s for s in out if section_of(s.concept) == section_of("rhythm") and s.concept not in ("REGRH", "IRREG")]
    redundant = {"REGRH"} if rhythms else set()
    if any(lineage(s.concept) & {"AFIB", "SARRH"} for s in rhythms):
        redundant.add("IRREG")
    return [s for s in out if s.concept not in redundant]


@lru_cache(maxsize=1)
def _meaningless() -> tuple[dict[str, str], ...]:
    path = Path(__file__).parent / "meaningless.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return tuple(csv.DictReader(line for line in lines if not line.startswith("#")))
