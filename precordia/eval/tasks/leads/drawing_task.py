"""``precordia eval lead-reconstruction``: leads drawn from others, beside the measured ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import findings_from_measurements
from precordia.core import bootstrap
from precordia.core.case import patient_key_of
from precordia.core.findings import Measurements
from precordia.core.leads import CHEST_LEADS, LEADS
from precordia.core.recording import Recording
from precordia.encoders.windows import Ecgs
from precordia.eval.frechet import frechet, space_of
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_ptbxl_here
from precordia.eval.tasks.leads.systems import Cut, Draw, Floats, copied, cut, drawn_by, mean_beats, samples_of
from precordia.fitting.signals.leads.drawing import correlations
from precordia.measurements import measure
from precordia.records.standardize import SignalSpec
from precordia.signals.leads.independent import determined

GIVEN: Final = (("I",), ("II",), ("V5",), ("V2",), ("I", "II"), ("I", "II", "V2"), ("II", "V2", "V5"))
MEASURED_FROM: Final = (("I",), ("II",))
"""From which leads intervals and findings are compared: each takes a minute."""
INTERVALS: Final = {"PR": "pr_ms", "QRS": "qrs_ms", "QT": "qt_ms"}
WITHIN_MS: Final = 10.0
PUBLISHED: Final = {"V1": 4.73, "V2": 4.89, "V3": 5.18, "V4": 4.77, "V5": 4.71, "V6": 5.55}
"""ECGNet's Fréchet distances from one lead (Bagga et al., arXiv 2310.03753)."""
BEATS_FROM: Final = 200
"""Training ECGs of which the mean beat is taken."""
DRAWS: Final = 100
"""Of the bootstrap of a Fréchet distance."""

CARD: Final = TaskCard(
    name="lead-reconstruction",
    summary="leads drawn from one or a few others: correlation, Fréchet distance, kept intervals and findings",
    protocol=(
        "PTB-XL 1.0.3 at 100 Hz, recordings present under DATA/ptbxl, in the band of the signal contract. Scored on "
        "fold 9 (--set fold=8 tunes), which chose nothing; drawers as they ship (--set drawers=linear,network or "
        "folders), learned on folds 1-7. Beside them the first given lead in the place of every other (copy), and each "
        "lead's mean beat over 200 ECGs of folds 1-7 at every beat of the given leads (mean beat). Pearson's "
        "correlation over ten seconds, mean over the leads that are not given. Fréchet distance: stretches of 1 s in mV "
        "on 16 principal components of the lead in folds 1-7. Kept: PR, QRS and QT measured on the twelve leads with "
        "the drawn ones taken as measured, for this comparison alone, within 10 ms of those of the twelve measured "
        "ones, of the ECGs that have them; and findings by the rules of measurements. 95% intervals: bootstrap by "
        "patient."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154 (CC BY 4.0); Bagga et al., ECGNet, arXiv 2310.03753",
    headline=("mean correlation*", "* kept within 10 ms*"),
    code=__name__,
)


class DrawingTask:
    """Leads drawn from others."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option that is not understood.
            InputError: no PTB-XL.
        """
        self.card.check_options(settings.options, "drawers", "fold", "intervals")
        fold = int(settings.options.get("fold", "9"))
        here = read_ptbxl_here(settings.data)
        train = of_folds(here, range(1, 8))
        test = of_folds(here, [fold])[: settings.limit]
        known, asked = Ecgs.of(train, SignalSpec()), Ecgs.of(test, SignalSpec())
        some = slice(0, BEATS_FROM)
        systems: dict[str, Draw] = {
            "copy": copied,
            "mean beat": mean_beats(train[some], Ecgs(known.signal[some], known.leads[some], known.samples[some])),
            **{name: drawn_by(name) for name in settings.options.get("drawers", "linear,network").split(",")},
        }
        patients = [patient_key_of(recording) for recording in test]
        truth = [measure(_recording(r, signal)) for r, signal in zip(test, asked.signal, strict=True)]
        rows: list[Row] = []
        samples: list[dict[str, object]] = []
        for leads in settings.progress(GIVEN, len(GIVEN), "given leads", "group"):
            given = determined(np.isin(LEADS, leads))
            one, group = cut(asked, given), f"from {', '.join(leads)}"
            drawn = {name: draw(one) for name, draw in systems.items()}
            each = {name: correlations(signal, asked.signal, asked.samples) for name, signal in drawn.items()}
            rows += _correlation_rows(each, given, patients, group, settings.seed)
            if len(leads) == 1:
                rows += _frechet_rows(drawn, asked.signal, known.signal, given, patients, group, settings.seed)
            if leads in MEASURED_FROM and settings.options.get("intervals", "yes") == "yes":
                rows += _kept_rows(test, one, drawn, truth, patients, group, settings.seed)
            kept = {name: _mean_of(found, given) for name, found in each.items()}
            samples += samples_of(test, group, "correlation", kept)
        return Result(
            self.card.name,
            tuple(rows),
            (
                f"{len(test)} ECGs of {len(set(patients))} patients",
                "ECGNet was trained and scored on recordings of 15 s of another device, and its abstract does not say "
                "in which space its Fréchet distance lies: its 4.73 to 5.55 stand beside these figures and cannot be "
                "compared with them",
                "a drawn lead that correlates well may still lack the one Q wave that matters: nothing here says that a "
                "drawn lead may be read",
            ),
            samples,
            {"fold": str(fold), "drawers": ",".join(name for name in systems if name not in ("copy", "mean beat"))},
            {"ptbxl signals": hash_signals(test)},
        )


def _recording(recording: Recording, signal: Floats) -> Recording:
    """Twelve leads as if all had been recorded: for comparing alone."""
    return Recording(signal, SignalSpec().fs, LEADS, recording.recording_id, sex=recording.sex, age=recording.age)


def _correlation_rows(
    each: Mapping[str, NDArray[np.float64]], given: NDArray[np.bool_], patients: Sequence[str], group: str, seed: int
) -> Iterator[Row]:
    for name, found in each.items():
        e = bootstrap.mean(_mean_of(found, given), patients, seed=seed)
        yield Row(name, "mean correlation of the leads not given", e.value, e.low, e.high, e.n, group)
        for lead in np.flatnonzero(~given):
            e = bootstrap.mean(np.nan_to_num(found[:, lead]), patients, seed=seed)
            yield Row(name, f"correlation, {LEADS[lead]}", e.value, e.low, e.high, e.n, group)


def _mean_of(found: NDArray[np.float64], given: NDArray[np.bool_]) -> NDArray[np.float64]:
    """``(n,)`` mean correlation of the leads that are not given, flat ones left out; 0 where nothing was drawn."""
    sought = found[:, ~given]
    out: NDArray[np.float64] = np.nan_to_num(sought).sum(axis=1) / np.maximum(np.isfinite(sought).sum(axis=1), 1)
    return out


def _frechet_rows(
    drawn: Mapping[str, Floats],
    measured: Floats,
    known: Floats,
    given: NDArray[np.bool_],
    patients: Sequence[str],
    group: str,
    seed: int,
) -> Iterator[Row]:
    for lead in CHEST_LEADS:
        at = LEADS.index(lead)
        if given[at]:
            continue
        space = space_of(known[:, at])
        true = space.features(measured[:, at])
        halves = np.arange(len(true)) % 2 == 0
        between = frechet(_flat(true[halves]), _flat(true[~halves]))
        yield Row(
            "measured, half against half",
            f"Fréchet distance, {lead}, mV",
            between,
            n=len(true),
            group=group,
            at_least=False,
        )
        for name, signal in drawn.items():
            found = space.features(signal[:, at])

            def distance(
                rows: NDArray[np.intp], found: NDArray[np.float64] = found, true: NDArray[np.float64] = true
            ) -> float:
                return frechet(_flat(found[rows]), _flat(true[rows]))

            e = bootstrap.statistic(distance, len(true), patients, seed=seed, resamples=DRAWS)
            yield Row(name, f"Fréchet distance, {lead}, mV", e.value, e.low, e.high, e.n, group, at_least=False)
        yield Row(
            "ECGNet, as published", f"Fréchet distance, {lead}, own unit", PUBLISHED[lead], group=group, at_least=False
        )


def _kept_rows(
    test: Sequence[Recording],
    one: Cut,
    drawn: Mapping[str, Floats],
    truth: Sequence[Measurements],
    patients: Sequence[str],
    group: str,
    seed: int,
) -> Iterator[Row]:
    """Intervals and findings with the drawn leads beside the given ones, and of the given ones alone."""
    leads = tuple(lead for lead, there in zip(LEADS, one.given[0], strict=True) if there)
    alone = [
        measure(Recording(s[one.given[0]], SignalSpec().fs, leads, r.recording_id, sex=r.sex, age=r.age))
        for s, r in zip(one.signal, test, strict=True)
    ]
    systems = {"given leads alone": alone}
    for name in (name for name in drawn if name not in ("copy", "mean beat")):
        systems[name] = [measure(_recording(r, s)) for r, s in zip(test, drawn[name], strict=True)]
    for name, found in systems.items():
        for interval, key in INTERVALS.items():
            there = [i for i, m in enumerate(truth) if getattr(m, key) is not None]
            kept = [_near(getattr(found[i], key), getattr(truth[i], key)) for i in there]
            e = bootstrap.rate(kept, [patients[i] for i in there], seed=seed)
            yield Row(name, f"{interval} kept within 10 ms", e.value, e.low, e.high, e.n, group)
        said, true = ([_findings(m, r) for m, r in zip(ms, test, strict=True)] for ms in (found, truth))
        kept_by, right = [len(a & b) for a, b in zip(said, true, strict=True)], patients
        for metric, of in (("findings kept", true), ("findings that are right", said)):
            e = bootstrap.ratio(kept_by, [len(one) for one in of], right, seed=seed)
            yield Row(name, metric, e.value, e.low, e.high, e.n, group)


def _near(found: float | None, true: float) -> bool:
    return found is not None and abs(found - true) <= WITHIN_MS


def _findings(measured: Measurements, recording: Recording) -> set[str]:
    found = findings_from_measurements(measured, age=recording.age, sex=recording.sex)
    return {f.concept for f in found if f.status == "present"}


def _flat(features: NDArray[np.float64]) -> NDArray[np.float64]:
    return features.reshape(-1, features.shape[-1])


LEAD_RECONSTRUCTION = DrawingTask()
