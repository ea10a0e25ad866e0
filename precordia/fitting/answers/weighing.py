"""How far what was learned is to be trusted, how sure its answers are, and which are sure enough to be given.

All three are fitted on ECGs held back. A promise must hold for ECGs that none of them was fitted on, so the thresholds are
cross-conformal (Vovk, Ann Math Artif Intell 2015;74:9-28): patients held back are cut into parts, the answers about each
are weighed by what was fitted on the other parts, and the threshold is chosen on all these answers together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core import bootstrap
from precordia.core.leads import LEADS
from precordia.datasets.ecgqa.questions import Question
from precordia.fitting.answers.probing import Labelled, fit_leads
from precordia.fitting.answers.targets import VOTED, WHOLE, answer_in, asked_by, holds
from precordia.generation.answers.decision import (
    decide,
    gains,
    log_likelihoods,
    log_prior,
    sharpness_key,
    threshold_key,
)
from precordia.generation.answers.fitted import Belief, FittedAnswers, Trust, logit
from precordia.judgement.calibration import fit as fit_curve
from precordia.judgement.promise import NEVER, risk_threshold

PER_TEMPLATE: Final = 40
"""Questions of each template that confidence is fitted on: all templates are to count about alike."""
_SHARPNESS: Final = np.arange(0.0, 1.05, 0.05)
RISK: Final = {"verify": 0.1, "choose": 0.2, "query": 0.2}
"""Share of wrong answers allowed among those given: whole sets are harder to get right than yes or no."""
LEVEL: Final = 0.95
"""How sure the bound of that share is, by patients drawn anew."""
PARTS: Final = 4
"""That the patients held back are cut into."""


@dataclass(frozen=True)
class Outcome:
    """An answer about an ECG that nothing which gave it was fitted on.

    Attributes:
        kind: Of question.
        confidence: That the answer was given.
        right: Whether it was.
        patient: Whose ECG.
        part: Of the patients held back.
        threshold: Which one holds for it; by default that of its kind.
    """

    kind: str
    confidence: float
    right: bool
    patient: str
    part: int
    threshold: str = ""

    @property
    def key(self) -> str:
        """Which threshold holds for it."""
        return self.threshold or self.kind


@dataclass(frozen=True)
class Kept:
    """What thresholds chosen on the other parts came to on each part, over all parts.

    Attributes:
        coverage: Share of questions answered.
        risk, low, high: Share of the answers that are wrong, with its 95% interval by patient.
        n: Questions.
    """

    coverage: float
    risk: float
    low: float
    high: float
    n: int


def weigh(
    learned: FittedAnswers, learn: Sequence[Labelled], held: Sequence[Labelled], questions: Sequence[Question]
) -> tuple[FittedAnswers, dict[str, Kept]]:
    """What was learned, with trust, sharpness, curves and thresholds; and by kind of question how the promise was kept.

    Args:
        learned: Probes of whole ECGs, prevalences and priors.
        learn: What they were learned from: probes of leads are fitted on it.
        held: ECGs held back, of other patients.
        questions: About them.
    """
    found: list[Outcome] = []
    for part in range(PARTS):
        own = [one for one in held if part_of(one.facts.patient) == part]
        others = [one for one in held if part_of(one.facts.patient) != part]
        if own and others:
            found += outcomes(_confident(learned, learn, others, questions), own, questions)
    kinds = [kind for kind in RISK if any(o.kind == kind for o in found)]
    fitted = replace(
        _confident(learned, learn, held, questions),
        least_confidence=_thresholds(found),
        risk=RISK,
    )
    return fitted, {kind: kept(kind, [o for o in found if o.kind == kind]) for kind in kinds}


def carried_over(learned: FittedAnswers, learn: Sequence[Labelled], weighed: FittedAnswers) -> FittedAnswers:
    """What was learned, weighed as something else was that was learned alike."""
    fitted = replace(
        learned,
        trust=weighed.trust,
        sharpness=weighed.sharpness,
        curves=weighed.curves,
        least_confidence=weighed.least_confidence,
        risk=weighed.risk,
    )
    return replace(fitted, lead_probes=fit_leads(fitted, learn))


def part_of(patient: str) -> int:
    """The part that a patient belongs to."""
    return int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") % PARTS


def outcomes(fitted: FittedAnswers, held: Sequence[Labelled], questions: Sequence[Question]) -> list[Outcome]:
    """The answer to each of the questions about these ECGs, as many of each template as confidence is fitted on."""
    beliefs, patients = _beliefs(fitted, held), {one.facts.ecg_id: one.facts.patient for one in held}
    found = []
    for question in _even(questions):
        asked, ecg = asked_by(question.text), question.ecgs[0]
        if asked is not None and ecg in beliefs:
            decision = decide(asked, beliefs[ecg])
            right = decision.answer == answer_in(question, asked)
            own = patients[ecg]
            key = threshold_key(asked)
            found.append(Outcome(asked.kind, decision.confidence, right, own, part_of(own), key))
    return found


def kept(kind: str, found: Sequence[Outcome]) -> Kept:
    """How thresholds chosen without a part keep to the risk on it."""
    given: list[Outcome] = []
    for part in sorted({o.part for o in found}):
        least = _thresholds([o for o in found if o.part != part])
        given += [o for o in found if o.part == part and o.confidence >= least.get(o.key, NEVER)]
    if not given:
        return Kept(0.0, float("nan"), float("nan"), float("nan"), len(found))
    e = bootstrap.rate([not o.right for o in given], [o.patient for o in given])
    return Kept(len(given) / len(found), e.value, e.low, e.high, len(found))


def _thresholds(found: Sequence[Outcome]) -> dict[str, float]:
    """Key of a threshold to it; an answer that is more often wrong than right is never given, however few others are wrong."""
    out = {}
    for key in sorted({o.key for o in found}):
        own = [o for o in found if o.key == key]
        confidence, right, patients = [o.confidence for o in own], [o.right for o in own], [o.patient for o in own]
        out[key] = max(0.5, risk_threshold(confidence, right, patients, risk=RISK[own[0].kind], level=LEVEL))
    return out


def _confident(
    learned: FittedAnswers, learn: Sequence[Labelled], held: Sequence[Labelled], questions: Sequence[Question]
) -> FittedAnswers:
    """Trust, sharpness and curves by the ECGs held back; no threshold."""
    here = {one.facts.ecg_id for one in held}
    own = [question for question in questions if question.ecgs[0] in here]
    trust = dict(learned.trust)
    for name, targets in (("voted", tuple(VOTED)), ("unvoted", tuple(t for t in WHOLE if t not in VOTED))):
        trust[name] = _fit_trust(learned, held, targets, votes=name == "voted")
    fitted = replace(learned, trust=trust)
    fitted = replace(fitted, lead_probes=fit_leads(fitted, learn))
    fitted = replace(fitted, trust={**trust, "lead": _fit_lead_trust(fitted, held)})
    fitted = replace(fitted, sharpness=_fit_sharpness(fitted, own, _beliefs(fitted, held)))
    said = outcomes(fitted, held, own)
    curves = {}
    for kind in RISK:
        of_kind = [o for o in said if o.kind == kind]
        if of_kind:
            curves[kind] = fit_curve([o.confidence for o in of_kind], [o.right for o in of_kind], fitted.source)
    return replace(fitted, curves=curves)


def _beliefs(fitted: FittedAnswers, held: Sequence[Labelled]) -> dict[int, Belief]:
    return {one.facts.ecg_id: Belief(fitted, one.features, one.evidence) for one in held}


def _fit_trust(
    fitted: FittedAnswers,
    held: Sequence[Labelled],
    targets: Sequence[str],
    *,
    votes: bool,
) -> Trust:
    prior, columns, truth = [], [], []
    beliefs = [(one, Belief(fitted, one.features, one.evidence)) for one in held]
    for target in targets:
        if not any(holds(target, one.facts) for one in held):
            continue
        base = logit(fitted.prevalence[target])
        for one, belief in beliefs:
            known = holds(target, one.facts)
            if known is not None:
                prior.append(base)
                columns.append([belief.scores.get(target, base) - base, belief.voted(target) - base if votes else 0.0])
                truth.append(known)
    return _trust(np.array(prior), np.array(columns), np.array(truth, dtype=float), votes=votes)


def _fit_lead_trust(fitted: FittedAnswers, held: Sequence[Labelled]) -> Trust:
    prior, columns, truth = [], [], []
    for one in held:
        belief = Belief(fitted, one.features, one.evidence)
        for base in fitted.lead_probes.targets:
            for lead in LEADS:
                known = holds(f"{base}@{lead}", one.facts)
                if known is not None:
                    share = logit(fitted.prevalence[f"{base}@{lead}"])
                    prior.append(share)
                    columns.append([logit(belief.probability(f"{base}@{lead}")) - share, 0.0])
                    truth.append(known)
    return _trust(np.array(prior), np.array(columns), np.array(truth, dtype=float), votes=False)


def _trust(
    prior: NDArray[np.float64], columns: NDArray[np.float64], truth: NDArray[np.float64], *, votes: bool
) -> Trust:
    from scipy.optimize import minimize

    def loss(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        z = prior + p[0] + columns @ p[1:]
        error = 1 / (1 + np.exp(-z)) - truth
        return float((np.logaddexp(0, z) - truth * z).sum()), np.concatenate([[error.sum()], error @ columns])

    bounds = [(-2.0, 2.0), (0.0, 2.0), (0.0, 2.0 if votes else 0.0)]
    found = minimize(loss, np.array([0.0, 0.8, 0.1 if votes else 0.0]), jac=True, bounds=bounds, method="L-BFGS-B").x
    return Trust(*(round(float(v), 4) for v in found))


def _fit_sharpness(
    fitted: FittedAnswers, questions: Sequence[Question], beliefs: Mapping[int, Belief]
) -> dict[str, float]:
    """By the likelihood of the right answers, each template's questions together counting alike."""
    loss: dict[str, NDArray[np.float64]] = {}
    per_template = _per_template(questions)
    for question in questions:
        asked = asked_by(question.text)
        answer = answer_in(question, asked) if asked else None
        if asked is None or answer is None:
            continue
        belief = beliefs[question.ecgs[0]]
        prior, likelihoods = log_prior(asked, belief), log_likelihoods(asked, belief)
        if answer not in prior:
            continue
        gained = gains(prior, likelihoods)
        scores = np.array([log_p + _SHARPNESS * gained[each] for each, log_p in prior.items()])  # a row an answer
        weights = np.exp(scores - scores.max(axis=0))
        chances = weights[list(prior).index(answer)] / weights.sum(axis=0)
        key = sharpness_key(asked)
        loss[key] = loss.get(key, 0.0) - np.log(np.maximum(chances, 1e-6)) / per_template[question.template]
    return {key: round(float(_SHARPNESS[int(np.argmin(total))]), 2) for key, total in sorted(loss.items())}


def _even(questions: Sequence[Question]) -> list[Question]:
    """At most :data:`PER_TEMPLATE` questions of each template, evenly through them."""
    by_template: dict[int, list[Question]] = {}
    for question in questions:
        by_template.setdefault(question.template, []).append(question)
    out = []
    for found in by_template.values():
        n = min(len(found), PER_TEMPLATE)
        out += [found[i * len(found) // n] for i in range(n)]
    return out


def _per_template(questions: Sequence[Question]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for question in questions:
        counts[question.template] = counts.get(question.template, 0) + 1
    return counts
