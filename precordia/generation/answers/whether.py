"""Whether a finding is there, or which of several are, by the judgement and the fitted answers together."""

from __future__ import annotations

from dataclasses import replace

from precordia.core.drafts import Draft
from precordia.generation.answers.asked import Asked
from precordia.generation.answers.calibrated import calibrated_reply
from precordia.generation.answers.certainty import Reading, is_certain, readings_of, together
from precordia.generation.answers.decision import Decision
from precordia.generation.answers.fitted import Belief
from precordia.generation.answers.priors import NO, YES
from precordia.generation.answers.voted import compatible, reply_to, unsure
from precordia.generation.questions import Question
from precordia.judgement.judge import Judgement
from precordia.judgement.standing import Standing


def whether(question: Question, asked: Asked, belief: Belief, judgement: Judgement) -> Draft:
    """The answer that both readings of the ECG carry; else "not sure".

    Args:
        question: As it was read.
        asked: The same as a choice between findings.
        belief: The fitted reading.
        judgement: Of the ECG.
    """
    standings = [judgement.standing(concept) for concept in asked.findings]
    # A measurement decides alone, and what is too thin for the judgement is so for all.
    plain = judgement.evidence.too_thin is not None or standings[0].source == "measurement" or standings[0].ruled_out
    if plain and len(standings) == 1:
        return reply_to(replace(question, concepts=asked.findings), judgement)
    doubtful: list[tuple[Standing, tuple[Reading, ...]]] = []
    there: list[Standing] = []
    likely: dict[str, float] = {}
    for standing, target in zip(standings, asked.options, strict=True):
        fitted = Reading("the fitted answers", belief.probability(target), belief.prevalence(target))
        readings = readings_of(standing, judgement, fitted)
        certain = is_certain(standing, judgement, readings)
        likely[standing.concept] = together(readings)
        there += [standing] if certain else []
        doubtful += [(standing, readings)] if certain is None else []
    there = compatible(there)
    if doubtful and not there:
        return unsure(doubtful, judgement.evidence)
    by_concept = dict(zip(asked.findings, asked.options, strict=True))
    confidence = min((likely[s.concept] for s in there), default=1 - max(likely.values()))
    if asked.kind == "verify":
        return calibrated_reply(asked, belief, decided=Decision(YES if there else NO, confidence, enough=True))
    chosen = tuple(sorted(by_concept[s.concept] for s in there))
    return calibrated_reply(asked, belief, decided=Decision(chosen, confidence, enough=True))
