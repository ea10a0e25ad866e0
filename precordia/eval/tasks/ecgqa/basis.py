"""What the answers of ``precordia eval ecgqa-built`` rest on: what ships, or what is fitted here on PTB-XL's folds 1-8."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from precordia.core.errors import InputError, UsageError
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.questions import Question
from precordia.eval.harness.task import Settings
from precordia.fitting.answers.archive import TRAINING_FOLDS, HereArchive, Vectors
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.fit import fit, fit_as_weighed
from precordia.fitting.answers.probing import Labelled
from precordia.fitting.answers.weighing import Kept
from precordia.generation.answers.features import features_of
from precordia.generation.answers.fitted import FittedAnswers, load, save, shipped_for

HELD: Final = "8"
"""The encoder that ships was not trained on it; what is learned from folds 1-7 is weighed on it."""
_NOT_KNOWN: Final = 0


@dataclass(frozen=True, eq=False)
class Basis:
    """What answers rest on.

    Attributes:
        fitted: None where nothing fits the encoder and nothing could be fitted.
        notes: Where it comes from, and how its promise was kept where it was fitted, for people.
    """

    fitted: FittedAnswers | None
    notes: tuple[str, ...]


def basis_of(examined: Examined, vectors: Vectors, train: Sequence[Facts], settings: Settings) -> Basis:
    """What ships for the encoder, or what is fitted for this run; ``fit=FILE`` fits anew and writes it.

    Args:
        examined: The ECGs.
        vectors: Of them.
        train: Facts of folds 1-8.
        settings: Options ``fit`` (a file to be written), ``held`` (the folds that are held back) and ``weighed`` (a file that
            was so fitted, from which trust, sharpness, curves and thresholds are taken: nothing is then held back).

    Raises:
        UsageError: an option is not understood, or says nothing without ``fit``.
        InputError: there are too few ECGs for ``fit``, or ``weighed`` is no such file.
    """
    path, weighed = settings.options.get("fit"), settings.options.get("weighed")
    if path is None and (unused := sorted({"held", "weighed"} & set(settings.options))):
        raise UsageError(f"option {unused[0]} is about what fit=FILE fits; name the file to be written")
    known = shipped_for(vectors.encoder)
    if path is None and known is not None:
        return Basis(known, (f"answers rest on what was fitted on {known.source}, as shipped",))
    try:
        fitted, kept = (
            _held_back(examined, vectors, train, settings)
            if weighed is None
            else (_as_weighed(examined, vectors, train, settings, load(Path(weighed))), {})
        )
    except InputError as error:
        if path is not None:
            raise
        return Basis(None, (f"answers rest on the judgement alone, since nothing fits this encoder and {error}",))
    if path is not None:
        save(fitted, Path(path))
    where = f"written to {Path(path).name}" if path else "for this run alone: nothing that ships fits the encoder"
    return Basis(fitted, (f"answers rest on what was fitted on {fitted.source}, {where}", *_in_words(fitted, kept)))


def held_folds(option: str) -> frozenset[int]:
    """The folds held back.

    Raises:
        UsageError: they are not some of folds 1-8.
    """
    found = {int(fold) for fold in option.split(",") if fold.strip().isdigit()}
    if not found or not found < set(TRAINING_FOLDS) or len(found) != len(option.split(",")):
        raise UsageError(f"option held={option!r} is not understood; give some of folds 1-8, as in held=7,8")
    return frozenset(found)


def _held_back(
    examined: Examined, vectors: Vectors, train: Sequence[Facts], settings: Settings
) -> tuple[FittedAnswers, dict[str, Kept]]:
    signals = examined.signals
    folds = held_folds(settings.options.get("held", HELD))
    held = [f for f in train if signals.folds[f.ecg_id] in folds]
    learn = [f for f in train if signals.folds[f.ecg_id] not in folds]
    # The precedents of those held back are of the others.
    hidden = {ecg: _NOT_KNOWN if fold in folds else fold for ecg, fold in signals.folds.items()}
    earlier = examined.beside(HereArchive(replace(signals, folds=hidden), vectors))
    return fit(
        _labelled(examined.beside(None), vectors, learn, settings),
        _labelled(earlier, vectors, held, settings),
        _questions(learn, "train", settings),
        _questions(held, "valid", settings),
        encoder=vectors.encoder,
        source=f"PTB-XL folds {_in_short(set(TRAINING_FOLDS) - folds)} ({len(learn)} ECGs) and weighed on "
        f"{'fold' if len(folds) == 1 else 'folds'} {_in_short(folds)} ({len(held)} ECGs)",
    )


def _as_weighed(
    examined: Examined, vectors: Vectors, train: Sequence[Facts], settings: Settings, weighed: FittedAnswers
) -> FittedAnswers:
    return fit_as_weighed(
        _labelled(examined.beside(None), vectors, train, settings),
        _questions(train, "train", settings),
        weighed,
        encoder=vectors.encoder,
        source=f"PTB-XL folds {_in_short(TRAINING_FOLDS)} ({len(train)} ECGs), with trust, sharpness, curves and thresholds of "
        f"encoder {weighed.encoder}, fitted on {weighed.source}",
    )


def _labelled(examined: Examined, vectors: Vectors, facts: Sequence[Facts], settings: Settings) -> list[Labelled]:
    found = []
    for one in settings.progress(facts, len(facts), "read", "ECG"):
        evidence = examined.evidence(one.ecg_id)
        features = features_of(evidence.recording, evidence.measurements, vectors.of(one.ecg_id))
        found.append(Labelled(one, features, evidence))
    return found


def _questions(facts: Sequence[Facts], split: str, settings: Settings) -> list[Question]:
    caps = TRAIN if split == "train" else HELD_OUT
    return build(facts, split=split, caps=caps, seed=settings.seed, wanted=_of_one)


def _of_one(slot: Slot) -> bool:
    return not slot.template.compares


def _in_short(folds: Collection[int]) -> str:
    """Folds in words.

    >>> _in_short({1, 2, 3, 8})
    '1-3, 8'
    """
    runs: list[list[int]] = []
    for fold in sorted(folds):
        if runs and fold == runs[-1][-1] + 1:
            runs[-1].append(fold)
        else:
            runs.append([fold])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _in_words(fitted: FittedAnswers, kept: Mapping[str, Kept]) -> list[str]:
    return [
        f"held back, {kind}: answers from confidence {fitted.least_confidence[kind]:.2f} on; thresholds chosen without a part "
        f"answer {k.coverage:.0%} of {k.n} questions of it, and {k.risk:.3f} ({k.low:.3f} to {k.high:.3f}) of these answers "
        f"are wrong; promised {fitted.risk[kind]:.2f}"
        for kind, k in kept.items()
    ]
