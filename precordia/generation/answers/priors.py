"""How questions of one form are usually answered: what is known of an answer before the ECG is seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from precordia.generation.answers.asked import Asked

Answer = tuple[str, ...]
"""Options, sorted; ``()`` for none of them. Of a question of yes or no :data:`YES`, :data:`NO` or :data:`UNSURE`."""
YES: Answer = ("yes",)
NO: Answer = ("no",)
UNSURE: Answer = ("unsure",)
"""It is stated, but as doubtful."""

_VERIFY_WEIGHT = 10.0
_CHOOSE_WEIGHT = 6.0
_QUERY_WEIGHT = 5.0
"""How many questions of the same words the answers to the wider form count for."""
_UNSEEN = 0.02
"""What an answer never given counts for, in questions."""


@dataclass(frozen=True)
class AskedBefore:
    """Answers to questions asked of other ECGs.

    Attributes:
        exact: Form of a question with its options and lead, to how often each answer was right.
        wide: The same without options, leads told apart only from none.
    """

    exact: Mapping[str, Mapping[Answer, int]] = field(default_factory=dict)
    wide: Mapping[str, Mapping[Answer, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, answered: Iterable[tuple[Asked, Answer]]) -> AskedBefore:
        """Counted from questions with their answers."""
        exact: dict[str, Counter[Answer]] = defaultdict(Counter)
        wide: dict[str, Counter[Answer]] = defaultdict(Counter)
        for asked, answer in answered:
            exact[form_of(asked)][answer] += 1
            wide[wide_form_of(asked)][_role(asked, answer)] += 1
        return cls(exact, wide)

    def prior(self, asked: Asked, prevalence: Mapping[str, float]) -> dict[Answer, float] | None:
        """Answer to its probability before the ECG is seen; None where no question of the form was ever asked.

        Args:
            asked: The question.
            prevalence: Of the targets.
        """
        same, wide = self.exact.get(form_of(asked), {}), self.wide.get(wide_form_of(asked), {})
        if not wide:
            return None
        n, total = sum(same.values()), sum(wide.values())
        if asked.kind == "verify":
            shares = {a: wide.get(a, 0) / total for a in (YES, NO, UNSURE)}
            return {a: (same.get(a, 0) + _VERIFY_WEIGHT * s) / (n + _VERIFY_WEIGHT) for a, s in shares.items() if s}
        if asked.kind == "choose":
            return self._chosen(asked, same, n, {role: count / total for role, count in wide.items()})
        singles = [(option,) for option in asked.options]
        answers = {*same, *wide, *singles, ()}
        return {
            a: (same.get(a, 0) + _QUERY_WEIGHT * wide.get(a, 0) / total + _UNSEEN) / (n + _QUERY_WEIGHT)
            for a in sorted(answers)
            if set(a) <= set(asked.options)
        }

    @staticmethod
    def _chosen(asked: Asked, same: Mapping[Answer, int], n: int, share: Mapping[Answer, float]) -> dict[Answer, float]:
        options = sorted(asked.options)
        one = share.get(("one",), 0.0) / len(options)
        base: dict[Answer, float] = {(o,): one for o in options}
        base[()] = share.get((), 0.0)
        pairs = [(a, b) for i, a in enumerate(options) for b in options[i + 1 :]]
        base |= {pair: share.get(("both",), 0.0) / len(pairs) for pair in pairs}
        return {a: (same.get(a, 0) + _CHOOSE_WEIGHT * s + _UNSEEN) / (n + _CHOOSE_WEIGHT) for a, s in base.items()}


def form_of(asked: Asked) -> str:
    """A question's form with its options and lead, however it is worded."""
    options = "" if asked.kind == "query" else ",".join(sorted(asked.options))
    return f"{asked.kind}|{asked.subject}|{options}|{asked.lead or ''}|{asked.of}"


def wide_form_of(asked: Asked) -> str:
    """A question's form without options, leads told apart only from none."""
    return f"{asked.kind}|{asked.subject}|{'lead' if asked.lead else ''}"


def _role(asked: Asked, answer: Answer) -> Answer:
    if asked.kind != "choose" or not answer:
        return answer
    return ("one",) if len(answer) == 1 else ("both",)
