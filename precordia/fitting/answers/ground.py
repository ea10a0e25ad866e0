"""What answers are fitted on: PTB-XL's folds 1-8 with their labels, as one encoder sees them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from precordia.core.errors import UsageError
from precordia.core.progress import Progress, silent
from precordia.datasets.ecgqa.builder.build import build
from precordia.datasets.ecgqa.builder.facts import Facts
from precordia.datasets.ecgqa.builder.sampling import HELD_OUT, TRAIN
from precordia.datasets.ecgqa.builder.slots import Slot
from precordia.datasets.ecgqa.questions import Question
from precordia.fitting.answers.archive import TRAINING_FOLDS, HereArchive, Vectors
from precordia.fitting.answers.examined import Examined
from precordia.fitting.answers.fit import fit, fit_as_weighed
from precordia.fitting.answers.probing import Labelled
from precordia.fitting.answers.weighing import Kept
from precordia.generation.answers.features import features_of
from precordia.generation.answers.fitted import FittedAnswers

HELD: Final = frozenset({8})
"""The encoder that ships was not trained on it; what is learned from folds 1-7 is weighed on it."""
_NOT_KNOWN: Final = 0


@dataclass(frozen=True, eq=False)
class Ground:
    """ECGs of folds 1-8 with their labels, and questions about them.

    Attributes:
        examined: The ECGs.
        vectors: Of them, by the encoder that answers are fitted for.
        facts: Their labels.
        seed: Of the questions drawn.
        progress: Goes through what takes long.
    """

    examined: Examined
    vectors: Vectors
    facts: Sequence[Facts]
    seed: int
    progress: Progress = silent

    def held_back(self, folds: Collection[int] = HELD) -> tuple[FittedAnswers, dict[str, Kept]]:
        """What answers rest on, learned from the other folds and weighed on these; and how its promise was kept on them.

        Raises:
            UsageError: these are not some of folds 1-8.
            InputError: there are too few ECGs.
        """
        check_folds(folds)
        signals = self.examined.signals
        held = [f for f in self.facts if signals.folds[f.ecg_id] in folds]
        learn = [f for f in self.facts if signals.folds[f.ecg_id] not in folds]
        # The precedents of those held back are of the others.
        hidden = {ecg: _NOT_KNOWN if fold in folds else fold for ecg, fold in signals.folds.items()}
        earlier = self.examined.beside(HereArchive(replace(signals, folds=hidden), self.vectors))
        return fit(
            self._labelled(self.examined.beside(None), learn),
            self._labelled(earlier, held),
            self._questions(learn, "train"),
            self._questions(held, "valid"),
            encoder=self.vectors.encoder,
            source=f"PTB-XL folds {in_short(set(TRAINING_FOLDS) - set(folds))} ({len(learn)} ECGs) and weighed on "
            f"{'fold' if len(folds) == 1 else 'folds'} {in_short(folds)} ({len(held)} ECGs)",
        )

    def as_weighed(self, weighed: FittedAnswers) -> FittedAnswers:
        """What answers rest on, learned from all folds and weighed as what another encoder, trained on fewer, was fitted to.

        Raises:
            InputError: there are too few ECGs.
        """
        return fit_as_weighed(
            self._labelled(self.examined.beside(None), self.facts),
            self._questions(self.facts, "train"),
            weighed,
            encoder=self.vectors.encoder,
            source=f"PTB-XL folds {in_short(TRAINING_FOLDS)} ({len(self.facts)} ECGs), with trust, sharpness, curves and "
            f"thresholds of encoder {weighed.encoder}, fitted on {weighed.source}",
        )

    def _labelled(self, examined: Examined, facts: Sequence[Facts]) -> list[Labelled]:
        found = []
        for one in self.progress(facts, len(facts), "read", "ECG"):
            evidence = examined.evidence(one.ecg_id)
            features = features_of(evidence.recording, evidence.measurements, self.vectors.of(one.ecg_id))
            found.append(Labelled(one, features, evidence))
        return found

    def _questions(self, facts: Sequence[Facts], split: str) -> list[Question]:
        caps = TRAIN if split == "train" else HELD_OUT
        return build(facts, split=split, caps=caps, seed=self.seed, wanted=_of_one)


def check_folds(held: Collection[int]) -> None:
    """Refuse folds that cannot be held back.

    Raises:
        UsageError: these are not some of folds 1-8.
    """
    if not held or not set(held) < set(TRAINING_FOLDS):
        raise UsageError(f"folds held back: {in_short(held) or 'none'}; give some of folds 1-8, as in 7,8")


def in_words(fitted: FittedAnswers, kept: Mapping[str, Kept]) -> tuple[str, ...]:
    """How the promise was kept on ECGs held back, a line a kind of question."""
    return tuple(
        f"held back, {kind}: answers from confidence {_least(kind, fitted)} on; thresholds chosen without a part "
        f"answer {k.coverage:.0%} of {k.n} questions of it, and {k.risk:.3f} ({k.low:.3f} to {k.high:.3f}) of these answers "
        f"are wrong; promised {fitted.risk[kind]:.2f}"
        for kind, k in kept.items()
    )


def _least(kind: str, fitted: FittedAnswers) -> str:
    """The thresholds of a kind, in words."""
    own, noisy = (fitted.least_confidence.get(key) for key in (kind, f"{kind}, disturbance"))
    told = [f"{least:.2f}{name}" for least, name in ((own, ""), (noisy, " (disturbances)")) if least is not None]
    return ", ".join(told)


def in_short(folds: Collection[int]) -> str:
    """Folds in words.

    >>> in_short({1, 2, 3, 8})
    '1-3, 8'
    """
    runs: list[list[int]] = []
    for fold in sorted(folds):
        if runs and fold == runs[-1][-1] + 1:
            runs[-1].append(fold)
        else:
            runs.append([fold])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)


def _of_one(slot: Slot) -> bool:
    return not slot.template.compares
