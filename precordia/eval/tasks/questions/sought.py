"""What a search looks for, and which cases of PTB-XL are that by its own codes: the labeller of reports only casts doubt.

A condition is written as findings, numbers and people that all hold: ``AFIB !LBBB sex=F age>=60``, ``RBBB/LBBB``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from precordia.concepts import findings_from_codes, label_report, vocabulary
from precordia.core.case import Case
from precordia.eval.tasks.questions.ecgs import AXES
from precordia.judgement.votes import lineage
from precordia.retrieval.grammar import Bound

_NUMBER: Final = re.compile(r"(?P<measure>[a-z_]+)(?P<operator><=|>=|<|>)(?P<value>-?\d+(?:\.\d+)?)")


@dataclass(frozen=True)
class Sought:
    """A condition.

    Attributes:
        groups: Findings of which one of each group is coded.
        without: Findings that are not coded, not even as possible.
        sex: Of the patient, or "".
        bounds: Limits to the age and to what was measured.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    without: tuple[str, ...] = ()
    sex: str = ""
    bounds: tuple[Bound, ...] = ()

    @classmethod
    def of(cls, text: str) -> Sought:
        """As it is written.

        >>> Sought.of("AFIB/AFLT !LBBB age>60")
        Sought(groups=(('AFIB', 'AFLT'),), without=('LBBB',), sex='', bounds=(Bound(measure='age', operator='>', value=60.0),))
        """
        numbers = [match for word in text.split() if (match := _NUMBER.fullmatch(word))]
        known = vocabulary()
        words = [word for word in text.split() if not _NUMBER.fullmatch(word)]
        return cls(
            # A finding's own identifier may hold the stroke that parts others.
            tuple((w,) if w in known else tuple(w.split("/")) for w in words if not w.startswith(("!", "sex="))),
            tuple(w[1:] for w in words if w.startswith("!")),
            next((w[4:] for w in words if w.startswith("sex=")), ""),
            tuple(Bound(m["measure"], m["operator"], float(m["value"])) for m in numbers),  # type: ignore[arg-type]
        )

    def met_by(self, case: Coded) -> bool | None:
        """Whether a case meets it; what is not known meets nothing. None where its report and its codes differ."""
        people = self.sex in ("", case.case.sex) and all(_holds(bound, case.case) for bound in self.bounds)
        by_codes = self._found(case.stated) and not case.mentioned & set(self.without)
        if not people or not by_codes:
            either = self._found(case.stated | case.worded)
            return None if people and either and not case.mentioned & set(self.without) else False
        return None if case.worded & set(self.without) else True

    def _found(self, concepts: frozenset[str]) -> bool:
        return all(concepts & set(group) for group in self.groups)

    @property
    def labels(self) -> str:
        """The findings alone, over the archive's own labels: what a filter by label can ask for."""
        parts = [f"findings has any ({', '.join(map(repr, group))})" for group in self.groups]
        return " and ".join(parts) or "case_id >= 0"


@dataclass(frozen=True, eq=False)
class Coded:
    """A case, and what its codes say.

    Attributes:
        case: Of the archive.
        stated: Findings without doubt, and what they imply.
        mentioned: The same with what is only possible.
        worded: What its report mentions, as labelled: where it says more than the codes, neither is held to be true.
    """

    case: Case
    stated: frozenset[str]
    mentioned: frozenset[str]
    worded: frozenset[str]


def coded(cases: Sequence[Case]) -> list[Coded]:
    """The cases with what their codes say."""
    return [_coded(case) for case in cases]


def _coded(case: Case) -> Coded:
    found = findings_from_codes(case.codes)
    axis = AXES.get(str(case.metadata.get("heart_axis") or ""))
    stated = frozenset().union(*(lineage(f.concept) for f in found if f.status == "present"))
    stated |= {axis} if axis else set()
    mentioned = stated.union(*(lineage(f.concept) for f in found if f.status != "absent"))
    words = label_report(case.report or "")
    return Coded(
        case, stated, mentioned, frozenset().union(*(lineage(f.concept) for f in words if f.status != "absent"))
    )


def _holds(bound: Bound, case: Case) -> bool:
    value = case.age if bound.measure == "age" else getattr(case.measurements, bound.measure)
    return value is not None and bound.holds(float(value))
