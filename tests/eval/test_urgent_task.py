"""The task on what must not be missed: who its phantoms are, when a report states a concern, and a run on a few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from precordia.core.errors import UsageError
from precordia.core.findings import Finding
from precordia.eval.harness.registry import TASKS
from precordia.eval.harness.task import Settings
from precordia.eval.tasks.urgent import task as task
from precordia.eval.tasks.urgent.phantoms import OTHERS, PRESENT, phantoms
from precordia.eval.tasks.urgent.task import URGENT, _Outcome, _phantom_rows, _real_rows, _states
from precordia.judgement.urgent import concerns


def test_it_is_registered_and_knows_every_concern() -> None:
    assert TASKS.get("urgent") is URGENT
    assert set(PRESENT) == {row.concept for row in concerns()}


def test_phantoms_repeat_and_differ_with_the_seed() -> None:
    first, again, other = phantoms(2, 1), phantoms(2, 1), phantoms(2, 2)
    assert [(p.name, p.seed) for p in first] == [(p.name, p.seed) for p in again]
    assert not {p.seed for p in first} & {p.seed for p in other}
    assert len({p.name for p in first}) == len(first) == 2 * len(PRESENT) + len(OTHERS) + 1


def test_the_earlier_ecg_is_the_same_persons_and_decides_what_is_new() -> None:
    made = {p.name: p for p in phantoms(1, 3)}
    assert made["AFIB 0"].before == ("SR",)
    assert made["known AFIB 0"].before == ("AFIB",)
    assert made["known AFIB 0"].present == frozenset()
    now, then = made["AFIB 0"].record(100)
    assert (now.age, now.sex) == (then.age, then.sex)
    assert not np.array_equal(now.signal, then.signal)


@pytest.mark.parametrize(
    ("finding", "concern", "stated"),
    [
        (Finding("IMI", severity="acute"), "STEMI", True),
        (Finding("IMI", severity="old"), "STEMI", False),
        (Finding("INJAS"), "STEMI", False),
        (Finding("STE_"), "STEMI", True),
        (Finding("AFIB", "absent"), "AFIB", False),
        (Finding("RAF", "uncertain"), "AFIB", True),
        (Finding("MOB2"), "HAVB", True),
        (Finding("1AVB"), "HAVB", False),
        (Finding("WPW"), "PREEX", True),
        (Finding("LNGQT"), "LNGQT", True),
    ],
)
def test_when_a_report_states_it(finding: Finding, concern: str, stated: bool) -> None:
    assert _states(finding, concern) is stated


def test_figures_leave_out_what_cannot_be_told() -> None:
    one = _Outcome("a", "a", "500 Hz", frozenset({"VT"}), frozenset(), frozenset({"VT"}))
    outcomes = [
        one,
        replace(one, sample="b", patient="b", raised=frozenset()),
        replace(one, sample="c", patient="c", present=frozenset()),
        replace(one, sample="d", patient="d", present=frozenset(), unknown=frozenset({"VT"})),
    ]
    sensitivity, specificity = _phantom_rows(outcomes, "500 Hz", 0)[:2]
    assert (sensitivity.value, sensitivity.n) == (0.5, 2)
    assert (specificity.value, specificity.n) == (0.0, 1)
    alarms = _real_rows(outcomes, "here", 0)[0]
    assert (alarms.metric, alarms.value, alarms.n) == ("false alarms", 1.0, 2)


@pytest.mark.parametrize("option", [{"phantoms": "no"}, {"phantoms": "0"}, {"fold": "nine"}, {"folds": "9"}])
def test_options_that_are_not_understood_are_refused(option: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        URGENT.run(Settings(data=tmp_path, options=option))


@pytest.mark.data
def test_the_task_on_a_few(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "RATES", (500.0,))
    result = URGENT.run(Settings(data=data_dir, limit=6, options={"phantoms": "1"}))
    found = {(row.metric, row.group) for row in result.rows}
    assert ("sensitivity", "ventricular tachycardia, 500 Hz") in found
    assert ("false alarms", "QTc of 500 ms, PTB-XL fold 9") in found
    assert len(result.samples) == 12
    assert not any("report" in sample for sample in result.samples)
