"""``precordia eval report-labels``: what the labeller reads, against readers of the text and against PTB-XL's codes."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from precordia.concepts import label_report
from precordia.concepts.coding import Coder
from precordia.concepts.terms import SUPERCLASSES
from precordia.core import bootstrap
from precordia.core.errors import InputError
from precordia.datasets.ptbxl import read_superclasses
from precordia.eval.harness.task import Result, Row, Settings, TaskCard
from precordia.eval.tasks.report_labels.data import Coded, read_annotations, read_coded

N_CODES: Final = 30
N_DISAGREEMENTS: Final = 10
READING_GOAL: Final = 0.97
SUPERCLASS_GOAL: Final = 0.80
CODES_GOAL: Final = 0.85
SPEED_GOAL: Final = 2000.0
NEGATED: Final = "with denials"
LANGUAGES: Final = {"en": "English", "de": "German"}

Pairs = frozenset[tuple[str, str]]
Labels = NDArray[np.bool_]


CARD: Final = TaskCard(
    name="report-labels",
    summary=(
        "findings read from reports, against annotations made by reading and against PTB-XL's codes, beside TF-IDF"
    ),
    protocol=(
        "PTB-XL 1.0.3, all 21,837 reports; patients are split by a hash of their number into a tuning half, on which the "
        "vocabulary, the labeller and the coders were made, and an untouched half. Reading: 150 English and 150 German "
        "reports of the untouched half, one a patient, no text twice, and 40 more in which something is denied, annotated "
        "by reading before anything the labeller made of them was seen (rules: docs/concepts.md); a finding counts as right "
        "with its concept and its status. Codes: coders learn on the tuning half and are scored on the untouched half, "
        "micro-averaged; a code is present whatever its likelihood, and a superclass when one of its codes is. "
        "Intervals: bootstrap over patients."
    ),
    source="Wagner et al., PTB-XL, Sci Data 2020;7:154; PhysioNet ptb-xl 1.0.3, CC BY 4.0",
    code=__name__,
)


class ReportLabelsTask:
    """The report labeller against the text and against PTB-XL's codes."""

    card = CARD

    def run(self, settings: Settings) -> Result:
        """Measure; ``part=reading`` or ``part=codes`` measures one of the two.

        Raises:
            InputError: PTB-XL's tables are not in the data folder, or are not those that were annotated.
        """
        folder = settings.data / "ptbxl"
        records = read_coded(folder)
        part = settings.options.get("part", "all")
        rows: list[Row] = []
        samples: list[Mapping[str, object]] = []
        notes = [
            f"{sum(r.untouched for r in records)} of {len(records)} reports are in the untouched half.",
            "The annotations were committed before what the labeller makes of their reports was seen. The first run had a "
            "finding-level F1 of 0.989 (0.983-0.995) on the 300 reports and of 0.945 (0.915-0.973) on the 40 with denials. "
            "Since then no annotation was changed; wordings and ties that it had missed were added, so the figures here "
            "are no longer blind.",
        ]
        if part != "codes":
            read_rows, samples = _reading(records, settings)
            rows += [*read_rows, _speed([r.text for r in records][: settings.limit])]
        if part != "reading":
            code_rows, code_notes = _codes(records, read_superclasses(folder), settings)
            rows += code_rows
            notes += code_notes
        return Result(self.card.name, tuple(rows), tuple(notes), samples, {"part": part, "seed": str(settings.seed)})


def _reading(records: Sequence[Coded], settings: Settings) -> tuple[list[Row], list[Mapping[str, object]]]:
    by_id = {record.ecg_id: record for record in records}
    rows: list[Row] = []
    samples: list[Mapping[str, object]] = []
    for sample in ("random", "negated"):
        truth = read_annotations(sample)
        missing = sorted(set(truth) - set(by_id))
        if missing:
            raise InputError(f"PTB-XL record {missing[0]} was annotated but is not in the table; give PTB-XL 1.0.3")
        drawn = [by_id[ecg_id] for ecg_id in truth][: settings.limit]
        said = {r.ecg_id: frozenset((f.concept, str(f.status)) for f in label_report(r.text)) for r in drawn}
        for group, chosen in _language_groups(drawn) if sample == "random" else [(NEGATED, drawn)]:
            rows += _reading_rows(group, chosen, truth, said, settings.seed)
        samples += [
            {
                "ecg_id": r.ecg_id,
                "sample": sample,
                "language": r.language,
                "missed": _words(truth[r.ecg_id] - said[r.ecg_id]),
                "added": _words(said[r.ecg_id] - truth[r.ecg_id]),
            }
            for r in drawn
        ]
    return rows, samples


def _speed(texts: Sequence[str]) -> Row:
    distinct = list(dict.fromkeys(texts))
    label_report("sinus rhythm")
    start = time.process_time()
    for text in distinct:
        label_report(text)
    seconds = max(time.process_time() - start, 1e-9)
    return Row(
        "precordia",
        "distinct reports read a second, one core",
        len(distinct) / seconds,
        n=len(distinct),
        goal=SPEED_GOAL,
    )


def _language_groups(records: Sequence[Coded]) -> list[tuple[str, list[Coded]]]:
    groups = [("", list(records))]
    return groups + [(name, [r for r in records if r.language == code]) for code, name in LANGUAGES.items()]


def _reading_rows(
    group: str, chosen: Sequence[Coded], truth: Mapping[int, Pairs], said: Mapping[int, Pairs], seed: int
) -> list[Row]:
    rows = []
    patients = [r.patient for r in chosen]
    for status in ("", "present", "uncertain", "absent"):
        true = [_with_status(truth[r.ecg_id], status) for r in chosen]
        ours = [_with_status(said[r.ecg_id], status) for r in chosen]
        n = sum(map(len, true))
        if n == 0:
            continue
        shared = [len(t & o) for t, o in zip(true, ours, strict=True)]
        name = "findings" if not status else f"{status} findings"
        goal = READING_GOAL if not status and not group else None
        rows += _scores("precordia", f"reading, {name}", group, shared, true, ours, patients, seed, goal)
    return rows


def _with_status(pairs: Pairs, status: str) -> Pairs:
    return frozenset(pair for pair in pairs if not status or pair[1] == status)


def _scores(
    system: str,
    what: str,
    group: str,
    shared: Sequence[int],
    true: Sequence[Pairs],
    ours: Sequence[Pairs],
    patients: Sequence[int],
    seed: int,
    goal: float | None,
) -> list[Row]:
    n_true, n_ours = [len(t) for t in true], [len(o) for o in ours]
    both = [a + b for a, b in zip(n_true, n_ours, strict=True)]
    estimate = bootstrap.ratio([2 * s for s in shared], both, patients, seed=seed)
    return [
        Row(system, f"{what}: F1", estimate.value, estimate.low, estimate.high, sum(n_true), group, goal),
        Row(system, f"{what}: precision", sum(shared) / max(1, sum(n_ours)), n=sum(n_ours), group=group),
        Row(system, f"{what}: recall", sum(shared) / max(1, sum(n_true)), n=sum(n_true), group=group),
    ]


def _words(pairs: Pairs) -> str:
    return " ".join(sorted(f"{concept}:{status}" for concept, status in pairs))


def _codes(
    records: Sequence[Coded], superclasses: Mapping[str, str], settings: Settings
) -> tuple[list[Row], list[str]]:
    tuning = [r for r in records if not r.untouched][: settings.limit]
    untouched = [r for r in records if r.untouched][: settings.limit]
    counts = Counter(code for r in tuning for code in r.codes)
    codes = [code for code, _ in counts.most_common(N_CODES)]
    columns: list[Callable[[Coded], bool]] = [_has_code(code) for code in codes]
    columns += [_has_superclass(name, superclasses) for name in SUPERCLASSES]
    y_tuning, y = _labels(tuning, columns), _labels(untouched, columns)
    texts = [r.text for r in untouched]
    rows: list[Row] = []
    notes: list[str] = []
    systems = {
        "precordia": Coder(words=True),
        "precordia, findings alone": Coder(),
        "TF-IDF logistic regression": Coder(findings=False, words=True),
    }
    for system, coder in systems.items():
        given = coder.fit([r.text for r in tuning], y_tuning).predict(texts)
        for what, part, goal in (
            ("superclasses", slice(N_CODES, None), SUPERCLASS_GOAL),
            ("30 codes", slice(0, N_CODES), CODES_GOAL),
        ):
            for group, chosen in (("", np.ones(len(untouched), dtype=bool)), *_masks(untouched)):
                reached = goal if not group and system == "precordia" else None
                rows += _micro(
                    system, what, group, y[chosen, part], given[chosen, part], untouched, chosen, reached, settings.seed
                )
        if system == "precordia":
            notes.append("Commonest disagreements of precordia with PTB-XL: " + _disagreements(codes, y, given))
    return rows, notes


def _has_code(code: str) -> Callable[[Coded], bool]:
    return lambda record: code in record.codes


def _has_superclass(name: str, superclasses: Mapping[str, str]) -> Callable[[Coded], bool]:
    return lambda record: any(superclasses.get(code) == name for code in record.codes)


def _labels(records: Sequence[Coded], columns: Sequence[Callable[[Coded], bool]]) -> Labels:
    return np.array([[column(record) for column in columns] for record in records], dtype=np.bool_)


def _masks(records: Sequence[Coded]) -> list[tuple[str, Labels]]:
    return [(name, np.array([r.language == code for r in records])) for code, name in LANGUAGES.items()]


def _micro(
    system: str,
    what: str,
    group: str,
    y: Labels,
    given: Labels,
    records: Sequence[Coded],
    chosen: Labels,
    goal: float | None,
    seed: int,
) -> list[Row]:
    patients = [r.patient for r, kept in zip(records, chosen, strict=True) if kept]
    shared = (y & given).sum(axis=1)
    estimate = bootstrap.ratio(2 * shared, y.sum(axis=1) + given.sum(axis=1), patients, seed=seed)
    n = len(y)
    return [
        Row(system, f"{what}: micro-F1", estimate.value, estimate.low, estimate.high, n, group, goal),
        Row(system, f"{what}: precision", float(shared.sum() / max(1, given.sum())), n=n, group=group),
        Row(system, f"{what}: recall", float(shared.sum() / max(1, y.sum())), n=n, group=group),
    ]


def _disagreements(codes: Sequence[str], y: Labels, given: Labels) -> str:
    found = Counter[str]()
    for column, code in enumerate(codes):
        found[f"{code} coded, not given"] = int((y[:, column] & ~given[:, column]).sum())
        found[f"{code} given, not coded"] = int((~y[:, column] & given[:, column]).sum())
    return "; ".join(f"{what} {count}" for what, count in found.most_common(N_DISAGREEMENTS))


REPORT_LABELS = ReportLabelsTask()
