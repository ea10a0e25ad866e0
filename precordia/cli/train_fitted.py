"""``precordia train answers|calibration|quality|swaps|alarms``: what is fitted in minutes and lies in one file or folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from precordia.cli.console import add_json_option, note, print_json, progress
from precordia.core.errors import UsageError

if TYPE_CHECKING:
    from precordia.fitting.trained import Trained


class Answers:
    """``precordia train answers``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add = parser.add_argument
        add_data(parser, "ptbxl/")
        add("--out", metavar="FILE", default="runs/answers.npz", help="the file to write")
        add("--encoder", metavar="NAME", default="default", help="name or folder of the encoder that is to answer")
        add("--unseen", metavar="NAME", help="one of the same recipe that was trained without the folds of --held")
        add(
            "--cross-fitted",
            metavar="DIR",
            help="what train encoder --cross-fit wrote: the one without fold 8 is taken",
        )
        add("--held", metavar="FOLDS", help="folds to weigh on, of PTB-XL's 1-8, as in 7,8 (default: the eighth)")
        add("--seed", type=int, metavar="N", default=42, help="of the questions drawn")
        add_json_option(parser)
        parser.epilog = (
            "Trust and thresholds show only on ECGs that an encoder was not trained on: give one that has not seen them "
            "with --unseen or --cross-fitted, and probes are learned from all folds; without, from those not held back."
        )

    def run(self, args: argparse.Namespace) -> int:
        """Fit; exit code."""
        from precordia.fitting.answers.training import train_answers

        return told(
            args,
            train_answers(
                data_of(args), args.out, encoder=args.encoder, unseen=args.unseen, cross_fitted_in=args.cross_fitted,
                held=None if args.held is None else _folds(args.held), seed=args.seed, progress=progress,
            ),
        )  # fmt: skip


class Calibration:
    """``precordia train calibration``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        parser.add_argument("kb", metavar="KB", help="the knowledge base's folder")
        add_json_option(parser)
        parser.epilog = (
            "The same as precordia build --refit --kb KB. Builds do it where an archive has grown by a fifth."
        )

    def run(self, args: argparse.Namespace) -> int:
        """Fit; exit code."""
        from precordia.fitting.calibration import train_calibration

        return told(args, train_calibration(args.kb))


class Quality:
    """``precordia train quality``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add_data(parser, "pretrain/ with CinC 2011")
        parser.add_argument("--out", metavar="FILE", default="runs/score.json", help="the file to write")
        add_json_option(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Fit; exit code."""
        from precordia.fitting.quality import train_quality

        return told(args, train_quality(data_of(args), args.out, progress=progress))


class Swaps:
    """``precordia train swaps``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add_data(parser, "ptbxl/")
        parser.add_argument("--out", metavar="FILE", default="runs/swap.json", help="the file to write")
        add_json_option(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Fit; exit code."""
        from precordia.fitting.quality import train_swaps

        return told(args, train_swaps(data_of(args), args.out, progress=progress))


class Alarms:
    """``precordia train alarms``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        parser.add_argument(
            "results", metavar="RESULTS", help="urgent.json of precordia eval urgent --set fold=1-8 --out DIR"
        )
        parser.add_argument("--out", metavar="FILE", default="runs/urgent.csv", help="the file to write")
        add_json_option(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Write; exit code."""
        from precordia.fitting.alarms import train_alarms

        return told(args, train_alarms(args.results, args.out))


def add_data(parser: argparse.ArgumentParser, holds: str) -> None:
    """The option that names the folder of data."""
    parser.add_argument("--data", metavar="DIR", help=f"the folder that holds {holds} (default: $PRECORDIA_DATA)")


def data_of(args: argparse.Namespace) -> Path:
    """The folder of data that was named, or the usual one."""
    from precordia.datasets.folder import default_data_dir

    return Path(args.data) if args.data else default_data_dir()


def _folds(said: str) -> frozenset[int]:
    """Folds as a command line names them.

    >>> sorted(_folds("7,8"))
    [7, 8]
    """
    parts = said.split(",")
    if not all(part.strip().isdigit() for part in parts):
        raise UsageError(f"--held {said}: give some of folds 1-8, as in 7,8")
    return frozenset(int(part) for part in parts)


def told(args: argparse.Namespace, trained: Trained) -> int:
    """Say what was trained; exit code."""
    for line in trained.notes:
        note(line)
    if args.json:
        print_json({"what": trained.what, "path": trained.path, **trained.facts})
    else:
        print(trained.path)
    return 0
