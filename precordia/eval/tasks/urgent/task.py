"""``precordia eval urgent``: what must not be missed, on phantom patients of each kind and on real ECGs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from precordia.concepts import findings_from_codes, label_report, vocabulary
from precordia.core import bootstrap
from precordia.core.case import Case, patient_key_of
from precordia.core.errors import UsageError
from precordia.core.findings import Finding, Measurements
from precordia.core.recording import Recording
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.ptbxl import hash_signals, of_folds, read_codes, read_ptbxl_here
from precordia.eval.tasks.urgent.phantoms import RATES, Phantom, phantoms
from precordia.judgement.urgent import concerns, urgent
from precordia.measurements import measure

FOLD: Final = 9
GOAL: Final = 0.95
MOST_FALSE_ALARMS: Final = 0.03
OPTIONS: Final = {"phantoms", "fold"}


@dataclass(frozen=True)
class _Outcome:
    """One ECG: what is there, what cannot be told, what was raised."""

    sample: str
    patient: str
    part: str
    present: frozenset[str]
    unknown: frozenset[str]
    raised: frozenset[str]


CARD: Final = TaskCard(
    name="urgent",
    summary="findings that must not be missed: phantom patients of each, false alarms on real ECGs",
    protocol=(
        "Phantom patients (typical noise) of each finding and of some thirty others, every ECG at 500 and at 100 Hz; option "
        "phantoms=N of each finding, 100 by default, and a seventh of that of each other diagnosis. Their seeds are drawn from "
        "the run's seed; limits were chosen on others (numbers below 600000, as they are) and on PTB-XL, folds 1 to 8. A finding "
        "that stands in another by nature (an infarction's ST elevation beside its acute stage, complete block under a "
        "pacemaker) counts for neither. New fibrillation: the same person with an earlier ECG in sinus rhythm, or in "
        "fibrillation. PTB-XL: the records of fold 9 that are here, at 100 Hz; a false alarm is one on an ECG of which neither "
        "report nor codes state the finding, which a cardiologist may yet have left unsaid; fibrillation there as if an earlier "
        "ECG in sinus rhythm were known. Intervals: bootstrap by patient. Option fold=1-8 shows the part limits were chosen on."
    ),
    source="precordia.simulation; PTB-XL 1.0.3, Wagner et al., Sci Data 2020;7:154 (CC BY 4.0)",
    headline=("sensitivity @ *", "specificity @ *", "false alarms @ *"),
    code=__name__,
)


class UrgentTask:
    """What must not be missed."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure.

        Raises:
            UsageError: an option that is not understood.
            InputError: no PTB-XL.
        """
        folds, count = _folds(settings), _count(settings)
        made = phantoms(count, settings.seed)[: settings.limit]
        simulated = [
            _of_phantom(one, fs) for one in settings.progress(made, len(made), "phantom patients") for fs in RATES
        ]
        here = of_folds(read_ptbxl_here(settings.data), folds)[: settings.limit]
        codes, sha256 = read_codes(settings.data)
        real = [
            _of_recording(r, codes[r.recording_id]) for r in settings.progress(here, len(here), f"PTB-XL, {len(here)}")
        ]
        rows = []
        for fs in RATES:
            rows += _phantom_rows([o for o in simulated if o.part == _part(fs)], _part(fs), settings.seed)
        label = f"PTB-XL fold {settings.options.get('fold', FOLD)}"
        rows += _real_rows(real, label, settings.seed)
        return Result(
            self.card.name,
            tuple(rows),
            _notes(made, real, label),
            [_sample(o) for o in (*simulated, *real)],
            {"phantoms": str(count), "fold": settings.options.get("fold", str(FOLD))},
            {"ptbxl signals": hash_signals(here), "ptbxl_database.csv": sha256},
        )


def _folds(settings: Settings) -> range:
    CARD.check_options(settings.options.keys() - {"replies"}, *OPTIONS)
    first, _, last = settings.options.get("fold", str(FOLD)).partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        raise UsageError(f"option fold={settings.options['fold']!r} is not understood; give a fold, or 1-8")
    return range(int(first), int(last or first) + 1)


def _count(settings: Settings) -> int:
    text = settings.options.get("phantoms", "100")
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"option phantoms={text!r} is not understood; give a number from 1")
    return int(text)


def _part(fs: float) -> str:
    return f"{fs:g} Hz"


def _of_phantom(one: Phantom, fs: float) -> _Outcome:
    recording, earlier = one.record(fs)
    raised = urgent(measure(recording), age=recording.age, sex=recording.sex, earlier=[_case(earlier)])
    return _Outcome(
        f"{one.name} {fs:g}", one.name, _part(fs), one.present, one.unknown, frozenset(c.concept for c in raised)
    )


def _case(recording: Recording) -> Case:
    return Case(1, recording.recording_id, patient_key_of(recording), measurements=measure(recording))


_SINUS: Final = Case(1, "earlier", "earlier", measurements=Measurements(p_ms=100.0, rhythm_regularity="regular"))


def _of_recording(recording: Recording, codes: Sequence[str]) -> _Outcome:
    findings = (*label_report(recording.report or ""), *findings_from_codes(codes))
    raised = urgent(measure(recording), age=recording.age, sex=recording.sex, earlier=[_SINUS])
    return _Outcome(
        recording.recording_id,
        patient_key_of(recording),
        "PTB-XL",
        frozenset(row.concept for row in concerns() if any(_states(f, row.concept) for f in findings)),
        frozenset(),
        frozenset(c.concept for c in raised),
    )


_STATED_BY: Final = {
    "STEMI": {"STEMI", "STE_"},
    "ACMI": {"ACMI", "RECMI", "STEMI", "NSTEMI"},
    "HAVB": {"2AVB"},
    "PREEX": {"PREEX"},
    "AFIB": {"AFIB", "AFAFL"},
    "VT": {"VT", "WQRST"},
}
"""Findings by which a report states a concern, where they are not its own. PTB-XL's "subendocardial injury" is depression."""


def _states(finding: Finding, concern: str) -> bool:
    """Whether a finding of a report, or one that it is a kind of, says so (suspected counts)."""
    if finding.status == "absent":
        return False
    whole = {finding.concept, *vocabulary().ancestors(finding.concept)}
    acute = concern in ("STEMI", "ACMI") and finding.severity in ("acute", "recent") and "MI" in whole
    return acute or bool(whole & _STATED_BY.get(concern, {concern}))


def _phantom_rows(outcomes: Sequence[_Outcome], part: str, seed: int) -> list[Row]:
    rows = []
    for concern in concerns():
        known = [o for o in outcomes if concern.concept not in o.unknown]
        for metric, there in (("sensitivity", True), ("specificity", False)):
            of = [o for o in known if (concern.concept in o.present) is there]
            right = [(concern.concept in o.raised) is there for o in of]
            e = bootstrap.rate(right, [o.patient for o in of], seed=seed)
            group = f"{concern.name}, {part}"
            rows.append(Row("precordia", metric, e.value, e.low, e.high, e.n, group, goal=GOAL))
    return rows


def _real_rows(outcomes: Sequence[_Outcome], label: str, seed: int) -> list[Row]:
    rows = []
    for concern in concerns():
        group = f"{concern.name}, {label}"
        silent = [o for o in outcomes if concern.concept not in o.present]
        e = bootstrap.rate([concern.concept in o.raised for o in silent], [o.patient for o in silent], seed=seed)
        rows.append(
            Row("precordia", "false alarms", e.value, e.low, e.high, e.n, group, MOST_FALSE_ALARMS, at_least=False)
        )
        stated = [o for o in outcomes if concern.concept in o.present]
        if stated:
            e = bootstrap.rate([concern.concept in o.raised for o in stated], [o.patient for o in stated], seed=seed)
            rows.append(Row("precordia", "stated and found", e.value, e.low, e.high, e.n, group))
    loud = bootstrap.rate([bool(o.raised - o.present) for o in outcomes], [o.patient for o in outcomes], seed=seed)
    rows.append(Row("precordia", "ECGs with any false alarm", loud.value, loud.low, loud.high, loud.n, label))
    return rows


def _notes(made: Sequence[Phantom], real: Sequence[_Outcome], label: str) -> tuple[str, ...]:
    return (
        f"{len(made)} phantom patients, each at {' and '.join(_part(fs) for fs in RATES)}; they show that signs are read as they "
        "were drawn, never how well it does on patients.",
        f"{label}: {len(real)} ECGs of {len({o.patient for o in real})} patients. Stated findings there are few: sensitivity on "
        "real ECGs cannot be concluded.",
        "Reports state what their reader thought worth saying: some alarms called false here are a QTc or an ST segment that was "
        "left unsaid.",
    )  # fmt: skip


def _sample(o: _Outcome) -> dict[str, object]:
    return {
        "sample": o.sample,
        "patient": o.patient,
        "part": o.part,
        "present": ";".join(sorted(o.present)),
        "raised": ";".join(sorted(o.raised)),
    }


URGENT = UrgentTask()
