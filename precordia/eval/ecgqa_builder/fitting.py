"""Fits what answers rest on: probes on PTB-XL's folds 1-7, trust, sharpness and when to abstain on fold 8.

The encoder was trained on folds 1-7 and not on fold 8, so that how far its probes are to be trusted shows on fold 8 only;
fold 9 is not looked at.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.core.errors import InputError
from precordia.core.leads import LEADS
from precordia.core.retrieval import Hit
from precordia.eval.ecgqa.questions import Question
from precordia.eval.ecgqa_builder.attributes import IN_LEAD_GROUPS, LEAD_GROUPS
from precordia.eval.ecgqa_builder.facts import Facts
from precordia.eval.ecgqa_builder.targets import (
    GROUPS,
    NOISE_TARGETS,
    PLACED,
    VOTED,
    WHOLE,
    answer_in,
    asked_by,
    holds,
)
from precordia.generation.answers.decision import (
    decide,
    log_likelihoods,
    log_prior,
    posterior,
    sharpness_key,
)
from precordia.generation.answers.features import N_NOISE, Features
from precordia.generation.answers.fitted import (
    Belief,
    FittedAnswers,
    Probes,
    Scaling,
    Trust,
    lead_inputs,
    logit,
    whole_inputs,
)
from precordia.generation.answers.priors import AskedBefore
from precordia.generation.reports.consensus import ConsensusSettings
from precordia.judgement import votes
from precordia.judgement.calibration import Calibration
from precordia.judgement.calibration import fit as fit_curve
from precordia.judgement.promise import risk_threshold
from precordia.judgement.votes import Voter
from precordia.measurements.numbers import N_MEASURED

PER_TEMPLATE: Final = 40
"""Questions of each template that confidence is fitted on: all templates are to count about alike."""
FEWEST: Final = 4
"""A target with fewer ECGs has no probe: its prevalence and the vote must do."""
_C: Final = {"finding": 0.005, "disturbance": 0.03}
_C_LEAD: Final = 0.02
"""Inverse strength of the probes' ridge penalty; of disturbances by cross-validation within folds 1-7."""
_ODDS_SD: Final = 2.0
_BLOCKS: Final = {"finding": (0.5, 1.0, 1.0), "disturbance": (0.1, 0.3, 1.0)}
"""What embedding, measurements and disturbances count before the penalty."""
_SHARPNESS: Final = np.arange(0.0, 1.05, 0.05)
RISK: Final = {"verify": 0.1, "choose": 0.2, "query": 0.2}
"""Share of wrong answers allowed among those given: whole sets are harder to get right than yes or no."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """An ECG that is fitted on.

    Attributes:
        facts: Its labels.
        features: Its numbers.
    """

    facts: Facts
    features: Features


def fit(
    learn: Sequence[Labelled],
    trust_on: Sequence[Labelled],
    learn_questions: Sequence[Question],
    trust_questions: Sequence[Question],
    hits: Callable[[int], Sequence[Hit]],
    *,
    encoder: str,
    source: str,
) -> FittedAnswers:
    """What answers rest on.

    Args:
        learn: ECGs of folds 1-7.
        trust_on: ECGs of fold 8.
        learn_questions: About the first: how questions are usually answered.
        trust_questions: About the second: how sharp the evidence is.
        hits: Number of an ECG of fold 8 to its precedents among the first.
        encoder: Fingerprint.
        source: On what it is fitted, for people.

    Raises:
        InputError: there are too few ECGs.
    """
    if len(learn) < 100 or len(trust_on) < 20:
        raise InputError(f"{len(learn)} ECGs to learn from and {len(trust_on)} held back: too few to fit answers")
    prevalence = _prevalence([one.facts for one in learn])
    whole = _fit_whole(learn)
    fitted = FittedAnswers(
        encoder, source, GROUPS, prevalence, VOTED, whole, Probes((), _empty(), np.zeros((0, 0)), np.zeros(0)),
        {"voted": Trust(), "unvoted": Trust(), "lead": Trust()}, _asked_before(learn_questions),
    )  # fmt: skip
    juries = {one.facts.ecg_id: jury_of(hits(one.facts.ecg_id)) for one in trust_on}
    trust = dict(fitted.trust)
    for name, targets in (("voted", tuple(VOTED)), ("unvoted", tuple(t for t in WHOLE if t not in VOTED))):
        trust[name] = _fit_trust(fitted, trust_on, juries, targets, votes=name == "voted")
    fitted = replace(fitted, trust=trust)
    fitted = replace(fitted, lead_probes=_fit_leads(fitted, learn))
    trust["lead"] = _fit_lead_trust(fitted, trust_on, juries)
    fitted = replace(fitted, trust=trust)
    beliefs = {one.facts.ecg_id: Belief(fitted, one.features, juries[one.facts.ecg_id]) for one in trust_on}
    fitted = replace(fitted, sharpness=_fit_sharpness(fitted, trust_questions, beliefs))
    beliefs = {one.facts.ecg_id: Belief(fitted, one.features, juries[one.facts.ecg_id]) for one in trust_on}
    patients = {one.facts.ecg_id: one.facts.patient for one in trust_on}
    return _fit_confidence(fitted, trust_questions, beliefs, patients)


def jury_of(hits: Sequence[Hit]) -> tuple[Voter, ...]:
    """Precedents as voters, as an answer takes them by default."""
    s = ConsensusSettings()
    return votes.voters(hits, min_similarity=s.min_similarity, temperature=s.temperature, k=s.k)


def _prevalence(facts: Sequence[Facts]) -> dict[str, float]:
    """Share of the ECGs for which each target holds, drawn half an ECG from either end; of leads towards the mean lead."""
    out = {}
    for target in WHOLE:
        known = [found for f in facts if (found := holds(target, f)) is not None]
        out[target] = (sum(known) + 0.5) / (len(known) + 2)
    for base in PLACED:
        counts = {where: [holds(f"{base}@{where}", f) for f in facts] for where in (*LEADS, *LEAD_GROUPS)}
        known_at = {where: [v for v in found if v is not None] for where, found in counts.items()}
        mean = (sum(sum(known_at[lead]) for lead in LEADS) + 0.5) / (sum(len(known_at[lead]) for lead in LEADS) + 2)
        for where, values in known_at.items():
            if where in LEADS or base in IN_LEAD_GROUPS:
                out[f"{base}@{where}"] = (sum(values) + 3 * mean) / (len(values) + 3)
    return out


def _fit_whole(learn: Sequence[Labelled]) -> Probes:
    raw = np.stack([whole_inputs(one.features) for one in learn])
    scaling = Scaling.of(raw)
    inputs = scaling.apply(raw)
    dim = learn[0].features.embedding.size
    places = np.concatenate([np.arange(raw.shape[1]), scaling.flagged])
    blocks = np.where(places < dim, 0, np.where(places < dim + N_MEASURED, 1, 2))
    if dim + N_MEASURED + N_NOISE != raw.shape[1]:
        raise InputError("the numbers of an ECG are not those that are fitted on")
    targets, weights, bias = [], [], []
    for target in WHOLE:
        known = [holds(target, one.facts) for one in learn]
        rows = np.array([i for i, v in enumerate(known) if v is not None])
        truth = np.array([bool(known[i]) for i in rows.tolist()])
        if not FEWEST <= int(truth.sum()) <= truth.size - FEWEST:
            continue
        kind = "disturbance" if target in NOISE_TARGETS or target == "any:noise" else "finding"
        scale = np.array(_BLOCKS[kind])[blocks]
        w, b = _logistic_fit(inputs[rows] * scale, truth, _C[kind])
        targets.append(target)
        weights.append(w * scale)
        bias.append(b)
    return Probes(tuple(targets), scaling, np.stack(weights), np.array(bias))


def _fit_leads(fitted: FittedAnswers, learn: Sequence[Labelled]) -> Probes:
    beliefs = [Belief(fitted, one.features, ()) for one in learn]
    raw = np.concatenate([lead_inputs(b.features, 0.0) for b in beliefs])
    scaling = Scaling.of(raw)
    odds = raw.shape[1] - 1  # the column of the log-odds for the whole ECG, which differs between targets
    scaling.mean[odds], scaling.sd[odds] = 0.0, _ODDS_SD
    targets, weights, bias = [], [], []
    for base in PLACED:
        raw[:, odds] = np.repeat([b.log_odds(base) for b in beliefs], len(LEADS))
        known = [holds(f"{base}@{lead}", one.facts) for one in learn for lead in LEADS]
        rows = np.array([i for i, v in enumerate(known) if v is not None])
        truth = np.array([bool(known[i]) for i in rows.tolist()])
        if int(truth.sum()) >= FEWEST:
            w, b = _logistic_fit(scaling.apply(raw)[rows], truth, _C_LEAD)
            targets.append(base)
            weights.append(w)
            bias.append(b)
    return Probes(tuple(targets), scaling, np.stack(weights), np.array(bias))


def _logistic_fit(x: NDArray[np.float64], y: NDArray[np.bool_], c: float) -> tuple[NDArray[np.float64], float]:
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=c, max_iter=400).fit(x, y)
    return model.coef_[0], float(model.intercept_[0])


def _fit_trust(
    fitted: FittedAnswers,
    held: Sequence[Labelled],
    juries: Mapping[int, tuple[Voter, ...]],
    targets: Sequence[str],
    *,
    votes: bool,
) -> Trust:
    prior, columns, truth = [], [], []
    beliefs = [(one, Belief(fitted, one.features, juries[one.facts.ecg_id])) for one in held]
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


def _fit_lead_trust(fitted: FittedAnswers, held: Sequence[Labelled], juries: Mapping[int, tuple[Voter, ...]]) -> Trust:
    prior, columns, truth = [], [], []
    for one in held:
        belief = Belief(fitted, one.features, juries[one.facts.ecg_id])
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


def _asked_before(questions: Sequence[Question]) -> AskedBefore:
    pairs = []
    for question in questions:
        asked = asked_by(question.text)
        answer = answer_in(question, asked) if asked else None
        if asked is not None and answer is not None:
            pairs.append((asked, answer))
    return AskedBefore.of(pairs)


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
        chances = np.array([posterior(prior, likelihoods, s)[answer] for s in _SHARPNESS])
        key = sharpness_key(asked)
        loss[key] = loss.get(key, 0.0) - np.log(np.maximum(chances, 1e-6)) / per_template[question.template]
    return {key: round(float(_SHARPNESS[int(np.argmin(total))]), 2) for key, total in sorted(loss.items())}


def _fit_confidence(
    fitted: FittedAnswers, questions: Sequence[Question], beliefs: Mapping[int, Belief], patients: Mapping[int, str]
) -> FittedAnswers:
    """How often answers are right at each probability, and from which confidence on they are given.

    An answer that is more often wrong than right is never given, however few others are wrong.
    """
    curves: dict[str, Calibration] = {}
    least: dict[str, float] = {}
    for kind, risk in RISK.items():
        raw, right, who = [], [], []
        for question in _even(questions):
            asked = asked_by(question.text)
            if asked is not None and asked.kind == kind:
                found = decide(asked, beliefs[question.ecgs[0]])
                raw.append(found.confidence)
                right.append(found.answer == answer_in(question, asked))
                who.append(patients[question.ecgs[0]])
        if not raw:
            continue
        curves[kind] = fit_curve(raw, right, fitted.source)
        confidence = [curves[kind].confidence(p) for p in raw]
        least[kind] = max(0.5, risk_threshold(confidence, right, who, risk=risk))
    return replace(fitted, curves=curves, least_confidence=least, risk=RISK)


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


def _empty() -> Scaling:
    return Scaling(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0, dtype=np.int64))
