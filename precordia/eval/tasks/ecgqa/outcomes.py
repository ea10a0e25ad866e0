"""Each reply with what every scorer makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from precordia.core.progress import Progress, silent
from precordia.datasets.ecgqa.classes import Classes, ValidClasses
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.scorers import corrected, multi_label, offers_none, paper_exact, read_corrected
from precordia.eval.tasks.ecgqa.system import Batched, Put, Reply, System
from precordia.fitting.answers.signals import Signals


@dataclass(frozen=True)
class Outcome:
    """One reply of one system.

    Attributes:
        question: What was asked.
        system: Who replied.
        patient: Of the first ECG, whose resampling gives the intervals.
        fold_9: Whether every ECG is of PTB-XL's fold 9.
        said: The options read from the reply by the corrected scorer.
        corrected: Right by the corrected scorer.
        paper_exact: Right by the published harness.
        classifier: Right by the classifier protocol, or None where the system gives no scores.
        other_ecg_same: Whether it says the same when shown other patients' ECGs; None where not asked.
        other_ecg_right: Whether it is then still right.
        other_words_same: Whether it says the same in the other wording; None where not asked.
        other_words_right: Whether it is then right.
        tokens_in, tokens_out, latency_s: What a language model's reply cost; None where nobody counts.
    """

    question: Question
    system: str
    patient: str
    fold_9: bool
    said: frozenset[str]
    corrected: bool
    paper_exact: bool
    classifier: bool | None
    other_ecg_same: bool | None = None
    other_ecg_right: bool | None = None
    other_words_same: bool | None = None
    other_words_right: bool | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_s: float | None = None


def ask(
    system: System,
    questions: Sequence[Question],
    signals: Signals,
    classes: Classes,
    *,
    valid: ValidClasses = "published",
    swapped: Mapping[str, tuple[int, ...]] | None = None,
    reworded: Mapping[str, Question] | None = None,
    progress: Progress = silent,
) -> list[Outcome]:
    """Every question that the system answers, with its reply scored.

    Args:
        system: Asked.
        questions: With their ECGs here.
        signals: Of the ECGs.
        classes: The options.
        valid: Of the classifier protocol; the LLM scorers take the published ones.
        swapped: Question to other patients' ECGs, for the random-ECG test.
        reworded: Question to its other wording, for the paraphrase test.
        progress: Goes through the questions.
    """
    others_of = (swapped or {}) if system.reads_ecg else {}
    words_of = (
        {q.key: reworded[q.key] for q in questions if q.key in reworded and system.reads_words(q)} if reworded else {}
    )
    if isinstance(system, Batched):
        puts: list[Put] = [(q, q.ecgs) for q in questions]
        puts += [(q, others_of[q.key]) for q in questions if q.key in others_of]
        puts += [(words, words.ecgs) for words in words_of.values()]
        system.prepare(puts, progress)
    outcomes = []
    for question in progress(questions, len(questions), system.name, "question"):
        reply = system.reply(question, question.ecgs)
        if reply is None:
            continue
        options = classes.options(question)

        def read(reply: Reply, question: Question = question, options: tuple[str, ...] = options) -> frozenset[str]:
            return read_corrected(reply.text, options, offers_none=offers_none(question.type))

        found = read(reply)
        others = others_of.get(question.key)
        shown = system.reply(question, others) if others else None
        words = words_of.get(question.key)
        put = system.reply(words, words.ecgs) if words else None
        scores = reply.scores
        outcomes.append(
            Outcome(
                question,
                system.name,
                signals.patient(question.ecgs[0]),
                all(signals.folds.get(ecg) == 9 for ecg in question.ecgs),
                found,
                corrected(reply.text, options, question.answer, offers_none=offers_none(question.type)),
                paper_exact(reply.text, options, question.answer),
                None if scores is None else multi_label(scores, classes.options(question, valid), question.answer),
                read(shown) == found if shown else None,
                read(shown) == question.answer if shown else None,
                read(put) == found if put else None,
                read(put) == question.answer if put else None,
                reply.tokens_in,
                reply.tokens_out,
                reply.latency_s,
            )
        )
    return outcomes


def swap_ecgs(questions: Sequence[Question], signals: Signals, seed: int) -> dict[str, tuple[int, ...]]:
    """For each question the ECGs of another question of its template, of other patients; none where there is no other.

    Questions of a template are put in a random circle; each takes the ECGs of the next whose patients differ.
    """
    import numpy as np

    by_template: dict[int, list[Question]] = {}
    for question in questions:
        by_template.setdefault(question.template, []).append(question)
    out = {}
    generator = np.random.default_rng(seed)
    for template in sorted(by_template):
        members = by_template[template]
        circle = [members[i] for i in generator.permutation(len(members))]
        for place, question in enumerate(circle):
            own = {signals.patient(ecg) for ecg in question.ecgs}
            for other in (*circle[place + 1 :], *circle[:place]):
                if not own & {signals.patient(ecg) for ecg in other.ecgs}:
                    out[question.key] = other.ecgs
                    break
    return out
