"""Yes and no of a finding: never against the report of the same ECG, and no only where the ECG speaks against it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from precedents import judged, precedent

from precordia.core.findings import Measurements
from precordia.core.leads import LEADS
from precordia.generation.answers.away import measured_away, measured_there
from precordia.generation.answers.certainty import Reading, View, in_doubt, in_numbers, is_denied, together
from precordia.judgement.judge import Judgement
from precordia.judgement.standing import Standing
from precordia.judgement.urgent import Concern

STATED = [precedent(i, "SR", "LVH", similarity=0.97 - i / 100) for i in range(1, 6)]
SILENT = [precedent(i, "SR", similarity=0.97 - i / 100) for i in range(1, 6)]
NUMBERS = Measurements(heart_rate_bpm=72.0, pr_ms=160.0, qrs_ms=92.0)


class Twice(View):
    """A view with readings beside the judgement's."""

    others: tuple[Reading, ...] = ()

    def readings(self, standing: Standing) -> tuple[Reading, ...]:
        return (*super().readings(standing), *self.others)


def certain(judgement: Judgement, concept: str, *others: Reading) -> bool | None:
    view = Twice(judgement)
    object.__setattr__(view, "others", others)
    return view.is_there(judgement.asked(concept))


@pytest.mark.parametrize(
    ("probability", "prevalence", "there"), [(0.9, 0.1, True), (0.05, 0.1, None), (0.12, 0.1, True), (0.6, 0.7, True)]
)
def test_yes_is_said_of_what_the_report_states_and_no_reading_denies(
    probability: float, prevalence: float, there: bool | None
) -> None:
    assert certain(judged(STATED, NUMBERS), "LVH", Reading("other", probability, prevalence)) is there


@pytest.mark.parametrize(("probability", "prevalence", "there"), [(0.01, 0.1, False), (0.9999, 0.1, None)])
def test_no_is_said_of_what_the_report_does_not_state(
    probability: float, prevalence: float, there: bool | None
) -> None:
    assert certain(judged(SILENT, NUMBERS), "LVH", Reading("other", probability, prevalence)) is there


@pytest.mark.parametrize(
    ("probability", "prevalence", "denied"),
    [(0.01, 0.1, True), (0.08, 0.1, False), (0.002, 0.003, True), (0.003, 0.003, False), (0.6, 0.1, False)],
)
def test_a_finding_is_denied_where_it_is_less_likely_than_at_large_or_hardly_likely(
    probability: float, prevalence: float, denied: bool
) -> None:
    assert is_denied([Reading("one", probability, prevalence)]) is denied


@pytest.mark.parametrize(
    ("said", "measured", "asked", "there"),
    [
        ("RBBB", {"qrs_ms": 140.0}, "CRBBB", True),
        ("RBBB", {"qrs_ms": 104.0}, "IRBBB", True),
        ("SR", {"heart_rate_bpm": 52.0}, "SBRAD", True),
        ("SR", {"pr_ms": 240.0}, "1AVB", True),
        ("SR", {"pr_ms": 240.0}, "AVB", True),
        ("SR", {"pr_ms": 160.0}, "1AVB", False),
        ("LBBB", {"qrs_ms": 140.0}, "CRBBB", False),
    ],
)
def test_a_finding_and_a_number_make_up_another(said: str, measured: dict[str, float], asked: str, there: bool) -> None:
    judgement = judged([precedent(i, said) for i in range(1, 6)], replace(NUMBERS, **measured))
    assert certain(judgement, asked) is there


def test_what_the_report_calls_possible_is_affirmed_as_possible() -> None:
    hits = [precedent(i, "SR", possible=("LVH",)) for i in range(1, 6)]
    judgement = judged(hits, NUMBERS)
    (standing,) = [s for s in judgement.said if s.concept == "LVH"]
    assert standing.finding.status == "uncertain"
    assert View(judgement).is_there(standing) is True


def test_a_measured_change_of_the_st_segment_is_there_whoever_states_it() -> None:
    level = dict.fromkeys(LEADS, 0.0) | {"V2": 0.35, "V3": 0.4, "V4": 0.3}
    judgement = judged(SILENT, replace(NUMBERS, st_j60_mv=level, st_j_mv=level))
    assert judgement.standing("STE_").shown
    assert certain(judgement, "STE_", Reading("other", 0.001, 0.02)) is True


def test_what_is_to_be_considered_is_not_denied_beside() -> None:
    judgement = judged(SILENT, NUMBERS)
    concern = Concern("LVH", "hypertrophy", "A sign.", (), "possible", "a source", "", 0.0)
    assert certain(judgement, "LVH") is False
    assert certain(replace(judgement, concerns=(concern,)), "LVH") is None


def test_what_a_measurement_speaks_against_is_not_affirmed() -> None:
    judgement = judged([precedent(i, "CLBBB") for i in range(1, 6)], replace(NUMBERS, qrs_ms=100.0))
    assert judgement.says(judgement.standing("CLBBB"))
    assert certain(judgement, "CLBBB") is None


@pytest.mark.parametrize(("floor", "distant"), [(0.95, False), (0.98, True), (1.2, False)])
def test_an_ecg_is_distant_where_nothing_but_a_close_precedent_is_missing(floor: float, distant: bool) -> None:
    judgement = judged(STATED, NUMBERS, floor=floor)
    assert View(judgement).is_distant is distant
    assert bool(judgement.said) is (floor < 0.96)


@pytest.mark.parametrize(
    ("probabilities", "there"),
    [((0.8, 0.7), True), ((0.8, 0.3), True), ((0.9, 0.05), None), ((0.03, 0.02), False), ((0.06, 0.06), None)],
)
def test_of_a_distant_ecg_is_told_what_all_readings_lean_to_and_make_likely(
    probabilities: tuple[float, ...], there: bool | None
) -> None:
    class Both(View):
        def readings(self, standing: Standing) -> tuple[Reading, ...]:
            return tuple(Reading("one", probability, 0.1) for probability in probabilities)

    judgement = judged(STATED, NUMBERS, floor=0.98)
    assert Both(judgement).is_there(judgement.asked("LVH")) is there


@pytest.mark.parametrize(
    ("concept", "measured", "names"),
    [
        ("PACE", {"paced": False, "n_spikes": 0}, ("paced", "n_spikes")),
        ("PACE", {"paced": None, "n_spikes": None}, ()),
        ("PVC", {"rhythm_regularity": "regular", "rr_sd_ms": 8.0}, ("rhythm_regularity", "rr_sd_ms")),
        ("PVC", {"rhythm_regularity": "irregular", "rr_sd_ms": 8.0}, ()),
        ("CLBBB", {"qrs_ms": 96.0}, ("qrs_ms",)),
        ("CLBBB", {"qrs_ms": 96.0, "confidence": {"qrs_ms": 0.2}}, ()),
        ("AVB", {"pr_ms": 160.0}, ()),
        ("SBRAD", {"heart_rate_bpm": 61.0}, ("heart_rate_bpm",)),
        ("INVT", {"t_mv": dict.fromkeys(LEADS, 0.2)}, ("t_mv",)),
        ("INVT", {"t_mv": dict.fromkeys(LEADS, 0.2) | {"V4": -0.1}}, ()),
        ("STE_", {"st_j_mv": dict.fromkeys(LEADS, 0.0), "st_j60_mv": {"II": 0.0}}, ()),
    ],
)
def test_what_is_measured_away_is_denied_by_the_measurement(
    concept: str, measured: dict[str, object], names: tuple[str, ...]
) -> None:
    numbers = replace(NUMBERS, qrs_ms=None, **measured) if "qrs_ms" not in measured else replace(NUMBERS, **measured)
    assert measured_away(concept, numbers) == names
    view = View(judged(SILENT, numbers, floor=1.2))
    assert not names or (view.is_there(view.asked(concept)) is False and view.asked(concept).measurements == names)


def test_what_the_report_states_is_not_measured_away() -> None:
    numbers = replace(NUMBERS, rhythm_regularity="regular", rr_sd_ms=8.0)
    assert certain(judged([precedent(i, "PVC") for i in range(1, 6)], numbers), "PVC") is True


def test_a_measurement_decides_alone() -> None:
    slow = judged([precedent(i, "SBRAD") for i in range(1, 6)], NUMBERS)
    assert certain(slow, "SBRAD", Reading("other", 0.99, 0.1)) is False
    fast = judged([precedent(i, "SR") for i in range(1, 6)], replace(NUMBERS, heart_rate_bpm=130.0))
    assert certain(fast, "TACHY", Reading("other", 0.01, 0.1)) is True


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0.01, 0.99), min_size=1, max_size=4))
def test_readings_together_lie_between_them(probabilities: list[float]) -> None:
    assert min(probabilities) - 1e-9 <= together(probabilities) <= max(probabilities) + 1e-9


def test_one_reading_that_speaks_for_a_finding_keeps_it_from_being_denied() -> None:
    assert is_denied([Reading("one", 0.05, 0.42), Reading("other", 0.4, 0.5)])
    assert not is_denied([Reading("one", 0.05, 0.42), Reading("other", 0.64, 0.53)])


def test_doubt_is_told_in_numbers() -> None:
    told = in_numbers([Reading("the archive's judgement", 0.31, None), Reading("the fitted answers", 0.2, 0.12)])
    assert told == "31% by the archive's judgement, 20% by the fitted answers; 12% of ECGs at large"
    view = View(judged(SILENT, NUMBERS))
    assert "stated by 0 of 5 precedents" in in_doubt([view.judgement.standing("LVH")], view)


def test_without_withholding_the_likelier_is_taken() -> None:
    judgement = judged(STATED[:2] + SILENT[2:], NUMBERS)
    assert View(judgement, withhold=False).is_there(judgement.standing("LVH")) in (True, False)


def test_what_is_rare_is_not_denied_beside_a_reading_that_leans_towards_it() -> None:
    # A paced ECG at 100 Hz, where stimuli are not seen.
    assert not is_denied([Reading("one", 0.0031, 0.0027), Reading("the other", 0.0025, 0.0037)])
    assert is_denied([Reading("one", 0.0022, 0.0027), Reading("the other", 0.0025, 0.0037)])


@pytest.mark.parametrize(
    ("concept", "measured", "names"),
    [
        ("WPW", {"pr_ms": 100.0, "qrs_ms": 130.0}, ("pr_ms", "qrs_ms")),
        ("PREEX", {"pr_ms": 100.0, "qrs_ms": 130.0}, ("pr_ms", "qrs_ms")),
        ("WPW", {"pr_ms": 100.0, "qrs_ms": 90.0}, ()),
        ("LAFB", {"axis_deg": -60.0, "q_mv": dict.fromkeys(LEADS, 0.0)}, ("axis_deg", "qrs_ms", "q_mv")),
        ("LAFB", {"axis_deg": -60.0, "q_mv": dict.fromkeys(LEADS, 0.0) | {"III": 0.3}}, ()),
    ],
)
def test_what_is_measured_is_there_as_possible_whoever_states_it(
    concept: str, measured: dict[str, object], names: tuple[str, ...]
) -> None:
    numbers = replace(NUMBERS, **measured)
    assert measured_there(concept, numbers) == names
    view = View(judged(SILENT, numbers, floor=1.2))
    asked = view.asked(concept)
    if names:
        assert (view.is_there(asked), asked.finding.status, asked.measurements) == (True, "uncertain", names)
        assert view.is_measured(asked)


@given(
    *(st.floats(low, high) for low, high in ((80, 260), (60, 180), (-180, 180), (30, 150))),
    st.dictionaries(st.sampled_from(LEADS), st.floats(0, 2), min_size=12),
)
def test_nothing_is_measured_to_be_there_and_away(
    pr: float, qrs: float, axis: float, rate: float, waves: dict[str, float]
) -> None:
    numbers = Measurements(
        **{"pr_ms": pr, "qrs_ms": qrs, "axis_deg": axis, "heart_rate_bpm": rate, "rhythm_regularity": "regular"},
        **dict.fromkeys(("r_mv", "s_mv", "q_mv"), waves),
        n_spikes=0,
    )
    for concept in ("CLBBB", "LBBB", "LAFB", "WPW", "RVH"):
        assert not (measured_there(concept, numbers) and measured_away(concept, numbers))


@pytest.mark.parametrize(("other", "there"), [(0.9, True), (0.6, None)])
def test_what_both_readings_are_sure_of_is_there_though_the_report_leaves_it_out(
    other: float, there: bool | None
) -> None:
    judgement = judged([precedent(i, "NORM", similarity=0.97) for i in range(1, 6)], replace(NUMBERS, qrs_ms=118.0))
    silent = replace(judgement, said=())
    assert certain(silent, "NORM", Reading("other", other, 0.4)) is there
