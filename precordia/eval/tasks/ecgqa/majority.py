"""Answers without the ECG: the one most often given, to the same question or over its template."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

from precordia.datasets.ecgqa.questions import Question
from precordia.eval.tasks.ecgqa.system import Reply, said

Patients = Callable[[Question], frozenset[str]]


class Usual:
    """The commonest answer in train, over all questions alike; those on the asked patients are left out.

    Alike by the first key under which train has a question: the text, then the template, then the type (blind); or the
    template, then the type (majority). Ties go to the first answer in alphabetical order.
    """

    reads_ecg = False

    def __init__(self, name: str, train: Sequence[Question], patients: Patients, *, by_text: bool) -> None:
        self.name = name
        self._by_text = by_text
        self._patients = patients
        self._counts: dict[Hashable, Counter[tuple[str, ...]]] = defaultdict(Counter)
        self._of_patient: dict[str, list[Question]] = defaultdict(list)
        for question in train:
            answer = tuple(sorted(question.answer))
            for key in self._keys(question):
                self._counts[key][answer] += 1
            for patient in patients(question):
                self._of_patient[patient].append(question)

    def reads_words(self, question: Question) -> bool:
        """Blind does, majority does not."""
        return self._by_text

    def reply(self, question: Question, ecgs: tuple[int, ...]) -> Reply | None:
        """The commonest answer; None when train has no question of its type."""
        own = {q.key: q for patient in self._patients(question) for q in self._of_patient.get(patient, ())}
        for key in self._keys(question):
            counts = self._counts.get(key, Counter()).copy()
            counts.subtract(tuple(sorted(q.answer)) for q in own.values() if key in self._keys(q))
            left = {answer: n for answer, n in counts.items() if n > 0}
            if left:
                return said(min(left.items(), key=lambda item: (-item[1], item[0]))[0])
        return None

    def _keys(self, question: Question) -> tuple[Hashable, ...]:
        wider = (("template", question.template), ("type", question.type))
        return (("text", question.text), *wider) if self._by_text else wider
