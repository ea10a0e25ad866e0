"""From how likely each target is to the answer that is most likely right as a whole, with its probability.

By Bayes' rule: how often questions of this form are answered so (:mod:`precordia.generation.answers.priors`), times how much
more likely this ECG makes each of the answer's options true, and each other option false, than it is of an ECG at large.
What maximises the posterior maximises the expected exact match.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from precordia.generation.answers.asked import Asked
from precordia.generation.answers.fitted import Belief, FittedAnswers
from precordia.generation.answers.priors import NO, UNSURE, YES, Answer

SEVERAL: Final = 2
UNLIKELY: Final = 0.3
"""Probability below which a finding is not named for what it often goes with; on folds 7-8, by an encoder that has not seen
them, 0.2 to 0.5 all give more right answers than none does."""


@dataclass(frozen=True)
class Decision:
    """The likeliest answer.

    Attributes:
        answer: Options, or yes, no or unsure.
        confidence: How often such an answer was right on ECGs held back, 0 to 1; the posterior where that was not fitted.
        needed: The confidence below which it is withheld.
    """

    answer: Answer
    confidence: float
    needed: float

    @property
    def enough(self) -> bool:
        """Whether it is sure enough not to be withheld."""
        return self.confidence >= self.needed


def decide(asked: Asked, belief: Belief) -> Decision:
    """The answer that is most likely right."""
    fitted = belief.fitted
    answer, confidence = max(chances(asked, belief).items(), key=lambda item: (item[1], item[0]))
    answer = _likely_of(answer, asked, belief)
    if asked.kind in fitted.curves:
        confidence = fitted.curves[asked.kind].confidence(confidence)
    return Decision(answer, confidence, least_for(asked, fitted))


def chances(asked: Asked, belief: Belief) -> dict[Answer, float]:
    """Answer to its probability."""
    sharpness = belief.fitted.sharpness.get(sharpness_key(asked), 1.0)
    return posterior(log_prior(asked, belief), log_likelihoods(asked, belief), sharpness)


def chance_of(said: Collection[str], asked: Asked, belief: Belief) -> float:
    """How likely it is that these of the options are there, and no others, where it is not that none is.

    How often none is right was learned from a benchmark, which asks about ECGs at large. Of yes or no: that what is said is not
    denied; what reports state as doubtful is no "no".
    """
    found = chances(asked, belief)
    if asked.kind == "verify":
        return 1 - found.get(NO, 0.0) if said else found.get(NO, 0.0)
    if not said:
        return found.get((), 0.0)
    named = sum(chance for answer, chance in found.items() if answer)
    return found.get(tuple(sorted(said)), 0.0) / named if named else 0.0


def _likely_of(answer: Answer, asked: Asked, belief: Belief) -> Answer:
    """Of several findings that are named together, those that are not unlikely here; the likeliest where all are.

    Which findings go together was learned from other ECGs: of a combination that is often right a part may be unlikely in this one.
    """
    if asked.kind != "query" or asked.of or asked.lead or len(answer) < SEVERAL:
        return answer
    each = {option: belief.probability(asked.target(option)) for option in answer}
    kept = tuple(option for option in answer if each[option] >= UNLIKELY)
    return kept or (max(answer, key=lambda option: (each[option], option)),)


def least_for(asked: Asked, fitted: FittedAnswers) -> float:
    """The confidence below which an answer is withheld: of disturbances their own where one was fitted, else that of the kind."""
    of_kind = fitted.least_confidence.get(asked.kind, 0.0)
    return fitted.least_confidence.get(threshold_key(asked), of_kind)


def threshold_key(asked: Asked) -> str:
    """Questions that one threshold holds for: confidence means less where disturbances are asked about.

    >>> threshold_key(Asked("verify", "noise", ("SNOISE",))), threshold_key(Asked("verify", "form", ("INVT",)))
    ('verify, disturbance', 'verify')
    """
    return f"{asked.kind}, disturbance" if _is_noisy(asked) else asked.kind


def sharpness_key(asked: Asked) -> str:
    """Questions whose evidence counts alike: by kind, and by whether disturbances or leads are meant."""
    where = "leads" if asked.of else "lead" if asked.lead else "ecg"
    return f"{asked.kind}, {'disturbance' if _is_noisy(asked) else 'finding'}, {where}"


def _is_noisy(asked: Asked) -> bool:
    what = asked.of or asked.options[0]
    return what.split("@")[0] in ("SNOISE", "BNOISE", "BDRIFT", "ELEC", "any:noise")


def log_prior(asked: Asked, belief: Belief) -> dict[Answer, float]:
    """Answer to the logarithm of its probability before the ECG is seen."""
    prior = belief.fitted.asked.prior(asked, belief.fitted.prevalence)
    if prior is not None:
        return {answer: math.log(p) for answer, p in prior.items() if p > 0}
    # Never asked before: options are as common as among ECGs at large.
    shares = {option: belief.prevalence(target) for option, target in asked.targets.items()}
    if asked.kind == "verify":
        (share,) = shares.values()
        return {YES: math.log(share), NO: math.log(1 - share)}
    likely = tuple(sorted(o for o, target in asked.targets.items() if belief.probability(target) >= 0.5))
    answers = {likely, (), *((option,) for option in asked.options)}
    return {
        a: sum(math.log(share if option in a else 1 - share) for option, share in shares.items())
        for a in sorted(answers)
    }


def log_likelihoods(asked: Asked, belief: Belief) -> dict[str, tuple[float, float]]:
    """Option to how much more likely the ECG makes it true, and false, than it is at large (logarithms of ratios)."""
    out = {}
    for option, target in asked.targets.items():
        p, share = belief.probability(target), belief.prevalence(target)
        out[option] = (math.log(p / share), math.log((1 - p) / (1 - share)))
    return out


def posterior(
    prior: Mapping[Answer, float], likelihoods: Mapping[str, tuple[float, float]], sharpness: float
) -> dict[Answer, float]:
    """Answer to its probability; all add up to 1.

    >>> found = posterior({YES: math.log(0.2), NO: math.log(0.8)}, {"LVH": (math.log(8.0), math.log(0.5))}, 1.0)
    >>> round(found[YES], 3)
    0.8
    """
    gained = gains(prior, likelihoods)
    scores = {answer: log_p + sharpness * gained[answer] for answer, log_p in prior.items()}
    top = max(scores.values())
    weights = {answer: math.exp(score - top) for answer, score in scores.items()}
    total = sum(weights.values())
    return {answer: weight / total for answer, weight in weights.items()}


def gains(answers: Iterable[Answer], likelihoods: Mapping[str, tuple[float, float]]) -> dict[Answer, float]:
    """Answer to how much more likely the ECG makes it than it is at large (logarithm of a ratio)."""
    absent = sum(false for _, false in likelihoods.values())
    found = {}
    for answer in answers:
        if answer in (YES, UNSURE):
            found[answer] = sum(true for true, _ in likelihoods.values())
        elif answer == NO:
            found[answer] = absent
        else:
            found[answer] = absent + sum(likelihoods[option][0] - likelihoods[option][1] for option in answer)
    return found
