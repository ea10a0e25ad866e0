"""Answers to questions about an ECG, or two: from the precedents' vote and the measurements, or by a model held to them."""

from __future__ import annotations

from collections.abc import Sequence

from precordia.core.case import patient_key_of
from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.findings import Measurements
from precordia.core.protocols import LanguageModel
from precordia.core.recording import Quality, Recording
from precordia.core.retrieval import Hit
from precordia.generation.answers.asked import as_asked
from precordia.generation.answers.calibrated import calibrated_reply
from precordia.generation.answers.comparison import compare
from precordia.generation.answers.features import Features
from precordia.generation.answers.fitted import Belief, FittedAnswers
from precordia.generation.answers.voted import reply_to
from precordia.generation.questions import read_question
from precordia.generation.written.prompt import assemble
from precordia.generation.written.writing import WritingSettings, with_model
from precordia.judgement.votes import voters


def answer(
    question: str,
    recordings: Sequence[Recording],
    hits: Sequence[Sequence[Hit]],
    measurements: Sequence[Measurements],
    *,
    qualities: Sequence[Quality | None] | None = None,
    language_model: LanguageModel | None = None,
    settings: WritingSettings | None = None,
    features: Sequence[Features] = (),
    fitted: FittedAnswers | None = None,
    abstain: bool = True,
    or_consensus: bool = False,
) -> Draft:
    """The answer, each statement with its evidence; abstains ("not sure") where the evidence does not answer.

    Args:
        question: In free words, English or German.
        recordings: One ECG, or two to compare, the earlier first.
        hits: The precedents of each.
        measurements: Of each.
        qualities: Of each, for questions about noise; None where not assessed.
        language_model: None answers from precedents and measurements alone.
        settings: How much evidence is needed.
        features: Of each, for ``fitted``.
        fitted: What was fitted for the encoder that found the precedents; None, or a question that it does not cover,
            leaves the answer to the precedents' vote and the measurements as they are.
        abstain: With ``fitted``: withhold answers that are not sure enough; else all are given.
        or_consensus: With ``fitted``: where it names no finding in answer to what an ECG shows, let the consensus of the
            precedents answer. How often "none of them" is right was learned from questions of a benchmark, which asks
            about ECGs at large, and a clinician who asks for the rhythm expects one.

    Raises:
        UsageError: not one or two recordings, or a list that does not match them, or an empty question.
    """
    if len(recordings) not in (1, 2) or len(hits) != len(recordings) or len(measurements) != len(recordings):
        raise UsageError("an answer is about one or two recordings, each with its precedents and its measurements")
    if not question.strip():
        raise UsageError("there is no question")
    settings = settings or WritingSettings()
    graded = list(qualities or [None] * len(recordings))
    asked = read_question(question)
    options = as_asked(asked, fitted.groups) if fitted is not None and len(recordings) == len(features) == 1 else None
    if options is not None and fitted is not None:
        own = patient_key_of(recordings[0])
        others = [hit for hit in hits[0] if hit.case.patient_key != own]
        s = settings.consensus
        jury = voters(others, min_similarity=s.min_similarity, temperature=s.temperature, k=s.k)
        belief = Belief(fitted, features[0], jury, s.uncertain_weight)
        plain = calibrated_reply(
            options, belief, others, measurements[0], quality=graded[0], settings=s, abstain=abstain
        )
        if or_consensus and abstain and options.kind == "query" and not options.of and not _names(plain):
            voted = reply_to(asked, recordings[0], hits[0], measurements[0], quality=graded[0], settings=s)
            plain = voted if _names(voted) else plain
    elif len(recordings) == 1:
        plain = reply_to(asked, recordings[0], hits[0], measurements[0], quality=graded[0], settings=settings.consensus)
    else:
        plain = compare(asked, recordings, hits, measurements, qualities=graded, settings=settings.consensus)
    if language_model is None or not hits[0]:
        return plain
    second = recordings[1] if len(recordings) == 2 else None
    return with_model(
        plain,
        language_model,
        lambda: assemble(
            recordings[0],
            hits[0],
            question,
            measurements=measurements[0],
            quality=graded[0],
            second=second,
            second_measurements=measurements[1] if second is not None else None,
            settings=settings.prompt,
            count_tokens=getattr(language_model, "count_tokens", None),
        ),
        settings,
    )


def _names(draft: Draft) -> bool:
    """Whether a draft says of anything that it is there."""
    return any(finding.status != "absent" for statement in draft.statements for finding in statement.findings)
