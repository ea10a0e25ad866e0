"""The settings of ``precordia eval ecgqa``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

from precordia.core.errors import UsageError
from precordia.datasets.ecgqa.classes import ValidClasses
from precordia.datasets.ecgqa.questions import SOURCES, SPLITS
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.ecgqa.contexts import CONTEXTS

SYSTEMS: Final = ("blind", "majority", "random", "neighbours", "measurements", "ask")
_CHOICES: Final = {
    "source": SOURCES,
    "wording": ("template", "paraphrased"),
    "split": ("all", *SPLITS),
    "sample": ("yes", "no"),
    "classes": ("published", "template", "item"),
    "probes": ("yes", "no"),
}
_FREE: Final = ("systems", "contexts", "k", "replies", "workers")


@dataclass(frozen=True)
class Options:
    """What a run of the task may vary; the names and values of ``--set``."""

    source: str
    wording: str
    split: str
    sample: bool
    classes: ValidClasses
    probes: bool
    systems: tuple[str, ...]
    contexts: tuple[str, ...]
    k: int


def options_of(settings: Settings) -> Options:
    """The settings of a run; the 10% sample is the default where a language model is asked.

    Raises:
        UsageError: a name or value is not understood.
    """
    given = dict(settings.options)
    for name in given:
        if name not in _CHOICES and name not in _FREE:
            raise UsageError(f"option {name} is not known to ecgqa (choices: {', '.join((*_CHOICES, *_FREE))})")
    chosen = {
        name: given.get(name, choices[0] if name != "sample" else "yes" if settings.llm else "no")
        for name, choices in _CHOICES.items()
    }
    for name, value in chosen.items():
        if value not in _CHOICES[name]:
            raise UsageError(f"option {name}={value!r} is not understood; give one of {', '.join(_CHOICES[name])}")
    lists = {
        name: tuple(part.strip() for part in given.get(name, ",".join(default)).split(",") if part.strip())
        for name, default in (("systems", SYSTEMS), ("contexts", CONTEXTS[:1]))
    }
    for name, known in (("systems", SYSTEMS), ("contexts", CONTEXTS)):
        unknown = [part for part in lists[name] if part not in known]
        if unknown:
            raise UsageError(f"option {name}: {unknown[0]!r} is not known (choices: {', '.join(known)})")
    k = given.get("k", "10")
    if not k.isdigit() or int(k) < 1:
        raise UsageError(f"option k={k!r}: give the number of neighbours, at least 1")
    return Options(
        chosen["source"],
        chosen["wording"],
        chosen["split"],
        chosen["sample"] == "yes",
        cast(ValidClasses, chosen["classes"]),
        chosen["probes"] == "yes",
        lists["systems"],
        lists["contexts"],
        int(k),
    )
