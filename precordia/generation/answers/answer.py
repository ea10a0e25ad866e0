"""Answers to questions about an ECG, or two: from the judgement, or by a model that is held to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from weakref import WeakKeyDictionary

from precordia.core.drafts import Draft
from precordia.core.errors import UsageError
from precordia.core.protocols import LanguageModel
from precordia.generation.answers.asked import Asked, as_asked
from precordia.generation.answers.calibrated import calibrated_reply
from precordia.generation.answers.certainty import View, in_doubt
from precordia.generation.answers.comparison import compare, since_earlier
from precordia.generation.answers.decision import Decision, chance_of, decide
from precordia.generation.answers.features import Features, features_of
from precordia.generation.answers.fitted import Belief, FittedAnswers
from precordia.generation.answers.leads import leads_with
from precordia.generation.answers.parts import capture, part_is_normal, urgent, voltage
from precordia.generation.answers.places import located
from precordia.generation.answers.priors import NO, YES
from precordia.generation.answers.scope import beyond
from precordia.generation.answers.series import compare_series
from precordia.generation.answers.voted import about_findings, about_leads, reply_to
from precordia.generation.questions import Question, read_question
from precordia.generation.written.writing import Watch, WritingSettings, with_model
from precordia.judgement.evidence import Evidence
from precordia.judgement.judge import Judgement
from precordia.judgement.votes import lineage

BEYOND_PROMISE: Final = (
    "Answers of this kind are not sure enough here: the judgement answers instead, without their promise"
)

LIKELY: Final = 0.30
"""Probability by the fitted answers below which the judgement's answer is not told beyond their promise: in steps of 0.05 the
lowest at which at most four in ten of those that are told were wrong, of each kind of question, on PTB-XL folds 7-8 by an encoder
that had not seen them (docs/ecgqa-builder.md)."""

_READ: Final[WeakKeyDictionary[Evidence, Features]] = WeakKeyDictionary()
"""Evidence never changes: its numbers are read once, however many questions are asked of it."""


def answer(
    question: str,
    judgements: Sequence[Judgement],
    *,
    fitted: FittedAnswers | None = None,
    language_model: LanguageModel | None = None,
    abstain: bool = True,
    settings: WritingSettings | None = None,
    watch: Watch | None = None,
) -> Draft:
    """The answer, each statement with its evidence; abstains ("not sure") where the evidence does not answer.

    Args:
        question: In free words, English or German.
        judgements: Of one ECG, or of several to compare, the earliest first.
        fitted: How questions of a form are answered, for the encoder that made the evidence; None, or a question that it
            does not cover, leaves the answer to the judgement.
        language_model: Phrases the answer; None answers in canonical words. None is asked where there is no answer.
        abstain: With ``fitted``: withhold answers that are not sure enough; else all are given.
        settings: What a model is shown, and what happens to statements that do not stand up.
        watch: Told each statement that a model writes as soon as it stands.

    Raises:
        UsageError: no judgement, or an empty question.
    """
    if not judgements:
        raise UsageError("a question is about one ECG or several, not none")
    if not question.strip():
        raise UsageError("there is no question")
    asked, first = read_question(question), judgements[0]
    declined = beyond(asked, judgements[-1])
    if declined is not None:
        return declined
    views = [_view(judgement, fitted, abstain) for judgement in judgements]
    if len(views) > 2:
        return compare_series(asked, views)  # in canonical words: a prompt holds two ECGs at most
    if len(views) == 2:
        plain = compare(asked, views)
    else:
        told = [_about_one(clause, views[0]) for clause in asked.clauses or (asked,)]
        plain = _joined(told) if len(told) > 1 else told[0]
    if language_model is None or plain.abstained or any(j.reason is not None for j in judgements):
        return plain
    second = judgements[1].evidence if len(judgements) == 2 else None
    return with_model(plain, first, language_model, settings, watch, question=question, second=second)


def _about_one(asked: Question, view: View) -> Draft:
    if asked.asks_change and not asked.asks_acuity:
        return since_earlier(asked, view.judgement)
    if (placed := located(asked, view.judgement.evidence)) is not None:
        return placed
    for reply in (urgent, capture, voltage, part_is_normal):
        if (part := reply(asked, view.judgement)) is not None:
            return part
    belief = view.belief
    measured = about_leads(asked, view.judgement) or (
        asked.asks_leads and leads_with(asked, view.judgement.evidence.measurements)
    )
    options = as_asked(asked, belief.fitted.groups) if belief is not None else None
    # Of one lead, or which leads, what was fitted goes first: of that alone is known how often it is wrong.
    fitted_first = options is not None and (bool(options.of) or options.lead is not None)
    if measured and not fitted_first:
        return reply_to(asked, view)
    if belief is None or options is None:
        return reply_to(asked, view)
    decision = decide(options, belief)
    if view.withhold and options.findings:
        view = replace(view, targets=dict(zip(options.findings, options.options, strict=True)))
        told = about_findings(replace(asked, kind=options.kind), options.findings, view)
        if set(_there(told)) - {concept for concept in _there(told) if lineage(concept) & set(options.findings)}:
            return _marked(told)  # what is told is a kind of what was meant, which fitted answers do not know
        promised = not view.is_distant and _is_promised(told, options, decision)
        return told if told.abstained or promised else _without_promise(told, options, view, belief)
    draft = calibrated_reply(options, belief, decision, abstain=view.withhold)
    if draft.abstained and measured:
        return _marked(reply_to(asked, view))
    if view.withhold and options.kind == "query" and not (options.of or options.lead) and not _names(draft):
        # How often "none of them" is right was learned from a benchmark, which asks about ECGs at large; who asks for
        # the rhythm expects one. The judgement places nothing in leads.
        said = reply_to(asked, view)
        return _without_promise(said, options, view, belief) if _names(said) else draft
    return draft


def _is_promised(draft: Draft, options: Asked, decision: Decision) -> bool:
    """Whether the fitted answers, of which alone is known how often they are wrong, are sure of the same answer."""
    said = _options_in(draft, options)
    answered = (YES if said else NO) if options.kind == "verify" else tuple(sorted(said))
    return decision.enough and decision.answer == answered


def _without_promise(draft: Draft, options: Asked, view: View, belief: Belief) -> Draft:
    """What the judgement answers, without their promise; not sure where the fitted answers make it improbable."""
    standings = {f.concept: view.asked(f.concept) for s in draft.statements for f in s.findings}
    likely = chance_of(_options_in(draft, options), options, belief) >= LIKELY
    there = [standings[concept] for concept in _there(draft)]
    # A choice among several is no surer for one of them that is measured (folds 7-8, decision 0037).
    shown = options.kind == "verify" and any(view.is_measured(standing) for standing in there)
    if likely or shown or any(view.must_be_told(standing) for standing in there):
        return _marked(draft)
    return replace(draft, statements=(), abstained=True, reason=in_doubt(tuple(standings.values()), view))


def _marked(draft: Draft) -> Draft:
    return replace(draft, warnings=(BEYOND_PROMISE, *draft.warnings))


def _options_in(draft: Draft, options: Asked) -> frozenset[str]:
    """The options that a draft says are there; of a finding that is none, those that it is a kind of."""
    named = options.findings or tuple(option.removesuffix("!") for option in options.options)
    option_of = dict(zip(named, options.options, strict=True))
    there = [{concept} if concept in option_of else lineage(concept) & option_of.keys() for concept in _there(draft)]
    return frozenset(option_of[concept] for kinds in there for concept in kinds)


def _there(draft: Draft) -> list[str]:
    """The findings that a draft says are there."""
    return [f.concept for statement in draft.statements for f in statement.findings if f.status != "absent"]


def _joined(drafts: Sequence[Draft]) -> Draft:
    """The answers to several questions as one, with what could not be answered."""
    reasons = tuple(dict.fromkeys(draft.reason for draft in drafts if draft.reason is not None))
    statements = tuple(dict.fromkeys(s for draft in drafts for s in draft.statements))
    warnings = tuple(dict.fromkeys(warning for draft in drafts for warning in draft.warnings))
    told = all(draft.abstained for draft in drafts)
    return replace(
        drafts[0],
        statements=statements,
        abstained=told,
        reason="; ".join(reasons) if told else None,
        warnings=warnings if told else (*warnings, *reasons),
    )


def _view(judgement: Judgement, fitted: FittedAnswers | None, withhold: bool) -> View:
    # How sure fitted answers are was learned on resting ECGs.
    features = _numbers(judgement.evidence) if fitted is not None and judgement.evidence.kind.is_whole else None
    belief = None if fitted is None or features is None else Belief(fitted, features, judgement.evidence)
    return View(judgement, belief, withhold=withhold)


def _numbers(evidence: Evidence) -> Features | None:
    """Of an ECG, for what is fitted; None where it has no vector."""
    if evidence.vector is None:
        return None
    if evidence not in _READ:
        _READ[evidence] = features_of(evidence.recording, evidence.measurements, evidence.vector)
    return _READ[evidence]


def _names(draft: Draft) -> bool:
    """Whether a draft says of anything that it is there."""
    return bool(_there(draft))
