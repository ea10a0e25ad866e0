"""Phantom patients of every finding that must not be missed, and of others beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from precordia.core.errors import UsageError
from precordia.core.recording import Recording
from precordia.simulation import simulate
from precordia.simulation.persons import Person, new_person

RATES: Final = (500.0, 100.0)

Names = tuple[str, ...]

_ELEVATED: Final[tuple[Names, ...]] = (
    ("ASMI:acute",), ("AMI:acute",), ("ALMI:acute",), ("LMI:acute",), ("IMI:acute",), ("ILMI:acute",),
)  # fmt: skip

PRESENT: Final[Mapping[str, tuple[Names, ...]]] = {
    "VT": (("VT",),),
    "STEMI": _ELEVATED,
    "ACMI": (("PMI:acute",),),
    "3AVB": (("3AVB",), ("3AVB:wide",), ("3AVB", "CRBBB"), ("3AVB", "IMI:old")),
    "HAVB": (("2AVB",), ("MOB2",), ("HAVB",), ("2AVB", "CRBBB"), ("MOB2", "CLBBB"), ("HAVB", "LVH")),
    "PFAIL": (("PFAIL",),),
    "PREEX": (("AFIB:WPW",),),
    "HYPERK": (("HYPERK",), ("HYPERK:severe",)),
    "LNGQT": (("LNGQT:500",),),
    "BRUG": (("BRUG",),),
    "AFIB": (("AFIB",), ("AFIB", "CLBBB"), ("AFIB", "LVH"), ("AFIB", "IMI:old")),
}
"""Concern to the diagnoses in which it is present."""

OTHERS: Final[tuple[Names, ...]] = (
    ("NORM",), ("SBRAD",), ("STACH",), ("SARRH",), ("AFLT",), ("1AVB",), ("PAC",), ("PVC",), ("CLBBB",), ("CRBBB",), ("IRBBB",),
    ("LAFB",), ("LPFB",), ("WPW",), ("PACE",), ("VPACE",), ("LVH",), ("LVH:strain",), ("RVH",), ("LVOLT",), ("IMI:old",),
    ("AMI:old",), ("ASMI:old",), ("PMI:old",), ("ISC_",), ("STD_",), ("INVT",), ("LOWT",), ("LAO/LAE",), ("CRBBB", "LAFB"),
    ("AFLT", "CRBBB"), ("STACH", "CLBBB"), ("SBRAD", "1AVB"), ("AFIB", "PVC"),
)  # fmt: skip

_UNKNOWN: Final[Mapping[str, frozenset[str]]] = {
    # An acute infarction is one whichever wall it elevates or depresses.
    "STEMI": frozenset({"PMI:acute"}),
    "ACMI": frozenset(name for (name,) in _ELEVATED),
    # Complete block lies under pacing, and a P wave in it may by chance divide the time evenly.
    "3AVB": frozenset({"PFAIL", "VPACE"}),
    "HAVB": frozenset({"3AVB", "3AVB:wide", "PFAIL", "VPACE"}),
    # Bazett's QTc exceeds 500 ms in fast and in very wide rhythms without meaning it.
    "LNGQT": frozenset({"VT", "AFIB:WPW", "HYPERK:severe", "PFAIL", "3AVB:wide", "VPACE"}),
    "AFIB": frozenset({"AFIB:WPW"}),
}
"""Concern to diagnoses that count neither for nor against it."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """One patient.

    Attributes:
        name: Unique in a run.
        diagnoses: Names for ``simulate``.
        seed: Of the ECG.
        person: Whose.
        before: Diagnoses of the earlier ECG.
        present: Concerns that are there.
        unknown: Concerns that count for neither.
    """

    name: str
    diagnoses: Names
    seed: int
    person: Person
    before: Names
    present: frozenset[str]
    unknown: frozenset[str]

    def record(self, fs: float) -> tuple[Recording, Recording]:
        """The ECG, and the one before it."""
        now = simulate(self.diagnoses, seed=self.seed, fs=fs, person=self.person)
        then = simulate(self.before, seed=self.seed + 1, fs=fs, person=self.person)
        return now.recording, then.recording


def phantoms(count: int, seed: int) -> list[Phantom]:
    """``count`` patients of each concern, and a seventh of that of each other diagnosis; the same arguments, the same patients.

    Half as many as of new fibrillation fibrillated before: theirs is not new.
    """
    out = []
    for concern, ways in PRESENT.items():
        for number in range(count):
            out.append(_patient(f"{concern} {number}", ways[number % len(ways)], seed, present=frozenset({concern})))
    for names in OTHERS:
        for number in range(max(1, count // 7)):
            before = ("AFIB",) if "AFIB" in names else ("SR",)
            out.append(_patient(f"{'+'.join(names)} {number}", names, seed, before=before))
    for number in range(max(1, count // 2)):
        out.append(_patient(f"known AFIB {number}", ("AFIB",), seed, before=("AFIB",)))
    return out


def _patient(
    name: str, names: Names, seed: int, *, present: frozenset[str] = frozenset(), before: Names = ("SR",)
) -> Phantom:
    """A patient on whom the criteria of the diagnoses can be met."""
    unknown = frozenset(concern for concern, others in _UNKNOWN.items() if others & set(names))
    for attempt in range(50):
        own = int(np.random.default_rng([seed, *name.encode(), attempt]).integers(2**40))
        person = new_person(np.random.default_rng([own, 0]))
        made = Phantom(name, names, own, person, before, present, unknown)
        try:
            simulate(names, seed=own, fs=100.0, noise=None, person=person)
        except UsageError:
            continue
        return made
    raise UsageError(f"no phantom patient with {', '.join(names)} for seed {seed}; choose another seed")
