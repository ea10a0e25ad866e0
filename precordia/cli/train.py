"""``precordia train WHAT``: everything that is learned, by one command; a bare recipe means an encoder."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, cast

from precordia.core.errors import UsageError


class Command(Protocol):
    """What trains one kind of thing."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add its options."""
        ...

    def run(self, args: argparse.Namespace) -> int:
        """Train; exit code."""
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of thing to train.

    Attributes:
        line: Of help.
        place: The module with ``configure`` and ``run``, or ``"module:attribute"``.
    """

    line: str
    place: str

    def command(self) -> Command:
        """What trains it."""
        module, _, attribute = self.place.partition(":")
        found = importlib.import_module(module)
        return cast(Command, getattr(found, attribute)() if attribute else found)


KINDS: Final = {
    "encoder": Kind("train an encoder from a recipe and ECGs", "precordia.cli.train_encoder"),
    "reports": Kind("train a language model for reports, or an adapter of a larger one", "precordia.cli.train_report"),
    "answers": Kind("fit what answers to questions rest on, for one encoder", "precordia.cli.train_fitted:Answers"),
    "calibration": Kind(
        "fit a knowledge base's own finding models and thresholds", "precordia.cli.train_fitted:Calibration"
    ),
    "leads": Kind("fit what draws leads from others, or aligns few leads with all", "precordia.cli.train_leads"),
    "quality": Kind("fit the coefficients of the signal score", "precordia.cli.train_fitted:Quality"),
    "swaps": Kind("fit the matrix that finds exchanged arm electrodes", "precordia.cli.train_fitted:Swaps"),
    "pulse": Kind("train a pulse encoder in an ECG encoder's space", "precordia.cli.train_signals:Pulse"),
    "pulse-flow": Kind(
        "train what draws an ECG beside a pulse, for looking at only", "precordia.cli.train_signals:PulseFlow"
    ),
    "pairs": Kind("teach a head on ECG vectors by a table of a second modality", "precordia.cli.train_signals:Pairs"),
    "catheter": Kind(
        "train a masked model of simulated electrograms of the atria", "precordia.cli.train_signals:Catheter"
    ),
    "alarms": Kind("write how often each urgent finding is raised falsely", "precordia.cli.train_fitted:Alarms"),
}
"""What can be trained; its name is the word after ``train``."""

_TASKS: Final = {None: "encoder", "encoder": "encoder", "report": "reports"}
"""What ``--task``, an older spelling, stands for."""


def configure(parser: argparse.ArgumentParser) -> None:
    """A parser for each kind."""
    kinds = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    for name, kind in KINDS.items():
        description = f"{kind.line[0].upper()}{kind.line[1:]}."
        sub = kinds.add_parser(name, help=kind.line, description=description, formatter_class=parser.formatter_class)
        kind.command().configure(sub)
    parser.epilog = (
        "A bare recipe means an encoder: precordia train tiny --data DIR. What ships with Precordia is made by these "
        "commands; precordia train WHAT --help has the options of each."
    )


def spelled(arguments: Sequence[str]) -> list[str]:
    """A command line with what is to be trained named right after ``train``.

    Raises:
        UsageError: ``--task`` names nothing that can be trained.

    >>> spelled(["train", "tiny", "--cpu"])
    ['train', 'encoder', 'tiny', '--cpu']
    >>> spelled(["train", "--task", "report", "--data", "DIR"])
    ['train', 'reports', '--data', 'DIR']
    """
    at = list(arguments).index("train") + 1
    before, rest = list(arguments[:at]), list(arguments[at:])
    if rest[:1] and rest[0] in (*KINDS, "-h", "--help"):
        return [*before, *rest]
    older = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    older.add_argument("--task")
    known, others = older.parse_known_args(rest)
    if known.task not in _TASKS:
        raise UsageError(f"--task {known.task}: nothing of that name is trained; name one of {', '.join(KINDS)}")
    return [*before, _TASKS[known.task], *others]


def run(args: argparse.Namespace) -> int:
    """Train; exit code."""
    return KINDS[args.what].command().run(args)
