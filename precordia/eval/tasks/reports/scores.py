"""One system's reports on one data set, sample by sample and as figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from precordia.concepts import contradictions
from precordia.concepts.language import LANGUAGES
from precordia.concepts.terms import SUPERCLASSES
from precordia.core.case import Case
from precordia.encoders.text import SentenceEncoder
from precordia.eval.tasks.reports import evidence as reports_evidence
from precordia.eval.tasks.reports.data import Sample
from precordia.eval.tasks.reports.evidence import EvidenceCounts
from precordia.eval.tasks.reports.figures import Measure, mean, ratio
from precordia.eval.tasks.reports.findings import (
    certain,
    coded_of,
    has_scp_code,
    macro_f1,
    opposed,
    overlap,
    superclasses,
    tallies,
)
from precordia.eval.tasks.reports.systems import Written
from precordia.eval.tasks.reports.text import VARIANTS, TextScorer, TextScores

_LANGUAGES: Final = {"en": "English", "de": "German", "sv": "Swedish"}
LEAST: Final = 5
"""References that must state a finding for it to count in the macro average."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A system's reports.

    Attributes:
        system: Its name.
        samples: ``(n,)`` the ECGs.
        reports: ``(n,)`` what it wrote.
        evidence: ``(n,)`` how its evidence fares; empty where it gives none.
        texts: Variant's key to scores of the samples that it takes, in order.
    """

    system: str
    samples: Sequence[Sample]
    reports: Sequence[Written]
    evidence: Sequence[EvidenceCounts] = ()
    texts: Mapping[str, TextScores] = field(default_factory=dict)

    @property
    def patients(self) -> list[str]:
        """``(n,)``."""
        return [sample.patient for sample in self.samples]

    def measures(self, group: str) -> list[Measure]:
        """Every figure that all systems have, findings first, then words."""
        return [*_of_findings(self, group), *_of_opposition(self, group), *_of_words(self, group)]

    def own_measures(self, group: str) -> list[Measure]:
        """The figures that only a draft has: abstention and evidence."""
        if not self.evidence:
            return []
        abstained = mean(
            "abstained", [r.abstained for r in self.reports], self.patients, group, at_least=False, share=True
        )
        return [abstained, *reports_evidence.measures(self.evidence, self.patients, group)]

    def rows(self, codes: Mapping[str, tuple[str, ...]]) -> list[dict[str, object]]:
        """One mapping a sample for the harness; no words of any report."""
        places: Counter[str] = Counter()
        found = []
        for i, (sample, report) in enumerate(zip(self.samples, self.reports, strict=True)):
            evidence = self.evidence[i] if self.evidence else EvidenceCounts()
            row: dict[str, object] = {
                "sample": sample.id,
                "group": sample.dataset,
                "system": self.system,
                "patient": sample.patient,
                "language": sample.language,
                "said": sorted(report.said),
                "true": sorted(sample.truth),
                "right": len(report.said & sample.truth),
                "f1": overlap(report.said, sample.truth),
                "exact": report.said == sample.truth,
                "opposed": len(opposed(report.findings, sample.stated)),
                "contradicts_itself": bool(contradictions(report.findings)),
                "abstained": report.abstained,
                "statements": evidence.statements,
                "citations": evidence.citations,
                "citations_right": evidence.right,
                "coded": sorted(coded_of(codes.get(sample.id, ()))),
            }
            for variant in VARIANTS:
                scores = self.texts.get(variant.key)
                here = scores is not None and variant.takes(sample)
                cells = scores.cells(places[variant.key]) if scores is not None and here else {}
                places[variant.key] += here
                row |= {f"{variant.key}_{name}": cells.get(name) for name in _TEXT}
            found.append(row)
        return found


_TEXT: Final = ("bleu_counts", "meteor", "rouge_l", "cider_d", "bertscore")


def score(
    system: str,
    samples: Sequence[Sample],
    reports: Sequence[Written],
    cases: Mapping[int, Case],
    texts: Mapping[str, TextScores],
) -> Scored:
    """A system's reports with their evidence checked.

    Args:
        system: Its name.
        samples: ``(n,)`` the ECGs.
        reports: ``(n,)`` what it wrote.
        cases: The archive by case id.
        texts: From :func:`score_text`.
    """
    drafts = [report.draft for report in reports]
    evidence = [
        reports_evidence.count(draft, cases, sample.measurements)
        for draft, sample in zip(drafts, samples, strict=True)
        if draft is not None
    ]
    return Scored(system, samples, reports, evidence, texts)


def score_text(
    samples: Sequence[Sample], reports: Mapping[str, Sequence[Written]], encoder: SentenceEncoder, *, idf: bool = False
) -> dict[str, dict[str, TextScores]]:
    """System to variant's key to scores; each text is embedded once for all systems.

    Args:
        samples: ``(n,)`` the ECGs.
        reports: System to ``(n,)`` what it wrote.
        encoder: Of word pieces.
        idf: See :class:`TextScorer`.
    """
    found: dict[str, dict[str, TextScores]] = {system: {} for system in reports}
    for variant in VARIANTS:
        taken = [i for i, sample in enumerate(samples) if variant.takes(sample)]
        if not taken:
            continue
        texts = {system: [variant.wording(some[i].text) for i in taken] for system, some in reports.items()}
        references = [variant.wording(samples[i].reference) for i in taken]
        scorer = TextScorer(references, [text for some in texts.values() for text in some], idf=idf, encoder=encoder)
        for system, some in texts.items():
            found[system][variant.key] = scorer.score(some)
    return found


def _of_findings(scored: Scored, group: str) -> list[Measure]:
    patients = scored.patients
    said = [report.said for report in scored.reports]
    truth = [sample.truth for sample in scored.samples]
    right = [len(s & t) for s, t in zip(said, truth, strict=True)]
    n_said, n_true = [len(s) for s in said], [len(t) for t in truth]
    counted = Counter(concept for some in truth for concept in some)
    common = sorted(concept for concept, count in counted.items() if count >= LEAST)
    found = [
        ratio("micro F1 of findings", [2 * r for r in right], [a + b for a, b in zip(n_said, n_true, strict=True)],
              patients, group),
        ratio("micro precision of findings", right, n_said, patients, group),
        ratio("micro recall of findings", right, n_true, patients, group),
        Measure(f"macro F1 of the {len(common)} findings stated at least {LEAST} times", tallies(said, truth, common),
                macro_f1, patients, group),
        mean("exact set of findings", [s == t for s, t in zip(said, truth, strict=True)], patients, group, share=True),
    ]  # fmt: skip
    for language in LANGUAGES:
        those = [i for i, sample in enumerate(scored.samples) if sample.language == language]
        if those:
            top, both = [2 * right[i] for i in those], [n_said[i] + n_true[i] for i in those]
            part = f"{group}, report in {_LANGUAGES[language]}"
            found.append(ratio("micro F1 of findings", top, both, [patients[i] for i in those], part))
    wide_said, wide_truth = [superclasses(s) for s in said], [superclasses(t) for t in truth]
    for name in SUPERCLASSES:
        if not any(name in some for some in wide_truth):
            continue
        hit = [name in s and name in t for s, t in zip(wide_said, wide_truth, strict=True)]
        claimed, wanted = [name in s for s in wide_said], [name in t for t in wide_truth]
        part = f"{group}, {name}"
        both = [a + b for a, b in zip(claimed, wanted, strict=True)]
        found += [
            ratio("F1", [2 * h for h in hit], both, patients, part),
            ratio("precision", hit, claimed, patients, part),
            ratio("recall", hit, wanted, patients, part),
        ]
    return found


def against_codes(scored: Scored, codes: Mapping[str, tuple[str, ...]], group: str) -> Measure:
    """Micro F1 against the ECG's diagnosis codes, over findings that codes can say: a truth that no labeller read."""
    said = [frozenset(c for c in report.said if has_scp_code(c)) for report in scored.reports]
    coded = [coded_of(codes.get(sample.id, ())) for sample in scored.samples]
    truth = [frozenset(c for c in some if has_scp_code(c)) for some in coded]
    right = [2 * len(s & t) for s, t in zip(said, truth, strict=True)]
    both = [len(s) + len(t) for s, t in zip(said, truth, strict=True)]
    return ratio("micro F1 against the ECG's codes", right, both, scored.patients, group)


def _of_opposition(scored: Scored, group: str) -> list[Measure]:
    against = [len(opposed(r.findings, s.stated)) for r, s in zip(scored.reports, scored.samples, strict=True)]
    said = [len(certain(report.findings)) for report in scored.reports]
    itself = [bool(contradictions(report.findings)) for report in scored.reports]
    return [
        ratio("contradiction rate: findings that the reference rules out", against, said, scored.patients, group,
              at_least=False),
        mean("reports that the reference contradicts", [n > 0 for n in against], scored.patients, group,
             at_least=False, share=True),
        mean("reports that contradict themselves", itself, scored.patients, group, at_least=False, share=True),
    ]  # fmt: skip


def _of_words(scored: Scored, group: str) -> list[Measure]:
    found = []
    for variant in VARIANTS:
        if variant.key in scored.texts:
            patients = [sample.patient for sample in scored.samples if variant.takes(sample)]
            found += scored.texts[variant.key].measures(patients, f"{group}, {variant.name}")
    return found
