"""``precordia train pulse|pulse-flow|pairs|catheter``: what other heart signals are taught."""

from __future__ import annotations

import argparse

from precordia.cli.console import add_json_option, progress
from precordia.cli.train_fitted import add_data, told


class Pulse:
    """``precordia train pulse``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add = parser.add_argument
        add("recipe", metavar="RECIPE", nargs="?", default="align", help="name or JSON file of the recipe (align)")
        add_data(parser, "ptbxl/")
        add("--out", metavar="DIR", default="runs/pulse", help="the folder to write; called again, it goes on in it")
        add(
            "--encoder",
            metavar="NAME",
            default="default",
            help="name or folder of the ECG encoder whose space is learned",
        )
        add_json_option(parser)
        parser.epilog = (
            "Pulses are simulated from beats of the phantom hospital and, where a recipe says so, of PTB-XL's folds 1-8. "
            "The ECG encoder is not changed; its fingerprint is stored, and beside any other the result is refused."
        )

    def run(self, args: argparse.Namespace) -> int:
        """Train; exit code."""
        from precordia.fitting.signals.pulse import train_pulse

        return told(
            args, train_pulse(args.recipe, args.out, data=args.data, encoder=args.encoder, progress=progress)
        )  # fmt: skip


class PulseFlow:
    """``precordia train pulse-flow``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add = parser.add_argument
        add("recipe", metavar="RECIPE", nargs="?", default="latent", help="name or JSON file of the recipe (latent)")
        add_data(parser, "modalities/bidmc/")
        add(
            "--out",
            metavar="DIR",
            default="runs/pulse-flow",
            help="the folder to write; called again, it goes on in it",
        )
        add_json_option(parser)
        parser.epilog = "What it draws beside a pulse is synthetic: for looking at, never measured, never evidence."

    def run(self, args: argparse.Namespace) -> int:
        """Train; exit code."""
        from precordia.fitting.signals.pulse_flow import train_pulse_flow

        return told(args, train_pulse_flow(args.recipe, args.out, data=args.data, progress=progress))


class Pairs:
    """``precordia train pairs``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add = parser.add_argument
        add("recipe", metavar="RECIPE", nargs="?", default="contrastive", help="name or JSON file (contrastive)")
        add(
            "--pairs",
            metavar="FILE",
            required=True,
            help="CSV: a column ecg with each ECG's file, and columns of numbers",
        )
        add("--out", metavar="DIR", default="runs/pairs", help="the folder to write")
        add(
            "--encoder",
            metavar="NAME",
            default="default",
            help="name or folder of the ECG encoder, which is not changed",
        )
        add_json_option(parser)

    def run(self, args: argparse.Namespace) -> int:
        """Train; exit code."""
        from precordia.fitting.signals.pairs import train_pairs

        return told(args, train_pairs(args.pairs, args.recipe, args.out, encoder=args.encoder, progress=progress))


class Catheter:
    """``precordia train catheter``."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Options."""
        add = parser.add_argument
        add("recipe", metavar="RECIPE", nargs="?", default="masked", help="name or JSON file of the recipe (masked)")
        add("--out", metavar="DIR", default="runs/catheter", help="the folder to write; called again, it goes on in it")
        add_json_option(parser)
        parser.epilog = (
            "Every electrogram is simulated: nothing is learned from a patient, and what is written says so."
        )

    def run(self, args: argparse.Namespace) -> int:
        """Train; exit code."""
        from precordia.fitting.signals.catheter import train_catheter

        return told(args, train_catheter(args.recipe, args.out, progress=progress))
