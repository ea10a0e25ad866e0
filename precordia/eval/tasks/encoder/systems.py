"""What the encoder task sets side by side: frozen vectors with a linear probe, and systems fitted to the labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from precordia.core.leads import LEADS
from precordia.core.recording import Recording
from precordia.encoders.encoder import SignalEncoder
from precordia.eval.baselines.openecg import openecg_vectors
from precordia.eval.baselines.spectra import log_spectra
from precordia.eval.harness.task import Settings
from precordia.eval.metrics.probe import Probe, fit_probe
from precordia.records.standardize import standardize, to_windows

OURS: Final = "precordia"
RESNET: Final = "supervised ResNet"
MEASURED: Final = "measurements, boosted trees"
TOGETHER: Final = "precordia and measurements"
UNTRAINED: Final = "untrained"
SPECTRA: Final = "log-spectra"
PCA_RAW: Final = "PCA of the signal"
PCA_BEAT: Final = "PCA of the average beat"
OPENECG: Final = "OpenECG's backbone"
SYSTEMS: Final[Mapping[str, str]] = {
    "resnet": RESNET,
    "measured": MEASURED,
    "together": TOGETHER,
    "untrained": UNTRAINED,
    "spectra": SPECTRA,
    "pca": PCA_RAW,
    "pca-beat": PCA_BEAT,
    "openecg": OPENECG,
}
"""What stands beside ours, by the name that ``--set systems=`` takes."""

USUAL: Final = tuple(name for name in SYSTEMS if name != "openecg")
"""Those that stand there unasked: OpenECG is a package of its own, and takes half a second an ECG."""

Embed = Callable[[Sequence[Recording]], NDArray[np.float32]]

_FEW_C: Final = 1e-2
"""Penalty of a probe where there is nothing to choose it on."""

_COMPONENTS: Final = 64


def networks_folder(settings: Settings) -> Path | None:
    """Where trained networks are kept: ``--set cache=DIR``, else beside the results, else nowhere."""
    given = settings.options.get("cache")
    return Path(given) if given else settings.out / "networks" if settings.out else None


class Learner(Protocol):
    """A system that learns labels of some recordings and scores others."""

    def learn(
        self,
        labels: NDArray[np.bool_],
        rows: NDArray[np.intp],
        choose: NDArray[np.bool_] | None,
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """Scores ``(len(test), n_labels)`` after learning.

        Args:
            labels: ``(n, n_labels)`` of all recordings; only those of ``rows`` may be looked at.
            rows: The recordings to learn from.
            choose: ``(len(rows),)`` which of them settings are chosen on, or None for fixed settings.
            test: The recordings to score.
        """
        ...


@dataclass(eq=False)
class ProbedVectors:
    """Frozen vectors with a logistic regression on them.

    Attributes:
        embed: Recordings to vectors.
        vectors: ``(n, dim)`` of all recordings.
        probe: The one that was last fitted.
    """

    embed: Embed
    vectors: NDArray[np.float32]
    probe: Probe | None = None

    def learn(
        self,
        labels: NDArray[np.bool_],
        rows: NDArray[np.intp],
        choose: NDArray[np.bool_] | None,
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See :class:`Learner`."""
        self.probe = fit_probe(self.vectors[rows], labels[rows], choose, None if choose is not None else _FEW_C)
        return self.probe.scores(self.vectors[test])


@dataclass(eq=False)
class BoostedMeasurements:
    """Measurements with gradient-boosted trees.

    Attributes:
        features: ``(n, n_features)`` of all recordings.
        trees: Number of trees that was last chosen.
    """

    features: NDArray[np.float64]
    trees: int = 0

    def learn(
        self,
        labels: NDArray[np.bool_],
        rows: NDArray[np.intp],
        choose: NDArray[np.bool_] | None,
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See :class:`Learner`."""
        from precordia.eval.baselines.measured import fit_boosted

        fitted = fit_boosted(self.features[rows], labels[rows], choose)
        self.trees = fitted.trees
        return fitted.scores(self.features[test])


@dataclass(eq=False)
class Together:
    """Systems whose log odds are averaged, each learned on its own.

    Attributes:
        parts: They.
    """

    parts: tuple[Learner, ...]

    def learn(
        self,
        labels: NDArray[np.bool_],
        rows: NDArray[np.intp],
        choose: NDArray[np.bool_] | None,
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See :class:`Learner`."""
        scores = [part.learn(labels, rows, choose, test) for part in self.parts]
        out: NDArray[np.float64] = np.mean(scores, axis=0)
        return out


@dataclass(eq=False)
class TrainedResNet:
    """A network trained on the labels.

    Attributes:
        signal: ``(n, 12, n_samples)`` of all recordings, standardized.
        seed: Of every draw.
        cache: Folder of networks that are trained already, or None.
        epochs: Of the network that was last trained.
    """

    signal: NDArray[np.float32]
    seed: int
    cache: Path | None = None
    epochs: int = field(default=0)

    def learn(
        self,
        labels: NDArray[np.bool_],
        rows: NDArray[np.intp],
        choose: NDArray[np.bool_] | None,
        test: NDArray[np.intp],
    ) -> NDArray[np.float64]:
        """See :class:`Learner`."""
        from precordia.eval.baselines.resnet import train_resnet

        trained = train_resnet(self.signal[rows], labels[rows], choose, seed=self.seed, cache=self.cache)
        self.epochs = trained.epochs
        return trained.scores(self.signal[test])


def learners(
    names: Sequence[str],
    encoder: SignalEncoder,
    recordings: Sequence[Recording],
    fit: NDArray[np.bool_],
    seed: int,
    cache: Path | None,
) -> dict[str, Learner]:
    """Ours and those of :data:`SYSTEMS` that are named, in their order.

    Args:
        names: Keys of :data:`SYSTEMS`.
        encoder: Ours; the others see what its signal spec makes of a recording.
        recordings: All, to fit and to score.
        fit: ``(n,)`` which of them components are computed on.
        seed: Of random weights.
        cache: Folder of trained networks, or None.
    """
    from precordia.encoders.checkpoint import untrained
    from precordia.eval.baselines.measured import measured_features

    flat = _flat(recordings, encoder)
    signal = flat.reshape(len(flat), len(LEADS), -1)
    embeds: dict[str, Embed] = {OURS: encoder.embed}
    if "untrained" in names:
        embeds[UNTRAINED] = untrained(encoder.architecture, seed).embed
    if "spectra" in names:
        embeds[SPECTRA] = log_spectra
    if "pca" in names:
        embeds[PCA_RAW] = _principal(flat[fit], lambda some: _flat(some, encoder))
    if "pca-beat" in names:
        fitting = [r for r, wanted in zip(recordings, fit, strict=True) if wanted]
        embeds[PCA_BEAT] = _principal(average_beats(fitting), average_beats)
    if "openecg" in names:
        embeds[OPENECG] = openecg_vectors
    ours = ProbedVectors(encoder.embed, encoder.embed(recordings))
    measured = measured_features(recordings) if {"measured", "together"} & set(names) else np.empty((0, 0))
    found: dict[str, Learner] = {OURS: ours}
    for name, system in SYSTEMS.items():
        if name not in names:
            continue
        if name == "resnet":
            found[system] = TrainedResNet(signal, seed, cache)
        elif name == "measured":
            found[system] = BoostedMeasurements(measured)
        elif name == "together":
            found[system] = Together((replace(ours), BoostedMeasurements(measured)))
        else:
            found[system] = ProbedVectors(embeds[system], embeds[system](recordings))
    return found


def average_beats(recordings: Sequence[Recording]) -> NDArray[np.float32]:
    """``(n, 12 * samples)`` mV: the average of the commonest beats, aligned at R; zero where a lead or all beats are missing."""
    from precordia.measurements.analysis import analyse
    from precordia.measurements.working_rate import AFTER, BEFORE

    out = np.zeros((len(recordings), len(LEADS), BEFORE + AFTER), dtype=np.float32)
    for row, recording in enumerate(recordings):
        analyses = analyse(recording)
        if analyses:
            best = max(analyses, key=lambda one: one.families[0].members.size)
            for lead, samples in zip(best.stretch.leads, best.families[0].average, strict=True):
                if lead in LEADS:
                    out[row, LEADS.index(lead)] = samples
    return out.reshape(len(recordings), -1)


def _principal(fitting: NDArray[np.float32], flatten: Callable[[Sequence[Recording]], NDArray[np.float32]]) -> Embed:
    """The first components of the fitting part, as an embedding."""
    mean = fitting.mean(axis=0)
    basis = np.linalg.svd(fitting - mean, full_matrices=False)[2][:_COMPONENTS]

    def embed(recordings: Sequence[Recording]) -> NDArray[np.float32]:
        out: NDArray[np.float32] = ((flatten(recordings) - mean) @ basis.T).astype(np.float32)
        return out

    return embed


def _flat(recordings: Sequence[Recording], encoder: SignalEncoder) -> NDArray[np.float32]:
    ready = [standardize(recording, encoder.spec) for recording in recordings]
    return np.stack([to_windows(recording, encoder.spec).signal[0].ravel() for recording in ready])
