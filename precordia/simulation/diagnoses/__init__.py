"""The catalogue of diagnoses, and what goes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from precordia.core.errors import UnknownNameError, UsageError
from precordia.simulation.diagnoses.blocks import BLOCKS
from precordia.simulation.diagnoses.conduction import CONDUCTION
from precordia.simulation.diagnoses.diagnosis import GROUPS, Diagnosis
from precordia.simulation.diagnoses.hypertrophy import HYPERTROPHY
from precordia.simulation.diagnoses.infarctions import INFARCTIONS
from precordia.simulation.diagnoses.membranes import MEMBRANES
from precordia.simulation.diagnoses.pacemakers import PACEMAKERS
from precordia.simulation.diagnoses.repolarisation import REPOLARISATION
from precordia.simulation.diagnoses.rhythms import RHYTHMS
from precordia.simulation.diagnoses.ventricular import VENTRICULAR

CATALOGUE: Final = {
    d.name: d
    for group in (
        RHYTHMS,
        CONDUCTION,
        HYPERTROPHY,
        INFARCTIONS,
        REPOLARISATION,
        BLOCKS,
        VENTRICULAR,
        PACEMAKERS,
        MEMBRANES,
    )
    for d in group
}


def diagnosis_names() -> tuple[str, ...]:
    """Every name that can be asked for, "NORM" first."""
    return ("NORM", *CATALOGUE)


def resolve(names: Sequence[str]) -> tuple[Diagnosis, ...]:
    """The diagnoses asked for, in the order in which they change a heart; sinus rhythm when no rhythm is named.

    "NORM" stands for sinus rhythm and nothing else; an infarction without ":acute" or ":old" is old.

    Raises:
        UnknownNameError: a name is not in the catalogue.
        UsageError: two of them cannot be read beside each other.
    """
    full = [f"{name}:old" if f"{name}:old" in CATALOGUE else name for name in dict.fromkeys(names) if name != "NORM"]
    for name in full:
        if name not in CATALOGUE:
            raise UnknownNameError("diagnosis", name, diagnosis_names())
    chosen = [CATALOGUE[name] for name in full]
    if "NORM" in names and any(d.name not in ("SR", "SARRH", "SBRAD") for d in chosen):
        raise UsageError(f"diagnosis NORM cannot stand beside {', '.join(full)}; leave one of them out")
    for a in chosen:
        for b in chosen:
            same = a.group == b.group and a.group != "ectopy" and a is not b
            if same or b.name in a.excludes or (b.group in a.excludes and b is not a):
                raise UsageError(f"diagnoses {a.name} and {b.name} cannot be read beside each other; leave one out")
    if not any(d.group == "rhythm" for d in chosen) and not any(d.name == "PACE" for d in chosen):
        chosen.append(CATALOGUE["SR"])
    return tuple(sorted(chosen, key=lambda d: (GROUPS.index(d.group), d.name)))


def compatible(names: Sequence[str]) -> bool:
    """Whether :func:`resolve` accepts the names."""
    try:
        resolve(names)
    except UsageError:
        return False
    return True
